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
from laird.errors import DataError
from laird.fitting.drawn import DrawnScales, drawn_scales
from laird.fitting.draws import Draws
from laird.fitting.point import Point
from laird.fitting.problem import Problem, joined_columns
from laird.fitting.regressions import Regression, row_sigma
from laird.fitting.standard import new_effects, residuals
from laird.gaussian.crossproducts import Grouped
from laird.gaussian.prediction import prediction_variance
from laird.gaussian.theta import Theta

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type Kind = Literal["mean", "response"]

CELLS = 4_000_000
"""Draws times rows held in memory at once."""


def predict(
    problem: Problem,
    point: Point,
    theta: Theta | None,
    regressions: Sequence[Regression],
    draws: Draws | None,
    design: Design,
    *,
    population: bool,
    kind: Kind,
    prob: float,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """The table of `laird.fitting.result.Fit.predict` for the rows of a design."""
    rows = rows_of(design, population=population)
    if draws is not None:
        variances = sampling_variances(problem, design) if kind == "response" else None
        scales_drawn = drawn_scales(problem, design, draws)
        table = predict_draws(point, draws, rows, scales_drawn, variances, prob, rng)
        return by_outcome(design, table)
    scales = scales_of(problem, design, point, regressions, kind)
    return by_outcome(design, predict_point(problem, point, theta, rows, scales, prob))


class Rows(NamedTuple):
    """Rows to predict: X (m, p), and by factor Z (m, q) and ids (m,), -1 for a group not fitted."""

    X: Floats
    factors: tuple[tuple[Floats, Ids], ...]


class Scales(NamedTuple):
    """Residual variance of every row (m,), and by factor how much larger the sds of its group are (m,)."""

    residual: Floats
    groups: tuple[Floats, ...]


def rows_of(design: Design, *, population: bool) -> Rows:
    """The arrays of a design; `population` leaves the groups out."""
    return Rows(design.X, () if population else tuple((r.Z, r.ids) for r in design.random))


def scales_of(
    problem: Problem, design: Design, point: Point, regressions: Sequence[Regression], kind: Kind
) -> Scales:
    """Residual variances and group sds at the rows of a design.

    Raises
    ------
    DataError
        A response is asked for of a model with known sampling variances, and the rows have none.
    """
    groups = tuple(_stretch(design, random.group, point, regressions) for random in design.random)
    if kind == "mean":
        return Scales(np.zeros(len(design.X)), groups)
    sigma = residual_sds(problem, design, point, regressions)
    phi = next((float(np.exp(own.estimate[0])) for own in regressions if own.parameter == "phi"), 1.0)
    return Scales(sigma**2 + phi * sampling_variances(problem, design), groups)


def residual_sds(problem: Problem, design: Design, point: Point, regressions: Sequence[Regression]) -> Floats:
    """Residual sd of the rows of a design, shape (m,)."""
    if problem.has_residual:
        return np.full(len(design.X), point.sigma)
    return row_sigma(design, regressions)


def sampling_variances(problem: Problem, design: Design) -> Floats:
    """Known sampling variance of the rows of a design, zero for a model without, shape (m,)."""
    known = problem.design.known
    if known is None:
        return np.zeros(len(design.X))
    if design.known is not None:
        return design.known.variances
    raise DataError(
        f"A response of this model has the sampling variance `{known.name}`, which the new rows do not have.",
        remedy=f'Add the column `{known.name}`, or predict the mean effect: `kind="mean"`.',
    )


def _stretch(design: Design, group: str, point: Point, regressions: Sequence[Regression]) -> Floats:
    """How much larger the sds of a row's group are than those of the point, shape (m,)."""
    own = next((r for r in regressions if (r.parameter, r.group) == ("sd", group)), None)
    start = next(
        at for r, at in zip(design.random, joined_columns(design.random), strict=True) if r.group == group
    )
    first = point.sd[start.start]
    if own is None or first == 0.0:
        return np.ones(len(design.X))
    W = next(s.W for s in design.scales if (s.parameter, s.group) == ("sd", group))
    return np.asarray(np.exp(W @ own.estimate) / first)


def predict_point(
    problem: Problem, point: Point, theta: Theta | None, rows: Rows, scales: Scales, prob: float
) -> pd.DataFrame:
    """Estimates with normal intervals."""
    from scipy.special import ndtri

    se = np.sqrt(_variance(problem, point, theta, rows, scales) + scales.residual)
    mean, half = _mean(point, rows), float(ndtri(0.5 + prob / 2)) * se
    return _frame(mean, se, mean - half, mean + half)


def _mean(point: Point, rows: Rows) -> Floats:
    mean = rows.X @ point.beta
    for (Z, ids), own in zip(rows.factors, point.effects, strict=False):
        fitted = ids >= 0
        mean[fitted] += np.einsum("iq,iq->i", Z[fitted], own.u[ids[fitted]])
    return np.asarray(mean)


def _variance(problem: Problem, point: Point, theta: Theta | None, rows: Rows, scales: Scales) -> Floats:
    """Variance of x'β̂ + z'û as a prediction of x'β + z'u."""
    if not rows.factors:
        return np.asarray(np.einsum("ip,pr,ir->i", rows.X, point.beta_cov, rows.X))
    factors = [
        (np.where((ids < 0)[:, None], Z * stretch[:, None], Z), ids)
        for (Z, ids), stretch in zip(rows.factors, scales.groups, strict=True)
    ]
    if theta is None or isinstance(problem.data, Grouped):
        return _joint_variance(point, rows.X, *factors[0])
    Z, ids = zip(*factors, strict=True)
    return np.maximum(prediction_variance(problem.data, theta, rows.X, Z, ids), 0.0)


def _joint_variance(point: Point, X: Floats, Z: Floats, ids: Ids) -> Floats:
    """The same for one factor, from the joint covariance of β and the effects of its groups."""
    fitted, (own,) = ids >= 0, point.effects
    variance: Floats = np.einsum("ip,pr,ir->i", X, point.beta_cov, X)
    x, z, j = X[fitted], Z[fitted], ids[fitted]
    variance[fitted] += np.einsum("iq,iqr,ir->i", z, own.cov[j], z)
    variance[fitted] += 2 * np.einsum("iq,iqp,ip->i", z, own.beta_cov[j], x)
    new = Z[~fitted]
    variance[~fitted] += np.einsum("iq,qr,ir->i", new, point.G, new)
    return np.maximum(variance, 0.0)


def predict_draws(
    point: Point,
    draws: Draws,
    rows: Rows,
    scales: DrawnScales,
    variances: Floats | None,
    prob: float,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Estimates of the point with sds and equal-tailed intervals of the draws.

    `variances` are the known ones of the rows of a response (m,), None for the mean.
    """
    mean = _mean(point, rows)
    tails = [(1 - prob) / 2, (1 + prob) / 2]
    parts = [
        np.vstack([values.std(axis=0, ddof=1), np.quantile(values, tails, axis=0)])
        for values in _predictive(draws, rows, scales, variances, rng)
    ]
    se, lower, upper = np.concatenate(parts, axis=1) if parts else np.zeros((3, 0))
    return _frame(mean, se, lower, upper)


def _predictive(
    draws: Draws, rows: Rows, scales: DrawnScales, variances: Floats | None, rng: np.random.Generator
) -> Iterator[Floats]:
    """Draws of the linear predictor or response, (S, rows) a chunk of rows at a time."""
    beta, new_u = draws.flat("beta"), new_effects(scales.design, draws, rng)
    effects = draws.flat_effects() if rows.factors else ()
    places = joined_columns(scales.design.random)
    chunk = max(CELLS // len(beta), 1)
    for start in range(0, len(rows.X), chunk):
        part = slice(start, start + chunk)
        values = beta @ rows.X[part].T
        for (Z, ids), u, r, at in zip(rows.factors, effects, scales.design.random, places, strict=False):
            stretch = scales.stretch(r.group, part)
            for k in range(Z.shape[1]):
                new = new_u[:, [at.start + k]] * stretch
                values += np.where(ids[part] >= 0, u[:, ids[part], k], new) * Z[part, k]
        if variances is not None:
            sampling = scales.phi()[:, None] * variances[part]
            values += residuals(scales.design, draws, scales.sigma(part), sampling, rng)
        yield values


def by_outcome(design: Design, table: pd.DataFrame) -> pd.DataFrame:
    """A table of predictions with the row and outcome that each is of, when there are several."""
    if design.outcomes:
        table.insert(0, "row", design.rows)
        table.insert(1, "outcome", [design.outcomes[k] for k in design.which])
    return table


def _frame(mean: Floats, se: Floats, lower: Floats, upper: Floats) -> pd.DataFrame:
    return pd.DataFrame({"estimate": mean, "se": se, "lower": lower, "upper": upper})
