"""Design: the arrays of a model, read-only, and nothing else.

(Schema, frame) -> Design.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laird.arrays import (
    Design,
    KnownBlock,
    KnownDesign,
    RandomDesign,
    RhoDesign,
    ScaleDesign,
    outcome_designs,
    outcome_prefix,
    read_only,
)
from laird.data.checks import check_response
from laird.data.coding import CodedColumn, code, matrix
from laird.data.encode import UNSEEN, NewGroups, factor_values, group_ids, read_new
from laird.data.estimable import check_design
from laird.data.evaluate import Context, evaluate
from laird.data.frame import Table
from laird.data.known import Known, known_design, named
from laird.data.schema import GroupInfo, Schema, learn_with_groups, read
from laird.data.stack import Stack, everywhere, present, stacked
from laird.data.usage import factors, outcomes, random_terms
from laird.data.weights import row_weights
from laird.spec import INTERCEPT, DistributionalPart, RandomTerm, Spec, Term, term_name, text
from laird.spec.syntax import Expr, Name

__all__ = [
    "Design",
    "KnownBlock",
    "KnownDesign",
    "RandomDesign",
    "RhoDesign",
    "ScaleDesign",
    "bind",
    "build",
    "build_new",
    "coding",
    "outcome_designs",
]

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type Member = tuple[int, CodedColumn]
"""A column, and the position of the outcome whose formula it stands in."""


def bind(
    spec: Spec,
    frame: Any,
    levels: Mapping[str, Sequence[Any]] | None = None,
    known: Known | None = None,
) -> tuple[Schema, Design]:
    """Learn from data and build the arrays in one reading of the columns.

    Examples
    --------
    >>> from laird.spec import parse_spec
    >>> data = {"y": [1.0, 2.0, 4.0, 3.0, 5.0], "a": ["u", "v", "u", "v", "v"]}
    >>> schema, design = bind(parse_spec("y ~ a"), data)
    >>> design.names, design.X[:, 1]
    (('Intercept', 'a[v]'), array([0., 1., 0., 1., 1.]))
    """
    table = read(spec, frame, known)
    schema, ids = learn_with_groups(spec, table, levels)
    return schema, _build(schema, table, ids, known)


def build(schema: Schema, frame: Any, known: Known | None = None) -> Design:
    """Build the arrays of the data that `schema` was learned from.

    Parameters
    ----------
    schema, frame
        What the data taught, and the data.
    known
        What ``meta_V(V)`` names and the data do not have: a vector of variances, a dense
        or SciPy-sparse matrix, or a list of blocks, for all rows of the frame.  Of
        several outcomes it has the rows y1, y2, … of the first row, of the second, ….

    Raises
    ------
    DataError
        The data cannot tell the coefficients apart: constant or collinear columns, too
        few rows or groups, a random slope of something constant within groups; V is no
        covariance matrix of these rows.

    Examples
    --------
    >>> from laird.spec import parse_spec
    >>> data = {"a": [1.0, 2.0, 4.0], "b": [1.0, 3.0, None]}
    >>> spec = parse_spec("a ~ 1 + meta_V(V)", "b ~ 1", "sigma(a) ~ 0", "sigma(b) ~ 0")
    >>> _, design = bind(spec, data, known={"V": np.full(6, 0.1)})
    >>> design.names, design.y, design.which
    (('a: Intercept', 'b: Intercept'), array([1., 1., 2., 3., 4.]), array([0, 1, 0, 1, 0]))
    """
    table = read(schema.spec, frame, known)
    return _build(schema, table, group_ids(schema, table, "error"), known)


def _build(schema: Schema, table: Table, ids: Mapping[str, Ids], known: Known | None) -> Design:
    rows = _rows(schema, table, ids, present(schema.spec, table))
    design = _assemble(rows, _response(rows), named(known), fitted=True)
    check_design(design, rows.label)
    return design


def build_new(
    schema: Schema,
    frame: Any,
    *,
    outcome: bool = False,
    groups: NewGroups = "error",
    known: Known | None = None,
) -> Design:
    """Build the arrays of new data: with the levels, means and states of the fitted data.

    Parameters
    ----------
    schema
        What the fitted data taught.
    frame
        The new data.
    outcome
        Whether they hold the outcome; without it `Design.y` has shape (0,).
    groups
        What to do with groups that the fitted data did not have: ``"error"`` and
        ``"existing"`` refuse them, ``"population"`` and ``"new"`` give them the id -1.
        For ``"population"`` the columns of the groups may be absent.  The group means
        (``cvar``) of such groups are those of the rows given, with a warning.
    known
        As for `build`; `Design.known` is None where neither it nor the data give V.

    Raises
    ------
    DataError
        A column is absent, or has a level or group that the fitted data did not have.

    Examples
    --------
    >>> from laird.spec import parse_spec
    >>> data = {"y": [1.0, 2.0, 4.0, 3.0, 5.0, 5.0], "g": [1, 1, 2, 2, 3, 3]}
    >>> schema, _ = bind(parse_spec("y ~ 1 + (1 | g)"), data)
    >>> build_new(schema, {"g": [3, 9]}, groups="new").random[0].ids
    array([ 2, -1])
    """
    given = named(known)
    table = read_new(schema, frame, outcome=outcome, groups=groups, known=given)
    there = (present if outcome else everywhere)(schema.spec, table)
    rows = _rows(schema, table, group_ids(schema, table, groups), there)
    return _assemble(rows, _response(rows) if outcome else np.empty(0), given, fitted=False)


def coding(schema: Schema) -> dict[str, tuple[str, ...]]:
    """Return the columns of each term by part: ``"y: Sector"``, ``"school: Sector"``, ``"sigma: Sector"``.

    Examples
    --------
    >>> from laird.data.schema import learn
    >>> from laird.spec import parse_spec
    >>> data = {"y": [1.0, 2.0, 4.0, 3.0], "a": ["u", "v", "w", "w"]}
    >>> coding(learn(parse_spec("y ~ a"), data))
    {'y: Intercept': ('Intercept',), 'y: a': ('a[v]', 'a[w]')}
    """
    spec = schema.spec
    scopes = [(text(location.outcome), location.terms) for location in spec.locations]
    scopes += [(random.group_name, random.terms) for random in random_terms(spec)]
    scopes += [(_scope(part), part.terms) for part in spec.distributional]
    return {
        f"{scope}: {term_name(term)}": _names(group)
        for scope, terms in scopes
        for term, group in _by_term(code(terms, schema))
    }


def _scope(part: DistributionalPart) -> str:
    separator = ":" if part.parameter == "sd" else ", "
    return part.parameter + (f"({separator.join(part.target)})" if part.target else "")


def _by_term(columns: Iterable[CodedColumn]) -> list[tuple[Term, list[CodedColumn]]]:
    groups: dict[Term, list[CodedColumn]] = {}
    for column in columns:
        groups.setdefault(column.term, []).append(column)
    return list(groups.items())


def _names(columns: Iterable[CodedColumn]) -> tuple[str, ...]:
    return tuple(column.name for column in columns)


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """The rows of a design, stacked over outcomes, and the values of all factors in the table."""

    schema: Schema
    table: Table
    ids: Mapping[str, Ids]
    stack: Stack
    values: Mapping[Expr, Any]

    @property
    def spec(self) -> Spec:
        return self.schema.spec

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Names of several outcomes; none for a single one."""
        names = tuple(map(text, outcomes(self.spec)))
        return names if len(names) > 1 else ()

    def spread[T: np.generic](self, of_table: NDArray[T]) -> NDArray[T]:
        """Values of the table's rows in the stacked rows."""
        return of_table[self.stack.rows] if self.outcomes else of_table

    def shared(self, terms: Sequence[Term]) -> tuple[Floats, tuple[str, ...]]:
        """Columns that have their values in the rows of all outcomes."""
        columns = code(terms, self.schema)
        values = matrix(columns, self.values, len(self.table))
        return read_only(self.spread(values)), _names(columns)

    def owned(self, members: Sequence[Member]) -> tuple[Floats, tuple[str, ...]]:
        """Columns that are zero in the rows of other outcomes."""
        columns = [column for _, column in members]
        values = matrix(columns, self.values, len(self.table))
        if not self.outcomes:
            return read_only(values), _names(columns)
        names = (outcome_prefix(self.outcomes[k]) + column.name for k, column in members)
        return read_only(self.stack.join(list(values.T), [k for k, _ in members])), tuple(names)

    def label(self, row: int) -> str:
        """Describe a stacked row: its place in the user's frame, its outcome and groups."""
        place = self.stack.rows[row]
        labels = [f"row {self.table.rows[place]} of the data (counted from 0)"]
        labels += [f"outcome {self.outcomes[self.stack.which[row]]}"] if self.outcomes else []
        for name in dict.fromkeys(random.group_name for random in random_terms(self.spec)):
            levels, group = self.schema.group(name).levels, self.ids[name][place]
            labels += [f'{name} "{levels[group]}"'] if 0 <= group < len(levels) else []
        return ", ".join(labels)


