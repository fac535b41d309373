"""The moderators at which a report shows means, heterogeneity and predictions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product
from math import prod
from typing import Any

import numpy as np
import pandas as pd

from laird.bound import Model
from laird.data.column import Column
from laird.report.words import decimals, fixed
from laird.spec import Term, variables
from laird.spec.functions import AVERAGES
from laird.spec.syntax import Call, Expr

MOST = 24
"""Never more combinations of moderators."""
EVERY = "all studies"
LOW, HIGH = 0.1, 0.9
"""Quantiles of a number, beside its median."""

type Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Combinations of moderators.

    Attributes
    ----------
    frame
        One column per moderator, shape (rows, moderators); None for a model without moderators.
    labels
        What each row is called.
    central
        So many first rows have all numbers at their medians.
    """

    frame: pd.DataFrame | None
    labels: tuple[str, ...]
    central: int


def moderator_grid(model: Model, *, scale_only: bool = False) -> Grid | None:
    """Return telling combinations of the moderators; None when there is no simple choice.

    All levels of categories (combined) with numbers at their medians; then each number at its
    first and last decile, with categories at their first levels.

    Parameters
    ----------
    model
        The model.
    scale_only
        Vary only what the sds depend on.

    Examples
    --------
    >>> import laird as ld
    >>> spec = ld.parse_spec("yi ~ habitat + duration + meta_V(vi)", data="restoration")
    >>> moderator_grid(ld.model(spec)).frame.round(2).values.tolist()
    [['grassland', -0.0], ['forest', -0.0], ['grassland', -1.31], ['grassland', 1.49]]
    """
    used = _factors(_all_terms(model))
    if any(isinstance(factor, Call) and factor.function in AVERAGES for factor in used):
        return None
    names = _columns(used)
    varied = _columns(_factors(_scale_terms(model))) if scale_only else names
    if not names:
        return Grid(None, (EVERY,), 1)
    columns = {name: model.table.column(name) for name in names}
    rows = list(islice(_rows(columns, varied), MOST))
    central = prod(len(_values(columns[name])) for name in varied if columns[name].labels)
    labels = tuple(_label(row, [columns[name] for name in varied]) for row in rows)
    return Grid(pd.DataFrame(rows, columns=list(names)), labels, min(central, MOST))


def _rows(columns: Mapping[str, Column], varied: Iterable[str]) -> Iterator[Row]:
    """Combinations of levels at the medians of numbers, then numbers one at a time."""
    values = {name: _values(column) for name, column in columns.items()}
    standard = {name: own[0] for name, own in values.items()}
    categories = [name for name in varied if columns[name].labels]
    numbers = [name for name in varied if not columns[name].labels]
    for levels in product(*(values[name] for name in categories)):
        yield standard | dict(zip(categories, levels, strict=True))
    for name in numbers:
        for value in dict.fromkeys(values[name][1:]):
            if value != standard[name]:
                yield standard | {name: value}


def _values(column: Column) -> list[Any]:
    """Levels that occur; of a number median, first and last decile, as values that occur."""
    if column.labels:
        present = np.unique(column.values)
        return [column.labels[k] for k in present]
    ordered = np.sort(column.values)
    places = [round(q * (len(ordered) - 1)) for q in (0.5, LOW, HIGH)]
    return [ordered[place].item() for place in places]


def _label(row: Row, varied: Iterable[Column]) -> str:
    return ", ".join(f"{column.name} {_text(row[column.name], column)}" for column in varied) or EVERY


def _text(value: Any, column: Column) -> str:
    if isinstance(value, str | int):
        return str(value)
    return fixed(value, decimals(float(np.std(column.values))))


def _all_terms(model: Model) -> Iterator[Term]:
    for location in model.spec.locations:
        yield from location.terms
        for random in location.random:
            yield from random.terms
    yield from _scale_terms(model)


def _scale_terms(model: Model) -> Iterator[Term]:
    for part in model.spec.distributional:
        yield from part.terms


def _factors(terms: Iterable[Term]) -> tuple[Expr, ...]:
    return tuple(dict.fromkeys(factor for term in terms for factor in term.factors))


def _columns(used: Iterable[Expr]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for factor in used for name in variables(factor)))
