"""Which variables belong to which level, and the data of a higher level."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laird.data.column import Column
from laird.data.derived import derivation
from laird.data.factors import quoted
from laird.data.grouping import NONE, Grouped, codes_of, grouped, of_kind, values_at
from laird.errors import DataError

type Ids = NDArray[np.int64]
type Row = tuple[str, int, str, str, int, str, int]

SHOWN = 3
"""Labels shown of the groups in which a variable varies, when these are most of all."""

COLUMNS = ("variable", "level", "kind", "derived", "n_varying", "varying", "n_missing")


def levels(data: Any, *groups: str) -> Any:
    """Tell at which level each variable varies.

    A variable belongs to level 1 when it varies within the groups (pupils), to level 2 when
    it is constant in each (schools), and so on for further groups.  One that is a group
    mean, a share, a group size or a deviation from a group mean is derived from another.

    Parameters
    ----------
    data
        Any data frame that narwhals accepts, or a mapping of columns.
    *groups
        Grouping columns, the inner one first (``"class", "school"``); several columns
        joined by a colon are one (``"school:class"``).

    Returns
    -------
    A frame of the same kind as `data`, one row per variable
        ``variable``; ``level``; ``kind``: ``"varies"`` (within the groups above its
        level), ``"constant"`` (within the groups of its level), ``"derived"`` or
        ``"group"``; ``derived``: from what, as a formula says it, ``cvar(ses, school)``;
        ``n_varying``, ``varying``: number and labels of the groups above in which it
        varies, all of them when they are a minority: a few mean that values of the level
        above were entered inconsistently; ``n_missing``.

    Raises
    ------
    DataError
        A column is absent or unusable, a group is missing in a row, or groups do not lie
        within those named after them.

    Examples
    --------
    >>> data = {
    ...     "school": ["a", "a", "b", "b"],
    ...     "ses": [1.0, 2.0, 3.0, 6.0],
    ...     "mean": [1.5, 1.5, 4.5, 4.5],
    ...     "sector": ["p", "p", "c", "p"],
    ... }
    >>> levels(data, "school")[["variable", "level", "kind", "derived", "varying"]]
      variable  level     kind            derived   varying
    0   school      2    group
    1      ses      1   varies                     "a", "b"
    2     mean      2  derived  cvar(ses, school)
    3   sector      1   varies                          "b"

    Of classes in schools, whose numbers begin anew in each school:

    >>> data = {
    ...     "school": ["a", "a", "a", "b", "b"],
    ...     "class": [1, 1, 2, 1, 2],
    ...     "teacher": ["Ada", "Ada", "Bo", "Cy", "Di"],
    ...     "sector": ["p", "p", "p", "c", "c"],
    ... }
    >>> levels(data, "school:class", "school")[["variable", "level", "kind"]]
      variable  level      kind
    0   school      3     group
    1    class      2  constant
    2  teacher      2  constant
    3   sector      3  constant
    """
    if not groups:
        raise DataError("No grouping column is named.", remedy='Write levels(data, "school").')
    kinds = [grouped(data, group) for group in groups]
    for inner, outer in pairwise(kinds):
        _refuse_crossed(inner, outer)
    rows = list(_rows(kinds))
    return of_kind(kinds[0].frame, dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True)))


def _refuse_crossed(inner: Grouped, outer: Grouped) -> None:
    within = outer.ids[inner.first()]
    astray = np.flatnonzero(outer.ids != within[inner.ids])
    if not len(astray):
        return
    crossed = inner.ids[astray[0]]
    places = [outer.labels[j] for j in np.unique(outer.ids[inner.ids == crossed])]
    raise DataError(
        f"Groups of `{inner.group}` do not lie within groups of `{outer.group}`.",
        where=f'    {inner.group} "{inner.labels[crossed]}" is in {outer.group} {quoted(places)}',
        remedy=f'Name the inner groups first; write "{outer.group}:{inner.group}" if numbers begin anew in'
        f" each `{outer.group}`; call levels() for each if they are crossed.",
    )


def _rows(kinds: Sequence[Grouped]) -> Iterator[Row]:
    frame = kinds[0].frame
    columns = [kinds[0].column(name) for name in frame.columns]
    grouping = {kind.columns[0]: k for k, kind in reversed(list(enumerate(kinds))) if len(kind.columns) == 1}
    for column in columns:
        if column.name in grouping:
            yield (column.name, grouping[column.name] + 2, "group", "", 0, "", 0)
        else:
            yield _row(column, kinds, [other for other in columns if other.name not in grouping])


def _row(column: Column, kinds: Sequence[Grouped], columns: Sequence[Column]) -> Row:
    varying = [np.flatnonzero(kind.varying(column)) for kind in kinds]
    above = next((k for k, groups in enumerate(varying) if len(groups)), len(kinds))
    source = next(filter(None, (derivation(column, kind, columns) for kind in kinds)), "")
    kind = "derived" if source else "varies" if above == 0 else "constant"
    groups = [kinds[above].labels[j] for j in varying[above]] if above < len(kinds) else []
    few = above < len(kinds) and 2 * len(groups) < len(kinds[above].labels)
    shown = quoted(groups, at_most=len(groups) if few else SHOWN)
    return (column.name, above + 1, kind, source, len(groups), shown, int(column.missing.sum()))


def between(data: Any, group: str, all: bool = False) -> Any:  # noqa: A002 - the word of the field
    """Return the data of the groups: one row per group.

    Parameters
    ----------
    data
        Any data frame that narwhals accepts, or a mapping of columns.
    group
        The grouping column, or several joined by a colon.
    all
        False: only variables that are constant within groups.  True: of the others the
        mean of numbers and the most frequent value of everything else (of equally
        frequent ones the first level).

    Returns
    -------
    A frame of the same kind as `data`
        Groups in order.  Missing values are left out of means; where a group has no value
        at all it is missing.

    Raises
    ------
    DataError
        The grouping column is absent or missing in a row.

    Examples
    --------
    >>> import laird as ld
    >>> schools = ld.between(ld.load_data("hs"), "school", all=True)
    >>> schools.loc[:1, ["school", "mathach", "ses", "Sex", "Sector"]].round(3)
      school  mathach    ses     Sex    Sector
    0   1317   13.178  0.345  Female  Catholic
    1   1906   15.983  0.512  Female  Catholic
    """
    own = grouped(data, group)
    found = {name: _of_groups(own, own.column(name), all) for name in own.frame.columns}
    return of_kind(own.frame, {name: values for name, values in found.items() if values is not None})


def _of_groups(own: Grouped, column: Column, summarise: bool) -> Any | None:
    """One value for each group; None where the column has several and none is asked for."""
    known = ~column.missing
    if not own.varying(column).any():
        return values_at(own.frame, column.name, _where_known(own, own.first(known)))
    if not summarise:
        return None
    if column.kind == "number":
        return own.means(column)
    return values_at(own.frame, column.name, _where_known(own, _rows_of_modes(column, own)))


def _where_known(own: Grouped, rows: Ids) -> Ids:
    """The rows found, and for a group without one its first row, where the value is missing."""
    return np.where(rows == NONE, own.first(), rows)


def _rows_of_modes(column: Column, own: Grouped) -> Ids:
    """A row with the most frequent value of each group, the first level of equally frequent ones."""
    codes = codes_of(column)
    known = codes.codes != NONE
    width = len(codes.labels)
    counts = np.bincount(own.ids[known] * width + codes.codes[known], minlength=len(own.labels) * width)
    modes = counts.reshape(-1, width).argmax(axis=1)
    return own.first(known & (codes.codes == modes[own.ids]))
