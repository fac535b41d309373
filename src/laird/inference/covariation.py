"""How the covariance of β̂ varies with the estimated covariance parameters: all that degrees of freedom need.

Satterthwaite's (1946) method (`laird.fitting.satterthwaite`), and Kenward & Roger's (1997): the same with
the expected information, and an adjusted covariance of β̂.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting.problem import Problem
from laird.fitting.result import Fit
from laird.fitting.satterthwaite import Covariation, covariation
from laird.gaussian.components import Component, connected, single
from laird.gaussian.composite import Composite
from laird.gaussian.coordinates import lower_factor
from laird.gaussian.crossproducts import Grouped
from laird.gaussian.hierarchy import Hierarchy
from laird.gaussian.kenward_roger import adjust
from laird.gaussian.reduced import Reduced

type Floats = NDArray[np.float64]


def satterthwaite(fit: Fit) -> Covariation:
    """Covariation at the maximum of the (restricted) likelihood.

    Raises
    ------
    FitError
        Not a likelihood fit, or the log-likelihood is flat at the estimate.
    """
    if fit.theta is None or fit.method not in ("ml", "reml"):
        raise FitError(f'Satterthwaite\'s method is for "ml" and "reml"; this fit is by "{fit.method}".')
    return covariation(fit.problem, fit.theta, fit.point.beta_cov, restricted=fit.method == "reml")


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
