"""Meta-analyses simulated as drmTMB's authors did, and whether intervals find the truth.

Their study (14 cells of yi ~ x + meta_V(V), sigma ~ 1; K from 8 to 72; V diagonal or dense) reports how
often the Wald interval of sigma is finite and covers: 42 to 98 % (field notes, section 1.4).  What is
known of the cells is K, the heterogeneity τ and the sampling sd s of three of them and the shares; the
others are given values between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

import laird as ld

BETA = {"Intercept": 0.3, "x": 0.2}
PER_STUDY, WITHIN = 4, 0.5
"""Estimates of a study in the dense cells, and the correlation of their sampling errors."""


@dataclass(frozen=True)
class Cell:
    """K estimates with sampling sds around s, and heterogeneity τ."""

    K: int
    tau: float
    s: float
    dense: bool = False

    @property
    def name(self) -> str:
        return f"K = {self.K}, τ = {self.tau}, s = {self.s}, V {'dense' if self.dense else 'diagonal'}"

    def simulate(self, rng: np.random.Generator) -> ld.Model:
        """A data set of this cell, bound to its model."""
        v = (self.s * rng.uniform(0.7, 1.3, self.K)) ** 2
        V = np.diag(v)
        if self.dense:
            same = np.equal.outer(np.arange(self.K) // PER_STUDY, np.arange(self.K) // PER_STUDY)
            V = np.where(same, WITHIN, 0.0) * np.sqrt(np.outer(v, v))
            np.fill_diagonal(V, v)
        x = rng.standard_normal(self.K)
        errors = np.linalg.cholesky(V + self.tau**2 * np.eye(self.K)) @ rng.standard_normal(self.K)
        frame = pd.DataFrame({"x": x, "yi": BETA["Intercept"] + BETA["x"] * x + errors})
        return ld.model("yi ~ x + meta_V(V)", data=frame, known={"V": V if self.dense else v})


CELLS = (
    Cell(8, 0.2, 0.15),
    Cell(12, 0.1, 0.12),
    Cell(12, 0.1, 0.22),
    Cell(12, 0.35, 0.12),
    Cell(12, 0.35, 0.22),
    Cell(16, 0.2, 0.15),
    Cell(36, 0.2, 0.15),
    Cell(72, 0.2, 0.15),
    Cell(12, 0.1, 0.12, dense=True),
    Cell(12, 0.1, 0.22, dense=True),
    Cell(16, 0.2, 0.15, dense=True),
    Cell(16, 0.2, 0.25, dense=True),
    Cell(36, 0.2, 0.15, dense=True),
    Cell(72, 0.2, 0.15, dense=True),
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
    seeds = np.random.SeedSequence([seed, cell.K, int(1000 * cell.tau), int(1000 * cell.s), cell.dense])
    rngs = (np.random.default_rng(own) for own in seeds.spawn(simulations))
    readings = [method(cell.simulate(rng), k) for k, rng in enumerate(rngs)]
    return {name: _coverage(readings, name, value) for name, value in truth.items() if name in readings[0]}


def _coverage(readings: list[Reading], name: str, truth: float) -> Coverage:
    lower, upper = np.array([reading[name] for reading in readings]).T
    finite = np.isfinite(lower) & np.isfinite(upper) & (upper < 1e6)
    covers = finite & (lower <= truth) & (truth <= upper)
    return Coverage(float(finite.mean()), float(covers.mean()), float(np.mean((upper - lower)[finite])))