def _rows(schema: Schema, table: Table, ids: Mapping[str, Ids], there: NDArray[np.bool_]) -> _Rows:
    values = factor_values(schema, factors(schema.spec), schema.context(table, ids))
    return _Rows(schema, table, ids, stacked(there), values)


def _response(rows: _Rows) -> Floats:
    y = np.empty(len(rows.stack.rows))
    for k, outcome in enumerate(outcomes(rows.spec)):
        own = rows.stack.of(k)
        y[own] = _values_of(outcome, rows.table, rows.stack.rows[own])
    return y


def _values_of(outcome: Expr, table: Table, own: Ids) -> Floats:
    if isinstance(outcome, Name):
        check_response(table.column(outcome.name))
    if len(own) < len(table):
        there = np.zeros(len(table), dtype=bool)
        there[own] = True
        table = table.take(there)
    return evaluate(outcome, Context(table, {}, {}))


def _assemble(rows: _Rows, y: Floats, known: Known, *, fitted: bool) -> Design:
    fixed = [(k, c) for k, one in enumerate(rows.spec.locations) for c in code(one.terms, rows.schema)]
    X, names = rows.owned(fixed)
    scales = _scales(rows)
    several, stack = bool(rows.outcomes), rows.stack
    nothing: Ids = read_only(np.zeros(0, dtype=np.int64))
    weights = row_weights(rows.spec, rows.table) if fitted else None
    return Design(
        outcome=text(rows.spec.locations[0].outcome),
        y=read_only(y),
        X=X,
        names=names,
        random=tuple(
            _random_design(rows, rows.schema.group(group), blocks) for group, blocks in _blocks(rows).items()
        ),
        rows=read_only(rows.spread(rows.table.rows)),
        scales=scales,
        known=known_design(rows.spec, rows.table, stack, known, rows.label, fitted=fitted),
        outcomes=rows.outcomes,
        which=read_only(stack.which) if several else nothing,
        units=read_only(stack.rows) if several else nothing,
        rhos=_rhos(rows, scales),
        weights=None if weights is None else read_only(weights),
        families=rows.spec.families,
    )


