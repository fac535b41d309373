"""Predictions row by row or averaged, for fitted groups, new ones, or the population."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from laird.fitting.options import one_of
from laird.fitting.result import Fit
from laird.inference.combinations import check_probability, draws_of
from laird.inference.distributions import t_quantile
from laird.inference.predictions_drawn import drawn_targets
from laird.inference.predictions_frame import Groups, Kind, cells_for, checked_groups, rows_for
from laird.inference.predictions_likelihood import point_estimates, predicted
from laird.inference.predictions_rows import Targets, targets_of
from laird.inference.reference import Df, Reference

KINDS = ("mean", "conditional", "predictive")


def predictions(
    fit: Fit,
    new: Any = None,
    *,
    by: Any = None,
    groups: Groups | None = None,
    kind: Kind = "mean",
    df: Df | Reference | None = None,
    prob: float = 0.95,
) -> pd.DataFrame:
    """Predict rows, or averages of rows, with intervals.

    Parameters
    ----------
    fit
        A fit by any method.
    new
        A frame with the predictors; None: the rows of the fit.  Group means (``cvar``, ``dvar``)
        are those of the fit.
    by
        None: every row; True: the average of all rows; a column of `new` or several:
        averages by their values.  Without `new`: columns that the model uses, or labels by row.
    groups
        To be said of a model with group effects.  ``"existing"``: the fitted groups with their
        effects.  ``"new"``: groups that were not fitted are draws from the population; rows
        with one label share its effect.  ``"population"``: no group is named.
    kind
        ``"mean"``: the expected outcome, where effects of unknown groups have their mean, zero.
        ``"conditional"``: the expected outcome in the groups themselves; that of a new group,
        for ``"population"`` each row's own, is unknown too.  ``"predictive"``: a single outcome,
        or the average of one for each row.
    df
        Likelihood fits: degrees of freedom of the coefficients, as in `laird.coef_tests`; those of new
        groups and residuals join them (Welch, Satterthwaite).  ``"normal"``: no t anywhere.
    prob
        Probability of the intervals.

    Returns
    -------
    The columns that name the rows, and ``estimate, se, lower, upper``.  Standard errors and t
    intervals of ``ml`` and ``reml`` count the uncertainty of coefficients, group effects
    and, to first order, of variances (Kass & Steffey 1989); of draws they are sds and
    equal-tailed intervals.  With few groups and a variance near zero the former are too short
    (at zero groups seem known): there use ``eb`` or ``nuts``.

    Raises
    ------
    FitError
        `groups` is not said of a model with groups, or an option is not possible.
    DataError
        The frame lacks a column, or has groups that were not fitted.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff")).fit()
    >>> new = {"Batch": ["A", "a new one"]}
    >>> ld.predictions(fit, new, groups="new", kind="conditional").round(1)
       estimate    se   lower   upper
    0    1509.9  20.3  1470.1  1549.7
    1    1527.5  46.3  1418.2  1636.8
    """
    check_probability(prob)
    one_of("kind", kind, KINDS)
    groups = checked_groups(fit, groups)
    design = rows_for(fit, new, groups)
    cells, labels = cells_for(fit, new, by, design)
    targets = targets_of(design, cells, new_groups=kind != "mean", noise=kind == "predictive")
    return pd.concat([labels, summarised(fit, targets, df, prob)[BOUNDS]], axis=1)


BOUNDS = ["estimate", "se", "lower", "upper"]


def summarised(fit: Fit, targets: Targets, df: Df | Reference | None, prob: float) -> pd.DataFrame:
    """``estimate, se, lower, upper``, and ``df`` or, of draws, ``above``: their share above zero."""
    if draws_of(fit, df) is not None:
        return _drawn(fit, targets, prob)
    found = predicted(fit, targets, df)
    half = t_quantile(0.5 + prob / 2, found.df) * found.se
    values = found.estimate, found.se, found.df, found.estimate - half, found.estimate + half
    return pd.DataFrame(dict(zip(["estimate", "se", "df", "lower", "upper"], values, strict=True)))


def _drawn(fit: Fit, targets: Targets, prob: float) -> pd.DataFrame:
    rng = np.random.default_rng([fit.origin.seed or 0, len(targets.design.X)])
    values = drawn_targets(fit, targets, rng)
    lower, upper = np.quantile(values, [(1 - prob) / 2, (1 + prob) / 2], axis=0)
    return pd.DataFrame(
        {
            "estimate": point_estimates(targets, fit.point.beta, fit.point.effects),
            "se": values.std(axis=0, ddof=1),
            "above": np.mean(values > 0, axis=0),
            "lower": lower,
            "upper": upper,
        }
    )
