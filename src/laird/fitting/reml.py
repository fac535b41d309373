"""Maximum likelihood and REML with EBLUPs."""

from __future__ import annotations

from time import perf_counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.fitting.checks import Check, boundary_check, group_check, optimum_check
from laird.fitting.curvature import curvature
from laird.fitting.likelihood import maximise
from laird.fitting.newton import Optimum
from laird.fitting.origin import origin
from laird.fitting.point import Point, conditional_point
from laird.fitting.problem import Problem, joined_columns
from laird.fitting.result import Fit
from laird.fitting.scales import (
    Regression,
    maximise_scaled,
    regressions,
    row_sigma,
    uncertainty_of,
)
from laird.fitting.uncertainty import ScaleUncertainty, scale_uncertainty
from laird.gaussian.reduced import Reduced, density, solve
from laird.gaussian.scaled import Scaled
from laird.gaussian.scaled import solve as solve_scaled

type Floats = NDArray[np.float64]


def fit(problem: Problem, *, restricted: bool) -> Fit:
    """Fit by REML (`restricted`) or ML; group effects are EBLUPs."""
    start = perf_counter()
    data = problem.data
    found = _scaled(problem, data, restricted) if isinstance(data, Scaled) else _plain(data, restricted)
    return Fit(
        method="reml" if restricted else "ml",
        problem=problem,
        point=found.point,
        loglik=found.log_likelihood,
        checks=_checks(problem, found.optimum, found.L),
        origin=origin(problem.spec, problem.design, perf_counter() - start),
        uncertainty=found.uncertainty,
        regressions=found.regressions,
    )


class _Found(NamedTuple):
    point: Point
    log_likelihood: float
    optimum: Optimum
    L: Floats
    uncertainty: ScaleUncertainty
    regressions: tuple[Regression, ...] = ()


def _plain(data: Reduced, restricted: bool) -> _Found:
    estimate = maximise(data, restricted=restricted)
    L, sigma = estimate.L, estimate.sigma

    def log_likelihood(L: Floats, rest: Floats) -> tuple[float, Floats, Floats]:
        value, d_L, d_sigma = density(data, L, float(np.exp(rest[0])), restricted=restricted)
        return value, d_L, np.array([d_sigma * np.exp(rest[0])])

    uncertainty = scale_uncertainty(
        log_likelihood,
        L,
        np.array([np.log(sigma)]),
        data.blocks,
        curvature=curvature(data, estimate, restricted=restricted),
    )
    point = conditional_point(solve(data, L, sigma), L, sigma)
    return _Found(point, estimate.log_likelihood, estimate.optimum, L, uncertainty)


def _scaled(problem: Problem, data: Scaled, restricted: bool) -> _Found:
    """Sds that depend on predictors; sigma of the point is the root mean square of the rows'."""
    found = maximise_scaled(data, problem.plain, restricted=restricted)
    uncertainty = uncertainty_of(data, found, restricted=restricted)
    sigma = float(np.sqrt(np.mean(row_sigma(problem, found) ** 2)))
    L = found.at.L
    return _Found(
        conditional_point(solve_scaled(data, found.at), L, sigma),
        found.log_likelihood,
        found.optimum,
        L,
        uncertainty,
        regressions(problem, found, uncertainty),
    )


def _checks(problem: Problem, optimum: Optimum, L: Floats) -> tuple[Check, ...]:
    random = problem.design.random
    factors = zip(random, joined_columns(random), strict=True)
    return (
        optimum_check(optimum),
        *(boundary_check(r.group, r.names, r.blocks, L[place, place]) for r, place in factors),
        *(group_check(r.group, len(r.levels)) for r in random),
    )