def _blocks(rows: _Rows) -> dict[str, list[list[Member]]]:
    """The columns of every block of each grouping factor.

    The first ``(… | g)`` of every outcome form one block, so do the second ones, and so on;
    the columns of a ``(… || g)`` are blocks of their own.
    """
    found: dict[str, dict[int | tuple[int, int], list[Member]]] = {}
    for k, location in enumerate(rows.spec.locations):
        seen: Counter[str] = Counter()
        for random in location.random:
            blocks = found.setdefault(random.group_name, {})
            for columns in _own_blocks(random, rows.schema):
                key = seen[random.group_name] if random.correlated else (k, len(blocks))
                blocks.setdefault(key, []).extend((k, column) for column in columns)
            seen[random.group_name] += random.correlated
    return {group: list(blocks.values()) for group, blocks in found.items()}


def _own_blocks(random: RandomTerm, schema: Schema) -> list[Sequence[CodedColumn]]:
    columns = code(random.terms, schema)
    return [columns] if random.correlated else [group for _, group in _by_term(columns)]


def _random_design(rows: _Rows, group: GroupInfo, blocks: Sequence[Sequence[Member]]) -> RandomDesign:
    Z, names = rows.owned([member for block in blocks for member in block])
    edges = np.cumsum([0, *map(len, blocks)]).tolist()
    ids = rows.spread(rows.ids[group.name])
    new = ids >= len(group.levels)
    return RandomDesign(
        group=group.name,
        levels=group.levels,
        ids=read_only(np.where(new, UNSEEN, ids) if new.any() else ids),
        Z=Z,
        names=names,
        blocks=tuple(tuple(range(*edge)) for edge in pairwise(edges)),
    )


def _scales(rows: _Rows) -> tuple[ScaleDesign, ...]:
    """Every log sd that the spec has a regression of; of several outcomes every sigma."""
    parts = [part for part in rows.spec.distributional if part.parameter in ("sigma", "sd")]
    if not rows.outcomes:
        return tuple(
            ScaleDesign(part.parameter, ":".join(part.target), *rows.shared(part.terms)) for part in parts
        )
    sigmas = {part.target: part.terms for part in parts if part.parameter == "sigma"}
    own = (
        ScaleDesign("sigma", name, *rows.owned([(k, c) for c in code(terms, rows.schema)]))
        for k, name in enumerate(rows.outcomes)
        for terms in [sigmas.get((name,), (INTERCEPT,))]
    )
    groups = (part for part in parts if part.parameter == "sd")
    return *own, *(ScaleDesign("sd", ":".join(part.target), *rows.shared(part.terms)) for part in groups)


def _rhos(rows: _Rows, scales: Iterable[ScaleDesign]) -> tuple[RhoDesign, ...]:
    """The correlation of every pair of outcomes that have a sigma: constant where the spec is silent."""
    given = {part.target: part.terms for part in rows.spec.distributional if part.parameter == "rho"}
    zero = {scale.group for scale in scales if scale.parameter == "sigma" and not scale.names}
    found = []
    for pair in sorted(combinations(range(len(rows.outcomes)), 2), key=lambda pair: pair[::-1]):
        names = tuple(rows.outcomes[k] for k in pair)
        terms = given.get(names, (INTERCEPT,))
        if terms and zero.isdisjoint(names):
            found.append(RhoDesign(pair, *rows.shared(terms)))
    return tuple(found)
