"""How the covariance of β̂ varies with the estimated covariance parameters, by Satterthwaite's method.

As lmerTest has it (Kuznetsova et al. 2017): C = Cov(β̂), its gradient in the covariance parameters θ
(entries of a factor of G, coefficients of log sds, of correlations), and Cov(θ̂) from the Hessian of the
(restricted) log-likelihood; the result does not depend on how θ is written.  Directions that the estimate
has lost (a variance of zero, a correlation of ±1) do not count.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting.degrees import inner_outer
from laird.fitting.fitted import Fitted
from laird.fitting.freecoordinates import free_coordinates
from laird.fitting.frozen import freeze
from laird.fitting.newton import hessian
from laird.fitting.problem import Problem
from laird.gaussian import hierarchy
from laird.gaussian.hierarchy import Hierarchy
from laird.gaussian.reduced import Reduced, density, information
from laird.gaussian.theta import Theta

type Floats = NDArray[np.float64]

STEP = 1e-4
"""Of coordinates of order one; the error of a central difference of fourth order is about STEP⁴."""

LOST = 1e-10
"""An eigenvalue of the scaled Hessian below this is a direction without information."""


@dataclass(frozen=True, slots=True, eq=False)
class Covariation:
    """Covariance of β̂ around the estimated covariance parameters, user's units.

    Attributes
    ----------
    cov
        C, the covariance at the estimate, shape (p, p).
    gradient
        ∂C/∂θ, shape (k, p, p).
    parameter_cov
        Covariance of θ̂, shape (k, k).
    adjusted
        What standard errors come from: C, or Kenward and Roger's Φ_A.
    """

    cov: Floats
    gradient: Floats
    parameter_cov: Floats
    adjusted: Floats

    def __post_init__(self) -> None:
        freeze(self)


def covariation(problem: Problem, theta: Theta, beta_cov: Floats, *, restricted: bool) -> Covariation:
    """Covariation at the maximum θ of the (`restricted`) likelihood, where β̂ has the covariance `beta_cov`.

    Raises
    ------
    FitError
        The log-likelihood is flat at the estimate.
    """
    data = problem.data
    at = free_coordinates(problem, theta)

    def deviance(part: Floats) -> tuple[float, Floats]:
        value, gradient = _log_likelihood(data, at.theta(part), restricted=restricted)
        return -2 * value, -2 * at.gradient(part, gradient)

    def covariance(part: Floats) -> Floats:
        return _beta_cov(data, at.theta(part))

    gradient = np.array(_derivatives(covariance, at.start)).reshape(-1, data.p, data.p)
    spread = 2 * inverse_information(hessian(deviance, at.start))
    return Covariation(covariance(at.start), gradient, spread, beta_cov)


def _log_likelihood(data: Reduced | Hierarchy, theta: Theta, *, restricted: bool) -> tuple[float, Theta]:
    if isinstance(data, Hierarchy):
        return hierarchy.density(data, theta, restricted=restricted)
    sigma = float(np.exp(theta.alpha[0]))
    value, d_L, d_sigma = density(data, theta.L, sigma, restricted=restricted)
    return value, Theta(d_L, np.array([d_sigma * sigma]))


def _beta_cov(data: Reduced | Hierarchy, theta: Theta) -> Floats:
    """Cov(β̂) at θ, user's units."""
    if isinstance(data, Hierarchy):
        return hierarchy.solve(data, theta).beta_cov
    sigma = float(np.exp(theta.alpha[0]))
    S = information(data, np.linalg.inv(data.scaling.T) @ theta.L / sigma)
    cov = data.scaling.beta_cov(np.linalg.inv(S[:-1, :-1])) * (sigma / data.scaling.y_scale) ** 2
    return np.asarray((cov + cov.T) / 2)


def _derivatives(function: Callable[[Floats], Floats], x: Floats) -> list[Floats]:
    """Central differences of fourth order in every coordinate."""
    found = []
    for step in np.diag(STEP * np.maximum(np.abs(x), 0.1)):
        near = function(x + step) - function(x - step)
        far = function(x + 2 * step) - function(x - 2 * step)
        found.append((8 * near - far) / (12 * step.sum()))
    return found


def inverse_information(H: Floats) -> Floats:
    """Inverse of the Hessian of the deviance without the directions that carry no information."""
    size = np.sqrt(np.abs(np.diag(H)))
    if not np.all(np.isfinite(H)) or np.any(size == 0):
        raise _flat()
    w, U = np.linalg.eigh(H / np.outer(size, size))
    if np.any(w < -1e-6):
        raise _flat()
    informative = w > LOST
    half = U[:, informative] / np.sqrt(w[informative]) / size[:, None]
    return np.asarray(half @ half.T)


def _flat() -> FitError:
    return FitError(
        "The log-likelihood has no maximum in the covariance parameters at this fit, so that degrees of "
        "freedom cannot be computed.",
        remedy="Look at `fit.check()`; simplify the random part of the model.",
    )


def of_rows(K: Floats, c: Covariation) -> Floats:
    """Degrees of freedom of every row of K, 2(k'Ck)²/Var(k'Ck), shape (r,).

    Satterthwaite (1946), or Kenward and Roger's (1997), for whom they coincide at one row.
    """
    variance = np.einsum("rp,ps,rs->r", K, c.cov, K)
    gradient = np.einsum("rp,kps,rs->rk", K, c.gradient, K)
    uncertainty = np.einsum("rk,kh,rh->r", gradient, c.parameter_cov, gradient)
    with np.errstate(divide="ignore"):
        return np.asarray(2.0 * variance**2 / uncertainty)


def default_degrees(fit: Fitted, K: Floats) -> tuple[Floats, str]:
    """Degrees of freedom of every row of K and the name of their method: n - p for least squares."""
    design = fit.problem.design
    if fit.theta is None or fit.method == "ols":
        return np.full(len(K), inner_outer(design, ()).min()), "residual"
    if design.known is not None and not design.random:
        raise FitError(
            "Next to known sampling variances and without group effects the small-sample method of Knapp "
            "and Hartung takes the place of Satterthwaite's.",
            remedy="It is the default of `laird.contextual(fit, variable)`.",
        )
    own = covariation(fit.problem, fit.theta, fit.point.beta_cov, restricted=fit.method == "reml")
    return of_rows(K, own), "satterthwaite"
