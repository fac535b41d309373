"""Any data frame -> the columns that a model uses, complete and in the user's row order.

Rows are named by their position in the frame, counted from 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.data.column import Column, Mask, decoded, read_column
from laird.errors import DataError, caret, nearest
from laird.spec import normalised

_ROWS_SHOWN = 3


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The columns that a model uses.

    Attributes
    ----------
    columns
        In order of their use.
    available
        Names of all columns of the user's frame.
    rows
        Positions in the user's frame of the rows kept, shape (n,).
    total
        Number of rows of the user's frame.
    dropped
        Rows dropped because of each column, ``((column, count), ...)``.
    lost
        Groups that went with them, ``((column, count), ...)``.
    """

    columns: tuple[Column, ...]
    available: tuple[str, ...]
    rows: NDArray[np.int64]
    total: int
    dropped: tuple[tuple[str, int], ...] = ()
    lost: tuple[tuple[str, int], ...] = ()

    def column(self, name: str) -> Column:
        """Return the column `name`."""
        for column in self.columns:
            if column.name == name:
                return column
        raise absent(name, self.available)

    def take(self, keep: Mask) -> Table:
        """Return the rows where `keep` is True."""
        columns = tuple(column.take(keep) for column in self.columns)
        return replace(self, columns=columns, rows=self.rows[keep])

    def __len__(self) -> int:
        return len(self.rows)


_EMPTY = ("The data have 0 rows.", "Pass a data frame with at least two rows.")


def read_table(
    data: Any,
    names: Iterable[str],
    *,
    optional: Iterable[str] = (),
    formula: str = "",
    empty: tuple[str, str] = _EMPTY,
) -> Table:
    """Read the columns `names` of a data frame.

    Parameters
    ----------
    data
        Any eager data frame that narwhals accepts (pandas, polars, pyarrow, ...), or a
        mapping from column names to lists or one-dimensional arrays of one length.
    names
        The columns to read.
    optional
        Columns to read where the frame has them.
    formula
        Shown with a caret when a column is not in the frame.
    empty
        What is wrong with a frame without rows, and what to do.

    Names are compared as Unicode NFC, so that é is é however it was typed.

    Raises
    ------
    DataError
        `data` is not a data frame, has no rows, or lacks a column.

    Examples
    --------
    >>> read_table({"y": [1.0, 2.0], "g": ["a", "b"]}, ["g"]).column("g").labels
    ('a', 'b')
    """
    frame = as_frame(data)
    available = _available(frame)
    wanted = dict.fromkeys((*names, *(name for name in optional if name in available)))
    columns = tuple(_find(frame, name, available, formula) for name in wanted)
    if len(frame) == 0:
        raise DataError(empty[0], remedy=empty[1])
    return Table(columns, tuple(available), np.arange(len(frame), dtype=np.int64), len(frame))


def frame_of(table: Table) -> pd.DataFrame:
    """Return the columns of a table as a data frame; labels for codes, NaN where there is no value.

    Examples
    --------
    >>> frame_of(read_table({"y": [1.0, 2.0], "g": ["b", "a"]}, ["y", "g"])).to_dict("list")
    {'y': [1.0, 2.0], 'g': ['b', 'a']}
    """
    return pd.DataFrame({column.name: decoded(column) for column in table.columns})


def numeric_names(data: Any) -> tuple[str, ...]:
    """Return the names of the numeric columns of a data frame.

    Examples
    --------
    >>> numeric_names({"y": [1.0, 2.0], "g": ["a", "b"]})
    ('y',)
    """
    frame = as_frame(data)
    return tuple(normalised(name) for name, dtype in frame.schema.items() if dtype.is_numeric())


def _available(frame: nw.DataFrame[Any]) -> Mapping[str, str]:
    """The names of the columns, as they are compared and as the frame has them."""
    names = {normalised(name): name for name in frame.columns}
    if len(names) < len(frame.columns):
        twice = [name for name in frame.columns if names[normalised(name)] != name]
        raise DataError(
            f"Two columns have the same name, typed in two ways: {_listed(twice)}.",
            remedy="Rename or drop one of them.",
        )
    return names


def _find(frame: nw.DataFrame[Any], name: str, available: Mapping[str, str], formula: str) -> Column:
    if name not in available:
        raise absent(name, available, formula)
    return read_column(name, frame.get_column(available[name]))


def as_frame(data: Any) -> nw.DataFrame[Any]:
    """Return a data frame, or a mapping of columns, as narwhals sees it.

    Raises
    ------
    DataError
        It is neither, or its column names are not usable.

    Examples
    --------
    >>> as_frame({"x": [1.0, 2.0]}).columns
    ['x']
    """
    if isinstance(data, Mapping):
        data = _from_mapping(data)
    _check_names(data.columns if isinstance(data, pd.DataFrame) else getattr(data, "column_names", ()))
    try:
        return nw.from_native(data, eager_only=True)
    except TypeError as error:
        raise DataError(
            f"Data of type `{type(data).__name__}` are not an eager data frame.",
            allowed="Allowed: a pandas, polars or pyarrow table, or a mapping from column names to lists.",
            remedy="Convert them first, e.g. `pandas.DataFrame(data)`; collect a lazy frame.",
        ) from error


def _from_mapping(data: Mapping[Any, Any]) -> pd.DataFrame:
    shapes = {str(name): np.shape(values) for name, values in data.items()}
    if any(len(shape) != 1 for shape in shapes.values()) or len(set(shapes.values())) > 1:
        listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise DataError(
            "The columns of a mapping must be one-dimensional and of one length.",
            where=f"Shapes: {listed}.",
            remedy="Pass one list or one-dimensional array for each column.",
        )
    return pd.DataFrame(dict(data))


