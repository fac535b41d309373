"""Schema: everything learned from the data, kept so that new data are treated alike.

Kinds and levels of the columns, the groups and what is constant within them, the
stored group means of ``cvar``/``dvar`` and the state of every other function.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from laird.data.checks import (
    check_chosen_levels,
    check_groups,
    check_levels,
    check_predictor,
    check_response,
    check_rows,
    check_unambiguous,
    note_look_alikes,
    note_unused,
)
from laird.data.evaluate import Context, learn_states
from laird.data.factors import Codes, crossed, ordered
from laird.data.frame import Table, complete, read_table
from laird.data.known import Known, check_named, named
from laird.data.labels import level_labels
from laird.data.stack import may_be_missing, unobserved
from laird.data.transforms import is_constant
from laird.data.usage import (
    averaged_columns,
    factors,
    groupings,
    is_column,
    known_names,
    outcomes,
    random_terms,
)
from laird.data.weights import note_inverse_variance
from laird.spec import Spec, recipe_columns, spec_variables, text, variables
from laird.spec.syntax import Call, Expr, Name

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type Levels = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class ColumnInfo:
    """A factor of the formula: ``ses``, ``Sector``, ``C(grade)``.

    Attributes
    ----------
    name
        As the formula writes it.
    kind
        ``"numeric"`` or ``"categorical"``.
    levels
        Levels of a categorical one in order; the first is the reference.
    """

    name: str
    kind: Literal["numeric", "categorical"]
    levels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupInfo:
    """A grouping factor.

    Attributes
    ----------
    name
        ``school``, or ``batch:cask`` for crossed columns.
    columns
        Its columns.
    levels
        Labels of its groups.
    constant
        Predictors that have one value in each group.
    """

    name: str
    columns: tuple[str, ...]
    levels: tuple[str, ...]
    constant: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """What a model learned from its data; see `learn`.

    Attributes
    ----------
    spec
        The model.
    columns
        The factors of the formula that stand for a column.
    groups
        Grouping factors of random terms and of ``cvar``/``dvar``.
    states
        What functions learned, by call: the group means of ``cvar(ses, school)`` in the
        order of the group's levels, the mean of ``center(x)``, ...
    n
        Rows used.
    dropped
        Rows dropped because of each column, ``((column, count), ...)``.
    lost
        Groups that went with them, ``((column, count), ...)``.
    unobserved
        Rows without one of several outcomes, which are used all the same, ``((outcome, count), ...)``.
    """

    spec: Spec
    columns: tuple[ColumnInfo, ...]
    groups: tuple[GroupInfo, ...]
    states: tuple[tuple[Expr, Floats], ...]
    n: int
    dropped: tuple[tuple[str, int], ...] = ()
    lost: tuple[tuple[str, int], ...] = ()
    unobserved: tuple[tuple[str, int], ...] = ()

    def column(self, factor: Expr) -> ColumnInfo:
        """Return what is known of a factor; functions of columns are numeric."""
        name = text(factor)
        return next((info for info in self.columns if info.name == name), ColumnInfo(name, "numeric"))

    def group(self, name: str) -> GroupInfo:
        """Return the grouping factor `name`."""
        return next(info for info in self.groups if info.name == name)

    def context(self, table: Table, ids: Mapping[str, Ids]) -> Context:
        """Return all that the values of the formula's expressions in `table` depend on."""
        return Context(table, ids, dict(self.states), _levels_of(self.columns))

    def between(self, group: str) -> tuple[str, ...]:
        """Return the predictors that are constant within each group of `group` (level-2 variables)."""
        return self.group(group).constant


def read(spec: Spec, frame: Any, known: Known | None = None) -> Table:
    """Return the complete rows of the columns that `spec` uses; a `Table` is returned as it is.

    A row with some of several outcomes is complete.

    Parameters
    ----------
    spec, frame
        The model and its data.
    known
        What ``meta_V`` names and the data do not have.

    Raises
    ------
    SpecError
        `known` gives what the formulas do not name.
    DataError
        A column is absent or unusable, or has missing values and ``spec.missing`` is
        ``"error"``.

    Examples
    --------
    >>> from laird.spec import parse_spec
    >>> spec = parse_spec("y ~ x", missing="drop")
    >>> read(spec, {"y": [1.0, 2.0, 4.0], "x": [1.0, None, 0.0]}).rows
    array([0, 2])
    """
    if isinstance(frame, Table):
        return frame
    columns = (*spec_variables(spec), *recipe_columns(spec.known))
    table = read_table(frame, (*columns, *spec.study), optional=known_names(spec), formula=spec.formula)
    check_named(spec, table.available, named(known))
    groups = dict.fromkeys(name for columns in groupings(spec).values() for name in columns)
    used = {*columns, *known_names(spec)}
    labels = {name: np.ones(len(table), dtype=bool) for name in spec.study if name not in used}
    kept = complete(table, spec.missing, groups, labels | may_be_missing(spec, table))
    note_inverse_variance(spec, kept, frame)
    return kept


