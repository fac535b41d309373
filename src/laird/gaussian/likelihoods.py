"""The structures with a constant sigma as `laird.gaussian.theta.Likelihood`: one factor, or several.

Priors of the coefficients are bound to the cross-products; what is left depends on the
covariance parameters only.  Gradients are in θ itself, α = log σ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.gaussian import hierarchy_marginal
from laird.gaussian.coefficients import Coefficients, Integrated, integrate, normal_prior
from laird.gaussian.composite import Composite
from laird.gaussian.crossproducts import Grouped
from laird.gaussian.fused_draws import fused_draws
from laird.gaussian.fused_models import Fused, fused_model, fused_values
from laird.gaussian.grouped import LOG_2PI
from laird.gaussian.hierarchy import Hierarchy
from laird.gaussian.marginal import Marginal, log_densities, log_density, marginal
from laird.gaussian.solution import Solution, draw, solve
from laird.gaussian.standardise import Standardisation
from laird.gaussian.theta import Likelihood, Theta

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class GroupedLikelihood:
    """One grouping factor, or none, with a constant sigma."""

    problem: Marginal

    @property
    def blocks(self) -> tuple[tuple[int, ...], ...]:
        """See `laird.gaussian.theta.Likelihood`."""
        return self.problem.data.blocks

    @property
    def scaling(self) -> Standardisation:
        """See `laird.gaussian.theta.Likelihood`."""
        return self.problem.data.scaling

    @property
    def sampled(self) -> Ids:
        """See `laird.gaussian.theta.Likelihood`."""
        return self.problem.sampled

    @property
    def unit(self) -> Floats:
        """See `laird.gaussian.theta.Likelihood`."""
        return self.problem.unit

    def density(self, theta: Theta, b: Floats) -> tuple[float, Theta, Floats]:
        """Value, and its exact gradient in θ and b."""
        sigma = float(np.exp(theta.alpha[0]))
        value, d_L, d_sigma, d_b = log_density(self.problem, theta.L, sigma, b)
        return value, Theta(d_L, np.array([d_sigma * sigma])), d_b

    def densities(self, theta: Theta, b: Floats) -> Floats:
        """Values at a stack of parameters."""
        return log_densities(self.problem, theta.L, np.exp(theta.alpha[:, 0]), b)

    def solve(self, theta: Theta, b: Floats) -> Solution:
        """Conditional mean and covariance of the coefficients and group effects."""
        return solve(self.problem, theta.L, float(np.exp(theta.alpha[0])), b)

    def draw(self, theta: Theta, b: Floats, rng: np.random.Generator) -> tuple[Floats, tuple[Floats, ...]]:
        """One draw of β (S, p) and of the group effects, by factor (S, J, q), per stacked θ."""
        beta, u = draw(self.problem, theta.L, np.exp(theta.alpha[:, 0]), b, rng)
        return beta, (u,) if self.problem.data.q else ()


class _State(NamedTuple):
    """σ in starred units, relative factors, their elimination, and the coefficients."""

    sigma: float
    relative: Floats
    factors: list[Floats]
    done: Any
    found: Integrated


@dataclass(frozen=True, slots=True, eq=False)
class CompositeLikelihood:
    """Several grouping factors, nested or crossed, with a constant sigma."""

    data: Composite
    prior: Coefficients

    @property
    def blocks(self) -> tuple[tuple[int, ...], ...]:
        """See `laird.gaussian.theta.Likelihood`."""
        return self.data.blocks

    @property
    def scaling(self) -> Standardisation:
        """See `laird.gaussian.theta.Likelihood`."""
        return self.data.scaling

    @property
    def sampled(self) -> Ids:
        """See `laird.gaussian.theta.Likelihood`."""
        return self.prior.sampled

    @property
    def unit(self) -> Floats:
        """See `laird.gaussian.theta.Likelihood`."""
        return self.prior.unit

    def density(self, theta: Theta, b: Floats) -> tuple[float, Theta, Floats]:
        """Value, and its exact gradient in θ and b."""
        s, data = self._state(theta, b), self.data
        value = self._value(s)
        if not np.isfinite(value):
            return -np.inf, Theta(np.zeros_like(theta.L), np.zeros(1)), np.zeros(len(b))
        D = s.found.D / s.sigma**2
        d_relative = data.gradient(s.factors, s.done, D)
        d_log_sigma = 2.0 * (data.n - np.sum(D * s.done.S)) - np.sum(d_relative * s.relative)
        scale = data.scaling.y_scale * s.sigma
        d_L = np.linalg.inv(data.scaling.T).T @ d_relative / scale
        gradient = Theta(-0.5 * d_L, np.array([-0.5 * d_log_sigma]))
        return value, gradient, -0.5 * s.found.d_b * self.prior.unit

    def densities(self, theta: Theta, b: Floats) -> Floats:
        """Values at a stack of parameters."""
        return fused_values(self._model, theta, b)

    def _value(self, s: _State) -> float:
        n, units = self.data.n, self.data.scaling
        log_sigma = np.log(s.sigma) + np.log(units.y_scale)
        value = s.done.logdet + n * (LOG_2PI + 2.0 * log_sigma) + s.found.value + self.prior.constant
        return float(-0.5 * value) if np.isfinite(value) else -np.inf

    def _state(self, theta: Theta, b: Floats) -> _State:
        units = self.data.scaling
        sigma = float(np.exp(theta.alpha[0])) / units.y_scale
        relative = np.linalg.inv(units.T) @ theta.L / (units.y_scale * sigma)
        factors, done = self.data.eliminated(relative)
        S = np.ascontiguousarray(done.S / sigma**2)
        return _State(sigma, relative, factors, done, integrate(self.prior, S, self.prior.starred(b)))

    def solve(self, theta: Theta, b: Floats) -> Solution:
        """Conditional mean and covariance of the coefficients and group effects."""
        s, data = self._state(theta, b), self.data
        cov = s.found.cov / s.sigma**2
        return data.solution(s.factors, s.done, s.found.beta, cov, s.sigma)

    def draw(self, theta: Theta, b: Floats, rng: np.random.Generator) -> tuple[Floats, tuple[Floats, ...]]:
        """One draw of β (S, p) and of the group effects, by factor (S, J, q), per stacked θ."""
        data = self.data
        return fused_draws(self._model, theta, b, rng, data.scaling, data.columns)

    @property
    def _model(self) -> Fused:
        found = fused_model(self.data, self.prior)
        if found is None:
            raise TypeError(f"No compiled density for {type(self.data.body).__name__}.")
        return found


def bind(
    data: Grouped | Composite | Hierarchy, mean: Floats, precision: Floats, sampled: Sequence[int] = ()
) -> Likelihood:
    """Bind priors γ_k ~ N(mean_k, 1/precision_k) of centred coefficients, flat where the precision is 0.

    Parameters
    ----------
    data
        The model, reduced.
    mean, precision
        Shapes (p,), in the user's units; entries of sampled coefficients are ignored.
    sampled
        Positions of coefficients that stay arguments.
    """
    if isinstance(data, Hierarchy):
        return hierarchy_marginal.bind(data, mean, precision, sampled)
    if isinstance(data, Grouped):
        return GroupedLikelihood(marginal(data, mean, precision, sampled))
    return CompositeLikelihood(data, normal_prior(data.scaling, mean, precision, sampled))
