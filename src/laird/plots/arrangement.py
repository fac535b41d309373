"""Which groups have a panel, in which order, and under which heading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laird.compare.question import Question
from laird.data.column import Column
from laird.data.factors import Codes
from laird.data.frame import as_frame
from laird.data.grouping import Grouped, codes_of, grouped, of_kind, values_at
from laird.errors import DataError, nearest
from laird.fitting.display import number
from laird.plots.style import shortened

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

MOST_CATEGORIES = 4


@dataclass(frozen=True, slots=True, eq=False)
class Arrangement:
    """Groups in the order of their panels.

    Attributes
    ----------
    own
        The frame and its groups.
    groups
        Positions of the groups among its labels.
    by
        Columns that gave the order.
    """

    own: Grouped
    groups: Ids
    by: tuple[str, ...]

    def headings(self) -> list[tuple[str, ...]]:
        """Label of each group, and its values of the columns that gave the order."""
        shown = [_shown(self.own, self.own.constant(name)) for name in self.by]
        return [(shortened(self.own.labels[j]), *(values[j] for values in shown)) for j in self.groups]

    def category(self, name: str) -> Codes:
        """Codes of a column by which points are told apart; DataError for more than four categories."""
        codes = codes_of(self.own.column(name))
        if len(codes.labels) > MOST_CATEGORIES:
            raise DataError(
                f"`{name}` has {len(codes.labels)} values; at most {MOST_CATEGORIES} can be told apart.",
                remedy="Colour points by a category with few levels.",
            )
        return codes


def complete_rows(data: Any, question: Question, group: str) -> Grouped:
    """Return the rows of the user's frame that a question uses, with all columns."""
    frame = as_frame(data)
    kept = {name: values_at(frame, name, question.table.rows) for name in frame.columns}
    return grouped(of_kind(frame, kept), group)


def arrange(
    own: Grouped, select: Sequence[Any] | None, order: str | Sequence[str] | None, most: int
) -> Arrangement:
    """Choose and order groups.

    Raises
    ------
    DataError
        More groups than `most`, an unknown group, a column that is absent or varies within groups.

    Examples
    --------
    >>> own = grouped({"g": ["a", "a", "b", "c"], "w": [3, 3, 2, 1]}, "g")
    >>> arrange(own, ["a", "b"], "w", 60).headings()
    [('b', '2'), ('a', '3')]
    """
    by = (order,) if isinstance(order, str) else tuple(order or ())
    chosen = np.arange(len(own.labels)) if select is None else _selected(own, select)
    if len(chosen) > most:
        raise DataError(
            f"{len(chosen)} groups of `{own.group}` are too many panels to read; at most {most}.",
            remedy='Name some, select=["…"], or draw a sample: sample_groups(data, "…", 40).',
        )
    keys = [_key(own, own.constant(name))[chosen] for name in reversed(by)]
    return Arrangement(own, chosen[np.lexsort(keys)] if keys else chosen, by)


def _selected(own: Grouped, select: Sequence[Any]) -> Ids:
    wanted = [str(label) for label in ([select] if isinstance(select, str) else select)]
    for label in wanted:
        if label not in own.labels:
            raise DataError(f"`{own.group}` has no group `{label}`.", allowed=nearest(label, own.labels))
    if not wanted:
        raise DataError("There are no groups to draw: `select` is empty.")
    return np.array([own.labels.index(label) for label in dict.fromkeys(wanted)])


def _key(own: Grouped, column: Column) -> Floats:
    """What groups are sorted by; those without a value come last."""
    values = column.values if column.kind == "number" else codes_of(column).codes
    first = own.first(~column.missing)
    return np.where(first >= 0, values[first].astype(float), np.inf)


def _shown(own: Grouped, column: Column) -> list[str]:
    first = own.first(~column.missing)
    return [_text(column, row) if row >= 0 else "?" for row in first]


def _text(column: Column, row: int) -> str:
    value = column.values[row]
    if column.kind != "number":
        return shortened(column.labels[value])
    return str(value) if column.values.dtype.kind in "iu" else number(float(value), 3)
