"""Meta-analyses simulated as drmTMB's authors did, and whether intervals find the truth.

Their study: 14 cells of yi ~ x + meta_V(V), sigma ~ 1, 1,200 data sets each, and how often the Wald
interval of sigma is finite and covers (repository itchyshin/drmTMB: docs/design/48-phase-18-meta-v-ademp.md
has the model, inst/sim/dgp/sim_dgp_meta_v.R the sampling sds and correlations, and
docs/dev-log/evidence/2026-07-23-meta-v-b3-retained-reduction.md the cells and what was found in each).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

import laird as ld

BETA = {"Intercept": 0.20, "x": 0.45}
PUBLISHED_SIMULATIONS = 1200


@dataclass(frozen=True)
class Cell:
    """K estimates with sampling sds around s, heterogeneity τ, and what drmTMB's Wald interval of it did.

    A dense V has correlations rho^|i - j|; no rho: V is a vector.
    """

    K: int
    tau: float
    s: float
    rho: float | None
    finite: int
    covers: float

    @property
    def name(self) -> str:
        form = "vector" if self.rho is None else f"dense, ρ = {self.rho}"
        return f"K = {self.K}, τ = {self.tau}, s = {self.s}, V {form}"

    @property
    def V(self) -> np.ndarray:
        """Sampling covariance: sds from 22 % below to 28 % above s, evenly on the log scale."""
        sds = self.s * np.exp(np.linspace(-0.25, 0.25, self.K))
        apart = np.abs(np.subtract.outer(np.arange(self.K), np.arange(self.K)))
        return np.outer(sds, sds) * (self.rho or 0.0) ** apart

    def simulate(self, rng: np.random.Generator) -> ld.Model:
        """A data set of this cell, bound to its model."""
        x = rng.standard_normal(self.K)
        errors = np.linalg.cholesky(self.V + self.tau**2 * np.eye(self.K)) @ rng.standard_normal(self.K)
        frame = pd.DataFrame({"x": x, "yi": BETA["Intercept"] + BETA["x"] * x + errors})
        V = np.diag(self.V) if self.rho is None else self.V
        return ld.model("yi ~ x + meta_V(V)", data=frame, known={"V": V})


CELLS = (
    Cell(8, 0.10, 0.12, None, 703, 0.5742),
    Cell(12, 0.10, 0.12, None, 879, 0.7200),
    Cell(16, 0.10, 0.12, None, 956, 0.7858),
    Cell(36, 0.10, 0.12, None, 1142, 0.9308),
    Cell(72, 0.10, 0.12, None, 1198, 0.9775),
    Cell(12, 0.10, 0.22, None, 522, 0.4117),
    Cell(12, 0.10, 0.12, 0.0, 859, 0.7058),
    Cell(12, 0.10, 0.22, 0.0, 533, 0.4233),
    Cell(12, 0.10, 0.12, 0.25, 912, 0.7500),
    Cell(12, 0.10, 0.22, 0.25, 586, 0.4567),
    Cell(12, 0.35, 0.12, None, 1198, 0.8900),
    Cell(36, 0.35, 0.12, None, 1200, 0.9308),
    Cell(12, 0.35, 0.12, 0.25, 1200, 0.9000),
    Cell(36, 0.35, 0.12, 0.25, 1200, 0.9167),
)

type Interval = tuple[float, float]
type Reading = Mapping[str, Interval]
type Method = Callable[[ld.Model, int], Reading]


@dataclass(frozen=True)
class Coverage:
    """Shares of data sets in which the 95 % interval is finite, and finite and covers."""

    finite: float
    covers: float
    width: float


def wald(model: ld.Model, _seed: int) -> Reading:
    """What drmTMB does: ML, the Wald interval of log sigma, joint standard errors."""
    fit = model.fit("ml", se="joint")
    sigma, se = float(np.log(fit.sigma)) if fit.sigma else -np.inf, float(fit.scale_se.iloc[0])
    with np.errstate(over="ignore"):
        sigma_interval = (np.exp(sigma - 1.96 * se), np.exp(sigma + 1.96 * se))
    rows = {
        name: (fit.fixef[name] - 1.96 * fit.se[name], fit.fixef[name] + 1.96 * fit.se[name]) for name in BETA
    }
    return {"sigma": sigma_interval, **rows}


def of_table(table: pd.DataFrame) -> Reading:
    return {row.term: (row.lower, row.upper) for row in table.itertuples()}


def default_tests(model: ld.Model, _seed: int) -> Reading:
    """REML, with the default small-sample method of the coefficients."""
    return of_table(ld.coef_tests(model.fit("reml")))


def empirical_bayes(model: ld.Model, seed: int) -> Reading:
    return draws_summary(model.fit("eb", draws=400, random_seed=seed))


def full_bayes(model: ld.Model, seed: int) -> Reading:
    options: dict[str, Any] = {"draws": 500, "tune": 300, "chains": 2, "cores": 1, "progress": False}
    return draws_summary(model.fit("nuts", random_seed=seed, **options))


def draws_summary(fit: ld.Fit) -> Reading:
    table = fit.summary()
    table["term"] = table.term.where(table.component == "fixed", table.component)
    return of_table(table)


def coverage(cell: Cell, method: Method, simulations: int, seed: int) -> dict[str, Coverage]:
    """How often the intervals of sigma and of the coefficients cover in one cell."""
    truth = BETA | {"sigma": cell.tau}
    seeds = np.random.SeedSequence([seed, CELLS.index(cell)])
    rngs = (np.random.default_rng(own) for own in seeds.spawn(simulations))
    readings = [method(cell.simulate(rng), k) for k, rng in enumerate(rngs)]
    return {name: _coverage(readings, name, value) for name, value in truth.items() if name in readings[0]}


def _coverage(readings: list[Reading], name: str, truth: float) -> Coverage:
    lower, upper = np.array([reading[name] for reading in readings]).T
    finite = np.isfinite(lower) & np.isfinite(upper) & (upper < 1e6)
    covers = finite & (lower <= truth) & (truth <= upper)
    return Coverage(float(finite.mean()), float(covers.mean()), float(np.mean((upper - lower)[finite])))
