"""Full Bayes of models whose errors or effects are not normal: NUTS on the explicit graph.

Coefficients, group effects and true effects are all sampled, each partly centred by the share
of its variance that the data resolve in the normal model (`laird.graph.effects`).
"""

from __future__ import annotations

from dataclasses import asdict
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laird.design import Design
from laird.errors import FitError
from laird.fitting.chains import chain_checks
from laird.fitting.draws import KEEP, KEPT, Draws, Keep
from laird.fitting.groups import resolved_shares
from laird.fitting.mixing import own_weights
from laird.fitting.options import one_of
from laird.fitting.origin import origin
from laird.fitting.point import Point, posterior_point
from laird.fitting.problem import Problem, joined_columns, of_normal
from laird.fitting.regressions import of_draws, reported, row_sigma
from laird.fitting.result import Fit
from laird.fitting.settings import Settings, settings_of
from laird.fitting.standard import shape_names
from laird.fitting.summaries import EffectSummary, Summariser
from laird.fitting.target import flat_likelihood, near, start, target_of
from laird.gaussian.solution import Effects
from laird.gaussian.theta import Theta
from laird.posterior.codings import sigma_predictors
from laird.posterior.coordinates import Coordinates
from laird.posterior.names import group_names, identifier
from laird.posterior.table import PriorTable

type Floats = NDArray[np.float64]
type Arrays = dict[str, NDArray[Any]]

TUNE = 1000
"""Tuning draws by default: more variables are sampled than of a normal model, and draws cost little."""

STATISTICS = {
    "diverging": "diverging",
    "depth": "tree_depth",
    "tree_depth": "tree_depth",
    "n_steps": "n_steps",
    "logp": "lp",
    "lp": "lp",
    "energy": "energy",
    "step_size": "step_size",
    "mean_tree_accept": "acceptance_rate",
    "acceptance_rate": "acceptance_rate",
}


