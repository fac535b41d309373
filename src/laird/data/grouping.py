"""What the multilevel data tools share: a frame, its groups, and results of the frame's own kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.data.column import Column, read_column
from laird.data.factors import Codes, crossed, ordered
from laird.data.frame import absent, as_frame, first_rows
from laird.data.transforms import group_means
from laird.errors import DataError

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type Mask = NDArray[np.bool_]
type Frame = nw.DataFrame[Any]

NONE = -1


@dataclass(frozen=True, slots=True, eq=False)
class Grouped:
    """A frame and the groups of its rows.

    Attributes
    ----------
    frame
        The user's frame.
    group
        Name of the grouping factor, ``school`` or ``school:class``.
    columns
        Its columns.
    ids, labels
        Group of each row, shape (n,), and the groups' labels in order.
    """

    frame: Frame
    group: str
    columns: tuple[str, ...]
    ids: Ids
    labels: tuple[str, ...]

    @property
    def sizes(self) -> Ids:
        """Rows of each group, shape (J,)."""
        return np.bincount(self.ids, minlength=len(self.labels))

    def column(self, name: str) -> Column:
        """Read a column of the frame."""
        return column_of(self.frame, name)

    def others(self) -> Iterator[Column]:
        """Read every column but those of the groups."""
        return (self.column(name) for name in self.frame.columns if name not in self.columns)

    def rows(self) -> list[Ids]:
        """Positions of the rows of each group, in the order of the frame."""
        order = np.argsort(self.ids, kind="stable")
        return np.split(order, np.cumsum(self.sizes)[:-1])

    def first(self, known: Mask | None = None) -> Ids:
        """First row of each group (of those that are `known`), shape (J,); -1 for none."""
        rows = np.arange(len(self.ids)) if known is None else np.flatnonzero(known)
        found = np.full(len(self.labels), NONE)
        found[self.ids[rows][::-1]] = rows[::-1]
        return found

    def varying(self, column: Column) -> Mask:
        """True for the groups in which a column has several values, shape (J,); missing ones do not count."""
        known = ~column.missing
        differs = known & (column.values != column.values[self.first(known)[self.ids]])
        found = np.zeros(len(self.labels), dtype=bool)
        found[self.ids[differs]] = True
        return found

    def means(self, column: Column) -> Floats:
        """Mean of the numbers of each group that are not missing, shape (J,); NaN where all are."""
        known = ~column.missing
        with np.errstate(invalid="ignore"):
            return group_means(column.values[known].astype(float), self.ids[known], len(self.labels))

    def constant(self, name: str) -> Column:
        """Read a column that must be constant within groups.

        Raises
        ------
        DataError
            It varies within groups; they are named.
        """
        column = self.column(name)
        varying = np.flatnonzero(self.varying(column))
        if len(varying):
            shown = ", ".join(f'"{self.labels[j]}"' for j in varying[:5])
            raise DataError(
                f"`{name}` varies within groups of `{self.group}`.",
                where=f"    {counted(len(varying), 'group')}, first {shown}",
                remedy=f"Correct it if it is a variable of `{self.group}`; levels() shows all that vary.",
            )
        return column


def grouped(data: Any, group: str) -> Grouped:
    """Read a frame and the groups of a column, or of several columns joined by a colon.

    Raises
    ------
    DataError
        The frame has no rows, or a grouping column is absent or has missing values.

    Examples
    --------
    >>> own = grouped({"school": [1, 1, 2], "class": [1, 2, 1]}, "school:class")
    >>> own.labels, own.ids
    (('1:1', '1:2', '2:1'), array([0, 1, 2]))
    """
    frame = as_frame(data)
    if len(frame) == 0:
        raise DataError("The data have 0 rows.", remedy="Pass a data frame with rows.")
    names = (group,) if group in frame.columns else tuple(group.split(":"))
    codes = crossed([ordered(_complete(column_of(frame, name))) for name in names])
    return Grouped(frame, group, names, codes.codes, codes.labels)


def column_of(frame: Frame, name: str) -> Column:
    """Read a column; DataError when there is none."""
    if name not in frame.columns:
        raise absent(name, frame.columns)
    return read_column(name, frame.get_column(name))


def _complete(column: Column) -> Column:
    if not column.missing.any():
        return column
    rows, count = np.arange(len(column.missing)), counted(int(column.missing.sum()), "row")
    raise DataError(
        f"Column `{column.name}` has missing values: {count} without a group.",
        where=f"    column {column.name}: {first_rows(column.missing, rows)} (counted from 0)",
        remedy="Give each row its group, or leave these rows out.",
    )


def codes_of(column: Column) -> Codes:
    """Levels of a column in order, -1 for missing values.

    Examples
    --------
    >>> codes_of(column_of(as_frame({"a": ["u", None, "t"]}), "a"))
    Codes(codes=array([ 1, -1,  0]), labels=('t', 'u'))
    """
    if column.missing.all():
        return Codes(np.full(len(column.missing), NONE), ())
    known = ordered(column.take(~column.missing))
    codes = np.full(len(column.missing), NONE)
    codes[~column.missing] = known.codes
    return Codes(codes, known.labels)


def of_kind(frame: Frame, columns: Mapping[str, Any]) -> Any:
    """Return columns, arrays or series of the frame's kind, as a frame of the same kind as `frame`."""
    if isinstance(frame.to_native(), pd.DataFrame):
        return pd.DataFrame(dict(columns))
    backend = frame.implementation
    series = [
        nw.from_native(values, series_only=True, allow_series=True)
        if nw.dependencies.is_into_series(values)
        else nw.new_series(name, values, backend=backend)
        for name, values in columns.items()
    ]
    return nw.from_dict(dict(zip(columns, series, strict=True)), backend=backend).to_native()


def series_of_kind(frame: Frame, name: str, values: Sequence[Any] | NDArray[Any]) -> Any:
    """Return values of the rows of `frame` as a series of its kind, with its index."""
    native = frame.to_native()
    if isinstance(native, pd.DataFrame):
        return pd.Series(values, index=native.index, name=name)
    return nw.new_series(name, values, backend=frame.implementation).to_native()


def values_at(frame: Frame, name: str, rows: Ids) -> Any:
    """Return a column at some rows, in its own kind and type, with a fresh index."""
    native = frame.get_column(name)[rows].to_native()
    return native.reset_index(drop=True) if isinstance(native, pd.Series) else native


def counted(n: int, noun: str) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> counted(1, "row"), counted(2, "row")
    ('1 row', '2 rows')
    """
    return f"{n} {noun}{'s' * (n != 1)}"


def listed(items: Iterable[str], at_most: int = 8) -> str:
    """Join lines for an error, cut after `at_most`."""
    lines = [f"    {item}" for item in items]
    more = [f"    … ({len(lines)} in all)"] if len(lines) > at_most else []
    return "\n".join(lines[:at_most] + more)
