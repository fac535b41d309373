"""Full Bayes: NUTS on the marginal posterior; coefficients and group effects drawn exactly afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any, Literal
from warnings import catch_warnings, filterwarnings

import numpy as np
from numpy.typing import NDArray

from laird.fitting import nutpie_sampler
from laird.fitting.chains import chain_checks
from laird.fitting.diagnosis import diagnose
from laird.fitting.draws import KEEP, Draws, Keep, joint_draws
from laird.fitting.options import one_of
from laird.fitting.origin import origin
from laird.fitting.point import Point, posterior_point
from laird.fitting.priorweight import prior_check
from laird.fitting.problem import Problem, joined_columns
from laird.fitting.progress import Watch, watching
from laird.fitting.regressions import Regression, of_draws, reported, row_sigma
from laird.fitting.result import Fit
from laird.fitting.settings import Sampler, Settings, settings_of
from laird.fitting.target import begin, flat_likelihood, target_of
from laird.gaussian.solution import Effects
from laird.gaussian.theta import Theta
from laird.posterior.compiled import is_costly
from laird.posterior.density import Posterior
from laird.posterior.table import PriorTable

type Floats = NDArray[np.float64]
type Statistics = Mapping[str, NDArray[np.generic]]

MANY_GROUPS = 20
"""From so many groups on, sds are sampled as absolute values: their upper tail is then light.

Measured with 4 x 1000 draws on 12 models of 6 to 300 groups: smallest effective sample sizes
of 2,200 to 3,700 from 20 groups on, where the log scale gives 770 to 3,800; below, the log
scale is better.
"""

WEIGHT_DRAWS, FEW_WEIGHT_DRAWS = 100, 20
"""Draws over which the weights of the groups' own estimates are averaged, and where each is costly."""


def fit(
    problem: Problem,
    priors: PriorTable,
    *,
    draws: int = 1000,
    tune: int = 300,
    chains: int = 4,
    cores: int | None = None,
    random_seed: int | None = None,
    target_accept: float = 0.8,
    progress: bool | Literal["auto"] = "auto",
    sampler: Sampler | None = None,
    keep: Keep = "auto",
) -> Fit:
    """Fit by NUTS.

    Parameters
    ----------
    problem, priors
        Model, data and priors of all parameters.
    draws, tune, chains, cores
        Draws kept and thrown away by each chain, chains, and how many run at once.
    random_seed
        Same seed, same draws.
    target_accept
        Aimed acceptance rate, in (0, 1).
    progress
        Show a progress bar; ``"auto"``: on a terminal or in a notebook.
    sampler
        ``"nutpie"`` on a compiled density without a graph, or PyMC's own on its graph,
        when nutpie is missing or ``"pymc"`` is asked for.
    keep
        ``"draws"`` of the group effects or a ``"summary"``; see `laird.fitting.draws.joint_draws`.
    """
    began = perf_counter()
    settings = settings_of(
        draws=draws, tune=tune, chains=chains, cores=cores, random_seed=random_seed,
        target_accept=target_accept, progress=progress, sampler=sampler,
    )  # fmt: skip
    one_of("keep", keep, KEEP)
    target = target_of(problem, priors)
    sampled, phi, stats = _sampled(problem, priors, target, settings)
    rng = np.random.default_rng(np.random.SeedSequence(settings.random_seed).spawn(1)[0])
    found = joint_draws(sampled, phi, rng, keep=keep, stats=stats, warmup=settings.tune)
    every = of_draws(problem.codings, found.theta)
    return Fit(
        method="nuts",
        problem=problem,
        point=_point(problem, found, every),
        loglik=flat_likelihood(problem).density(_mean(found), np.zeros(0))[0],
        checks=(
            *chain_checks(problem, found),
            *prior_check(target, sampled.coordinates.unsigned(phi), len(problem.design.y)),
            *diagnose(problem, every, priors=True),
        ),
        origin=origin(
            problem.spec,
            problem.design,
            perf_counter() - began,
            seed=settings.random_seed,
            options=settings.record(),
        ),
        regressions=reported(every, problem.design.outcomes),
        draws=found,
        priors=priors,
    )


def signed_elements(problem: Problem) -> tuple[int, ...]:
    """Elements of phi to sample as signed sds: of factors with many groups."""
    random = problem.design.random
    columns = zip(random, joined_columns(random), strict=True)
    return tuple(
        k for r, place in columns if len(r.levels) >= MANY_GROUPS for k in range(place.start, place.stop)
    )


