"""Cumulative analysis: the model fitted to ever more studies, in an order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting.result import Fit
from laird.inference.coefficients import coef_tests
from laird.inference.combinations import check_probability
from laird.inference.distributions import t_quantile
from laird.inference.homogeneous import by_sampling, homogeneous
from laird.inference.influence import heterogeneity_sds, without
from laird.inference.reference import Df
from laird.inference.refits import subset
from laird.inference.units import Units, column_of, units_of

type Flags = NDArray[np.bool_]

COLUMNS = ["term", "estimate", "se", "lower", "upper"]


def cumulative(
    fit: Fit,
    order: Any,
    by: Any = None,
    *,
    together: bool = False,
    df: Df | None = None,
    prob: float = 0.95,
    **options: Any,
) -> pd.DataFrame:
    """Fit the model to the first study, then to the first two, and so on.

    Parameters
    ----------
    fit
        A fit of a model with ``meta_V``, by any method.
    order
        Labels by row (a column of the data, such as the year) whose sorted order is the order of
        the studies; of studies with several rows the first counts.
    by
        The studies, as in `laird.leave_one_out`.
    together
        Studies of one place in the order are added at once, else in the order of the data.
    df, prob
        As in `laird.coef_tests`.
    **options
        As in `laird.leave_one_out`.

    Returns
    -------
    ``added`` (the study, or the last of several), ``order``, ``studies, rows`` (so far),
    ``term, estimate, se, lower, upper``, and sds of heterogeneity as in
    `laird.leave_one_out`.  While the studies do not identify the heterogeneity, estimates are
    those of the sampling variances alone, with normal intervals, and the sds are NaN.

    Raises
    ------
    FitError
        The model has no known sampling variances, or labels are of the wrong length.

    Examples
    --------
    >>> import laird as ld
    >>> data = ld.load_data("bcg_rr")
    >>> fit = ld.model("yi ~ 1 + meta_V(vi)", data=data).fit("reml")
    >>> found = ld.cumulative(fit, data.year)
    >>> found[["estimate", "se", "sd_residual"]].tail(2).round(3).values.tolist()
    [[-0.795, 0.182, 0.523], [-0.715, 0.181, 0.56]]
    """
    check_probability(prob)
    if fit.problem.design.known is None:
        raise FitError("Cumulative analysis is for models with known sampling variances (`meta_V`).")
    units = units_of(fit, by)
    steps = _steps(units, column_of(fit, order).reset_index(drop=True), together)
    return pd.concat([_step(fit, units, *step, df, prob, options) for step in steps], ignore_index=True)


def _steps(units: Units, order: pd.Series, together: bool) -> list[tuple[Any, list[int]]]:
    """Places in the order with the units up to each."""
    first = np.unique(units.codes, return_index=True)[1]
    values = order.iloc[first].reset_index(drop=True)
    ranked = values.sort_values(kind="stable")
    found: list[tuple[Any, list[int]]] = []
    so_far: list[int] = []
    for unit, value in ranked.items():
        so_far.append(int(str(unit)))
        if together and found and found[-1][0] == value:
            found.pop()
        found.append((value, list(so_far)))
    return found


def _step(
    fit: Fit, units: Units, place: Any, kept: list[int], df: Df | None, prob: float, options: dict[str, Any]
) -> pd.DataFrame:
    inside = np.isin(units.codes, kept)
    own = without(fit, ~inside, **options)
    table = _alone(fit, inside, prob) if own is None else coef_tests(own, df=df, prob=prob)[COLUMNS]
    label = {"added": units.labels[kept[-1]], "order": place, "studies": len(kept), "rows": int(inside.sum())}
    return pd.DataFrame(label, index=table.index).join(table).assign(**heterogeneity_sds(fit, own))


def _alone(fit: Fit, inside: Flags, prob: float) -> pd.DataFrame:
    """Estimates by the sampling variances alone; NaN for coefficients that the rows do not identify."""
    names = list(fit.problem.design.names)
    table = pd.DataFrame({"term": names}).reindex(columns=COLUMNS)
    own = homogeneous(subset(fit.problem.design, inside))
    if np.linalg.matrix_rank(own.X) < len(names):
        return table
    found = by_sampling(own)
    half = float(t_quantile(0.5 + prob / 2, np.inf)) * np.sqrt(np.diag(found.cov))
    columns = (found.beta, np.sqrt(np.diag(found.cov)), found.beta - half, found.beta + half)
    return table.assign(**dict(zip(COLUMNS[1:], columns, strict=True)))
