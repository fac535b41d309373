"""Maximum likelihood and REML with EBLUPs."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.fitting.checks import Check, boundary_check, group_check, optimum_check
from laird.fitting.curvature import curvature
from laird.fitting.diagnosis import diagnose
from laird.fitting.general import maximise_general
from laird.fitting.likelihood import maximise
from laird.fitting.newton import Optimum
from laird.fitting.nonconvergence import coordinate_names, reasons
from laird.fitting.options import one_of
from laird.fitting.origin import origin
from laird.fitting.point import Point, conditional_point
from laird.fitting.problem import Problem, joined_columns
from laird.fitting.refusals import refuse_single
from laird.fitting.regressions import regressions, reported, typical_sigma
from laird.fitting.result import Fit
from laird.fitting.starts import coordinates_of, start_of
from laird.fitting.uncertainty import ScaleUncertainty, joint_covariance, scale_uncertainty
from laird.gaussian import hierarchy
from laird.gaussian.coordinates import correlated_pairs
from laird.gaussian.hierarchy import Hierarchy
from laird.gaussian.reduced import Reduced, density, solve
from laird.gaussian.solution import Solution
from laird.gaussian.theta import Theta

type Floats = NDArray[np.float64]
type Errors = Literal["conditional", "joint"]


def fit(problem: Problem, *, restricted: bool, se: Errors = "conditional") -> Fit:
    """Fit by REML (`restricted`) or ML; group effects are EBLUPs.

    Parameters
    ----------
    problem
        Model and data.
    restricted
        REML, else ML.
    se
        Standard errors of the fixed effects: ``"conditional"`` on the estimated covariance
        parameters (lme4, metafor), or ``"joint"``, from the Hessian of all parameters (drmTMB).
    """
    start = perf_counter()
    one_of("se", se, ("conditional", "joint"))
    refuse_single(problem.design, "REML" if restricted else "ML")
    data = problem.data
    found = _general(problem, data, restricted) if isinstance(data, Hierarchy) else _plain(data, restricted)
    point, pairs = found.point, correlated_pairs(data.blocks)
    if se == "joint":
        point = point.with_beta_cov(joint_covariance(found.beta_at, found.theta, found.uncertainty, pairs))
    every = regressions(problem.codings, found.theta, found.uncertainty.cov, len(pairs))
    return Fit(
        method="reml" if restricted else "ml",
        problem=problem,
        point=point,
        loglik=found.log_likelihood,
        checks=(*_checks(problem, found.optimum, found.theta.L), *diagnose(problem, every)),
        origin=origin(problem.spec, problem.design, perf_counter() - start, options={"se": se}),
        theta=found.theta,
        uncertainty=found.uncertainty,
        regressions=reported(every, problem.design.outcomes),
    )


class _Found(NamedTuple):
    point: Point
    theta: Theta
    log_likelihood: float
    optimum: Optimum
    uncertainty: ScaleUncertainty

    solve: Callable[[Theta], Solution]

    def beta_at(self, theta: Theta) -> tuple[Floats, Floats]:
        """β̂ and its conditional covariance at θ."""
        found = self.solve(theta)
        return found.beta, found.beta_cov


def _plain(data: Reduced, restricted: bool) -> _Found:
    """Constant sds: sigma is profiled out."""
    estimate = maximise(data, restricted=restricted)
    theta = Theta(estimate.L, np.array([np.log(estimate.sigma)]))

    def log_likelihood(theta: Theta) -> tuple[float, Theta]:
        sigma = float(np.exp(theta.alpha[0]))
        value, d_L, d_sigma = density(data, theta.L, sigma, restricted=restricted)
        return value, Theta(d_L, np.array([d_sigma * sigma]))

    def solution(theta: Theta) -> Solution:
        return solve(data, theta.L, float(np.exp(theta.alpha[0])))

    found = curvature(data, estimate, restricted=restricted)
    uncertainty = scale_uncertainty(log_likelihood, theta, data.blocks, curvature=found)
    point = conditional_point(solution(theta), estimate.L, estimate.sigma)
    return _Found(point, theta, estimate.log_likelihood, estimate.optimum, uncertainty, solution)


def _general(problem: Problem, data: Hierarchy, restricted: bool) -> _Found:
    """Known variances, regressions of sds, several outcomes."""

    def log_likelihood(theta: Theta) -> tuple[float, Theta]:
        return hierarchy.density(data, theta, restricted=restricted)

    def solution(theta: Theta) -> Solution:
        return hierarchy.solve(data, theta)

    coordinates = coordinates_of(problem, data.blocks, data.scaling)
    start, n = start_of(problem, coordinates), len(problem.design.y)
    found = maximise_general(log_likelihood, coordinates, start, n=n)
    uncertainty = scale_uncertainty(log_likelihood, found.theta, data.blocks)
    point = conditional_point(solution(found.theta), found.theta.L, typical_sigma(problem, found.theta))
    return _Found(point, found.theta, found.log_likelihood, found.optimum, uncertainty, solution)


def _checks(problem: Problem, optimum: Optimum, L: Floats) -> tuple[Check, ...]:
    random, T = problem.design.random, problem.data.scaling.T
    factors = zip(random, joined_columns(random), strict=True)
    return (
        optimum_check(optimum),
        *reasons(optimum, coordinate_names(problem)),
        *(boundary_check(r.group, r.names, r.blocks, L[p, p], T[p, p]) for r, p in factors),
        *(group_check(r.group, len(r.levels)) for r in random),
    )
