"""The same rows at two values of a variable, and the difference of their designs."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from laird.data.column import Column
from laird.data.factors import ordered
from laird.data.frame import as_frame, read_table
from laird.data.schema import Schema
from laird.design import Design, RandomDesign
from laird.errors import FitError, nearest
from laird.fitting.result import Fit
from laird.inference.predictions_frame import Groups, rows_for
from laird.spec import spec_variables, variables

type Floats = NDArray[np.float64]

STEP = float(np.cbrt(np.finfo(float).eps))
"""Of numerical derivatives, in sds of the variable."""


class Contrast(NamedTuple):
    """Two values of a variable for every row of a frame, and how far they are apart.

    Attributes
    ----------
    label
        What the table says: ``"+ 1"``, ``"Public - Catholic"``.
    high, low
        Values by row, shapes (m,).
    step
        What differences are divided by, shape (m,).
    """

    label: str
    high: NDArray[Any]
    low: NDArray[Any]
    step: Floats


def variable_of(fit: Fit, variable: str, new: Any) -> Column:
    """The column of a frame, which the model must use.

    Raises
    ------
    FitError
        The model does not use it, or not for the expected outcome.
    DataError
        The frame does not have it.
    """
    used, predictors = spec_variables(fit.spec), _predictors(fit)
    if variable not in used:
        raise FitError(f"The model does not use `{variable}`.", allowed=nearest(variable, predictors))
    if variable not in predictors:
        raise FitError(
            f"`{variable}` is no predictor of the expected outcome: its values cannot be compared.",
            allowed=nearest(variable, predictors),
        )
    return read_table(new, [variable], formula=fit.spec.formula).column(variable)


def _predictors(fit: Fit) -> tuple[str, ...]:
    """Columns of the terms, fixed or random, of the mean."""
    means = fit.spec.locations
    fixed = (term for mean in means for term in mean.terms)
    random = (term for mean in means for own in mean.random for term in own.terms)
    names = [name for term in chain(fixed, random) for factor in term.factors for name in variables(factor)]
    return tuple(dict.fromkeys(names))


def contrasts(schema: Schema, column: Column, values: Any) -> tuple[Contrast, ...]:
    """The contrasts of a variable: of a number one, of a category each other level against the first.

    Parameters
    ----------
    schema, column
        What the fit knows, and the variable in the new data.
    values
        None; a number: so much more than each row has; or a pair of values (a, b): b against a.
    """
    if isinstance(values, tuple | list):
        return (_pair(column, values),)
    levels = _levels(schema, column)
    if levels:
        if values is not None:
            raise FitError(
                f"`{column.name}` is a category: {values!r} cannot be added to it.",
                allowed="Allowed: None, or a pair of its levels.",
            )
        return tuple(_pair(column, (levels[0], level)) for level in levels[1:])
    return (_shifted(column, 1.0 if values is None else values),)


def derivative(schema: Schema, column: Column) -> Contrast:
    """A small step to both sides, by which the difference is divided."""
    if _levels(schema, column):
        raise FitError(
            f"`{column.name}` is a category: it has no slope.",
            remedy="Use `laird.comparisons`, which has steps.",
        )
    x = column.values.astype(float)
    h = STEP * (float(np.std(x)) or float(np.abs(x).max()) or 1.0)
    high, low = x + h, x - h
    return Contrast("dy/dx", high, low, high - low)


def _levels(schema: Schema, column: Column) -> tuple[str, ...]:
    """Levels of a category in the order of the fit."""
    found = next((info.levels for info in schema.columns if info.name == column.name), ())
    return found or (() if column.kind == "number" else ordered(column).labels)


def _pair(column: Column, values: tuple[Any, ...] | list[Any]) -> Contrast:
    if len(values) != 2:
        raise FitError(f"values = {values!r} are not two values.", remedy="Write a pair, such as (0, 1).")
    m, (low, high) = len(column.values), values
    return Contrast(f"{high} - {low}", np.full(m, high), np.full(m, low), np.ones(m))


def _shifted(column: Column, by: Any) -> Contrast:
    if not isinstance(by, int | float | np.number) or not np.isfinite(by) or by == 0:
        raise FitError(
            f"values = {by!r} is not possible.",
            allowed="Allowed: None, a number to add, or a pair of values.",
        )
    x = column.values.astype(float)
    return Contrast(f"+ {by:g}" if by > 0 else f"- {-by:g}", x + by, x, np.ones(len(x)))


def difference(fit: Fit, new: Any, groups: Groups, variable: str, own: Contrast) -> Design:
    """The difference of the designs of both values, divided by the step.

    Raises
    ------
    FitError
        The variable says which group a row is in, or how much the effects of new groups vary.
    """
    high, low = (rows_for(fit, _with(new, variable, values), groups) for values in (own.high, own.low))
    step = own.step[low.rows][:, None]
    pairs = zip(high.random, low.random, strict=True)
    return replace(
        low,
        X=(high.X - low.X) / step,
        random=tuple(_difference(a, b, step, variable) for a, b in pairs),
    )


def _difference(high: RandomDesign, low: RandomDesign, step: Floats, variable: str) -> RandomDesign:
    if not np.array_equal(high.ids, low.ids):
        raise FitError(
            f"`{variable}` says which `{high.group}` a row is in: its values cannot be compared.",
            remedy="Compare a predictor.",
        )
    return replace(low, Z=(high.Z - low.Z) / step)


def _with(new: Any, variable: str, values: NDArray[Any]) -> nw.DataFrame[Any]:
    frame = as_frame(new)
    column = nw.new_series(variable, values.tolist(), backend=frame.implementation)
    return frame.with_columns(column)
