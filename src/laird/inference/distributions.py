"""Tails and quantiles of t and F; infinite degrees of freedom are the normal and χ²."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

type Floats = NDArray[np.float64]


def two_sided(t: ArrayLike, df: ArrayLike) -> Floats:
    """P(|T| > |t|) for T of Student's distribution.

    Examples
    --------
    >>> two_sided([0.0, 1.96], [5.0, np.inf]).round(3)
    array([1.  , 0.05])
    """
    from scipy.special import ndtr, stdtr

    lower = -np.abs(np.asarray(t, dtype=float))
    df = np.broadcast_to(np.asarray(df, dtype=float), lower.shape)
    return 2.0 * np.where(np.isinf(df), ndtr(lower), stdtr(np.where(np.isinf(df), 1.0, df), lower))


def t_quantile(prob: float, df: ArrayLike) -> Floats:
    """The quantile of Student's distribution at `prob`.

    Examples
    --------
    >>> t_quantile(0.975, [1.0, np.inf]).round(3)
    array([12.706,  1.96 ])
    """
    from scipy.special import ndtri, stdtrit

    df = np.asarray(df, dtype=float)
    finite = np.isfinite(df)
    return np.where(finite, stdtrit(np.where(finite, df, 1.0), prob), ndtri(prob))


def f_tail(F: float, df1: float, df2: float) -> float:
    """P(X > F) for X of the F distribution.

    Examples
    --------
    >>> round(f_tail(3.0, 1, np.inf), 4), round(f_tail(4.0, 1, 12), 4)
    (0.0833, 0.0687)
    """
    from scipy.special import chdtrc, fdtrc

    return float(chdtrc(df1, F * df1) if np.isinf(df2) else fdtrc(df1, df2, F))


def chi2_tail(statistic: float, df: float) -> float:
    """P(X > statistic) for X of χ²; with zero degrees of freedom X is zero."""
    from scipy.special import chdtrc

    if df == 0:
        return float(statistic <= 0)
    return float(chdtrc(df, max(statistic, 0.0)))
