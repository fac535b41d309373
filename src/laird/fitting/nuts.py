"""Full Bayes: NUTS on the marginal graph; coefficients and group effects drawn exactly afterwards."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting.checks import Check, group_check
from laird.fitting.draws import Draws
from laird.fitting.options import seed, share, whole_number
from laird.fitting.origin import origin
from laird.fitting.point import Point, posterior_point
from laird.fitting.problem import Problem
from laird.fitting.result import Fit
from laird.fitting.tables import convergence
from laird.gaussian.coordinates import correlated_pairs, correlation_factor
from laird.gaussian.marginal import Marginal, flat, log_density, marginal
from laird.gaussian.solution import draw, solve
from laird.graph.marginal import marginal as marginal_graph
from laird.posterior import coefficient_prior
from laird.posterior.names import group_names
from laird.posterior.table import PriorTable

if TYPE_CHECKING:
    import xarray as xr

type Floats = NDArray[np.float64]
type Sampler = Literal["nutpie", "pymc"]

RHAT_LIMIT = 1.01
ESS_PER_CHAIN = 100
MANY_GROUPS = 20
"""From so many groups on, sds are sampled as absolute values: their upper tail is then light.

Measured with 4 x 1000 draws on 12 models of 6 to 300 groups: smallest effective sample sizes
of 2,200 to 3,700 from 20 groups on, where the log scale gives 770 to 3,800; below, the log
scale is better.
"""

WEIGHT_DRAWS = 100
"""Draws over which the weights of the groups' own estimates are averaged."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to sample."""

    draws: int
    tune: int
    chains: int
    cores: int
    random_seed: int | None
    target_accept: float
    progress: bool
    sampler: Sampler


