"""How the covariance of β̂ varies with the estimated covariance parameters: all that degrees of freedom need.

Satterthwaite's (1946) method, as lmerTest has it (Kuznetsova et al. 2017): C = Cov(β̂), its gradient in the
covariance parameters θ (entries of a factor of G, coefficients of log sds, of correlations), and Cov(θ̂) from
the Hessian of the (restricted) log-likelihood; the result does not depend on how θ is written.  Directions
that the estimate has lost (a variance of zero, a correlation of ±1) do not count.  Kenward & Roger's (1997)
method: the same with the expected information, and an adjusted C.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting.frozen import freeze
from laird.fitting.newton import hessian
from laird.fitting.problem import Problem
from laird.fitting.result import Fit
from laird.gaussian import hierarchy
from laird.gaussian.components import Component, connected, single
from laird.gaussian.composite import Composite
from laird.gaussian.coordinates import lower_factor
from laird.gaussian.crossproducts import Grouped
from laird.gaussian.hierarchy import Hierarchy
from laird.gaussian.kenward_roger import adjust
from laird.gaussian.reduced import Reduced, density, information
from laird.gaussian.theta import Theta
from laird.inference.freecoordinates import free_coordinates

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


def satterthwaite(fit: Fit) -> Covariation:
    """Covariation at the maximum of the (restricted) likelihood.

    Raises
    ------
    FitError
        The log-likelihood is flat at the estimate.
    """
    data, theta_hat = fit.problem.data, fit.theta
    if theta_hat is None or fit.method not in ("ml", "reml"):
        raise FitError(f'Satterthwaite\'s method is for "ml" and "reml"; this fit is by "{fit.method}".')
    at = free_coordinates(fit.problem, theta_hat)

    def deviance(part: Floats) -> tuple[float, Floats]:
        value, gradient = _log_likelihood(data, at.theta(part), restricted=fit.method == "reml")
        return -2 * value, -2 * at.gradient(part, gradient)

    def covariance(part: Floats) -> Floats:
        return _beta_cov(data, at.theta(part))

    gradient = np.array(_derivatives(covariance, at.start)).reshape(-1, data.p, data.p)
    spread = 2 * _inverse(hessian(deviance, at.start))
    return Covariation(covariance(at.start), gradient, spread, fit.point.beta_cov)


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


def _inverse(H: Floats) -> Floats:
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


def kenward_roger(fit: Fit) -> Covariation:
    """Covariation from the expected information, with the adjusted covariance.

    Raises
    ------
    FitError
        Not a REML fit, or a structure for which the method is not available.
    """
    if fit.method != "reml":
        raise FitError(
            f'The Kenward-Roger method is for REML; this fit is by "{fit.method}".',
            remedy='Fit with "reml", or use `df="satterthwaite"`.',
        )
    data = _constant_sigma(fit)
    p, scale = data.p, fit.point.sigma / data.scaling.y_scale
    if isinstance(data, Grouped):
        components = single(data.ZZ, data.ZW[:, :, :p])
        places, own_blocks = [slice(0, data.q)], [data.blocks]
    else:
        components = _connected(fit.problem, data)
        places = list(data.columns)
        own_blocks = [random.blocks for random in fit.problem.design.random]
    Lam = _relative_factor(fit, data)
    found = adjust(data.WW[:p, :p], data.n, components, [Lam[at, at] for at in places], own_blocks)
    cov, gradient, adjusted = (
        data.scaling.beta_cov(scale**2 * own) for own in (found.cov, found.gradient, found.adjusted)
    )
    return Covariation(cov, gradient, found.parameter_cov, adjusted)


def _connected(problem: Problem, data: Composite) -> Iterator[Component]:
    s, random = data.scaling, problem.design.random
    Z = [(r.Z - s.z_mean[at]) / s.z_scale[at] for r, at in zip(random, data.columns, strict=True)]
    X = (problem.design.X - s.x_mean) / s.x_scale
    return connected(X, Z, [r.ids for r in random], [len(r.levels) for r in random])


def _relative_factor(fit: Fit, data: Reduced) -> Floats:
    """Λ with G = σ²TΛΛ'T', lower triangular, from the estimate."""
    Tinv = np.linalg.inv(data.scaling.T) / fit.point.sigma
    return lower_factor(Tinv @ fit.point.G @ Tinv.T, data.blocks)


def _constant_sigma(fit: Fit) -> Reduced:
    data = fit.problem.data
    if isinstance(data, Hierarchy):
        raise FitError(
            "The Kenward-Roger method is available for a constant sigma and independent errors: not with "
            "known sampling variances, weights, regressions of sds or several outcomes.",
            remedy='Use `df="satterthwaite"`.',
        )
    return data
