"""Contrasts of average predictions: what a change of one variable does, other things equal."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd

from laird.design import Design
from laird.errors import FitError
from laird.fitting.options import one_of
from laird.fitting.result import Fit
from laird.inference.combinations import check_probability
from laird.inference.comparisons_frame import Contrast, contrasts, difference, variable_of
from laird.inference.predictions import summarised
from laird.inference.predictions_frame import Groups, cells_for, checked_groups, fitted_frame
from laird.inference.predictions_rows import targets_of
from laird.inference.reference import Df, Reference
from laird.spec import variables


def comparisons(
    fit: Fit,
    variable: str,
    new: Any = None,
    *,
    values: Any = None,
    by: Any = True,
    groups: Groups | None = None,
    kind: Literal["mean", "conditional"] = "mean",
    df: Df | Reference | None = None,
    prob: float = 0.95,
) -> pd.DataFrame:
    """Compare predictions of the same rows at two values of a variable.

    Parameters
    ----------
    fit
        A fit by any method.
    variable
        A column that the model uses.
    new
        The rows that the answer is to be about; None: those of the fit.  Group means (``cvar``) of
        fitted groups stay as they are, so that a contrast of a pupil's variable is that
        within groups; see `laird.contextual` for the others.
    values
        None: one more of a number, each other level against the first of a category; a number: so
        much more; a pair (a, b): b against a.
    by
        True: the average over all rows; None, or columns of `new`, as in `laird.predictions`.
    groups, kind, df, prob
        As in `laird.predictions`; ``"conditional"`` has the groups' own slopes in it.

    Returns
    -------
    ``variable, contrast``, the columns that name the rows, ``estimate, se, df, lower, upper``; of
    draws ``above``, the share of draws above zero, for ``df``.

    Raises
    ------
    FitError
        The model does not use the variable, or an option is not possible.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("mathach ~ ses * Sector + (1 | school)", data=ld.load_data("hs")).fit()
    >>> found = ld.comparisons(fit, "ses", by="Sector", groups="population")
    >>> found[["contrast", "Sector", "estimate", "se"]].round(2).values.tolist()
    [['+ 1', 'Catholic', 1.82, 0.28], ['+ 1', 'Public', 3.2, 0.31]]
    """
    new = fitted_frame(fit, new)
    column = variable_of(fit, variable, new)
    found = contrasts(fit.problem.schema, column, values)
    return contrasted(fit, variable, new, found, by, groups, kind, df, prob)


def contrasted(
    fit: Fit,
    variable: str,
    new: Any,
    found: tuple[Contrast, ...],
    by: Any,
    groups: Groups | None,
    kind: str,
    df: Df | Reference | None,
    prob: float,
) -> pd.DataFrame:
    """The table of some contrasts; see `comparisons`."""
    check_probability(prob)
    one_of("kind", kind, ("mean", "conditional"))
    groups = checked_groups(fit, groups)
    parts = []
    for own in found:
        design = difference(fit, new, groups, variable, own)
        if kind == "conditional":
            _refuse_varying_sds(fit, variable, design)
        cells, labels = cells_for(fit, new, by, design)
        targets = targets_of(design, cells, new_groups=kind == "conditional", noise=False)
        labels.insert(0, "variable", variable)
        labels.insert(1, "contrast", own.label)
        parts.append(pd.concat([labels, summarised(fit, targets, df, prob)], axis=1))
    return pd.concat(parts, ignore_index=True)


def _refuse_varying_sds(fit: Fit, variable: str, design: Design) -> None:
    """The effect of a new group is another one where its sd is another one."""
    parts = (part for part in fit.spec.distributional if part.parameter == "sd")
    for part in parts:
        random = next(own for own in design.random if own.group == ":".join(part.target))
        names = {name for term in part.terms for factor in term.factors for name in variables(factor)}
        if variable in names and np.any(random.ids >= len(random.levels)):
            raise FitError(
                f"How much new groups of `{random.group}` differ depends on `{variable}`:"
                " their effects cannot be held.",
                remedy='Compare means: kind="mean".',
            )