def _check_names(names: Sequence[Any] | pd.Index[Any]) -> None:
    if isinstance(names, pd.MultiIndex):
        raise DataError(
            "The column names have several levels (a pandas MultiIndex).",
            remedy='Join them first, e.g. `data.columns = ["_".join(name) for name in data.columns]`.',
        )
    odd = [name for name in names if not isinstance(name, str)]
    if odd:
        raise DataError(
            f"Column names must be text; these are not: {_listed(map(repr, odd))}.",
            remedy="Rename them, e.g. `data.columns = data.columns.astype(str)`.",
        )
    if len(set(names)) < len(names):
        twice = dict.fromkeys(name for name in names if list(names).count(name) > 1)
        raise DataError(
            f"Column names must be unique; these occur more than once: {_listed(twice)}.",
            remedy="Rename or drop the copies.",
        )


def absent(name: str, available: Iterable[str], formula: str = "") -> DataError:
    """Describe a column that is not in the data, with a caret under it in `formula`."""
    place = re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", formula)
    return DataError(
        f"There is no column `{name}` in the data.",
        where=caret(formula, place.span()) if place else "",
        allowed=nearest(name, available),
        remedy="Correct the name in the formula, or add the column to the data.",
    )


def complete(
    table: Table, missing: str, groups: Iterable[str] = (), allowed: Mapping[str, Mask] | None = None
) -> Table:
    """Refuse missing and infinite values, or drop their rows when `missing` is ``"drop"``.

    Parameters
    ----------
    table
        As `read_table` gives it.
    missing
        ``"error"`` or ``"drop"``.
    groups
        Columns of which lost levels are counted.
    allowed
        By column: where it may be missing, because the row is used without it.

    Raises
    ------
    DataError
        There are such values (``"error"``), or no row is left (``"drop"``).

    Examples
    --------
    >>> table = read_table({"x": [1.0, None, 3.0], "g": [1, 2, 3]}, ["x", "g"])
    >>> kept = complete(table, "drop", groups=["g"])
    >>> kept.rows.tolist(), kept.dropped, kept.lost
    ([0, 2], (('x', 1),), (('g', 1),))
    """
    unusable = {column.name: _unusable(column, allowed or {}) for column in table.columns}
    faulty = {name: mask for name, mask in unusable.items() if mask.any()}
    if not faulty:
        return table
    if missing != "drop":
        raise _incomplete(table, faulty)
    return _without(table, faulty, groups)


def _unusable(column: Column, allowed: Mapping[str, Mask]) -> Mask:
    missing = column.missing & ~allowed[column.name] if column.name in allowed else column.missing
    return missing | column.infinite()


def _without(table: Table, faulty: Mapping[str, Mask], groups: Iterable[str]) -> Table:
    keep = ~np.logical_or.reduce(list(faulty.values()))
    if not keep.any():
        raise DataError(
            "No row is left after dropping rows with missing values.",
            where=_counts((name, int(mask.sum())) for name, mask in faulty.items()),
            remedy="Leave the column with the most missing values out of the model.",
        )
    lost = ((name, _levels_lost(table.column(name), keep)) for name in groups)
    return replace(
        table.take(keep),
        dropped=tuple((name, int(mask.sum())) for name, mask in faulty.items()),
        lost=tuple((name, count) for name, count in lost if count),
    )


def _levels_lost(column: Column, keep: Mask) -> int:
    before = pd.unique(column.values[~column.missing])
    return len(before) - len(pd.unique(column.values[keep]))


def _incomplete(table: Table, faulty: Mapping[str, Mask]) -> DataError:
    faults = [
        fault for name, mask in faulty.items() for fault in _faults(table.column(name), mask, table.rows)
    ]
    several = len(faulty) > 1
    return DataError(
        f"Column{'s' if several else ''} {_listed(f'`{name}`' for name in faulty)}"
        f" {'have' if several else 'has'} missing or infinite values (rows are counted from 0).",
        where="\n".join(f"    {fault}" for fault in faults),
        remedy='Correct them, or pass missing="drop" to drop these rows and have them counted.',
    )


def _faults(column: Column, faulty: Mask, rows: NDArray[np.int64]) -> Iterable[str]:
    infinite = column.infinite()
    for kind, mask in (("missing", faulty & ~infinite), ("infinite", infinite)):
        if mask.any():
            count = int(mask.sum())
            yield f"column {column.name}: {count} {kind} value{'s' * (count > 1)}, {first_rows(mask, rows)}"


def first_rows(mask: Mask, rows: NDArray[np.int64]) -> str:
    """Name the first rows where `mask` is True.

    Examples
    --------
    >>> first_rows(np.array([False, True, True]), np.array([0, 4, 17]))
    'in rows 4, 17'
    """
    positions = rows[np.flatnonzero(mask)]
    shown = ", ".join(map(str, positions[:_ROWS_SHOWN].tolist()))
    if len(positions) > _ROWS_SHOWN:
        return f"first in rows {shown}"
    return f"in row{'s' * (len(positions) > 1)} {shown}"


def _counts(pairs: Iterable[tuple[str, int]]) -> str:
    return "\n".join(f"    column {name}: {count} missing or infinite" for name, count in pairs)


def _listed(items: Iterable[str]) -> str:
    return ", ".join(items)
