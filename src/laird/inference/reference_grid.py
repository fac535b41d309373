"""A grid of moderators: every combination of the categories, numbers at their means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from laird.data.labels import level_labels
from laird.data.usage import factors
from laird.errors import FitError, nearest
from laird.fitting.result import Fit
from laird.spec import text, variables
from laird.spec.functions import AVERAGES
from laird.spec.syntax import Call

LARGEST = 20_000
"""At most so many cells."""


def reference_grid(fit: Fit, at: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """Every combination of the levels of the model's categories, with numbers at their means.

    Parameters
    ----------
    fit
        A fit.
    at
        Values of moderators, one or several each, instead of all levels or the mean.

    Raises
    ------
    FitError
        `at` names no moderator or an unknown level; a number enters the model only through
        a function, so that its mean is not known; there are group means; too many cells.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("yi ~ habitat + duration + meta_V(vi)", data=ld.load_data("restoration")).fit()
    >>> reference_grid(fit, {"duration": [0, 1]}).values.tolist()
    [['grassland', 0.0], ['grassland', 1.0], ['forest', 0.0], ['forest', 1.0]]
    """
    _refuse_group_means(fit)
    given, categories = dict(at or {}), categories_of(fit)
    numbers = [name for name in _names(fit) if name not in categories]
    for name in given:
        if name not in categories and name not in numbers:
            raise FitError(
                f"`at` names `{name}`, which is no moderator.", allowed=nearest(name, [*categories, *numbers])
            )
    choices: dict[str, Sequence[Any]] = {
        name: _levels(name, levels, given.get(name)) for name, levels in categories.items()
    }
    choices |= {name: _values(fit, name, given.get(name)) for name in numbers}
    cells = int(np.prod([len(values) for values in choices.values()]))
    if cells > LARGEST:
        raise FitError(f"The grid of moderators has {cells} cells.", remedy="Fix some of them: `at=`.")
    return pd.DataFrame(list(product(*choices.values())), columns=list(choices))


def _refuse_group_means(fit: Fit) -> None:
    for factor in factors(fit.spec):
        if isinstance(factor, Call) and factor.function in AVERAGES:
            raise FitError(
                f"`{text(factor)}` is computed from the rows of a group, which a grid of moderators lacks.",
                remedy='Average over rows: `laird.predictions(fit, data, by="…", groups="population")`, or'
                " `laird.comparisons`.",
            )


def categories_of(fit: Fit) -> dict[str, tuple[str, ...]]:
    """Levels of the categorical columns of a model, in order."""
    schema = fit.problem.schema
    found = {}
    for factor in factors(fit.spec):
        if levels := schema.column(factor).levels:
            found[variables(factor)[0]] = levels
    return found


def _names(fit: Fit) -> list[str]:
    return list(dict.fromkeys(name for factor in factors(fit.spec) for name in variables(factor)))


def _levels(name: str, levels: tuple[str, ...], wanted: Any) -> Sequence[str]:
    if wanted is None:
        return levels
    chosen = level_labels([wanted] if np.ndim(wanted) == 0 else wanted)
    for level in chosen:
        if level not in levels:
            raise FitError(f"`{name}` has no level {level!r}.", allowed=nearest(level, levels))
    return chosen


def _values(fit: Fit, name: str, wanted: Any) -> Sequence[float]:
    if wanted is None:
        return [_mean(fit, name)]
    values = np.atleast_1d(np.asarray(wanted))
    if values.ndim > 1 or values.dtype.kind not in "bifu" or not np.all(np.isfinite(values)):
        raise FitError(f"`at` gives {wanted!r} for `{name}`.", allowed="Allowed: finite numbers.")
    return [float(value) for value in values]


def _mean(fit: Fit, name: str) -> float:
    """Mean over the rows in which a column of this name belongs to the outcome."""
    design = fit.problem.design
    parts = [(design.names, design.X), *((own.names, own.W) for own in design.scales)]
    parts += [(own.names, own.Z) for own in design.random]
    for names, columns in parts:
        for k, column in enumerate(names):
            if column.split(": ", 1)[-1] == name:
                return float(columns[_rows(design, column), k].mean())
    raise FitError(
        f"`{name}` enters the model only through a function, so that its mean is not known.",
        remedy=f'Give its value: at={{"{name}": …}}.',
    )


def _rows(design: Any, column: str) -> Any:
    """Rows of the outcome that a column belongs to."""
    owner = column.split(": ", 1)[0]
    if owner in design.outcomes:
        return design.which == design.outcomes.index(owner)
    return np.ones(len(design.X), dtype=bool)
