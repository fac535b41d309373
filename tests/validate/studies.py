"""Studies simulated from a model and its priors, and what laird's methods say of their true values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import chisquare
from tests.bambi_peer import Draws, laird_draws

import laird as ld
from laird.fitting.problem import problem
from laird.gaussian.marginal import marginal
from laird.gaussian.solution import draw
from laird.posterior import coefficient_prior

SIMULATIONS = 1000
RANKED, BINS = 99, 10
"""A true value has a rank from 0 to 99 among 99 draws; ten of them make a bin."""

type Truth = Mapping[str, float]
type Method = Callable[[ld.Model, Truth, int], tuple[Draws, bool]]
"""From a model, true values and a seed to draws by parameter, and whether the method trusts them."""


@dataclass(frozen=True)
class Study:
    """A design, its model, and fixed priors; `slopes` adds a random slope of a centred predictor."""

    formula: str
    slopes: bool
    groups: int = 15
    rows: int = 6

    @property
    def priors(self) -> dict[str, str]:
        common = {"Intercept": "normal(0, 2)", "sd": "half_normal(1)", "sigma": "lognormal(0, 0.5)"}
        return common | ({"x": "normal(0, 1)", "cor": "lkj(2)"} if self.slopes else {})

    def simulate(self, rng: np.random.Generator) -> tuple[pd.DataFrame, Truth]:
        """Draw parameters from the priors, then a data set from the parameters."""
        ids = np.repeat(np.arange(self.groups), self.rows)
        x = rng.standard_normal(len(ids))
        X = np.column_stack([np.ones(len(ids)), x - x.mean()])[:, : 1 + self.slopes]
        beta = rng.normal(0, [2.0, 1.0][: X.shape[1]])
        sd, sigma = np.abs(rng.standard_normal(X.shape[1])), rng.lognormal(0, 0.5)
        rho = 2 * rng.beta(2, 2) - 1 if self.slopes else 0.0
        C = np.array([[1, rho], [rho, 1]])[: len(sd), : len(sd)]
        u = rng.standard_normal((self.groups, len(sd))) @ np.linalg.cholesky(C).T * sd
        y = X @ beta + np.sum(X * u[ids], axis=1) + sigma * rng.standard_normal(len(ids))
        frame = pd.DataFrame({"y": y, "x": X[:, -1], "g": [f"g{j:02d}" for j in ids]})
        truth = dict(zip(("Intercept", "x"), beta, strict=False)) | {"sigma": sigma}
        truth |= {f"sd(g, {t})": s for t, s in zip(("Intercept", "x"), sd, strict=False)}
        truth |= {f"u(g00, {t})": v for t, v in zip(("Intercept", "x"), u[0], strict=False)}
        return frame, truth | ({"cor": rho} if self.slopes else {})

    def model(self, frame: pd.DataFrame) -> ld.Model:
        return ld.model(self.formula, data=frame, priors=self.priors)


STUDIES = {
    "random intercept": Study("y ~ 1 + (1 | g)", slopes=False),
    "random slope": Study("y ~ x + (1 + x | g)", slopes=True),
}


@dataclass(frozen=True)
class Calibration:
    """Ranks of the true values, by parameter, shape (simulations,)."""

    ranks: Mapping[str, np.ndarray]
    unreliable: float
    """Share of fits that warn of their approximation."""

    def p_values(self) -> dict[str, float]:
        """Chi-square test of uniform ranks."""
        return {name: float(chisquare(_counts(ranks)).pvalue) for name, ranks in self.ranks.items()}


def _counts(ranks: np.ndarray) -> np.ndarray:
    return np.bincount(ranks * BINS // (RANKED + 1), minlength=BINS)


def calibrate(study: Study, draws_of: Method, seed: int) -> Calibration:
    """Rank true values among draws (Talts et al. 2018): uniform when the draws follow the posterior."""
    rng = np.random.default_rng(seed)
    rows, warned = [], 0
    for simulation in range(SIMULATIONS):
        frame, truth = study.simulate(rng)
        draws, reliable = draws_of(study.model(frame), truth, simulation)
        warned += not reliable
        rows.append({n: np.count_nonzero(draws[n].ravel()[:RANKED] < truth[n]) for n in draws if n in truth})
    return Calibration({n: np.array([row[n] for row in rows]) for n in rows[0]}, warned / SIMULATIONS)


def empirical_bayes(model: ld.Model, _: Truth, seed: int) -> tuple[Draws, bool]:
    """Draws of the weighted Laplace approximation."""
    fit = model.fit("eb", draws=500, random_seed=seed)
    checks = fit.check().set_index("check")["status"]
    correlation = {"cor": fit.draws.correlation[..., 0, 1]} if fit.draws.L.shape[-1] > 1 else {}
    return laird_draws(fit) | correlation, checks["approximation"] == "ok"


def exact(model: ld.Model, truth: Truth, seed: int) -> tuple[Draws, bool]:
    """Draws of coefficients and group effects given the true covariance parameters."""
    prior = coefficient_prior(model.priors)
    data = problem(model.spec, model.schema, model.design).grouped
    names = [name for name in truth if name.startswith("sd(")]
    rho = truth.get("cor", 0.0)
    q = len(names)
    L = np.diag([truth[n] for n in names]) @ np.array([[1, 0], [rho, np.sqrt(1 - rho**2)]])[:q, :q]
    beta, u = draw(
        marginal(data, prior.mean, prior.precision),
        np.tile(L, (RANKED, 1, 1)), np.full(RANKED, truth["sigma"]), np.zeros((RANKED, 0)),
        np.random.default_rng(seed),
    )  # fmt: skip
    terms = model.design.names
    found = {term: beta[:, k] for k, term in enumerate(terms)}
    return found | {f"u(g00, {term})": u[:, 0, k] for k, term in enumerate(terms)}, True


METHODS = {"exact draws given the covariance parameters": exact, "empirical Bayes": empirical_bayes}


@dataclass(frozen=True)
class Coverage:
    """How often an interval held the true value."""

    share: Mapping[str, float]
    simulations: int


TRUE = {
    "Intercept": 2.0,
    "x": 0.5,
    "sd Intercept": 1.0,
    "sd x": 0.7,
    "cor Intercept, x": 0.3,
    "sigma residual": 1.0,
}


def reml_coverage(prob: float, seed: int, simulations: int = 1000) -> Coverage:
    """Intervals of REML where nothing is near a boundary: 40 groups of 8 rows."""
    rng = np.random.default_rng(seed)
    hits = [_covered(rng, prob) for _ in range(simulations)]
    return Coverage({name: float(np.mean([row[name] for row in hits])) for name in TRUE}, simulations)


def _covered(rng: np.random.Generator, prob: float) -> dict[str, bool]:
    ids = np.repeat(np.arange(40), 8)
    x = rng.standard_normal(len(ids))
    factor = np.diag([1.0, 0.7]) @ np.array([[1.0, 0.0], [0.3, np.sqrt(1 - 0.09)]])
    u = rng.standard_normal((40, 2)) @ factor.T
    y = 2.0 + u[ids, 0] + (0.5 + u[ids, 1]) * x + rng.standard_normal(len(ids))
    frame = pd.DataFrame({"y": y, "x": x, "g": [f"g{j:02d}" for j in ids]})
    summary = ld.model("y ~ x + (1 + x | g)", data=frame).fit("reml").summary(prob=prob)
    return dict(_hits(summary))


def _hits(summary: pd.DataFrame) -> Iterator[tuple[str, bool]]:
    for row in summary.itertuples():
        name = row.term if row.component == "fixed" else f"{row.component} {row.term}"
        yield name, row.lower <= TRUE[name] <= row.upper
