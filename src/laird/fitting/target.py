"""The posterior that empirical Bayes and NUTS share: likelihood, priors, and where a search begins."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from laird.fitting.general import maximise_general
from laird.fitting.likelihood import maximise
from laird.fitting.problem import Problem
from laird.fitting.refusals import refuse_start
from laird.fitting.starts import coordinates_of, start_of
from laird.gaussian import hierarchy
from laird.gaussian.hierarchy import Hierarchy
from laird.gaussian.likelihoods import bind
from laird.gaussian.theta import Likelihood, Theta
from laird.posterior import CoefficientPrior, coefficient_prior
from laird.posterior.density import Posterior, posterior
from laird.posterior.table import PriorTable

type Floats = NDArray[np.float64]

FLOOR = 0.1
"""Searches on the log scale begin at sds no smaller than this share of their unit."""


def target_of(problem: Problem, priors: PriorTable) -> Posterior:
    """The posterior of a model, with the coefficients of Gaussian priors integrated out."""
    return posterior(_likelihood(problem, coefficient_prior(priors)), priors)


def flat_likelihood(problem: Problem) -> Likelihood:
    """The likelihood with flat priors of all coefficients: REML."""
    p = len(problem.design.names)
    return _likelihood(problem, CoefficientPrior(np.zeros(p), np.zeros(p), ()))


def _likelihood(problem: Problem, prior: CoefficientPrior) -> Likelihood:
    return bind(problem.data, *prior)


def vanishing(problem: Problem) -> tuple[int, ...]:
    """Positions in α of constant log sds that may be -∞: there are known sampling variances."""
    if problem.design.known is None:
        return ()
    sigmas = (coding for coding in problem.codings if coding.parameter == "sigma")
    return tuple(coding.place.start for coding in sigmas if coding.constant)


def start(problem: Problem, target: Posterior) -> tuple[Theta, Floats]:
    """Covariance parameters near their REML estimate, and the sampled coefficients there."""
    theta = _reml(problem)
    return theta, sampled_coefficients(problem, target, theta)


def _reml(problem: Problem) -> Theta:
    data = problem.data
    if not isinstance(data, Hierarchy):
        estimate = maximise(data, restricted=True)
        return Theta(estimate.L, np.array([np.log(estimate.sigma)]))

    def density(theta: Theta) -> tuple[float, Theta]:
        return hierarchy.density(data, theta, restricted=True)

    coordinates = coordinates_of(problem, data.blocks, data.scaling)
    at = start_of(problem, coordinates)
    return maximise_general(density, coordinates, at, n=len(problem.design.y)).theta


def sampled_coefficients(problem: Problem, target: Posterior, theta: Theta) -> Floats:
    """Centred coefficients at the generalised least-squares estimate, for those not integrated out."""
    return centred(target, flat_likelihood(problem).solve(theta, np.zeros(0)).beta)


def centred(target: Posterior, beta: Floats) -> Floats:
    """The sampled ones of the coefficients, as those of centred columns."""
    likelihood = target.likelihood
    s, given = likelihood.scaling, likelihood.sampled
    shift = s.centred_shift[given]
    return np.asarray(s.beta_star(beta)[given] / likelihood.unit + shift)


def begin(problem: Problem, target: Posterior) -> Floats:
    """phi near the REML estimate, where sampling begins.

    Raises
    ------
    FitError
        The density is zero or not a number there.
    """
    phi = near(target, *start(problem, target))
    if not np.isfinite(target.densities(phi[None])).all():
        refuse_start()
    return phi


def near(target: Posterior, theta: Theta, b: Floats) -> Floats:
    """phi near θ and b, away from the boundary; without signed sds."""
    own, scaling = target.coordinates, target.likelihood.scaling
    q, pairs = own.places.sds, own.places.correlations
    floor = FLOOR * scaling.y_scale / scaling.z_scale
    L = np.where((np.linalg.norm(theta.L, axis=1) < floor)[:, None], np.diag(floor), theta.L)
    log_floor = np.log(FLOOR * scaling.y_scale)
    alpha = np.where(np.isinf(theta.alpha), log_floor, theta.alpha)
    phi = own.join(theta._replace(L=L, alpha=alpha), b)
    phi[q : q + pairs] = np.clip(phi[q : q + pairs], -1.5, 1.5)
    return phi
