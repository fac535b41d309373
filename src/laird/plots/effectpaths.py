"""What an effect plot is asked for: the values along its axis, and its curves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from laird.data.labels import level_labels
from laird.errors import FitError
from laird.fitting.display import number
from laird.fitting.parts import Part, column_of, parts_of
from laird.fitting.result import Fit
from laird.fitting.scenarios import Scenario
from laird.plots.effectrows import Path
from laird.plots.sources import choose
from laird.spec import text, variables
from laird.spec.functions import AVERAGES
from laird.spec.syntax import Call, Expr, Name

type Floats = NDArray[np.float64]
type Moving = Literal["within", "between", "contextual"]

MOVING = ("within", "between", "contextual")
POINTS = 41
"""Values of a number along the axis."""


class Curve(NamedTuple):
    """A line of the picture: its name, what moves and where others stand."""

    name: str
    path: Path
    at: Scenario


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """The variable along the axis: its values, or the levels of a category, whose codes they are."""

    x: Expr
    values: Floats
    levels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """All that an effect plot shows.

    Attributes
    ----------
    part
        The fixed part of the outcome.
    axis
        What moves.
    curves
        One for each value of the variable that tells them apart.
    standing
        What stands still.
    """

    part: Part
    axis: Axis
    curves: tuple[Curve, ...]
    standing: tuple[str, ...]

    @property
    def has_means(self) -> bool:
        """Whether the model has group means of the variable, or deviations from them."""
        return any(call.args[0] == self.axis.x for call in _averages(self.part))


def course(
    fit: Fit,
    x: str,
    by: str | None,
    moving: Moving,
    values: ArrayLike | None,
    at: Mapping[str, Any],
    outcome: str | None,
) -> Course:
    """Read and check what is asked for.

    Raises
    ------
    FitError
        A variable that the fixed part does not have, a value that it cannot have, or a
        range that is not known.
    """
    part = _part(fit, outcome)
    factors = _factors(part)
    axis = _axis(part, _variable(x, factors), moving, values)
    standing = [factor for factor in factors if not _moves(factor, axis.x, moving)]
    names = [text(factor) for factor in standing]
    for name in [*at, *([] if by is None else [by])]:
        choose("variable that stands still", name, names)
    scenario = tuple((name, _number_or_level(part, name, value)) for name, value in at.items() if name != by)
    path = _path(axis, moving)
    curves = [
        Curve(_curve_name(by, value), path, (*scenario, *(((by, value),) if by else ())))
        for value in (_by_values(part, by, at.get(by)) if by else [0.0])
    ]
    return Course(part, axis, tuple(curves), tuple(name for name in names if name not in (by, *at)))


def _part(fit: Fit, outcome: str | None) -> Part:
    parts = {part.outcome: part for part in parts_of(fit.problem)}
    if outcome is None and len(parts) > 1:
        raise FitError("The model has several outcomes.", remedy=f"Name one: outcome={next(iter(parts))!r}.")
    names = list(parts) if len(parts) > 1 else [fit.problem.design.outcome]
    chosen = choose("outcome", outcome or names[0], names)
    return parts[chosen] if len(parts) > 1 else parts[""]


def _factors(part: Part) -> tuple[Expr, ...]:
    return tuple(dict.fromkeys(factor for column in part.columns for factor, _ in column.factors))


def _variable(x: str, factors: Sequence[Expr]) -> Expr:
    """A column of some factor, or a factor."""
    columns = {name: Name(name) for factor in factors for name in variables(factor)}
    known: dict[str, Expr] = {**columns, **{text(factor): factor for factor in factors}}
    return known[choose("variable in the fixed part", x, list(known))]


def _moves(factor: Expr, x: Expr, moving: Moving) -> bool:
    """Whether a factor takes part in the movement of x."""
    if not isinstance(x, Name):
        return factor == x
    if x.name not in variables(factor):
        return False
    if not isinstance(factor, Call) or factor.function not in AVERAGES:
        return moving != "contextual"
    return moving != "within" or factor.function == "dvar"


def _axis(part: Part, x: Expr, moving: Moving, values: ArrayLike | None) -> Axis:
    if levels := part.schema.column(x).levels:
        return Axis(x, np.arange(len(levels), dtype=float), levels)
    if values is None:
        return Axis(x, np.linspace(*_range(part, x, moving), POINTS))
    given = np.asarray(values)
    if given.ndim != 1 or not len(given) or given.dtype.kind not in "iuf" or not np.isfinite(given).all():
        raise FitError(f"`values` of `{text(x)}` must be one or more finite numbers.")
    return Axis(x, np.sort(given.astype(float)))


def _range(part: Part, x: Expr, moving: Moving) -> tuple[float, float]:
    """Smallest and largest value; between groups those of the means."""
    values = next((found for found in _known_values(part, x, moving) if found is not None), None)
    if values is None:
        raise FitError(
            f"`{text(x)}` enters the model only through a function, so that its range is not known.",
            remedy="Say it: values=[…].",
        )
    return float(values.min()), float(values.max())


def _known_values(part: Part, x: Expr, moving: Moving) -> Iterator[Floats | None]:
    """Values in the rows, from the columns that the model has."""
    own = [call for call in _averages(part) if call.args[0] == x and len(call.args) == 2]
    means = {call.args[1]: column_of(part, call, 0) for call in own if call.function == "cvar"}
    if moving != "within":
        yield from means.values()
    yield column_of(part, x, 0)
    for call in own:
        deviations, mean = column_of(part, call, 0), means.get(call.args[1])
        if call.function == "dvar" and deviations is not None and mean is not None:
            yield deviations + mean
    yield from _unscaled(part, x)


def _averages(part: Part) -> list[Call]:
    """The group means of the formula, and the deviations from them."""
    calls = (factor for factor in _factors(part) if isinstance(factor, Call))
    return [call for call in calls if call.function in AVERAGES]


def _unscaled(part: Part, x: Expr) -> Iterator[Floats]:
    """x from ``center(x)`` or ``scale(x)``."""
    for call, state in part.schema.states:
        if isinstance(call, Call) and call.function in ("center", "scale") and call.args[0] == x:
            column = column_of(part, call, 0)
            if column is not None:
                yield column * (state[1] if call.function == "scale" else 1.0) + state[0]


def _path(axis: Axis, moving: Moving) -> Path:
    if not isinstance(axis.x, Name):
        return Path(axis.x, axis.values, None)
    own, mean = moving != "contextual", moving != "within"
    return Path(axis.x, axis.values if own else None, axis.values if mean else None)


def _by_values(part: Part, by: str, wanted: Any) -> Sequence[str | float]:
    """The values given; else levels, or mean and mean ± 1 sd."""
    factor = next(factor for factor in _factors(part) if text(factor) == by)
    if wanted is not None:
        listed = (
            wanted if isinstance(wanted, Sequence | np.ndarray) and not isinstance(wanted, str) else [wanted]
        )
        return [_number_or_level(part, by, value) for value in listed]
    if levels := part.schema.column(factor).levels:
        return levels
    values = column_of(part, factor, 0)
    if values is None:
        raise FitError(
            f"`{by}` has no column of its own in the model.",
            remedy=f'Say at which values: at={{"{by}": […]}}.',
        )
    return [float(values.mean() + k * values.std()) for k in (-1, 0, 1)]


def _number_or_level(part: Part, name: str, value: Any) -> str | float:
    factor = next(factor for factor in _factors(part) if text(factor) == name)
    if levels := part.schema.column(factor).levels:
        (label,) = level_labels([value])
        return choose(f"level of `{name}`", label, levels)
    if isinstance(value, int | float | np.number) and np.isfinite(value):
        return float(value)
    raise FitError(f"The value of `{name}` must be a finite number, not {value!r}.")


def _curve_name(by: str | None, value: str | float) -> str:
    if by is None:
        return ""
    return f"{by}: {value}" if isinstance(value, str) else f"{by} = {number(value, 3)}"
