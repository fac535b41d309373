"""Predictions: for the fitted groups, for new groups, for the population.

The linear predictor is xβ + zu.  For a fitted group its variance is that of β and u
jointly given the data (Henderson 1975); for a new group zGz' takes the place of the
group's part; a response adds sigma².
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.design import Design
from laird.fitting.draws import Draws
from laird.fitting.point import Point

if TYPE_CHECKING:
    from collections.abc import Iterator

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type Kind = Literal["mean", "response"]

CELLS = 4_000_000
"""Draws times rows held in memory at once."""


class Rows(NamedTuple):
    """Rows to predict: X (m, p), Z (m, q), and ids (m,), -1 for a group that was not fitted."""

    X: Floats
    Z: Floats
    ids: Ids


def rows_of(design: Design, *, population: bool) -> Rows:
    """The arrays of a design; `population` leaves the groups out."""
    if population or not design.random:
        m = len(design.X)
        return Rows(design.X, np.zeros((m, 0)), np.full(m, -1))
    random = design.random[0]
    return Rows(design.X, random.Z, random.ids)


def predict_point(point: Point, rows: Rows, kind: Kind, prob: float) -> pd.DataFrame:
    """Estimates with normal intervals."""
    from scipy.special import ndtri

    mean, variance = _mean_and_variance(point, rows)
    se = np.sqrt(variance + (point.sigma**2 if kind == "response" else 0.0))
    half = float(ndtri(0.5 + prob / 2)) * se
    return _frame(mean, se, mean - half, mean + half)


def _mean_and_variance(point: Point, rows: Rows) -> tuple[Floats, Floats]:
    X, Z, ids = rows
    mean = X @ point.beta
    variance = np.einsum("ip,pr,ir->i", X, point.beta_cov, X)
    if not Z.shape[1]:
        return mean, variance
    fitted = ids >= 0
    x, z, j = X[fitted], Z[fitted], ids[fitted]
    mean[fitted] += np.einsum("iq,iq->i", z, point.u[j])
    variance[fitted] += np.einsum("iq,iqr,ir->i", z, point.u_cov[j], z)
    variance[fitted] += 2 * np.einsum("iq,iqp,ip->i", z, point.u_beta_cov[j], x)
    variance[~fitted] += np.einsum("iq,qr,ir->i", Z[~fitted], point.G, Z[~fitted])
    return mean, np.maximum(variance, 0.0)


def predict_draws(
    point: Point, draws: Draws, rows: Rows, kind: Kind, prob: float, rng: np.random.Generator
) -> pd.DataFrame:
    """Estimates of the point with sds and equal-tailed intervals of the draws."""
    mean, _ = _mean_and_variance(point, rows)
    tails = [(1 - prob) / 2, (1 + prob) / 2]
    parts = [
        np.vstack([values.std(axis=0, ddof=1), np.quantile(values, tails, axis=0)])
        for values in _predictive(draws, rows, kind, rng)
    ]
    se, lower, upper = np.concatenate(parts, axis=1) if parts else np.zeros((3, 0))
    return _frame(mean, se, lower, upper)


def _predictive(draws: Draws, rows: Rows, kind: Kind, rng: np.random.Generator) -> Iterator[Floats]:
    """Draws of the linear predictor or response, (S, rows) a chunk of rows at a time."""
    beta, u, L, sigma = (draws.flat(name) for name in ("beta", "u", "L", "sigma"))
    q = rows.Z.shape[1]
    new_u = np.einsum("sab,sb->sa", L, rng.standard_normal(L.shape[:2])) if q else np.zeros((len(sigma), 0))
    chunk = max(CELLS // len(sigma), 1)
    for start in range(0, len(rows.X), chunk):
        X, Z, ids = (part[start : start + chunk] for part in rows)
        values = beta @ X.T
        for k in range(q):
            effect = np.where(ids >= 0, u[:, ids, k], new_u[:, [k]])
            values += effect * Z[:, k]
        if kind == "response":
            values += sigma[:, None] * rng.standard_normal(values.shape)
        yield values


def _frame(mean: Floats, se: Floats, lower: Floats, upper: Floats) -> pd.DataFrame:
    return pd.DataFrame({"estimate": mean, "se": se, "lower": lower, "upper": upper})