def fit(problem: Problem, priors: PriorTable, *, keep: Keep = "auto", **options: Any) -> Fit:
    """Fit by NUTS on the explicit graph.

    Parameters
    ----------
    problem, priors
        Model, data and priors of all parameters.
    keep
        ``"draws"`` of the group effects, which are always sampled, or a ``"summary"``.
    **options
        As in `laird.fitting.nuts.fit`; `tune` is 1000.
    """
    began, settings = perf_counter(), settings_of(**({"tune": TUNE} | options))
    one_of("keep", keep, KEEP)
    _refuse_exact_rows(problem.design)
    coordinates, shares = _normal(problem, priors)
    trace, stats = _sampled(problem, priors, shares, settings)
    found = _draws(problem, coordinates, trace, keep, stats, settings.tune)
    every = of_draws(problem.codings, found.theta)
    return Fit(
        method="nuts",
        problem=problem,
        point=_point(problem, found, row_sigma(problem.design, every)),
        loglik=np.nan,
        checks=chain_checks(problem, found),
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


def _refuse_exact_rows(design: Design) -> None:
    if design.known is not None and np.any(design.known.variances == 0.0):
        rows = np.flatnonzero(design.known.variances == 0.0)
        raise FitError(
            f"{len(rows)} rows have a sampling variance of zero: their true effects are no variables.",
            where=f"    rows {', '.join(map(str, design.rows[rows[:5]]))} of the data (counted from 0)",
            remedy="Leave these rows out, or leave `families` out.",
        )


def _normal(own: Problem, priors: PriorTable) -> tuple[Coordinates, Any]:
    """Of the normal model: coordinates of θ, and how far to centre each effect."""
    from laird.graph.effects import Shares

    normal = of_normal(own)
    target = target_of(normal, priors)
    theta, b = start(normal, target)
    theta, _ = target.coordinates.split(near(target, theta, b))
    effects = flat_likelihood(normal).solve(theta, np.zeros(0)).effects
    G = theta.L @ theta.L.T
    places = joined_columns(own.design.random)
    groups = tuple(_decided(resolved_shares(e, G[at, at])) for e, at in zip(effects, places, strict=True))
    return target.coordinates, Shares(groups, _decided(_row_shares(own.design, theta)))


def _decided(w: Floats) -> Floats:
    """Shares with their odds squared: effects whose sd may be zero sample badly when partly centred."""
    return np.asarray(w**2 / (w**2 + (1 - w) ** 2))


def _row_shares(design: Design, theta: Theta) -> Floats:
    """σ²/(σ² + v) of every row."""
    if design.known is None:
        return np.ones(len(design.y))
    W, present = sigma_predictors(design)
    variance = np.where(present, np.exp(2 * W @ theta.alpha), 0.0)
    phi = np.exp(theta.log_phi[0]) if len(theta.log_phi) else 1.0
    return np.asarray(variance / (variance + phi * design.known.variances))


def _sampled(problem: Problem, priors: PriorTable, shares: Any, settings: Settings) -> tuple[Arrays, Arrays]:
    from laird.graph.explicit import explicit
    from laird.graph.sample import sample

    model = explicit(problem.design, priors, shares=shares)
    free = {variable.name for variable in model.free_RVs}
    latent = {name for name in free if name.startswith("v_")}
    names = free - latent | {variable.name for variable in model.deterministics}
    trace, stats = sample(model, sorted(names), **asdict(settings))
    return trace, {name: stats[own] for own, name in STATISTICS.items() if own in stats}


def _draws(
    problem: Problem, coordinates: Coordinates, trace: Arrays, keep: Keep, stats: Arrays, warmup: int
) -> Draws:
    from laird.graph.scales import phi_of_trace

    design = problem.design
    sampled = {"beta_sampled": np.zeros((*trace["beta"].shape[:2], coordinates.places.b))}
    theta, _ = coordinates.split(phi_of_trace(design, coordinates, trace | sampled))
    effects = tuple(trace[group_names(random).u] for random in design.random)
    size = sum(own.size for own in effects)
    kept = keep == "draws" or (keep == "auto" and size <= KEPT)
    return Draws(
        beta=trace["beta"],
        L=theta.L,
        alpha=theta.alpha,
        u=effects if kept else (),
        summaries=tuple(_summary(own, trace["beta"], quantiles=not kept) for own in effects),
        delta=theta.delta,
        log_phi=theta.log_phi,
        zeta=theta.zeta,
        stats=stats,
        warmup=warmup,
        shapes=_shapes(problem, trace),
        deviations=trace.get("u_true_effects", np.zeros((0, 0, 0))),
    )


def _summary(u: Floats, beta: Floats, *, quantiles: bool) -> EffectSummary:
    summariser = Summariser(quantiles=quantiles)
    summariser.add(u.reshape(-1, *u.shape[2:]), beta.reshape(-1, beta.shape[-1]))
    return summariser.finish()


def _shapes(problem: Problem, trace: Arrays) -> dict[str, Floats]:
    """ν and α by the names of their priors."""
    found: dict[str, Floats] = {}
    for what, names in shape_names(problem.design).items():
        values = trace[identifier(f"{names[0].partition('(')[0]}_{what}")]
        columns = np.moveaxis(values.reshape(*values.shape[:2], len(names)), -1, 0)
        found |= dict(zip(names, columns, strict=True))
    return found


def _point(problem: Problem, draws: Draws, sigma: Floats) -> Point:
    """Posterior means; of several residual sds the root mean square."""
    weights = zip(draws.summaries, own_weights(problem, draws), strict=True)
    effects = tuple(Effects(own.mean, own.cov, own.beta_cov, weight) for own, weight in weights)
    one = float(draws.sigma.mean()) if problem.has_residual else float(np.sqrt(np.mean(sigma**2)))
    return posterior_point(draws.flat("beta"), draws.flat("L"), one, effects)
