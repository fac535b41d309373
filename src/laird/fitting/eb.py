"""Empirical Bayes: the mode of the marginal posterior, and an approximate posterior around it."""

from __future__ import annotations

from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from laird.fitting.checks import Check, boundary_check, group_check, optimum_check
from laird.fitting.draws import Draws
from laird.fitting.laplace import KHAT_LIMIT, Laplace, laplace
from laird.fitting.likelihood import maximise
from laird.fitting.mode import Mode, find_mode
from laird.fitting.options import seed, whole_number
from laird.fitting.origin import origin
from laird.fitting.point import conditional_point
from laird.fitting.problem import Problem
from laird.fitting.result import Fit
from laird.gaussian.coordinates import factor_of_log_scale, log_scale_of_factor
from laird.gaussian.marginal import flat, log_density
from laird.gaussian.solution import draw, solve
from laird.posterior.density import Posterior, posterior
from laird.posterior.table import PriorTable

type Floats = NDArray[np.float64]

FLOOR = 0.1
"""The search for the mode on the log scale starts at sds no smaller than this share of their unit."""


def fit(problem: Problem, priors: PriorTable, *, draws: int = 2000, random_seed: int | None = None) -> Fit:
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
    """
    start = perf_counter()
    draws, used_seed = whole_number("draws", draws, 100), seed(random_seed)
    rng = np.random.default_rng(used_seed)
    data = problem.grouped
    group = problem.random.group if problem.random else None
    target = posterior(data, priors, group)
    reml = maximise(data, restricted=True)
    b = _start_coefficients(target, reml.L, reml.sigma)
    mode = find_mode(target, reml.L, reml.sigma, b)
    approximation = laplace(target, _start(target, mode), draws, rng)
    solution = solve(target.likelihood, mode.L, mode.sigma, mode.b)
    return Fit(
        method="eb",
        problem=problem,
        point=conditional_point(solution, mode.L, mode.sigma),
        loglik=log_density(flat(data), mode.L, mode.sigma)[0],
        checks=_checks(problem, mode, approximation),
        origin=origin(
            problem.spec,
            problem.design,
            perf_counter() - start,
            seed=used_seed,
            options={"draws": draws},
        ),
        draws=_joint_draws(target, approximation, rng) if approximation else None,
        priors=priors,
    )


def _start_coefficients(target: Posterior, L: Floats, sigma: float) -> Floats:
    """Centred coefficients at the generalised least-squares estimate, for those not integrated out."""
    likelihood, s = flat(target.likelihood.data), target.likelihood.data.scaling
    beta_star = s.beta_star(solve(likelihood, L, sigma).beta)
    given = target.likelihood.sampled
    return np.asarray(beta_star[given] / target.likelihood.unit + target.likelihood.shift)


def _start(target: Posterior, mode: Mode) -> Floats:
    """phi near the mode, away from the boundary."""
    scaling = target.likelihood.data.scaling
    floor = FLOOR * scaling.y_scale / scaling.z_scale
    sd = np.linalg.norm(mode.L, axis=1)
    L = np.where((sd < floor)[:, None], np.diag(floor), mode.L)
    phi = log_scale_of_factor(L, mode.sigma, target.pairs)
    correlations = slice(target.q, target.q + len(target.pairs))
    phi[correlations] = np.clip(phi[correlations], -1.5, 1.5)
    return np.append(phi, mode.b)


def _joint_draws(target: Posterior, approximation: Laplace, rng: np.random.Generator) -> Draws:
    phi = approximation.phi
    L, sigma = factor_of_log_scale(phi, target.q, target.pairs)
    b = phi[:, target.q + len(target.pairs) + 1 :]
    beta, u = draw(target.likelihood, L, sigma, b, rng)
    return Draws(
        beta=beta[None], sigma=sigma[None], u=u[None], L=L[None], stats={}, effective=approximation.effective
    )


def _checks(problem: Problem, mode: Mode, approximation: Laplace | None) -> tuple[Check, ...]:
    rows = [optimum_check(mode.optimum)]
    random = problem.random
    if random is not None:
        rows.append(boundary_check(random.group, random.names, random.blocks, mode.L))
        rows.append(group_check(random.group, len(random.levels)))
    return (*rows, _approximation_check(approximation))


def _approximation_check(approximation: Laplace | None) -> Check:
    remedy = 'Use "nuts" for intervals; or a prior that keeps the sds off zero, such as gamma(2, rate).'
    if approximation is None:
        return Check(
            "approximation",
            "warning",
            np.nan,
            "The posterior has no usable mode on the log scale: no draws, no intervals.",
            remedy,
        )
    khat, share = approximation.khat, approximation.effective / approximation.proposals
    message = (
        f"Pareto k = {khat:.2f} (limit {KHAT_LIMIT}); the {approximation.proposals} weighted proposals are "
        f"worth {approximation.effective:.0f} independent draws."
    )
    if khat > KHAT_LIMIT or share < 0.05:
        return Check("approximation", "warning", khat, message, remedy)
    return Check("approximation", "ok", khat, message)
