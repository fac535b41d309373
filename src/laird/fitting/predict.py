"""Predictions: for the fitted groups, for new groups, for the population.

The linear predictor is xβ + zu.  For a fitted group its variance is that of β and u
jointly given the data (Henderson 1975); for a new group zGz' takes the place of the
group's part; a response adds sigma².
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple
from warnings import warn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.design import Design
from laird.errors import LairdWarning
from laird.fitting.draws import Draws
from laird.fitting.point import Point
from laird.fitting.regressions import Regression

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type Kind = Literal["mean", "response"]

CELLS = 4_000_000
"""Draws times rows held in memory at once."""


class Rows(NamedTuple):
    """Rows to predict: X (m, p), and by factor Z (m, q) and ids (m,), -1 for a group not fitted."""

    X: Floats
    factors: tuple[tuple[Floats, Ids], ...]


class Scales(NamedTuple):
    """Residual sd of every row (m,) and how much larger the sds of its (new) group are (m,)."""

    sigma: Floats
    group: Floats


def rows_of(design: Design, *, population: bool) -> Rows:
    """The arrays of a design; `population` leaves the groups out."""
    return Rows(design.X, () if population else tuple((r.Z, r.ids) for r in design.random))


def scales_of(design: Design, point: Point, regressions: Sequence[Regression]) -> Scales:
    """Residual and group sds at the rows of a design."""
    m = len(design.X)
    sigma, group = np.full(m, point.sigma), np.ones(m)
    for own in regressions:
        W = next(s.W for s in design.scales if (s.parameter, s.group) == (own.parameter, own.group))
        if own.parameter == "sigma":
            sigma = np.exp(W @ own.estimate)
        elif point.sd[0] > 0:
            group = np.exp(W @ own.estimate) / point.sd[0]
    return Scales(sigma, group)


def predict_point(point: Point, rows: Rows, scales: Scales, kind: Kind, prob: float) -> pd.DataFrame:
    """Estimates with normal intervals."""
    from scipy.special import ndtri

    se = np.sqrt(_variance(point, rows, scales) + (scales.sigma**2 if kind == "response" else 0.0))
    mean, half = _mean(point, rows), float(ndtri(0.5 + prob / 2)) * se
    return _frame(mean, se, mean - half, mean + half)


def _mean(point: Point, rows: Rows) -> Floats:
    mean = rows.X @ point.beta
    for (Z, ids), own in zip(rows.factors, point.effects, strict=False):
        fitted = ids >= 0
        mean[fitted] += np.einsum("iq,iq->i", Z[fitted], own.u[ids[fitted]])
    return np.asarray(mean)


def _variance(point: Point, rows: Rows, scales: Scales) -> Floats:
    X = rows.X
    variance: Floats = np.einsum("ip,pr,ir->i", X, point.beta_cov, X)
    if not rows.factors:
        return np.asarray(variance)
    if len(rows.factors) > 1:
        warn(
            "With several grouping factors predictions have no standard errors in this version, except for "
            'groups="population".',
            LairdWarning,
            stacklevel=4,
        )
        return np.full(len(X), np.nan)
    ((Z, ids),), (own,) = rows.factors, point.effects
    fitted = ids >= 0
    x, z, j = X[fitted], Z[fitted], ids[fitted]
    variance[fitted] += np.einsum("iq,iqr,ir->i", z, own.cov[j], z)
    variance[fitted] += 2 * np.einsum("iq,iqp,ip->i", z, own.beta_cov[j], x)
    new = Z[~fitted] * scales.group[~fitted, None]
    variance[~fitted] += np.einsum("iq,qr,ir->i", new, point.G, new)
    return np.maximum(variance, 0.0)


def predict_draws(
    point: Point, draws: Draws, rows: Rows, kind: Kind, prob: float, rng: np.random.Generator
) -> pd.DataFrame:
    """Estimates of the point with sds and equal-tailed intervals of the draws."""
    mean = _mean(point, rows)
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
    new_u = np.einsum("sab,sb->sa", L, rng.standard_normal(L.shape[:2]))
    chunk = max(CELLS // len(sigma), 1)
    for start in range(0, len(rows.X), chunk):
        part = slice(start, start + chunk)
        values = beta @ rows.X[part].T
        for Z, ids in rows.factors:
            for k in range(Z.shape[1]):
                values += np.where(ids[part] >= 0, u[:, ids[part], k], new_u[:, [k]]) * Z[part, k]
        if kind == "response":
            values += sigma[:, None] * rng.standard_normal(values.shape)
        yield values


def _frame(mean: Floats, se: Floats, lower: Floats, upper: Floats) -> pd.DataFrame:
    return pd.DataFrame({"estimate": mean, "se": se, "lower": lower, "upper": upper})
