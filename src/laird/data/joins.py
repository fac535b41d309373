"""Joining the data of two levels, with the checks that a mistyped file needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from laird.data.checks import warn
from laird.data.column import Column
from laird.data.factors import discrete, quoted
from laird.data.frame import first_rows
from laird.data.grouping import NONE, Frame, Grouped, counted, grouped, listed, of_kind, values_at
from laird.errors import DataError

type Ids = NDArray[np.int64]
type Mask = NDArray[np.bool_]


def join_levels(level2: Any, level1: Any, *, on: str, unmatched: Literal["error", "drop"] = "error") -> Any:
    """Join the data of the groups (a school file) to the data of their rows (a pupil file).

    Parameters
    ----------
    level2
        One row per group.
    level1
        Rows that name their group; a frame of the same kind as `level2`.
    on
        The column that names the group in both, or several joined by a colon.  Values are
        compared as labels: 7, 7.0 and ``"7"`` are one group.
    unmatched
        Rows of `level1` whose group is not in `level2`: ``"error"``, or ``"drop"`` with a
        warning that counts them.

    Returns
    -------
    A frame of the same kind
        The rows of `level1` in their order with the columns of `level2` added.  Columns of
        both are taken from `level2`.

    Raises
    ------
    DataError
        A group occurs twice in `level2` (with what differs), a row has no group or an
        unknown one, or a variable that is in both files has another value in `level1`; all
        are listed.

    Notes
    -----
    Groups of `level2` without rows are left out, with a warning that names them.  For three
    levels join the upper two files first.

    Examples
    --------
    >>> schools = {"school": [1, 2], "sector": ["Public", "Catholic"]}
    >>> pupils = {"school": ["2", "1", "2"], "mathach": [12.0, 9.5, 20.1]}
    >>> join_levels(schools, pupils, on="school")
      school  mathach    sector
    0      2     12.0  Catholic
    1      1      9.5    Public
    2      2     20.1  Catholic
    """
    if unmatched not in ("error", "drop"):
        raise DataError(f"unmatched = {unmatched!r} is not possible.", allowed='Allowed: "error", "drop".')
    above, below = grouped(level2, on), grouped(level1, on)
    _check_kinds(above.frame, below.frame)
    _check_unique(above)
    match = _match(above, below, unmatched)
    _check_consistent(above, match)
    return _joined(above, match)


@dataclass(frozen=True, slots=True, eq=False)
class _Match:
    """Rows of level 1, and the row of level 2 that each belongs to, shape (n,)."""

    below: Grouped
    keep: Ids
    row: Ids


def _check_kinds(above: Frame, below: Frame) -> None:
    if above.implementation is not below.implementation:
        raise DataError(
            f"The two files are of different kinds: {above.implementation} and {below.implementation}.",
            remedy="Convert one of them first.",
        )


def _check_unique(above: Grouped) -> None:
    twice = np.flatnonzero(above.sizes > 1)
    if not len(twice):
        return
    varying = {column.name: above.varying(column) for column in above.others()}
    differing = ([name for name, mask in varying.items() if mask[j]] for j in twice)
    raise DataError(
        f"The level-2 data have several rows for one group of `{above.group}`.",
        where=listed(
            f'{above.group} "{above.labels[j]}": {above.sizes[j]} rows, '
            + (f"different in {', '.join(names)}" if names else "all alike")
            for j, names in zip(twice, differing, strict=True)
        ),
        remedy="Keep one row for each group; between(data, group) makes such a file of row-wise data.",
    )


def _match(above: Grouped, below: Grouped, unmatched: str) -> _Match:
    place = {label: j for j, label in enumerate(above.labels)}
    group = np.array([place.get(label, NONE) for label in below.labels])[below.ids]
    lost = group == NONE
    if lost.all():
        raise DataError(
            f"No row of the level-1 data has a group of `{above.group}` of the level-2 data.",
            where=listed(
                [f"level 1: {quoted(below.labels, at_most=3)}", f"level 2: {quoted(above.labels, at_most=3)}"]
            ),
            remedy="Check that the groups are spelled alike in both.",
        )
    if lost.any():
        _refuse_or_note(below, lost, place, unmatched)
    _note_without_rows(above, below)
    keep = np.flatnonzero(~lost)
    return _Match(below, keep, above.first()[group[keep]])


def _note_without_rows(above: Grouped, below: Grouped) -> None:
    present = set(below.labels)
    empty = [label for label in above.labels if label not in present]
    if empty:
        warn(f"Groups of `{above.group}` without rows in the level-1 data were left out: {quoted(empty)}.")


def _refuse_or_note(below: Grouped, lost: Mask, known: Iterable[str], unmatched: str) -> None:
    found = set(known)
    unknown = [label for label in below.labels if label not in found]
    count = counted(int(lost.sum()), "row")
    what = (
        f"The level-2 data lack groups of `{below.group}` that {count} of the level-1 data name:"
        f" {quoted(unknown)}."
    )
    if unmatched == "drop":
        warn(f"{what} They were dropped.")
        return
    raise DataError(
        what,
        where=f"    {below.group}: {first_rows(lost, np.arange(len(lost)))} (counted from 0)",
        remedy='Correct the labels, add these groups to the level-2 data, or pass unmatched="drop".',
    )


def _shared(above: Grouped, below: Grouped) -> list[str]:
    return [c for c in above.frame.columns if c in below.frame.columns and c not in above.columns]


def _check_consistent(above: Grouped, match: _Match) -> None:
    lines = [line for name in _shared(above, match.below) for line in _contradictions(name, above, match)]
    if lines:
        raise DataError(
            f"Variables of `{above.group}` have other values in the level-1 data than in the level-2 data.",
            where=listed(lines),
            remedy="Correct them in one of the files, or leave these columns out of the level-1 data.",
        )


def _contradictions(name: str, above: Grouped, match: _Match) -> Iterator[str]:
    """One line for each group whose rows say something else; a missing value there says nothing."""
    upper, lower = above.column(name), match.below.column(name)
    one, other = _labels(upper)[match.row], _labels(lower)[match.keep]
    differs = ~lower.missing[match.keep] & (one != other)
    for row in np.unique(match.row[differs]):
        rows = match.keep[differs & (match.row == row)]
        values = sorted(set(other[differs & (match.row == row)]))
        label = above.labels[above.ids[row]]
        place = first_rows(np.ones(len(rows), dtype=bool), rows)
        yield f'{name} of {above.group} "{label}": {_labels(upper)[row]}, but {", ".join(values)} {place}'


def _labels(column: Column) -> NDArray[np.object_]:
    codes = discrete(column)
    labels = np.array([*codes.labels, ""], dtype=object)[codes.codes]
    return np.where(column.missing, "missing", labels)


def _joined(above: Grouped, match: _Match) -> Any:
    shared, below = set(_shared(above, match.below)), match.below.frame
    columns = {
        name: values_at(above.frame, name, match.row)
        if name in shared
        else values_at(below, name, match.keep)
        for name in below.columns
    }
    new = [name for name in above.frame.columns if name not in columns]
    return of_kind(below, columns | {name: values_at(above.frame, name, match.row) for name in new})
