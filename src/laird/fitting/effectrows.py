"""Rows of tables: combinations of the fixed effects with their tests, or with their posterior."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

type Floats = NDArray[np.float64]


def t_rows(
    estimate: Floats, se: Floats, df: Floats, method: str, prob: float, rhs: Floats | float = 0.0
) -> pd.DataFrame:
    """Rows ``estimate, se, df, statistic, p_value, lower, upper, method`` of t tests against rhs, (r,).

    Examples
    --------
    >>> t_rows(np.array([2.0]), np.array([1.0]), np.array([np.inf]), "normal", 0.95).round(3)
       estimate   se   df  statistic  p_value  lower  upper  method
    0       2.0  1.0  inf        2.0    0.046   0.04   3.96  normal
    """
    from scipy.special import stdtr, stdtrit

    statistic = (estimate - rhs) / se
    half = stdtrit(df, 0.5 + prob / 2) * se
    return pd.DataFrame(
        {
            "estimate": estimate,
            "se": se,
            "df": df,
            "statistic": statistic,
            "p_value": 2 * stdtr(df, -np.abs(statistic)),
            "lower": estimate - half,
            "upper": estimate + half,
            "method": method,
        }
    )


def posterior_rows(
    values: Floats, estimate: Floats, se: Floats, method: str, prob: float, rhs: Floats | float = 0.0
) -> pd.DataFrame:
    """Rows ``estimate, se, lower, upper, above, method`` of draws, shape (S, r).

    The intervals are equal-tailed; ``above`` is the share of draws above rhs.
    """
    lower, upper = np.quantile(values, [(1 - prob) / 2, (1 + prob) / 2], axis=0)
    return pd.DataFrame(
        {
            "estimate": estimate,
            "se": se,
            "lower": lower,
            "upper": upper,
            "above": np.mean(values > rhs, axis=0),
            "method": method,
        }
    )
