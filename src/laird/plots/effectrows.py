"""Rows of the fixed part as one variable moves and the others stand still.

A column is a product of factors, ``ses:Sector[Public]``.  Factors that depend on the variable
take its values; the others stand at the mean of their column, a category at the shares of its
levels, or where they are told to.  A variable x moves the row's own x and the means m of x
in its groups:

    within       x moves, m stands,
    between      x and m move together: all rows of the group have the same x,
    contextual   m moves, x stands.

``cvar(x, g)`` is m and ``dvar(x, g)`` is x - m, so that the two ways to write a contextual
model have the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laird.data.averages import means_of
from laird.data.column import Column
from laird.data.evaluate import Context, evaluate
from laird.data.frame import Table
from laird.data.schema import Schema
from laird.errors import FitError
from laird.fitting.parts import Part, column_of
from laird.fitting.scenarios import Scenario, value_at
from laird.spec import text, variables
from laird.spec.functions import AVERAGES
from laird.spec.syntax import Call, Expr, Name

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """Values of a variable along the axis of a picture; codes of a category.

    Attributes
    ----------
    x
        A column, or one factor of the formula that moves by itself, ``cvar(ses, school)``.
    own, mean
        Values of the row, and of the means of its groups, shapes (m,); None stands still.
    """

    x: Expr
    own: Floats | None
    mean: Floats | None

    @property
    def points(self) -> int:
        """Number of values."""
        moving = self.mean if self.own is None else self.own
        return 0 if moving is None else len(moving)


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """Where factors are evaluated: the fixed part, what moves, and where others are told to stand."""

    part: Part
    path: Path
    at: Scenario

    def still(self, factor: Expr, position: int) -> float:
        return value_at(self.part, (factor, position), self.at)


def effect_rows(part: Part, path: Path, at: Scenario = ()) -> Floats:
    """Return the rows of the fixed part along a path, shape (m, k).

    Parameters
    ----------
    part
        The fixed part of one outcome.
    path
        The variable that moves.
    at
        Values of other factors; those it does not name are at their mean.

    Raises
    ------
    FitError
        A factor depends on x and another variable at once, or has no mean of its own.

    Examples
    --------
    >>> import laird as ld
    >>> from laird.fitting.parts import parts_of
    >>> fit = ld.model("mathach ~ ses * Sector + (1 | school)", data=ld.load_data("hs")).fit()
    >>> path = Path(Name("ses"), np.array([0.0, 2.0]), None)
    >>> effect_rows(parts_of(fit.problem)[0], path, (("Sector", "Public"),))
    array([[1., 0., 1., 0.],
           [1., 2., 1., 2.]])
    """
    place = _Place(part, path, at)
    rows = np.ones((path.points, len(part.columns)))
    for k, column in enumerate(part.columns):
        for pair in column.factors:
            rows[:, k] *= _value(place, *pair)
    return rows


def _value(place: _Place, factor: Expr, position: int) -> Floats | float:
    """Values of a column of a factor along the path, or the one at which it stands."""
    path = place.path
    if factor == path.x and path.own is not None:
        return _at(factor, position, path.x, path.own, place.part.schema)
    if not isinstance(path.x, Name):
        return place.still(factor, position)
    match factor:
        case Call(function, (inner, *_)) if function in AVERAGES and path.x.name in variables(inner):
            return _averaged(place, factor, position)
    if path.own is None or path.x.name not in variables(factor):
        return place.still(factor, position)
    return _at(factor, position, path.x, path.own, place.part.schema)


def _averaged(place: _Place, call: Call, position: int) -> Floats | float:
    """``cvar``: the group mean; ``dvar``: what is left of x, or the difference of two group means."""
    means = [_mean(place, cvar, position) for cvar in means_of(call)]
    if call.function == "cvar" or len(means) > 1:
        return means[0] - means[1] if len(means) > 1 else means[0]
    path, inner = place.path, call.args[0]
    if path.own is None:
        return _centre(place, means_of(call)[0], position) - means[0]
    return (
        _at(inner, _level(inner, position, place.part.schema), path.x, path.own, place.part.schema) - means[0]
    )


def _mean(place: _Place, cvar: Call, position: int) -> Floats | float:
    """The group mean of x along the path: that of a group in which all rows have the same x."""
    path, inner, schema = place.path, cvar.args[0], place.part.schema
    if path.mean is None:
        at = dict(place.at).get(text(cvar))
        return _centre(place, cvar, position) if at is None else float(at)
    return _at(inner, _level(inner, position, schema), path.x, path.mean, schema)


def _centre(place: _Place, cvar: Call, position: int) -> float:
    """Mean of the group means over the rows, which is that of x."""
    for factor in (cvar, cvar.args[0]):
        level = position if factor is cvar else _level(factor, position, place.part.schema)
        values = column_of(place.part, factor, level)
        if values is not None:
            return float(values.mean())
    x = text(cvar.args[0])
    raise FitError(
        f"The model knows only deviations of `{x}` from its group means.",
        remedy=f"Draw the effect of `dvar({x}, …)` as the formula writes it, or add `{text(cvar)}`.",
    )


def _level(inner: Expr, position: int, schema: Schema) -> int:
    """Position among the levels of a category, whose shares leave out the first."""
    return position + 1 if schema.column(inner).levels else position


def _at(factor: Expr, position: int, x: Expr, values: Floats, schema: Schema) -> Floats:
    """A column of a factor at values of x: indicator of a level, or a function of numbers."""
    if schema.column(factor).levels:
        return np.asarray(values == position, dtype=float)
    if factor == x:
        return values
    found = evaluate(factor, Context(_table(factor, x, values), {}, dict(schema.states)))
    return found if found.ndim == 1 else np.asarray(found[:, position])


def _table(factor: Expr, x: Expr, values: Floats) -> Table:
    if not isinstance(x, Name) or set(variables(factor)) != {x.name}:
        raise FitError(
            f"`{text(factor)}` depends on `{text(x)}` and on other variables at once.",
            remedy="Compare predictions instead: fit.predict(new).",
        )
    column = Column(x.name, "number", values, np.zeros(len(values), dtype=bool))
    return Table((column,), (x.name,), np.arange(len(values)), len(values))
