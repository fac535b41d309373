"""Values at which the variables that interact with another one are held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import isfinite
from typing import Any

import numpy as np

from laird.data.coding import share_levels
from laird.data.evaluate import width
from laird.data.labels import level_labels
from laird.data.schema import Schema
from laird.errors import FitError, nearest
from laird.fitting.parts import Part, column_of
from laird.spec import text
from laird.spec.functions import AVERAGES
from laird.spec.syntax import Call, Expr

type Slopes = Mapping[tuple[Expr, int], Mapping[str, float]]
type Scenario = tuple[tuple[str, str | float], ...]


def scenarios(part: Part, slopes: Slopes, at: Mapping[str, Any]) -> Iterator[Scenario]:
    """Yield the values of the interacting variables, the first one slowest."""
    moderators = tuple(dict.fromkeys(_moderators(part, slopes)))
    names = [text(factor) for factor in moderators]
    for name in at:
        if name not in names:
            raise FitError(
                f"`at` names `{name}`, which does not interact with the variable.",
                allowed=nearest(name, names),
            )
    choices = [_choices(part, factor, at.get(text(factor))) for factor in moderators]
    for values in product(*choices):
        yield tuple(zip(names, values, strict=True))


def _moderators(part: Part, slopes: Slopes) -> Iterator[Expr]:
    """Factors of one number or level that stand beside a moving factor."""
    for column in part.columns:
        for moving in column.factors:
            if slopes[moving]:
                others = (factor for factor, position in column.factors if (factor, position) != moving)
                yield from (factor for factor in others if not _has_columns(factor, part.schema))


def _has_columns(factor: Expr, schema: Schema) -> bool:
    """Tell whether a factor is of several numbers; these are always at their means."""
    if not isinstance(factor, Call):
        return False
    return bool(share_levels(factor, schema)) if factor.function in AVERAGES else bool(width(factor))


def _choices(part: Part, factor: Expr, wanted: Any) -> Sequence[str | float]:
    levels, name = part.schema.column(factor).levels, text(factor)
    if wanted is None:
        return levels or [_mean(part, (factor, 0))]
    wanted = wanted if isinstance(wanted, Sequence) and not isinstance(wanted, str) else [wanted]
    if not levels:
        return [_number(name, value) for value in wanted]
    chosen = level_labels(wanted)
    for level in chosen:
        if level not in levels:
            raise FitError(f"`{name}` has no level {level!r}.", allowed=nearest(level, levels))
    return chosen


def _number(name: str, value: Any) -> float:
    if isinstance(value, int | float | np.number) and isfinite(value):
        return float(value)
    raise FitError(f"at: the value of `{name}` must be a finite number, not {value!r}.")


def value_at(part: Part, pair: tuple[Expr, int], scenario: Scenario) -> float:
    """Value of a column of a factor: as the scenario says, else its mean."""
    factor, position = pair
    at = dict(scenario).get(text(factor))
    if at is None:
        return _mean(part, pair)
    levels = part.schema.column(factor).levels
    return float(levels.index(str(at)) == position) if levels else float(at)


def _mean(part: Part, pair: tuple[Expr, int]) -> float:
    values = column_of(part, *pair)
    if values is not None:
        return float(values.mean())
    name = text(pair[0])
    raise FitError(
        f"`{name}` interacts with the variable, but has no effect of its own in the model.",
        remedy=f'Say at which value: at={{"{name}": …}}.',
    )
