"""Linear combinations Kβ with standard errors, degrees of freedom, tests and intervals: one row each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting.draws import Draws
from laird.fitting.effectrows import posterior_rows, t_rows
from laird.fitting.options import probability
from laird.fitting.result import Fit
from laird.inference.reference import Reference

type Floats = NDArray[np.float64]


def estimated(fit: Fit, K: Floats, rhs: Floats, at: Reference, prob: float) -> pd.DataFrame:
    """Rows ``estimate, se, df, statistic, p_value, lower, upper, method`` of Kβ against rhs (r,)."""
    estimate = K @ fit.point.beta
    se = np.sqrt(np.einsum("rp,ps,rs->r", K, at.cov, K))
    return t_rows(estimate, se, at.rows(K), at.name, prob, rhs)


def drawn(fit: Fit, K: Floats, rhs: Floats, draws: Draws, prob: float) -> pd.DataFrame:
    """Rows ``estimate, se, lower, upper, above, method`` of the posterior of Kβ.

    ``above`` is the share of draws above rhs; the interval is equal-tailed.
    """
    se = np.sqrt(np.einsum("rp,ps,rs->r", K, fit.point.beta_cov, K))
    return posterior_rows(draws.flat("beta") @ K.T, K @ fit.point.beta, se, "posterior", prob, rhs)


def draws_of(fit: Fit, df: str | Reference | None) -> Draws | None:
    """The draws of a fit that has them; None for likelihood fits, and when a reference is given.

    Raises
    ------
    FitError
        Degrees of freedom asked of draws, or a fit whose approximate posterior failed.
    """
    if fit.method not in ("eb", "nuts") or not isinstance(df, str | None):
        return None
    if df is not None:
        raise FitError(
            f'Degrees of freedom are for likelihood fits; this fit is by "{fit.method}".',
            remedy="Leave `df` out: intervals come from the draws.",
        )
    if fit.draws is None:
        raise FitError("The fit has no draws: see `fit.check()`.", remedy='Fit with "nuts".')
    return fit.draws


def check_probability(prob: float) -> None:
    """Raise FitError unless 0 < prob < 1."""
    probability(prob)


def labelled(table: pd.DataFrame, column: str, labels: Sequence[str]) -> pd.DataFrame:
    """The table with a first column of labels."""
    table.insert(0, column, list(labels))
    return table
