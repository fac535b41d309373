"""Tests of within, between and contextual effects with any degrees of freedom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from laird.fitting.contextual import labels
from laird.fitting.derivatives import effects
from laird.fitting.result import Fit
from laird.inference.combinations import check_probability, drawn, draws_of, estimated
from laird.inference.reference import Df, Reference, reference


def contextual(
    fit: Fit,
    variable: str,
    *,
    at: Mapping[str, Any] | None = None,
    df: Df | Reference | None = None,
    prob: float = 0.95,
) -> pd.DataFrame:
    """Test the effects of a variable within groups, between them, and the contextual effect.

    Parameters
    ----------
    fit
        A fit by any method, of a model with ``cvar`` of the variable.
    variable, at, prob
        As in `Fit.contextual`, which has the same table with inner-outer degrees of freedom.
    df
        Method for the degrees of freedom, as in `laird.coef_tests`; by default
        Satterthwaite's for ``ml`` and ``reml``.

    Returns
    -------
    pandas.DataFrame
        As `Fit.contextual`; ``method`` names the degrees of freedom.

    Raises
    ------
    FitError
        The model has no group mean of the variable, or `df` is not available for the fit.

    Examples
    --------
    >>> import laird as ld
    >>> formula = "mathach ~ dvar(ses, school) + cvar(ses, school) + (1 | school)"
    >>> fit = ld.model(formula, data=ld.load_data("hs")).fit("reml")
    >>> ld.contextual(fit, "ses", df="kenward-roger")[["effect", "estimate", "se", "df"]].round(2)
           effect  estimate    se       df
    0      within      2.22  0.22  1936.10
    1     between      5.71  0.70    39.18
    2  contextual      3.48  0.73    47.10
    """
    check_probability(prob)
    found = effects(fit.problem, variable, at)
    K, rhs = np.stack([effect.weights for effect in found]), np.zeros(len(found))
    draws = draws_of(fit, df)
    if draws is not None:
        numbers = drawn(fit, K, rhs, draws, prob)
    else:
        numbers = estimated(fit, K, rhs, reference(fit, df), prob)
    return pd.concat([labels(fit.problem, found), numbers], axis=1)
