"""Group by group: values of the groups given to their rows, labels that inform, samples of whole groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from string import Formatter
from types import MappingProxyType
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.data.column import Column
from laird.data.evaluate import numbers
from laird.data.factors import quoted
from laird.data.grouping import Grouped, codes_of, grouped, listed, series_of_kind
from laird.errors import DataError, nearest

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

SUMMARIES: Mapping[str, Callable[[Floats], float]] = MappingProxyType(
    {
        "mean": lambda x: float(np.mean(x)),
        "sum": lambda x: float(np.sum(x)),
        "min": lambda x: float(np.min(x)),
        "max": lambda x: float(np.max(x)),
        "median": lambda x: float(np.median(x)),
        "sd": lambda x: float(np.std(x, ddof=1)) if len(x) > 1 else np.nan,
        "var": lambda x: float(np.var(x, ddof=1)) if len(x) > 1 else np.nan,
    }
)
"""Summaries of the numbers of a group that are not missing."""


def by_group(
    data: Any, group: str, function: str | Callable[[Any], Any] = "mean", column: str | None = None
) -> Any:
    """Apply a function to each group and give every row its group's result.

    Parameters
    ----------
    data
        Any data frame that narwhals accepts, or a mapping of columns.
    group
        The grouping column, or several joined by a colon.
    function
        ``"size"`` (rows of the group), or of the numbers of `column` that are not missing
        ``"mean"``, ``"sum"``, ``"min"``, ``"max"``, ``"median"``, ``"sd"``, ``"var"`` (both
        with divisor n - 1); or a function that is given the group's values of `column`, or
        without `column` its rows as a frame of the kind of `data`, and returns one value, or
        one for each row.
    column
        What the function is of.

    Returns
    -------
    A series of the same kind as `data`, one value per row, with its index.

    Raises
    ------
    DataError
        A column is absent, unusable or not numeric, the function is unknown, or returns
        neither one value nor one for each row.

    Examples
    --------
    >>> import laird as ld
    >>> hs = ld.load_data("hs")
    >>> hs["ses_mean"] = ld.by_group(hs, "school", "mean", "ses")
    >>> hs["girls"] = ld.by_group(hs, "school", lambda school: (school["Sex"] == "Female").mean())
    >>> hs["rank"] = ld.by_group(hs, "school", lambda x: x.rank(), "mathach")
    >>> hs.loc[[0, 48], ["school", "ses_mean", "girls", "rank"]].round(3)
       school  ses_mean  girls  rank
    0    1317     0.345  1.000  28.0
    48   1906     0.512  0.509  20.0
    """
    own = grouped(data, group)
    if callable(function):
        return series_of_kind(own.frame, column or group, _applied(own, function, column))
    if function == "size":
        return series_of_kind(own.frame, f"size of {group}", own.sizes[own.ids])
    return series_of_kind(own.frame, f"{function} of {column}", _summarised(own, function, column)[own.ids])


def _summarised(own: Grouped, function: str, name: str | None) -> Floats:
    if function not in SUMMARIES:
        raise DataError(f"There is no summary {function!r}.", allowed=nearest(function, ["size", *SUMMARIES]))
    if name is None:
        raise DataError(f"What is {function!r} to be of?", remedy='Name the column: column="…".')
    column = own.column(name)
    values, summary = numbers(column), SUMMARIES[function]
    known = (values[rows[~column.missing[rows]]] for rows in own.rows())
    return np.array([summary(x) if len(x) else np.nan for x in known])


def _applied(own: Grouped, function: Callable[[Any], Any], name: str | None) -> list[Any]:
    """Results of a function in the order of the rows."""
    source = own.frame if name is None else own.frame.get_column(own.column(name).name)
    results: list[Any] = [None] * len(own.ids)
    for label, rows in zip(own.labels, own.rows(), strict=True):
        for row, value in zip(rows, _values(function(source[rows].to_native()), rows, label), strict=True):
            results[row] = value
    return results


def _values(result: Any, rows: Ids, label: str) -> Sequence[Any]:
    if np.ndim(result) == 0:
        return [result] * len(rows)
    values = list(result)
    if len(values) != len(rows):
        raise DataError(
            f'The function returned {len(values)} values for the {len(rows)} rows of group "{label}".',
            remedy="Return one value, or one for each row of the group.",
        )
    return values


def sample_groups(data: Any, group: str, k: int, random_seed: int | None = None) -> Any:
    """Draw whole groups at random, without replacement.

    Parameters
    ----------
    data
        Any data frame that narwhals accepts, or a mapping of columns.
    group
        The grouping column, or several joined by a colon.
    k
        Number of groups.
    random_seed
        Same seed, same groups.

    Returns
    -------
    All rows of these groups, in their order, as a frame of the same kind as `data`.

    Raises
    ------
    DataError
        There are not so many groups.

    Examples
    --------
    >>> import laird as ld
    >>> some = ld.sample_groups(ld.load_data("hs"), "school", 5, random_seed=1)
    >>> some["school"].nunique(), len(some)
    (5, 247)
    """
    own = grouped(data, group)
    J = len(own.labels)
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 1 <= k <= J:
        raise DataError(f"k = {k!r} groups of `{group}` cannot be drawn.", allowed=f"Allowed: 1 to {J}.")
    chosen = np.random.default_rng(random_seed).choice(J, size=int(k), replace=False)
    return own.frame.filter(np.isin(own.ids, chosen).tolist()).to_native()


def group_labels(data: Any, group: str, template: str, order: Sequence[str] = ()) -> Any:
    """Label groups by what they are: ``"{Sector:.1}{school}"`` makes ``C1317`` of a Catholic school.

    Parameters
    ----------
    data
        Any data frame that narwhals accepts, or a mapping of columns.
    group
        The grouping column, or several joined by a colon.
    template
        A Python format of columns that are constant within groups; ``{Sector:.1}`` is the
        first letter.
    order
        Columns that order the groups, the first one slowest: numbers by their group mean,
        everything else, constant within groups, by its levels.

    Returns
    -------
    A series of the same kind as `data`, one label per row
        With `order` a category whose levels are in that order (pyarrow has none: text).

    Raises
    ------
    DataError
        A column is absent or varies within groups, the format is not valid, or two groups
        get one label.

    Examples
    --------
    >>> import laird as ld
    >>> hs = ld.load_data("hs")
    >>> hs["id"] = ld.group_labels(hs, "school", "{Sector:.1}{school}", order=["Sector", "ses"])
    >>> hs["id"].iloc[0], list(hs["id"].cat.categories[:3])
    ('C1317', ['C4530', 'C4292', 'C7342'])
    """
    own = grouped(data, group)
    labels = _formatted(own, template)
    _check_different(own, labels)
    name = "label"
    if not order:
        return series_of_kind(own.frame, name, [labels[j] for j in own.ids])
    ordered = [labels[j] for j in np.lexsort([_keys(own, column) for column in reversed(order)])]
    return _category(own, name, labels, ordered)


def _formatted(own: Grouped, template: str) -> list[str]:
    names = dict.fromkeys(name for name in _fields(template) if name is not None)
    values = {name: _values_of_groups(own, own.constant(name)) for name in names}
    try:
        return [
            template.format_map({name: column[j] for name, column in values.items()})
            for j in range(len(own.labels))
        ]
    except ValueError as error:
        raise DataError(f"The template {template!r} does not fit its columns: {error}.") from error


def _fields(template: str) -> list[str | None]:
    try:
        fields = [field for _, field, _, _ in Formatter().parse(template)]
    except ValueError as error:
        raise DataError(f"The template {template!r} is not a Python format: {error}.") from error
    if not any(fields):
        raise DataError(
            f"The template {template!r} names no column.", remedy='Write names in braces: "{school}".'
        )
    return fields


def _values_of_groups(own: Grouped, column: Column) -> list[Any]:
    """The value of each group: a number, or a label."""
    rows = own.first(~column.missing)
    if (rows < 0).any():
        missing = [own.labels[j] for j in np.flatnonzero(rows < 0)]
        raise DataError(f"`{column.name}` is missing in groups of `{own.group}`: {quoted(missing)}.")
    values = column.values[rows].tolist()
    return values if column.kind == "number" else [column.labels[code] for code in values]


def _check_different(own: Grouped, labels: Sequence[str]) -> None:
    first: dict[str, str] = {}
    same = []
    for group, label in zip(own.labels, labels, strict=True):
        if first.setdefault(label, group) != group:
            same.append(f'"{label}": {first[label]}, {group}')
    if same:
        raise DataError(
            f"Groups of `{own.group}` get the same label.",
            where=listed(same),
            remedy=f"Put {' and '.join('{' + name + '}' for name in own.columns)} into the template.",
        )


def _keys(own: Grouped, name: str) -> NDArray[Any]:
    column = own.column(name)
    if column.kind == "number":
        return own.means(column)
    return codes_of(own.constant(name)).codes[own.first()]


def _category(own: Grouped, name: str, labels: Sequence[str], levels: Sequence[str]) -> Any:
    values = [labels[j] for j in own.ids]
    native = own.frame.to_native()
    if isinstance(native, pd.DataFrame):
        return pd.Series(pd.Categorical(values, list(levels)), index=native.index, name=name)
    series = nw.from_native(series_of_kind(own.frame, name, values), series_only=True)
    if own.frame.implementation.is_pyarrow():
        return series.to_native()
    return series.cast(nw.Enum(levels)).to_native()
