"""A fit of any method seen as β̂ and û at given covariance parameters: what residuals are made of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from laird.fitting import ols
from laird.fitting.point import conditional_point
from laird.fitting.problem import Problem
from laird.fitting.regressions import typical_sigma
from laird.fitting.result import Fit
from laird.fitting.target import flat_likelihood
from laird.gaussian.coordinates import lower_factor
from laird.gaussian.crossproducts import Grouped
from laird.gaussian.prediction import prediction_variance
from laird.gaussian.theta import Theta
from laird.inference.dispersion import drawn_theta, least_squares_theta

type Floats = NDArray[np.float64]


def theta_of(fit: Fit) -> Theta:
    """The covariance parameters of a fit: the estimate; of draws alone, means of G and of all others."""
    if fit.theta is not None:
        return fit.theta
    if fit.draws is None:
        return least_squares_theta(fit)
    theta, _ = drawn_theta(fit)
    return Theta(
        lower_factor(fit.point.G, fit.problem.data.blocks),
        theta.alpha.mean(axis=0),
        tuple(own.mean(axis=0) for own in theta.delta),
        theta.log_phi.mean(axis=0),
        theta.zeta.mean(axis=0),
    )


def conditional(fit: Fit, problem: Problem | None = None) -> Fit:
    """The fit with β̂ and û at its covariance parameters and flat priors; of another problem if given.

    Least squares has no û: it is left as it is, or fitted to the other problem.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff")).fit()
    >>> bool(np.allclose(conditional(fit).ranef("Batch"), fit.ranef("Batch")))
    True
    """
    own = fit.problem if problem is None else problem
    if fit.method == "ols":
        return fit if problem is None else ols.fit(own)
    theta = theta_of(fit)
    found = flat_likelihood(own).solve(theta, np.zeros(0))
    point = conditional_point(found, theta.L, typical_sigma(own, theta))
    return replace(fit, problem=own, point=point, theta=theta, draws=None)


def fitted_variance(fit: Fit) -> Floats:
    """Variance of x'(β̂ - β) + z'(û - u) of every row at the covariance parameters, shape (n,).

    Parameters
    ----------
    fit
        By `conditional`, or by ``"ols"``.
    """
    design, C = fit.problem.design, fit.point.beta_cov
    fixed = np.einsum("ip,pr,ir->i", design.X, C, design.X)
    if fit.method == "ols" or not design.random:
        return np.asarray(fixed)
    if not isinstance(fit.problem.data, Grouped):
        Z, ids = [own.Z for own in design.random], [own.ids for own in design.random]
        return prediction_variance(fit.problem.data, theta_of(fit), design.X, Z, ids)
    (random,), (own,) = design.random, fit.point.effects
    z, j = random.Z, random.ids
    both = 2 * np.einsum("iq,iqp,ip->i", z, own.beta_cov[j], design.X)
    return np.asarray(fixed + both + np.einsum("iq,iqr,ir->i", z, own.cov[j], z))