def fit(
    problem: Problem,
    priors: PriorTable,
    *,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    cores: int | None = None,
    random_seed: int | None = None,
    target_accept: float = 0.8,
    progress: bool | Literal["auto"] = "auto",
    sampler: Sampler | None = None,
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
        ``"nutpie"``, or PyMC's own when nutpie is missing or ``"pymc"`` is asked for.
    """
    start = perf_counter()
    used_seed = seed(random_seed)
    settings = Settings(
        whole_number("draws", draws, 4),
        whole_number("tune", tune, 1),
        whole_number("chains", chains, 1),
        whole_number("cores", min(chains, os.cpu_count() or 1) if cores is None else cores, 1),
        used_seed,
        share("target_accept", target_accept),
        _shows_progress(progress),
        _sampler(sampler),
    )
    likelihood = _likelihood(problem, priors)
    sampled = _draws(problem, likelihood, _sample(problem, priors, settings), settings)
    return Fit(
        method="nuts",
        problem=problem,
        point=_point(likelihood, sampled),
        loglik=_log_likelihood(problem, sampled),
        checks=_checks(problem, sampled),
        origin=origin(
            problem.spec,
            problem.design,
            perf_counter() - start,
            seed=used_seed,
            options={
                "draws": draws,
                "tune": tune,
                "chains": chains,
                "target_accept": target_accept,
                "sampler": settings.sampler,
            },
        ),
        draws=sampled,
        priors=priors,
    )


def _shows_progress(wanted: bool | Literal["auto"]) -> bool:
    if wanted not in (True, False, "auto"):
        raise FitError(f"progress = {wanted!r} is not usable.", allowed='Allowed: True, False, "auto".')
    return _interactive() if wanted == "auto" else wanted


def _interactive() -> bool:
    """A terminal or a notebook looks on, and this is not a batch run."""
    import sys

    return "CI" not in os.environ and (sys.stderr.isatty() or "ipykernel" in sys.modules)


def _sampler(wanted: Sampler | None) -> Sampler:
    available = find_spec("nutpie") is not None
    if wanted not in (None, "nutpie", "pymc"):
        raise FitError(f"Unknown sampler {wanted!r}.", allowed='Allowed: "nutpie", "pymc".')
    if wanted == "nutpie" and not available:
        raise FitError("The sampler nutpie is not installed.", remedy='Install it, or use sampler="pymc".')
    return wanted or ("nutpie" if available else "pymc")


def _sample(problem: Problem, priors: PriorTable, settings: Settings) -> xr.DataTree:
    many = problem.random is not None and len(problem.random.levels) >= MANY_GROUPS
    model = marginal_graph(problem.design, priors, signed=many)
    return _with_nutpie(model, settings) if settings.sampler == "nutpie" else _with_pymc(model, settings)


def _with_nutpie(model: Any, settings: Settings) -> xr.DataTree:
    import nutpie

    return nutpie.sample(  # type: ignore[no-any-return]
        nutpie.compile_pymc_model(model),
        draws=settings.draws,
        tune=settings.tune,
        chains=settings.chains,
        cores=settings.cores,
        seed=settings.random_seed,
        target_accept=settings.target_accept,
        progress_bar=settings.progress,
        save_warmup=False,
    )


def _with_pymc(model: Any, settings: Settings) -> xr.DataTree:
    import pymc as pm

    with model:
        return pm.sample(  # type: ignore[no-any-return]
            draws=settings.draws,
            tune=settings.tune,
            chains=settings.chains,
            cores=settings.cores,
            random_seed=settings.random_seed,
            target_accept=settings.target_accept,
            progressbar=settings.progress,
            nuts_sampler="pymc",
            compute_convergence_checks=False,
            quiet=not settings.progress,
        )


def _draws(problem: Problem, likelihood: Marginal, trace: xr.DataTree, settings: Settings) -> Draws:
    """Covariance parameters of the trace, with β and u from their exact conditional."""
    data: Any = trace["posterior"]
    statistics: Any = trace["sample_stats"]
    sigma = np.asarray(data["sigma"])
    C, S = sigma.shape
    L, b = _factors(problem, data, C, S), np.zeros((C * S, 0))
    if "beta_sampled" in data:
        b = np.asarray(data["beta_sampled"]).reshape(C * S, -1)
    rng = np.random.default_rng(np.random.SeedSequence(settings.random_seed).spawn(1)[0])
    beta, u = draw(likelihood, L, sigma.ravel(), b, rng)
    return Draws(
        beta=beta.reshape(C, S, -1),
        sigma=sigma,
        u=u.reshape(C, S, *u.shape[1:]),
        L=L.reshape(C, S, *L.shape[1:]),
        stats=_statistics(statistics),
        warmup=settings.tune,
    )


def _likelihood(problem: Problem, priors: PriorTable) -> Marginal:
    prior = coefficient_prior(priors)
    return marginal(problem.grouped, prior.mean, prior.precision, prior.sampled)


def _factors(problem: Problem, data: Mapping[str, Any], C: int, S: int) -> Floats:
    """Factors of G, shape (C S, q, q)."""
    random = problem.random
    if random is None:
        return np.zeros((C * S, 0, 0))
    names = group_names(random)
    sd = np.asarray(data[names.sd]).reshape(C * S, -1)
    pairs = correlated_pairs(random.blocks)
    z = np.asarray(data[names.partial]).reshape(C * S, -1) if pairs else np.zeros((C * S, 0))
    return sd[:, :, None] * correlation_factor(z, sd.shape[1], pairs)


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


def _statistics(stats: Mapping[str, Any]) -> dict[str, NDArray[np.generic]]:
    """What the samplers report of each draw, under ArviZ's names."""
    return {name: np.asarray(stats[own]) for own, name in STATISTICS.items() if own in stats}


def _point(likelihood: Marginal, draws: Draws) -> Point:
    L, sigma = draws.flat("L"), draws.flat("sigma")
    chosen = np.linspace(0, len(sigma) - 1, min(WEIGHT_DRAWS, len(sigma))).astype(int)
    solutions = [solve(flat(likelihood.data), L[s], float(sigma[s])) for s in chosen]
    G = L[chosen] @ L[chosen].transpose(0, 2, 1)
    resolved = [own.weights @ g for s, g in zip(solutions, G, strict=True) for own in s.effects]
    mean = np.mean(resolved, axis=0) if resolved else np.zeros((0, 0, 0))
    weights = mean @ np.linalg.pinv(G.mean(axis=0), hermitian=True)
    return posterior_point(draws.flat("beta"), draws.flat("u"), L, sigma, weights)


def _log_likelihood(problem: Problem, draws: Draws) -> float:
    """Restricted log-likelihood at the posterior means of the factor of G and of sigma."""
    L, sigma = draws.flat("L").mean(axis=0), float(draws.sigma.mean())
    return log_density(flat(problem.grouped), L, sigma)[0]


def _checks(problem: Problem, draws: Draws) -> tuple[Check, ...]:
    rhat, ess = _worst(problem, draws)
    chains = len(draws.sigma)
    rows = [_rhat_check(rhat), _ess_check(ess, chains), _divergence_check(draws)]
    if problem.random is not None:
        rows.append(group_check(problem.random.group, len(problem.random.levels)))
    return tuple(rows)


def _worst(problem: Problem, draws: Draws) -> tuple[float, float]:
    """Largest R-hat and smallest effective sample size over the parameters of the summary.

    Group effects are drawn from their exact conditional given these, so they mix as well.
    """
    series = [draws.sigma, *np.moveaxis(draws.beta, -1, 0), *np.moveaxis(draws.sd, -1, 0)]
    pairs = correlated_pairs(problem.random.blocks) if problem.random else ()
    series += [draws.correlation[..., i, j] for i, j in pairs]
    found = np.array([convergence(values) for values in series])
    rhat = float(np.nanmax(found[:, 2])) if len(draws.sigma) > 1 else np.nan
    return rhat, float(np.nanmin(found[:, :2]))


def _rhat_check(rhat: float) -> Check:
    if np.isnan(rhat):
        return Check("rhat", "warning", rhat, "R-hat compares chains; there is one.", "Use `chains=4`.")
    message = f"Largest R-hat of all parameters {rhat:.3f} (limit {RHAT_LIMIT})."
    if rhat <= RHAT_LIMIT:
        return Check("rhat", "ok", rhat, message)
    return Check("rhat", "not_converged", rhat, message, "Sample longer: raise `tune` and `draws`.")


def _ess_check(ess: float, chains: int) -> Check:
    message = f"Smallest effective sample size {ess:.0f} (wanted {ESS_PER_CHAIN} per chain)."
    if ess >= ESS_PER_CHAIN * chains:
        return Check("ess", "ok", ess, message)
    return Check("ess", "warning", ess, message, "Sample longer: raise `draws`.")


def _divergence_check(draws: Draws) -> Check:
    count = int(np.count_nonzero(draws.stats["diverging"])) if "diverging" in draws.stats else 0
    share = count / draws.sigma.size
    message = f"{count} divergent transitions of {draws.sigma.size}."
    if count == 0:
        return Check("divergences", "ok", 0, message)
    remedy = "Raise `target_accept` to 0.95, or use a more informative prior of the group sds."
    return Check("divergences", "warning" if share < 0.01 else "not_converged", count, message, remedy)
