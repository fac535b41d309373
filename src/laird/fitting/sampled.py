"""The spread of coefficients whose priors are not Gaussian, at the mode.

They are not integrated out but stand beside the covariance parameters as b.  Given those, the
log density of b is quadratic but for its prior, and the conditional means of β and u are linear
in b.  With Σ_b the inverse of its negative Hessian and J the derivatives of the means,

    cov(β, u) = cov(β, u | b) + J Σ_b J',

which for a prior that is nearly normal is what integrating b out gives.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from laird.gaussian.solution import Effects, Solution
from laird.gaussian.theta import Theta
from laird.posterior.density import Posterior

type Floats = NDArray[np.float64]

STEP = 1e-3
"""Of differences of a prior's slope, in sds of b as the data alone give them."""


def marginal_solution(target: Posterior, theta: Theta, b: Floats) -> Solution:
    """β and u at the mode, with covariances that count the spread of b.

    Parameters
    ----------
    target
        Likelihood and priors.
    theta, b
        The mode; b has length zero where all coefficients are integrated out.
    """
    solution = target.likelihood.solve(theta, b)
    if not len(b):
        return solution
    units, cov = _spread(target, theta, b)
    moved = [target.likelihood.solve(theta, b + own) for own in np.diag(units)]
    d_beta = _slopes([own.beta for own in moved], solution.beta, units)
    effects = tuple(
        _spread_effects(own, d_beta, _slopes([m.effects[f].u for m in moved], own.u, units), cov)
        for f, own in enumerate(solution.effects)
    )
    return Solution(solution.beta, solution.beta_cov + d_beta @ cov @ d_beta.T, effects)


def _slopes(moved: list[Floats], at: Floats, units: Floats) -> Floats:
    """Derivatives in b on a last axis."""
    return np.stack([(own - at) / unit for own, unit in zip(moved, units, strict=True)], axis=-1)


def _spread_effects(own: Effects, d_beta: Floats, d_u: Floats, cov: Floats) -> Effects:
    return Effects(
        u=own.u,
        cov=own.cov + d_u @ cov @ d_u.transpose(0, 2, 1),
        beta_cov=own.beta_cov + d_u @ cov @ d_beta.T,
        weights=own.weights,
    )


def _spread(target: Posterior, theta: Theta, b: Floats) -> tuple[Floats, Floats]:
    """Sds of b as the data alone give them (k,), and its covariance given θ (k, k)."""
    priors = target.coordinates.priors.part(target.coordinates.places.slices()[-1])
    data = _information(lambda at: target.likelihood.density(theta, at)[2], b, np.ones(len(b)))
    units = 1.0 / np.sqrt(np.diag(data))
    return units, np.linalg.inv(data + _information(lambda at: priors(at)[1], b, STEP * units))


def _information(gradient: Callable[[Floats], Floats], b: Floats, steps: Floats) -> Floats:
    """The negative Hessian at b, by central differences of the gradient."""
    rows = [(gradient(b - own) - gradient(b + own)) / (2 * own.sum()) for own in np.diag(steps)]
    H = np.array(rows)
    return np.asarray((H + H.T) / 2)