def learn(spec: Spec, frame: Any, levels: Mapping[str, Sequence[Any]] | None = None) -> Schema:
    """Learn from data all that a model needs to know of them.

    Parameters
    ----------
    spec
        The model.
    frame
        Any eager data frame that narwhals accepts, or what `read` made of one.
    levels
        Order of the categories by column, besides ``spec.levels``; a column named here
        is categorical.  Without it a categorical data type gives the order, and any
        other column is sorted, as numbers if all labels are numbers.

    Raises
    ------
    DataError
        The data cannot be used with this model.

    Examples
    --------
    >>> from laird.spec import parse_spec
    >>> data = {"y": [1.0, 2.0, 4.0, 3.0], "x": [0.0, 1.0, 0.0, 3.0], "g": [9, 9, 10, 10]}
    >>> schema = learn(parse_spec("y ~ cvar(x, g)"), data)
    >>> schema.group("g").levels, schema.states[0][1]
    (('9', '10'), array([0.5, 1.5]))
    """
    return learn_with_groups(spec, frame, levels)[0]


def learn_with_groups(
    spec: Spec, frame: Any, levels: Mapping[str, Sequence[Any]] | None = None
) -> tuple[Schema, dict[str, Ids]]:
    """`learn`, and the group of each row by grouping factor."""
    table = read(spec, frame)
    chosen = _chosen_levels(spec, levels or {})
    _check_columns(spec, table)
    groups = {name: _group_codes(columns, table, chosen) for name, columns in groupings(spec).items()}
    used = factors(spec)
    ids = {name: group.codes for name, group in groups.items()}
    columns = _column_infos(used, table, chosen)
    schema = Schema(
        spec=spec,
        columns=columns,
        groups=tuple(_group_info(spec, name, group, table) for name, group in groups.items()),
        states=tuple(learn_states(used, table, ids, _levels_of(columns)).items()),
        n=len(table),
        dropped=table.dropped,
        lost=table.lost,
        unobserved=unobserved(spec, table),
    )
    return schema, ids


def _levels_of(columns: Sequence[ColumnInfo]) -> dict[str, tuple[str, ...]]:
    return {info.name: info.levels for info in columns if info.levels}


def _chosen_levels(spec: Spec, levels: Mapping[str, Sequence[Any]]) -> Levels:
    chosen = {**dict(spec.levels), **{name: level_labels(order) for name, order in levels.items()}}
    check_chosen_levels(chosen, spec_variables(spec))
    return chosen


def _check_columns(spec: Spec, table: Table) -> None:
    check_rows(len(table))
    for outcome in outcomes(spec):
        if isinstance(outcome, Name):
            check_response(table.column(outcome.name))
    for column in table.columns:
        note_look_alikes(column)


def _column_infos(used: Sequence[Expr], table: Table, chosen: Levels) -> tuple[ColumnInfo, ...]:
    """The columns that are factors themselves, and the categories of which groups have shares."""
    own = [factor for factor in used if is_column(factor)]
    averaged = [factor for factor in averaged_columns(used) if factor not in own]
    infos = [_column_info(factor, table, chosen) for factor in (*own, *averaged)]
    return (*infos[: len(own)], *(info for info in infos[len(own) :] if info.levels))


def _column_info(factor: Expr, table: Table, chosen: Levels) -> ColumnInfo:
    column = table.column(variables(factor)[0])
    explicit = isinstance(factor, Call) or column.name in chosen
    if not explicit:
        check_predictor(column)
    if column.kind == "number" and not explicit:
        return ColumnInfo(text(factor), "numeric")
    found = ordered(column, chosen.get(column.name, ()))
    check_levels(column, found)
    declared = chosen.get(column.name, column.labels if column.kind == "category" else ())
    present = set(found.labels)
    note_unused(column.name, [label for label in declared if label not in present])
    return ColumnInfo(text(factor), "categorical", found.labels)


def _group_codes(columns: Sequence[str], table: Table, chosen: Levels) -> Codes:
    parts = [ordered(table.column(name), chosen.get(name, ())) for name in columns]
    group = crossed(parts)
    check_unambiguous(":".join(columns), group.labels)
    return group


def _has_prior(spec: Spec, group: str) -> bool:
    """Whether the user stated a prior of the sds between the groups."""
    own = ("sd", f"sd({group})")
    of_term = f"sd({group}, "
    return any(
        row.family != "flat" and (row.parameter in own or row.parameter.startswith(of_term))
        for row in spec.priors
    )


def _group_info(spec: Spec, name: str, group: Codes, table: Table) -> GroupInfo:
    columns = groupings(spec)[name]
    if name in {random.group_name for random in random_terms(spec)}:
        check_groups(name, group.labels, stated=_has_prior(spec, name))
    predictors = dict.fromkeys(column for factor in factors(spec) for column in variables(factor))
    constant = (column for column in predictors if column not in columns)
    return GroupInfo(
        name,
        columns,
        group.labels,
        tuple(column for column in constant if is_constant(table.column(column).values, group.codes)),
    )
