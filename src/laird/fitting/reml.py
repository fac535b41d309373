"""Maximum likelihood and REML with EBLUPs."""

from __future__ import annotations

from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from laird.fitting.checks import Check, boundary_check, group_check, optimum_check
from laird.fitting.likelihood import Estimate, maximise
from laird.fitting.origin import origin
from laird.fitting.point import conditional_point
from laird.fitting.problem import Problem, joined_columns
from laird.fitting.result import Fit
from laird.fitting.uncertainty import scale_uncertainty
from laird.gaussian.reduced import density, solve

type Floats = NDArray[np.float64]


def fit(problem: Problem, *, restricted: bool) -> Fit:
    """Fit by REML (`restricted`) or ML; group effects are EBLUPs."""
    start = perf_counter()
    data = problem.data
    estimate = maximise(data, restricted=restricted)

    def log_likelihood(L: Floats, sigma: float) -> tuple[float, Floats, float]:
        return density(data, L, sigma, restricted=restricted)

    return Fit(
        method="reml" if restricted else "ml",
        problem=problem,
        point=conditional_point(solve(data, estimate.L, estimate.sigma), estimate.L, estimate.sigma),
        loglik=estimate.log_likelihood,
        checks=_checks(problem, estimate),
        origin=origin(problem.spec, problem.design, perf_counter() - start),
        uncertainty=scale_uncertainty(log_likelihood, estimate.L, estimate.sigma, data.blocks),
    )


def _checks(problem: Problem, estimate: Estimate) -> tuple[Check, ...]:
    random = problem.design.random
    factors = zip(random, joined_columns(random), strict=True)
    return (
        optimum_check(estimate.optimum),
        *(boundary_check(r.group, r.names, r.blocks, estimate.L[place, place]) for r, place in factors),
        *(group_check(r.group, len(r.levels)) for r in random),
    )
