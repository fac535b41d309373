"""Effect sizes and their sampling variances, from what studies report.

Every function takes columns (lists, arrays, pandas columns) with one entry per study, and
returns a `pandas.DataFrame` with the effect ``yi`` and its sampling variance ``vi``, on the
index of the input.  Group 1 is compared with group 2 (treated minus control).  Where an
input is missing (NaN), so are ``yi`` and ``vi``.  An input that no study can report raises a
`laird.DataError` that names the entries.

Formulas as in Borenstein, Hedges, Higgins & Rothstein (2009) and in R's ``metafor::escalc``
(Viechtbauer 2010), which the results equal.

>>> import laird as ld
>>> ld.effects.log_risk_ratio([4, 6], [123, 306], [11, 29], [139, 303]).round(4)
       yi      vi
0 -0.8893  0.3256
1 -1.5854  0.1946
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from laird.errors import DataError
from laird.meta.columns import read_columns, refuse, refuse_below

type Floats = NDArray[np.float64]
type Correct = Literal["zeros", "all", "none"]

__all__ = [
    "fisher_z",
    "log_odds_ratio",
    "log_response_ratio",
    "log_risk_ratio",
    "log_variability_ratio",
    "mean_difference",
    "risk_difference",
    "standardized_mean_difference",
]


class _Cells(NamedTuple):
    """Events and group sizes, a correction added; shapes (k,)."""

    events1: Floats
    n1: Floats
    events2: Floats
    n2: Floats


def log_risk_ratio(
    events1: ArrayLike,
    n1: ArrayLike,
    events2: ArrayLike,
    n2: ArrayLike,
    *,
    correction: float = 0.5,
    correct: Correct = "zeros",
) -> pd.DataFrame:
    """Log risk ratio log(p₁/p₂), with variance 1/a - 1/n₁ + 1/c - 1/n₂.

    Parameters
    ----------
    events1, n1, events2, n2
        Events and sizes of both groups.
    correction
        Added to all four cells of a 2 × 2 table (so 2·`correction` to each group size).
    correct
        Which tables: ``"zeros"`` those with an empty cell (the usual rule), ``"all"``,
        ``"none"``.

    Raises
    ------
    DataError
        Counts below zero or events above the group size; with ``"none"`` an empty cell
        that leaves the effect undefined.

    Notes
    -----
    A study without any event tells nothing about the ratio; as in metafor it is kept
    (with the correction) unless it is left out of the data.

    Examples
    --------
    >>> import laird as ld
    >>> ld.effects.log_risk_ratio(events1=[4], n1=[123], events2=[11], n2=[139]).round(4).values
    array([[-0.8893,  0.3256]])
    """
    cells, index = _two_by_two(events1, n1, events2, n2, correction, correct)
    _refuse_undefined((cells.events1 == 0) | (cells.events2 == 0))
    a, n, c, m = cells
    return _frame(np.log(a / n) - np.log(c / m), 1 / a - 1 / n + 1 / c - 1 / m, index)


def log_odds_ratio(
    events1: ArrayLike,
    n1: ArrayLike,
    events2: ArrayLike,
    n2: ArrayLike,
    *,
    correction: float = 0.5,
    correct: Correct = "zeros",
) -> pd.DataFrame:
    """Log odds ratio log(ad/bc), with variance 1/a + 1/b + 1/c + 1/d (Woolf 1955).

    Parameters, errors and the treatment of empty cells as in :func:`log_risk_ratio`.

    Examples
    --------
    >>> import laird as ld
    >>> ld.effects.log_odds_ratio([4], [123], [11], [139]).round(4).values
    array([[-0.9387,  0.3571]])
    """
    cells, index = _two_by_two(events1, n1, events2, n2, correction, correct)
    a, c = cells.events1, cells.events2
    b, d = cells.n1 - a, cells.n2 - c
    _refuse_undefined((a == 0) | (b == 0) | (c == 0) | (d == 0))
    return _frame(np.log(a) - np.log(b) - np.log(c) + np.log(d), 1 / a + 1 / b + 1 / c + 1 / d, index)


def risk_difference(
    events1: ArrayLike,
    n1: ArrayLike,
    events2: ArrayLike,
    n2: ArrayLike,
    *,
    correction: float = 0.5,
    correct: Correct = "zeros",
) -> pd.DataFrame:
    """Risk difference p₁ - p₂, with variance p₁(1 - p₁)/n₁ + p₂(1 - p₂)/n₂.

    Parameters, errors and the treatment of empty cells as in :func:`log_risk_ratio`: without
    the correction, a table with two empty cells would have a variance of zero.

    Examples
    --------
    >>> import laird as ld
    >>> ld.effects.risk_difference([2], [39], [1], [43]).round(5).values
    array([[0.02803, 0.00178]])
    """
    cells, index = _two_by_two(events1, n1, events2, n2, correction, correct)
    p, q = cells.events1 / cells.n1, cells.events2 / cells.n2
    variance = p * (1 - p) / cells.n1 + q * (1 - q) / cells.n2
    _refuse_undefined(variance == 0)
    return _frame(p - q, variance, index)


def standardized_mean_difference(
    mean1: ArrayLike,
    sd1: ArrayLike,
    n1: ArrayLike,
    mean2: ArrayLike,
    sd2: ArrayLike,
    n2: ArrayLike,
    *,
    variance: Literal["large_sample", "unbiased"] = "large_sample",
) -> pd.DataFrame:
    """Standardised mean difference g = J(m)(x̄₁ - x̄₂)/s (Hedges 1981), s the pooled sd.

    J(m) = Γ(m/2) / (√(m/2) Γ((m - 1)/2)), m = n₁ + n₂ - 2, is the exact correction, not its
    approximation 1 - 3/(4m - 1).

    Parameters
    ----------
    mean1, sd1, n1, mean2, sd2, n2
        Means, sds and sizes of both groups.
    variance
        ``"large_sample"``: 1/n₁ + 1/n₂ + g²/(2(n₁ + n₂)) (Hedges 1982);
        ``"unbiased"``: 1/n₁ + 1/n₂ + (1 - (m - 2)/(m J²)) g² (Hedges 1983).

    Raises
    ------
    DataError
        An sd below zero, a group of fewer than 2, or both sds zero.

    Examples
    --------
    >>> import laird as ld
    >>> ld.effects.standardized_mean_difference(55, 47, 155, 75, 64, 156).round(4).values
    array([[-0.3552,  0.0131]])
    """
    c, index = _two_groups(mean1=mean1, sd1=sd1, n1=n1, mean2=mean2, sd2=sd2, n2=n2)
    m = c["n1"] + c["n2"] - 2
    pooled = np.sqrt(_pooled_variance(c))
    refuse(pooled == 0, "Both sds are zero", "Correct them.")
    J = small_sample_correction(m)
    g = J * (c["mean1"] - c["mean2"]) / pooled
    sizes = 1 / c["n1"] + 1 / c["n2"]
    if _one_of("variance", variance, ("large_sample", "unbiased")) == "large_sample":
        return _frame(g, sizes + g**2 / (2 * (m + 2)), index)
    refuse(m <= 2, "The unbiased variance needs n1 + n2 > 4", 'Use variance="large_sample".')
    return _frame(g, sizes + (1 - (m - 2) / (m * J**2)) * g**2, index)


def small_sample_correction(m: ArrayLike) -> Floats:
    """J(m) = Γ(m/2) / (√(m/2) Γ((m - 1)/2)), the exact correction of Hedges (1981).

    Examples
    --------
    >>> float(small_sample_correction(10))
    0.9227
    """
    half = np.asarray(m, dtype=float) / 2
    return np.asarray(np.exp(gammaln(half) - gammaln(half - 0.5)) / np.sqrt(half))


def mean_difference(
    mean1: ArrayLike,
    sd1: ArrayLike,
    n1: ArrayLike,
    mean2: ArrayLike,
    sd2: ArrayLike,
    n2: ArrayLike,
    *,
    equal_variances: bool = False,
) -> pd.DataFrame:
    """Mean difference x̄₁ - x̄₂, with variance s₁²/n₁ + s₂²/n₂.

    Parameters
    ----------
    mean1, sd1, n1, mean2, sd2, n2
        Means, sds and sizes of both groups.
    equal_variances
        True: variance s²(1/n₁ + 1/n₂) with the pooled s².

    Raises
    ------
    DataError
        An sd below zero, a group of fewer than 2, or both sds zero.

    Examples
    --------
    >>> import laird as ld
    >>> ld.effects.mean_difference(55, 47, 155, 75, 64, 156).round(2).values
    array([[-20.  ,  40.51]])
    """
    c, index = _two_groups(mean1=mean1, sd1=sd1, n1=n1, mean2=mean2, sd2=sd2, n2=n2)
    if equal_variances:
        variance = _pooled_variance(c) * (1 / c["n1"] + 1 / c["n2"])
    else:
        variance = c["sd1"] ** 2 / c["n1"] + c["sd2"] ** 2 / c["n2"]
    refuse(variance == 0, "Both sds are zero", "Correct them.")
    return _frame(c["mean1"] - c["mean2"], variance, index)


def log_response_ratio(
    mean1: ArrayLike, sd1: ArrayLike, n1: ArrayLike, mean2: ArrayLike, sd2: ArrayLike, n2: ArrayLike
) -> pd.DataFrame:
    """Log response ratio log(x̄₁/x̄₂), variance s₁²/(n₁x̄₁²) + s₂²/(n₂x̄₂²) (Hedges et al. 1999).

    Raises
    ------
    DataError
        Means that are zero or of opposite sign, an sd below zero, a group of fewer than 2.

    Examples
    --------
    >>> import laird as ld
    >>> ld.effects.log_response_ratio(55, 47, 155, 75, 64, 156).round(4).values
    array([[-0.3102,  0.0094]])
    """
    c, index = _two_groups(mean1=mean1, sd1=sd1, n1=n1, mean2=mean2, sd2=sd2, n2=n2)
    refuse(
        c["mean1"] * c["mean2"] <= 0,
        "The ratio of the means is not positive",
        "Use `mean_difference`, or a scale with a true zero.",
    )
    first, second = (c[f"sd{g}"] ** 2 / (c[f"n{g}"] * c[f"mean{g}"] ** 2) for g in (1, 2))
    refuse(first + second == 0, "Both sds are zero", "Correct them.")
    return _frame(np.log(c["mean1"] / c["mean2"]), first + second, index)


def log_variability_ratio(sd1: ArrayLike, n1: ArrayLike, sd2: ArrayLike, n2: ArrayLike) -> pd.DataFrame:
    """Log variability ratio log(s₁/s₂) + 1/(2(n₁ - 1)) - 1/(2(n₂ - 1)) (Nakagawa et al. 2015).

    Its variance is 1/(2(n₁ - 1)) + 1/(2(n₂ - 1)).

    Raises
    ------
    DataError
        An sd that is not above zero, a group of fewer than 2.

    Examples
    --------
    >>> import laird as ld
    >>> ld.effects.log_variability_ratio(47, 155, 64, 156).round(4).values
    array([[-0.3087,  0.0065]])
    """
    c, index = _two_groups(sd1=sd1, n1=n1, sd2=sd2, n2=n2)
    refuse_below(c, ("sd1", "sd2"), 0, strict=True)
    first, second = 1 / (2 * (c["n1"] - 1)), 1 / (2 * (c["n2"] - 1))
    return _frame(np.log(c["sd1"] / c["sd2"]) + first - second, first + second, index)


def fisher_z(r: ArrayLike, n: ArrayLike) -> pd.DataFrame:
    """Fisher's z = atanh(r) of a correlation, with variance 1/(n - 3) (Fisher 1921).

    Raises
    ------
    DataError
        A correlation that is not between -1 and 1, or fewer than 4 observations.

    Examples
    --------
    >>> import laird as ld
    >>> ld.effects.fisher_z([0.62], [15]).round(4).values
    array([[0.725 , 0.0833]])
    """
    c, index = read_columns({"r": r, "n": n})
    refuse(np.abs(c["r"]) >= 1, "`r` is not between -1 and 1", "Correct it.")
    refuse_below(c, ["n"], 4)
    return _frame(np.arctanh(c["r"]), 1 / (c["n"] - 3), index)


def _two_by_two(
    events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike, correction: float, correct: Correct
) -> tuple[_Cells, pd.Index[Any]]:
    _one_of("correct", correct, ("zeros", "all", "none"))
    c, index = read_columns({"events1": events1, "n1": n1, "events2": events2, "n2": n2})
    refuse_below(c, ("events1", "events2"), 0)
    refuse_below(c, ("n1", "n2"), 0, strict=True)
    for group in (1, 2):
        above = c[f"events{group}"] > c[f"n{group}"]
        refuse(
            above, f"`events{group}` is above `n{group}`", "Pass group sizes, not numbers without the event."
        )
    if not correction >= 0:
        raise DataError(f"`correction` is {correction}.", allowed="Allowed: 0 or more; usually 0.5.")
    empty = np.zeros(len(index), dtype=bool)
    for group in (1, 2):
        empty |= (c[f"events{group}"] == 0) | (c[f"events{group}"] == c[f"n{group}"])
    added = correction * {"zeros": empty, "all": np.ones_like(empty), "none": np.zeros_like(empty)}[correct]
    cells = _Cells(c["events1"] + added, c["n1"] + 2 * added, c["events2"] + added, c["n2"] + 2 * added)
    return cells, index


def _refuse_undefined(bad: NDArray[np.bool_]) -> None:
    remedy = 'Keep correct="zeros" with a correction above 0, or leave these studies out.'
    refuse(bad, "Empty cells leave the effect or its variance undefined", remedy)


def _two_groups(**given: ArrayLike) -> tuple[dict[str, Floats], pd.Index[Any]]:
    columns, index = read_columns(given)
    refuse_below(columns, ("n1", "n2"), 2)
    refuse_below(columns, ("sd1", "sd2"), 0)
    return columns, index


def _pooled_variance(c: dict[str, Floats]) -> Floats:
    within = (c["n1"] - 1) * c["sd1"] ** 2 + (c["n2"] - 1) * c["sd2"] ** 2
    return np.asarray(within / (c["n1"] + c["n2"] - 2))


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise DataError(
            f"`{name}` is {value!r}.",
            allowed="Allowed: " + ", ".join(f'"{choice}"' for choice in allowed) + ".",
        )
    return value


def _frame(effect: Floats, variance: Floats, index: pd.Index[Any]) -> pd.DataFrame:
    missing = np.isnan(effect) | np.isnan(variance)
    columns = {"yi": np.where(missing, np.nan, effect), "vi": np.where(missing, np.nan, variance)}
    return pd.DataFrame(columns, index=index)
