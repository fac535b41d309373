"""Maximum likelihood and REML with EBLUPs."""

from __future__ import annotations

from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from laird.fitting.checks import Check, boundary_check, group_check, optimum_check
from laird.fitting.likelihood import Estimate, maximise
from laird.fitting.origin import origin
from laird.fitting.point import conditional_point
from laird.fitting.problem import Problem
from laird.fitting.result import Fit
from laird.fitting.uncertainty import scale_uncertainty
from laird.gaussian.marginal import flat, log_density, log_profile
from laird.gaussian.solution import solve

type Floats = NDArray[np.float64]


def fit(problem: Problem, *, restricted: bool) -> Fit:
    """Fit by REML (`restricted`) or ML; group effects are EBLUPs."""
    start = perf_counter()
    data, likelihood = problem.data, flat(problem.data)
    estimate = maximise(data, restricted=restricted)

    def density(L: Floats, sigma: float) -> tuple[float, Floats, float]:
        return log_density(likelihood, L, sigma)[:3] if restricted else log_profile(data, L, sigma)

    return Fit(
        method="reml" if restricted else "ml",
        problem=problem,
        point=conditional_point(solve(likelihood, estimate.L, estimate.sigma), estimate.L, estimate.sigma),
        loglik=estimate.log_likelihood,
        checks=_checks(problem, estimate),
        origin=origin(problem.spec, problem.design, perf_counter() - start),
        uncertainty=scale_uncertainty(density, estimate.L, estimate.sigma, data.blocks),
    )


def _checks(problem: Problem, estimate: Estimate) -> tuple[Check, ...]:
    convergence = optimum_check(estimate.optimum)
    random = problem.random
    if random is None:
        return (convergence,)
    return (
        convergence,
        boundary_check(random.group, random.names, random.blocks, estimate.L),
        group_check(random.group, len(random.levels)),
    )