def _sampled(
    problem: Problem, priors: PriorTable, target: Posterior, settings: Settings
) -> tuple[Posterior, Floats, Statistics]:
    """The posterior in the coordinates sampled, draws of them (C, S, k), and the sampler's statistics."""
    with watching(settings) as watch:
        if settings.sampler == "pymc":
            sampled = target
            phi, stats = _with_pymc(problem, priors, target, settings, watch)
        else:
            sampled = target.signed(signed_elements(problem))
            centre = sampled.coordinates.enter(begin(problem, target))
            phi, stats = nutpie_sampler.sample(
                sampled, centre, settings, watch if settings.progress else None
            )
        watch.finish(int(np.count_nonzero(stats.get("diverging", 0))))
    return sampled, phi, stats


def _with_pymc(
    problem: Problem, priors: PriorTable, target: Posterior, settings: Settings, watch: Watch
) -> tuple[Floats, Statistics]:
    import pymc as pm

    from laird.graph.marginal import marginal
    from laird.graph.scales import phi_of_trace

    random = problem.design.random
    many = bool(random) and all(len(r.levels) >= MANY_GROUPS for r in random)
    with marginal(problem.design, priors, signed=many), catch_warnings():
        filterwarnings("ignore", message="Numba will use object mode")
        trace = pm.sample(
            draws=settings.draws,
            tune=settings.tune,
            chains=settings.chains,
            cores=settings.cores,
            random_seed=settings.random_seed,
            target_accept=settings.target_accept,
            progressbar=False,
            callback=watch.draw if settings.progress else None,
            nuts_sampler="pymc",
            compute_convergence_checks=False,
            quiet=True,
        )
    phi = phi_of_trace(problem.design, target.coordinates, trace["posterior"])
    return phi, _statistics(trace["sample_stats"])


STATISTICS = ("diverging", "tree_depth", "n_steps", "lp", "energy", "step_size", "acceptance_rate")
"""What is kept of every draw, by ArviZ's names."""


def _statistics(stats: Mapping[str, Any]) -> Statistics:
    return {name: np.asarray(stats[name]) for name in STATISTICS if name in stats}


def _point(problem: Problem, draws: Draws, every: Sequence[Regression]) -> Point:
    """Posterior means; of several residual sds the root mean square."""
    weights = zip(draws.summaries, _weights(problem, draws), strict=True)
    effects = tuple(Effects(own.mean, own.cov, own.beta_cov, weight) for own, weight in weights)
    if problem.has_residual:
        sigma = float(draws.sigma.mean())
    else:
        sigma = float(np.sqrt(np.mean(row_sigma(problem.design, every) ** 2)))
    return posterior_point(draws.flat("beta"), draws.flat("L"), sigma, effects)


def _weights(problem: Problem, draws: Draws) -> list[Floats]:
    """Weights of the groups' own estimates, by factor: those of the mean variance that they resolve."""
    count, likelihood = draws.shape[0] * draws.shape[1], flat_likelihood(problem)
    wanted = FEW_WEIGHT_DRAWS if is_costly(likelihood) else WEIGHT_DRAWS
    chosen = np.linspace(0, count - 1, min(wanted, count)).astype(int)
    parts = [draws.at(s) for s in chosen]
    solutions = [likelihood.solve(theta, np.zeros(0)) for theta in parts]
    found = []
    for f, place in enumerate(joined_columns(problem.design.random)):
        G = [theta.L[place, place] @ theta.L[place, place].T for theta in parts]
        own = [s.effects[f].weights @ g for s, g in zip(solutions, G, strict=True)]
        found.append(np.mean(own, axis=0) @ np.linalg.pinv(np.mean(G, axis=0), hermitian=True))
    return found


def _mean(draws: Draws) -> Theta:
    """Posterior means of the covariance parameters; a constant sigma as it is, not its logarithm."""
    alpha = draws.flat("alpha").mean(axis=0)
    if len(alpha) == 1:
        alpha = np.log([draws.sigma.mean()])
    delta = tuple(own.mean(axis=(0, 1)) for own in draws.delta)
    log_phi, zeta = (draws.flat(name).mean(axis=0) for name in ("log_phi", "zeta"))
    return Theta(draws.flat("L").mean(axis=0), alpha, delta, log_phi, zeta)
