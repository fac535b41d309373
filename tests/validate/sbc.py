"""Simulation-based calibration of whole posteriors: six models, every class of parameter.

Parameters are drawn from the priors, data from the parameters, and the true values are ranked among
posterior draws: uniform ranks if and only if the draws follow the posterior (Talts et al. 2018).
Data are simulated here in plain NumPy, without laird.  The simultaneous envelope of the empirical
distribution of ranks is that of its largest distance from uniform (Säilynoja et al. 2022).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

import laird as ld
from laird.fitting import tables
from laird.fitting.display import row_name

REPLICATES = 200
RANKED = 99
"""A true value has a rank from 0 to 99."""

type Truth = dict[str, float]
type Rng = np.random.Generator


class Simulated(NamedTuple):
    """A data set, the known covariances of its rows, and the values behind it."""

    frame: pd.DataFrame
    truth: Truth
    known: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Case:
    """A model with proper priors, and how its data are drawn."""

    parts: tuple[str, ...]
    priors: Mapping[str, str]
    simulate: Callable[[Rng], Simulated]

    def model(self, data: Simulated) -> ld.Model:
        return ld.model(*self.parts, data=data.frame, known=data.known, priors=self.priors)


def _labels(prefix: str, ids: np.ndarray) -> list[str]:
    return [f"{prefix}{j:02d}" for j in ids]


def _hierarchical(rng: Rng, slopes: bool) -> Simulated:
    ids = np.repeat(np.arange(15), 6)
    x = rng.standard_normal(len(ids))
    X = np.column_stack([np.ones(len(ids)), x - x.mean()])[:, : 1 + slopes]
    beta = rng.normal(0, [2.0, 1.0][: X.shape[1]])
    sd, sigma = np.abs(rng.standard_normal(X.shape[1])), rng.lognormal(0, 0.5)
    rho = 2 * rng.beta(2, 2) - 1
    C = np.array([[1, rho], [rho, 1]])[: len(sd), : len(sd)]
    u = rng.standard_normal((15, len(sd))) @ np.linalg.cholesky(C).T * sd
    y = X @ beta + np.sum(X * u[ids], axis=1) + sigma * rng.standard_normal(len(ids))
    terms = ("Intercept", "x")[: len(sd)]
    truth = dict(zip(terms, beta, strict=True)) | {"sigma": sigma}
    truth |= {f"sd(g, {t})": s for t, s in zip(terms, sd, strict=True)}
    truth |= {f"u(g00, {t})": v for t, v in zip(terms, u[0], strict=True)}
    truth |= {"cor(g, Intercept, x)": rho} if slopes else {}
    return Simulated(pd.DataFrame({"y": y, "x": X[:, -1], "g": _labels("g", ids)}), truth)


def _two_factors(rng: Rng, a: np.ndarray, b: np.ndarray, names: tuple[str, str]) -> Simulated:
    mean, (sd_a, sd_b) = rng.normal(0, 2), np.abs(rng.standard_normal(2))
    sigma = rng.lognormal(0, 0.5)
    u_a, u_b = sd_a * rng.standard_normal(a.max() + 1), sd_b * rng.standard_normal(b.max() + 1)
    y = mean + u_a[a] + u_b[b] + sigma * rng.standard_normal(len(a))
    frame = pd.DataFrame({"y": y, "a": _labels("a", a), "b": _labels("b", b)})
    truth = {"Intercept": mean, "sigma": sigma, "u(a00, Intercept)": u_a[0]}
    truth |= {f"sd({name}, Intercept)": sd for name, sd in zip(names, (sd_a, sd_b), strict=True)}
    return Simulated(frame, truth)


def _nested(rng: Rng) -> Simulated:
    return _two_factors(rng, np.repeat(np.arange(10), 9), np.repeat(np.arange(30), 3), ("a", "a:b"))


def _crossed(rng: Rng) -> Simulated:
    return _two_factors(rng, np.repeat(np.arange(12), 7), np.tile(np.arange(7), 12), ("a", "b"))


def _location_scale(rng: Rng) -> Simulated:
    study = np.repeat(np.arange(20), 3)
    w = rng.standard_normal(20)
    w -= w.mean()
    x = rng.standard_normal(60)
    x -= x.mean()
    v = rng.uniform(0.05, 0.3, 60)
    (mean, slope), sd, sigma = rng.normal(0, [2.0, 1.0]), abs(rng.standard_normal()), rng.lognormal(-0.5, 0.5)
    delta = rng.normal(0, 0.5)
    u = sd * np.exp(delta * w) * rng.standard_normal(20)
    y = mean + slope * x + u[study] + np.sqrt(v + sigma**2) * rng.standard_normal(60)
    frame = pd.DataFrame({"y": y, "x": x, "w": w[study], "v": v, "study": _labels("s", study)})
    truth = {"Intercept": mean, "x": slope, "sigma": sigma, "u(s00, Intercept)": u[0]}
    truth |= {"log_sd(study, Intercept)": np.log(sd), "log_sd(study, w)": delta}
    return Simulated(frame, truth)


def _bivariate(rng: Rng) -> Simulated:
    n = 25
    mean, sd = rng.normal(0, 2, 2), rng.lognormal(-0.5, 0.5, 2)
    rho = 2 * rng.beta(2, 2) - 1
    v = rng.uniform(0.05, 0.3, (n, 2))
    V = [np.array([[a, 0.4 * np.sqrt(a * b)], [0.4 * np.sqrt(a * b), b]]) for a, b in v]
    G = np.outer(sd, sd) * np.array([[1, rho], [rho, 1]])
    y = np.array([mean + np.linalg.cholesky(G + own) @ rng.standard_normal(2) for own in V])
    truth = {"a: Intercept": mean[0], "b: Intercept": mean[1], "rho(a, b)": rho}
    truth |= {"sigma(a)": sd[0], "sigma(b)": sd[1]}
    return Simulated(pd.DataFrame({"a": y[:, 0], "b": y[:, 1]}), truth, {"V": V})


_BASE = {"Intercept": "normal(0, 2)", "sd": "half_normal(1)", "sigma": "lognormal(0, 0.5)"}
_SLOPES = _BASE | {"x": "normal(0, 1)", "cor": "lkj(2)"}
_META = {"Intercept": "normal(0, 2)", "x": "normal(0, 1)", "sd": "half_normal(1)"}
_TWO = {f"{y}: Intercept": "normal(0, 2)" for y in "ab"}

CASES: Mapping[str, Case] = {
    "random intercept": Case(("y ~ 1 + (1 | g)",), _BASE, lambda rng: _hierarchical(rng, False)),
    "correlated slope": Case(("y ~ x + (1 + x | g)",), _SLOPES, lambda rng: _hierarchical(rng, True)),
    "nested": Case(("y ~ 1 + (1 | a/b)",), _BASE, _nested),
    "crossed": Case(("y ~ 1 + (1 | a) + (1 | b)",), _BASE, _crossed),
    "location-scale meta-analysis": Case(
        ("y ~ x + (1 | study) + meta_V(v)", "sd(study) ~ w"),
        _META | {"sigma": "lognormal(-0.5, 0.5)", "log_sd(study, w)": "normal(0, 0.5)"},
        _location_scale,
    ),
    "bivariate": Case(
        ("a ~ 1 + meta_V(V)", "b ~ 1"),
        _TWO | {f"sigma({y})": "lognormal(-0.5, 0.5)" for y in "ab"} | {"rho(a, b)": "lkj(2)"},
        _bivariate,
    ),
}


def empirical_bayes(model: ld.Model, seed: int) -> ld.Fit:
    return model.fit("eb", draws=500, random_seed=seed)


def full_bayes(model: ld.Model, seed: int) -> ld.Fit:
    """About 990 draws, of which every tenth is ranked."""
    return model.fit("nuts", draws=495, tune=400, chains=2, cores=1, random_seed=seed, progress=False)


METHODS = {"eb": empirical_bayes, "nuts": full_bayes}


def draws_by_name(fit: ld.Fit) -> dict[str, np.ndarray]:
    """Draws of every parameter that the summary lists, and of the effects of first groups."""
    problem, draws = fit.problem, fit.draws
    found = {
        row_name(q.component, q.group, q.term): tables.draw_values(
            draws, q, problem.codings, fit.regressions
        ).ravel()
        for q in tables.parameters(
            problem.design.names, problem.design.random, fit.regressions, residual=problem.has_residual
        )
    }
    for random, u in zip(problem.design.random, draws.u, strict=True):
        first = u.reshape(-1, *u.shape[2:])[:, 0]
        found |= {f"u({random.levels[0]}, {t})": first[:, k] for k, t in enumerate(random.names)}
    return found


@cache
def ranks(case: str, method: str, seed: int) -> Mapping[str, np.ndarray]:
    """Ranks of the true values, by parameter, shape (REPLICATES,)."""
    rng, rows = np.random.default_rng(seed), []
    for replicate in range(REPLICATES):
        data = CASES[case].simulate(rng)
        found = draws_by_name(METHODS[method](CASES[case].model(data), replicate))
        rows.append({name: _rank(found[name], value) for name, value in data.truth.items()})
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _rank(draws: np.ndarray, value: float) -> int:
    chosen = draws[np.linspace(0, len(draws) - 1, RANKED).astype(int)]
    return int(np.count_nonzero(chosen < value))


def distance(found: np.ndarray) -> float:
    """Largest distance of the empirical distribution of ranks from uniform."""
    share = np.bincount(found, minlength=RANKED + 1).cumsum() / len(found)
    return float(np.abs(share - np.arange(1, RANKED + 2) / (RANKED + 1)).max())


@cache
def envelope(probability: float) -> float:
    """The distance that uniform ranks exceed with 1 - `probability`, by simulation."""
    rng = np.random.default_rng(1)
    return float(
        np.quantile([distance(rng.integers(0, RANKED + 1, REPLICATES)) for _ in range(20_000)], probability)
    )
