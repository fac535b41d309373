"""Empirical Bayes: the mode of the marginal posterior, and an approximate posterior around it."""

from __future__ import annotations

from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from laird.fitting.checks import Check, boundary_check, group_check, optimum_check
from laird.fitting.diagnosis import diagnose
from laird.fitting.draws import KEEP, Draws, Keep, joint_draws
from laird.fitting.laplace import KHAT_LIMIT, Approximation, Axes, laplace, peak
from laird.fitting.mixture import mixture
from laird.fitting.mode import Mode, find_mode
from laird.fitting.nonconvergence import reasons
from laird.fitting.options import one_of, seed, whole_number
from laird.fitting.origin import origin
from laird.fitting.point import conditional_point
from laird.fitting.priorweight import prior_check
from laird.fitting.problem import Problem, joined_columns
from laird.fitting.quadrature import MOST_PARAMETERS, quadrature
from laird.fitting.refusals import refuse_single
from laird.fitting.regressions import around, reported, typical_sigma
from laird.fitting.result import Fit
from laird.fitting.sampled import marginal_solution
from laird.fitting.target import flat_likelihood, near, start, target_of, vanishing
from laird.posterior.density import Posterior
from laird.posterior.table import PriorTable

type Floats = NDArray[np.float64]


def fit(
    problem: Problem,
    priors: PriorTable,
    *,
    draws: int = 2000,
    random_seed: int | None = None,
    keep: Keep = "auto",
) -> Fit:
    """Fit by empirical Bayes.

    Parameters
    ----------
    problem
        Model and data.
    priors
        Priors of all parameters.
    draws
        Number of draws from the approximate posterior.
    random_seed
        Seed of the draws; the estimates do not depend on it.
    keep
        ``"draws"`` of the group effects or a ``"summary"``; see `laird.fitting.draws.joint_draws`.
    """
    began = perf_counter()
    one_of("keep", keep, KEEP)
    refuse_single(problem.design, "EB")
    draws, used_seed = whole_number("draws", draws, 100), seed(random_seed)
    rng = np.random.default_rng(used_seed)
    target = target_of(problem, priors)
    mode = find_mode(target, *start(problem, target), vanishing(problem))
    approximation = _approximation(target, mode, draws, rng)
    joint = _joint_draws(target, approximation, rng, keep) if approximation else None
    every = around(problem.codings, mode.theta, joint.theta if joint else None)
    solution = marginal_solution(target, mode.theta, mode.b)
    return Fit(
        method="eb",
        problem=problem,
        point=conditional_point(solution, mode.theta.L, typical_sigma(problem, mode.theta)),
        loglik=flat_likelihood(problem).density(mode.theta, np.zeros(0))[0],
        checks=(*_checks(problem, target, mode, approximation), *diagnose(problem, every, priors=True)),
        origin=origin(
            problem.spec,
            problem.design,
            perf_counter() - began,
            seed=used_seed,
            options={"draws": draws},
        ),
        theta=mode.theta,
        regressions=reported(every, problem.design.outcomes),
        draws=joint,
        priors=priors,
    )


def _approximation(
    target: Posterior, mode: Mode, draws: int, rng: np.random.Generator
) -> Approximation | None:
    """Laplace's approximation; where it cannot be trusted, quadrature or a mixture if that can."""
    centre = near(target, mode.theta, mode.b)
    axes = peak(target, centre)
    found = laplace(target, axes, draws, rng) if axes else None
    if found is not None and found.usable:
        return found
    if axes and target.size > MOST_PARAMETERS:
        other: Approximation | None = mixture(target, axes, draws, rng)
    else:
        other = quadrature(target, axes or Axes(centre, np.eye(target.size)), draws, rng)
    return other if other is not None and (found is None or other.khat < found.khat) else found


def _joint_draws(
    target: Posterior, approximation: Approximation, rng: np.random.Generator, keep: Keep
) -> Draws:
    effective = approximation.effective
    return joint_draws(target, approximation.phi[None], rng, keep=keep, effective=effective)


def _checks(
    problem: Problem, target: Posterior, mode: Mode, approximation: Approximation | None
) -> tuple[Check, ...]:
    random, L, T = problem.design.random, mode.theta.L, problem.data.scaling.T
    factors = zip(random, joined_columns(random), strict=True)
    return (
        optimum_check(mode.optimum),
        *reasons(mode.optimum),
        *(boundary_check(r.group, r.names, r.blocks, L[p, p], T[p, p]) for r, p in factors),
        *(group_check(r.group, len(r.levels)) for r in random),
        _approximation_check(approximation),
        *(prior_check(target, approximation.phi, len(problem.design.y)) if approximation else ()),
    )


def _approximation_check(approximation: Approximation | None) -> Check:
    remedy = 'Use "nuts" for intervals; or priors="boundary_avoiding", which keeps sds off zero.'
    if approximation is None:
        return Check(
            "approximation",
            "warning",
            np.nan,
            "The posterior has no usable mode on the log scale: no draws, no intervals.",
            remedy,
        )
    message = (
        f"Pareto k = {approximation.khat:.2f} (limit {KHAT_LIMIT}); the {approximation.proposals} weighted "
        f"proposals are worth {approximation.effective:.0f} independent draws."
    )
    if approximation.method != "laplace":
        message = f"By {approximation.method}, since no Gaussian is near the posterior. {message}"
    if not approximation.usable:
        return Check("approximation", "warning", approximation.khat, message, remedy)
    return Check("approximation", "ok", approximation.khat, message)
