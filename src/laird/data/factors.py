"""Categories and groups: integer codes into ordered levels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.data.column import Column
from laird.data.frame import first_rows
from laird.data.labels import level_labels, level_order
from laird.errors import DataError

type Ids = NDArray[np.int64]

_NONE = -1


@dataclass(frozen=True, slots=True, eq=False)
class Codes:
    """The level of each row: `codes` into `labels`."""

    codes: Ids
    labels: tuple[str, ...]

    def used(self) -> list[int]:
        """Positions of the labels that have rows."""
        return np.flatnonzero(np.bincount(self.codes, minlength=len(self.labels))).tolist()

    def unused(self) -> tuple[str, ...]:
        """Labels without a row."""
        used = set(self.used())
        return tuple(label for k, label in enumerate(self.labels) if k not in used)

    def recoded(self, labels: Sequence[str]) -> Codes:
        """The same rows with codes into `labels`; -1 where a row's label is not among them."""
        if tuple(labels) == self.labels:
            return self
        position = dict(zip(labels, range(len(labels)), strict=True))
        lookup = np.array(list(map(position.get, self.labels, repeat(_NONE))), dtype=np.int64)
        return Codes(lookup[self.codes], tuple(labels))

    def taken(self, positions: Sequence[int]) -> Codes:
        """The same rows with codes into the labels at `positions`."""
        if len(positions) == len(self.labels) and positions == list(range(len(positions))):
            return self
        lookup = np.full(len(self.labels), _NONE)
        lookup[positions] = np.arange(len(positions))
        return Codes(lookup[self.codes], tuple(self.labels[k] for k in positions))


def discrete(column: Column) -> Codes:
    """Return the levels of a complete column: numbers in ascending order, others as they were read.

    Examples
    --------
    >>> from laird.data.frame import read_table
    >>> discrete(read_table({"g": [3.0, 1.0, 3.0]}, ["g"]).column("g"))
    Codes(codes=array([1, 0, 1]), labels=('1', '3'))
    """
    if column.kind != "number":
        return Codes(column.values, column.labels)
    codes, uniques = _sorted_codes(column.values)
    return Codes(codes, level_labels(uniques.tolist()))


def _sorted_codes(values: NDArray[Any]) -> tuple[Ids, NDArray[Any]]:
    """Codes into the distinct values, ascending; integers of a small range are counted, not hashed."""
    if values.dtype.kind in "iu" and len(values):
        low, high = int(values.min()), int(values.max())
        if high - low < len(values) and high <= np.iinfo(np.int64).max:
            steps = values.astype(np.int64) - low
            there = np.bincount(steps) > 0
            return (np.cumsum(there) - 1)[steps], np.flatnonzero(there) + low
    codes, uniques = pd.factorize(values, sort=True)
    return codes.astype(np.int64, copy=False), uniques


def ordered(column: Column, chosen: Sequence[str] = ()) -> Codes:
    """Return the levels of a column that have rows: in the `chosen` order, else the data's, else sorted.

    Raises
    ------
    DataError
        The column has a level that is not in `chosen`.

    Examples
    --------
    >>> from laird.data.frame import read_table
    >>> column = read_table({"g": ["b", "a", "b"]}, ["g"]).column("g")
    >>> ordered(column).labels, ordered(column, ["b", "a"]).labels
    (('a', 'b'), ('b', 'a'))
    """
    found = discrete(column)
    used = found.used()
    labels = [found.labels[k] for k in used]
    if chosen:
        return found.recoded(_in_order(column.name, labels, chosen))
    if column.kind in ("text", "date"):
        return found.taken([used[k] for k in level_order(labels)])
    return found.taken(used)


def known_codes(column: Column, levels: Sequence[str], rows: Ids) -> Ids:
    """Codes of a column into `levels`, those of the fitted data; `rows` are the rows' numbers in the frame.

    Raises
    ------
    DataError
        The column has a level that is not among them.
    """
    found = discrete(column)
    codes = found.recoded(levels).codes
    unknown = codes == _NONE
    if unknown.any():
        known = {*levels, *found.unused()}
        new = [label for label in found.labels if label not in known]
        count = f"{int(unknown.sum())} of {len(unknown)} rows"
        raise DataError(
            f"Column `{column.name}` has levels that the fitted data did not have: {quoted(new)}.",
            where=f"    {column.name}: {count}, {first_rows(unknown, rows)}",
            allowed=f"Levels: {quoted(levels)}.",
            remedy="Correct the spelling, or leave these rows out.",
        )
    return codes


def _in_order(name: str, used: Sequence[str], chosen: Sequence[str]) -> list[str]:
    missing = sorted(set(used).difference(chosen))
    if missing:
        raise DataError(
            f"Column `{name}` has values that are not among its levels: {quoted(missing)}.",
            allowed=f"Levels given: {quoted(chosen)}.",
            remedy="Add them to `levels`, or leave their rows out.",
        )
    present = set(used)
    return [label for label in chosen if label in present]


def crossed(parts: Sequence[Codes]) -> Codes:
    """Return the combinations of levels that occur, in the order of the parts; labels joined by ``:``.

    Examples
    --------
    >>> crossed([Codes(np.array([0, 0, 1]), ("a", "b")), Codes(np.array([1, 0, 1]), ("x", "y"))])
    Codes(codes=array([1, 0, 2]), labels=('a:x', 'a:y', 'b:y'))
    """
    result = parts[0]
    for part in parts[1:]:
        result = _cross(result, part)
    return result


def _cross(left: Codes, right: Codes) -> Codes:
    width = len(right.labels)
    codes, pairs = pd.factorize(left.codes * width + right.codes, sort=True)
    labels = tuple(f"{left.labels[pair // width]}:{right.labels[pair % width]}" for pair in pairs)
    return Codes(codes.astype(np.int64, copy=False), labels)


def quoted(labels: Sequence[str], *, at_most: int = 8) -> str:
    """Return labels in quotes, cut after `at_most`.

    Examples
    --------
    >>> quoted(["a", "b "])
    '"a", "b "'
    """
    shown = ", ".join(f'"{label}"' for label in labels[:at_most])
    return f"{shown}, … ({len(labels)} in all)" if len(labels) > at_most else shown
