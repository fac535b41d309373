"""Every Gaussian model that a formula can say: any factors, regressions of sds, known V, outcomes.

Stacked rows y = Xβ + Σ_f Z_f u_f + e with u_fj ~ N(0, exp(2 s_fj'δ_f) G_f) and e ~ N(0, R), R as
in `laird.gaussian.noise`; `laird.gaussian.arrangement` chooses the structure.  Each gives
S = W'Σ⁻¹W, W = [X y], and log|Σ|, with derivatives; all else is algebra on S.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.gaussian.arrangement import Rows, body_of
from laird.gaussian.body import Body, Derivatives, Eliminated
from laird.gaussian.coefficients import Coefficients, Integrated, flat_prior, integrate
from laird.gaussian.composite import Blocks, joined_blocks, user_effects
from laird.gaussian.frozen import freeze
from laird.gaussian.grouped import LOG_2PI
from laird.gaussian.noise import Noise, chain, covariance, variance_slopes
from laird.gaussian.outcomes import star
from laird.gaussian.solution import Solution
from laird.gaussian.standardise import Standardisation
from laird.gaussian.theta import Theta

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

_NONE: Floats = np.zeros(0)


@dataclass(frozen=True, slots=True, eq=False)
class Hierarchy:
    """A model, reduced.

    Attributes
    ----------
    body
        The rows, and how effects are eliminated from them.
    s
        Predictors of the log sd of each factor's groups, without a constant, (J, l).
    columns, blocks, scaling
        As in `laird.gaussian.composite.Composite`.
    to_starred
        Λ* = to_starred·L, shape (q, q).
    n, constant
        Rows (or sum of weights); parameter-free part of -2 log likelihood.
    flat
        Flat priors of the coefficients, for ML and REML.
    """

    body: Body
    s: tuple[Floats, ...]
    columns: tuple[slice, ...]
    blocks: Blocks
    scaling: Standardisation
    to_starred: Floats
    n: float
    constant: float
    flat: tuple[Coefficients, Coefficients]

    def __post_init__(self) -> None:
        freeze(self)

    @property
    def p(self) -> int:
        """Number of fixed-effect columns."""
        return len(self.scaling.x_scale)

    @property
    def q(self) -> int:
        """Number of random-effect columns of all factors."""
        return len(self.to_starred)


def arrange(
    y: Floats,
    X: Floats,
    Z: Sequence[Floats],
    ids: Sequence[Ids],
    counts: Sequence[int],
    blocks: Sequence[Blocks],
    s: Sequence[Floats],
    noise: Noise,
) -> Hierarchy:
    """Choose the structure of a model and reduce its rows.

    Parameters
    ----------
    y, X, Z, ids, counts, blocks
        As in `laird.gaussian.composite.compose`; no factors are allowed.
    s
        By factor, predictors of the log sd of its groups, shape (J, l); l may be 0.
    noise
        The rows' residual covariance.

    Raises
    ------
    FitError
        If rows are weighted that are not independent, or if too many rows are connected
        for a structure without a sparse method.

    Examples
    --------
    >>> from laird.gaussian.noise import residual
    >>> v, one = np.array([0.1, 0.2, 0.1]), np.ones((3, 1))
    >>> data = arrange(np.array([1.0, 2.0, 4.0]), one, [], [], [], [], [], residual(one, variances=v))
    >>> value, gradient = density(data, Theta(np.zeros((0, 0)), np.array([0.0])), restricted=True)
    >>> print(round(value, 6), gradient.alpha.round(6))
    -4.628797 [2.075223]
    """
    columns, joined = joined_blocks([z.shape[1] for z in Z], blocks)
    starred = star(y, X, np.hstack([np.zeros((len(y), 0)), *Z]), joined, noise.which)
    units, weights = starred.units, np.ones(len(y)) if noise.weights is None else noise.weights
    W, parts = np.column_stack([starred.X, starred.y]), [starred.Z[:, own] for own in columns]
    return Hierarchy(
        body=body_of(Rows(W, starred.scale, parts, ids, counts), noise),
        s=tuple(np.array(own, dtype=float, order="C") for own in s),
        columns=columns,
        blocks=joined,
        scaling=units,
        to_starred=np.linalg.inv(units.T) / units.y_scale,
        n=float(weights.sum()),
        constant=float(weights.sum() * LOG_2PI + 2.0 * weights @ np.log(starred.scale)),
        flat=(flat_prior(units, restricted=False), flat_prior(units, restricted=True)),
    )


def density(data: Hierarchy, theta: Theta, *, restricted: bool) -> tuple[float, Theta]:
    """(Restricted) log-likelihood, maximised over β, and its gradient; user's units.

    -∞ with a zero gradient where R or X'Σ⁻¹X is not positive definite.
    """
    return density_under(data, data.flat[restricted], theta, _NONE)[:2]


def density_under(
    data: Hierarchy, prior: Coefficients, theta: Theta, b: Floats
) -> tuple[float, Theta, Floats]:
    """Log density with coefficients integrated out under `prior`, and its gradient in θ and b.

    Parameters
    ----------
    data, prior
        Model, and priors of the coefficients.
    theta
        Covariance parameters.
    b
        Sampled coefficients, user's units, shape (k,).
    """
    found = evaluate(data, prior, theta, b)
    if found is None:
        return -np.inf, _zero(theta), np.zeros(len(b))
    derivatives = data.body.derivatives(found.state, found.integrated.D)
    gradient = _gradient(data, found.state, derivatives)
    return found.value, gradient, -0.5 * prior.unit * found.integrated.d_b


class Evaluation(NamedTuple):
    """Log density, and the elimination and coefficients that it came from."""

    value: float
    state: Eliminated
    integrated: Integrated


def evaluate(data: Hierarchy, prior: Coefficients, theta: Theta, b: Floats) -> Evaluation | None:
    """The log density at θ and b without its gradient; None where it does not exist."""
    state = data.body.eliminate(
        covariance(data.body.layout, theta), _factors(data, theta.L), stretch_of(data, theta)
    )
    if state is None:
        return None
    found = integrate(prior, state.S, prior.starred(b))
    value = -0.5 * (state.logdet + found.value + data.constant + prior.constant)
    return Evaluation(value, state, found) if np.isfinite(value) else None


def stretch_of(data: Hierarchy, theta: Theta) -> list[Floats | None]:
    """How many times larger the sds of every group are, by factor (J,); None where all are equal."""
    return [np.exp(own @ theta.delta[f]) if own.shape[1] else None for f, own in enumerate(data.s)]


def _factors(data: Hierarchy, L: Floats) -> list[Floats]:
    starred = data.to_starred @ L
    return [np.ascontiguousarray(starred[own, own]) for own in data.columns]


def _zero(theta: Theta) -> Theta:
    return Theta(
        np.zeros_like(theta.L),
        np.zeros_like(theta.alpha),
        tuple(np.zeros_like(own) for own in theta.delta),
        np.zeros_like(theta.log_phi),
        np.zeros_like(theta.zeta),
    )


def _gradient(data: Hierarchy, state: Eliminated, found: Derivatives) -> Theta:
    d_L = np.zeros((data.q, data.q))
    for own, H, Lam in zip(data.columns, found.G, state.factors, strict=True):
        d_L[own, own] = -H @ Lam
    alpha, log_phi, zeta = chain(data.body.layout, state.covariance, found.R)
    delta = tuple(
        np.zeros(0) if by_group is None else -by_group @ own
        for own, by_group in zip(data.s, found.log_sd, strict=True)
    )
    return Theta(data.to_starred.T @ d_L, -0.5 * alpha, delta, -0.5 * log_phi, -0.5 * zeta)


def sigma2_slope(data: Hierarchy, theta: Theta, *, restricted: bool) -> Floats:
    """Derivative of the (restricted) log-likelihood in the σ² of each column of W, shape (k,).

    For constant σ, one column by outcome: also at σ = 0, where it says whether the maximum
    is there (α is then -∞).  Correlations of outcomes do not count.
    """
    found = evaluate(data, data.flat[restricted], theta, _NONE)
    if found is None:
        return np.full(len(theta.alpha), np.nan)
    B = data.body.derivatives(found.state, found.integrated.D).R
    return -0.5 * variance_slopes(data.body.layout, B)


def solve(data: Hierarchy, theta: Theta) -> Solution:
    """β̂, the effects and their joint conditional covariance; user's units."""
    return solve_under(data, data.flat[True], theta, _NONE)


def solve_under(data: Hierarchy, prior: Coefficients, theta: Theta, b: Floats) -> Solution:
    """Conditional mean and covariance of the coefficients and effects under `prior`."""
    found = evaluated(data, prior, theta, b)
    units, state, own = data.scaling, found.state, found.integrated
    effects = data.body.effects(state, own.beta, own.cov)
    information, i = np.zeros((data.p, data.p)), prior.integrated
    information[np.ix_(i, i)] = state.S[np.ix_(i, i)] + prior.P
    return Solution(
        units.beta(own.beta),
        units.beta_cov(own.cov),
        tuple(
            user_effects(
                *(units, place, Lam, information, *of_factor),
                scale=np.ones((1, 1)),
                stretch=None if e is None else e[:, None],
            )
            for place, Lam, of_factor, e in zip(
                data.columns, state.factors, effects, state.stretch, strict=True
            )
        ),
    )


def evaluated(data: Hierarchy, prior: Coefficients, theta: Theta, b: Floats) -> Evaluation:
    """`evaluate`, or LinAlgError where the density does not exist."""
    found = evaluate(data, prior, theta, b)
    if found is None:
        raise np.linalg.LinAlgError("R or X'Σ⁻¹X is singular")
    return found
