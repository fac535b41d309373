"""Slopes: derivatives of predictions with respect to a variable, row by row or averaged."""

from __future__ import annotations

from typing import Any, Literal

import pandas as pd

from laird.fitting.result import Fit
from laird.inference.comparisons import contrasted
from laird.inference.comparisons_frame import derivative, variable_of
from laird.inference.predictions_frame import Groups, fitted_frame
from laird.inference.reference import Df, Reference


def slopes(
    fit: Fit,
    variable: str,
    new: Any = None,
    *,
    by: Any = True,
    groups: Groups | None = None,
    kind: Literal["mean", "conditional"] = "mean",
    df: Df | Reference | None = None,
    prob: float = 0.95,
) -> pd.DataFrame:
    """Differentiate predictions with respect to a numeric variable.

    Parameters
    ----------
    fit, variable, new, by, groups, kind, df, prob
        As in `laird.comparisons`.

    Returns
    -------
    As `laird.comparisons`, with the contrast ``dy/dx``.  Central differences of the design: exact
    for polynomials up to the second degree.

    Raises
    ------
    FitError
        The variable is a category, or as in `laird.comparisons`.

    Examples
    --------
    >>> import laird as ld
    >>> hs = ld.load_data("hs")
    >>> fit = ld.model("mathach ~ poly(ses, 2) + (1 | school)", data=hs).fit()
    >>> new = {"ses": [-1.0, 0.0, 1.0]}
    >>> ld.slopes(fit, "ses", new, by=None, groups="population")[["estimate", "se"]].round(2).values.tolist()
    [[1.93, 0.44], [2.45, 0.21], [2.98, 0.48]]
    """
    new = fitted_frame(fit, new)
    found = (derivative(fit.problem.schema, variable_of(fit, variable, new)),)
    return contrasted(fit, variable, new, found, by, groups, kind, df, prob)
