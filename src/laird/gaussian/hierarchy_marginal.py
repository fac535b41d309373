"""The log marginal density of a `laird.gaussian.hierarchy` under priors of the coefficients.

Implements `laird.gaussian.theta.Likelihood`: Gaussian and flat priors are integrated out, so
that flat ones give the restricted likelihood; other coefficients are arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laird.gaussian.coefficients import Coefficients, draw_beta, normal_prior
from laird.gaussian.fused_draws import fused_draws
from laird.gaussian.fused_models import Fused, fused_model, fused_values
from laird.gaussian.hierarchy import Hierarchy, density_under, evaluate, evaluated, solve_under
from laird.gaussian.solution import Solution
from laird.gaussian.standardise import Standardisation
from laird.gaussian.theta import Theta

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class HierarchyMarginal:
    """A model with priors of its coefficients.

    Attributes
    ----------
    data, prior
        The model, and the priors of its centred coefficients.
    """

    data: Hierarchy
    prior: Coefficients

    @property
    def blocks(self) -> tuple[tuple[int, ...], ...]:
        """Columns of the concatenated Z that share a correlation matrix."""
        return self.data.blocks

    @property
    def scaling(self) -> Standardisation:
        """Units of the columns."""
        return self.data.scaling

    @property
    def sampled(self) -> Ids:
        """Positions of the coefficients that are arguments."""
        return self.prior.sampled

    @property
    def unit(self) -> Floats:
        """Starred units of a sampled coefficient per user's unit."""
        return self.prior.unit

    def density(self, theta: Theta, b: Floats) -> tuple[float, Theta, Floats]:
        """Value, and its exact gradient in θ and b."""
        return density_under(self.data, self.prior, theta, b)

    def densities(self, theta: Theta, b: Floats) -> Floats:
        """Values at a stack of S parameters: every array of θ and b has a leading axis S."""
        model = fused_model(self.data, self.prior)
        if model is not None:
            return fused_values(model, theta, b)
        return np.array([self._value(at, own) for at, own in zip(unstacked(theta, len(b)), b, strict=True)])

    def _value(self, theta: Theta, b: Floats) -> float:
        found = evaluate(self.data, self.prior, theta, b)
        return -np.inf if found is None else found.value

    def solve(self, theta: Theta, b: Floats) -> Solution:
        """Conditional mean and covariance of the coefficients and group effects."""
        return solve_under(self.data, self.prior, theta, b)

    def draw(self, theta: Theta, b: Floats, rng: np.random.Generator) -> tuple[Floats, tuple[Floats, ...]]:
        """One draw of β (S, p) and of the group effects, by factor (S, J, q), per stacked θ."""
        model = fused_model(self.data, self.prior)
        return self._draw_each(theta, b, rng) if model is None else self._draw_all(model, theta, b, rng)

    def _draw_all(
        self, model: Fused, theta: Theta, b: Floats, rng: np.random.Generator
    ) -> tuple[Floats, tuple[Floats, ...]]:
        data = self.data
        beta, u = fused_draws(model, theta, b, rng, data.scaling, data.columns)
        for f, s in enumerate(data.s):
            if s.shape[1]:
                u[f][...] *= np.exp(theta.delta[f] @ s.T)[..., None]
        return beta, u

    def _draw_each(
        self, theta: Theta, b: Floats, rng: np.random.Generator
    ) -> tuple[Floats, tuple[Floats, ...]]:
        data, draws = self.data, len(b)
        beta = np.empty((draws, data.p))
        effects = [list[Floats]() for _ in data.columns]
        for s, (at, own) in enumerate(zip(unstacked(theta, draws), b, strict=True)):
            found = evaluated(data, self.prior, at, own)
            beta[s] = draw_beta(self.prior, found.integrated, rng)
            drawn = data.body.draw(found.state, beta[s], rng)
            for kept, u, e in zip(effects, drawn, found.state.stretch, strict=True):
                kept.append(u if e is None else u * e[:, None])
        units = data.scaling
        by_factor = (
            units.y_scale * np.stack(kept) @ units.T[place, place].T
            for kept, place in zip(effects, data.columns, strict=True)
        )
        return units.beta(beta), tuple(by_factor)


def bind(data: Hierarchy, mean: Floats, precision: Floats, sampled: Sequence[int] = ()) -> HierarchyMarginal:
    """Bind priors γ_k ~ N(mean_k, 1/precision_k), flat where the precision is 0, to a model.

    Parameters
    ----------
    data
        The model.
    mean, precision
        Of the centred coefficients (`laird.gaussian.marginal`), shapes (p,), in the user's
        units; entries of sampled coefficients are ignored.
    sampled
        Positions of coefficients that stay arguments of the density.

    Examples
    --------
    >>> from laird.gaussian.hierarchy import arrange, density
    >>> from laird.gaussian.noise import residual
    >>> v, one = np.array([0.1, 0.2, 0.1]), np.ones((3, 1))
    >>> data = arrange(np.array([1.0, 2.0, 4.0]), one, [], [], [], [], [], residual(one, variances=v))
    >>> at = Theta(np.zeros((0, 0)), np.array([0.0]))
    >>> flat = bind(data, np.zeros(1), np.zeros(1))
    >>> bool(np.isclose(flat.density(at, np.zeros(0))[0], density(data, at, restricted=True)[0]))
    True
    """
    return HierarchyMarginal(data, normal_prior(data.scaling, mean, precision, sampled))


def unstacked(theta: Theta, draws: int) -> list[Theta]:
    """The parameters of each draw; arrays without entries need no leading axis."""

    def at(values: Floats, s: int) -> Floats:
        return values[s] if values.ndim > 1 else values

    return [
        Theta(
            *(theta.L[s], at(theta.alpha, s), tuple(at(own, s) for own in theta.delta)),
            *(at(theta.log_phi, s), at(theta.zeta, s)),
        )
        for s in range(draws)
    ]
