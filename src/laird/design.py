"""Design: the arrays of a model, read-only, and nothing else.

(Schema, frame) -> Design.  Z is stored as values and integer ids, never as a matrix
of rows by groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laird.data import identifiable
from laird.data.checks import check_response, check_varies
from laird.data.coding import CodedColumn, code, matrix
from laird.data.encode import UNSEEN, NewGroups, factor_values, group_ids, read_new
from laird.data.evaluate import Context, evaluate
from laird.data.frame import Table
from laird.data.schema import GroupInfo, Schema, learn, read
from laird.data.usage import factors
from laird.errors import SpecError
from laird.spec import DistributionalPart, Location, RandomTerm, Spec, Term, term_name, text
from laird.spec.syntax import Expr, Name

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

_EMPTY: Ids = np.zeros(0, dtype=np.int64)
_EMPTY.flags.writeable = False


@dataclass(frozen=True, slots=True, eq=False)
class RandomDesign:
    """All random terms of one grouping factor.

    Attributes
    ----------
    group
        Name of the factor (``school``, ``batch:cask``).
    levels
        Labels of the J groups, as strings.
    ids
        Group of each row, shape (n,), integers in [0, J); -1 for a group of new data
        that the fitted data did not have.
    Z
        Values of the random-effect columns, shape (n, q).
    names
        Names of the q columns (``Intercept``, ``ses``).
    blocks
        Column indices that share a correlation matrix, e.g. ``((0, 1),)`` for
        ``(1 + x | g)`` and ``((0,), (1,))`` for ``(1 + x || g)``.
    """

    group: str
    levels: tuple[str, ...]
    ids: Ids
    Z: Floats
    names: tuple[str, ...]
    blocks: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, eq=False)
class ScaleDesign:
    """A regression of a log standard deviation.

    Attributes
    ----------
    parameter
        ``"sigma"``, or ``"sd"`` of the groups of `group`.
    group
        The grouping factor of an ``"sd"``, else ``""``.
    W
        Predictors by row, shape (n, k).
    names
        Names of the k columns.
    """

    parameter: str
    group: str
    W: Floats
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class KnownBlock:
    """Rows whose sampling errors are correlated, (k,) ascending, and their covariance (k, k)."""

    rows: Ids
    V: Floats


@dataclass(frozen=True, slots=True, eq=False)
class KnownDesign:
    """The known sampling covariance V of the rows, by connected blocks.

    Attributes
    ----------
    name
        What ``meta_V(...)`` names.
    proportional
        True: the rows have covariance φV with φ estimated, else V.
    variances
        Diagonal of V, shape (n,).
    blocks
        Connected components of V with more than one row.
    """

    name: str
    proportional: bool
    variances: Floats
    blocks: tuple[KnownBlock, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class RhoDesign:
    """A regression of the atanh correlation of two outcomes (with more: partial correlation).

    Attributes
    ----------
    pair
        Positions of the outcomes, first < second.
    W
        Predictors by row, equal in all rows of a unit, shape (n, k).
    names
        Names of the k columns.
    """

    pair: tuple[int, int]
    W: Floats
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """y, X and the random-effect columns of a model, shapes (n,), (n, p), (n, q).

    Several outcomes are stacked: rows of one unit follow each other, in the order of the
    outcomes, without those that are missing; X, Z and W of an outcome are zero in the rows
    of the others, and their columns are called ``outcome: column``.

    Attributes
    ----------
    outcome
        Name of the (first) outcome.
    y, X, names
        Outcome, fixed-effect columns, their names.  For new data without the outcome `y`
        has shape (0,).
    random
        Random coefficients by grouping factor.
    rows
        Positions of the rows in the user's frame, counted from 0, shape (n,).
    scales
        Regressions of log sds: ``sigma ~ x`` (`group` ``""``, with several outcomes the
        outcome's name; W of shape (n, 0) is a sigma of zero), ``sd(g) ~ x``.
    known
        Known sampling covariance, None without ``meta_V``.
    outcomes, which
        Names of all outcomes, and the position of each row's outcome, shape (n,); both
        empty for a single outcome.
    units
        Observation unit of each row, shape (n,); empty for a single outcome.
    rhos
        Regressions of the correlations of outcomes; a pair without one is uncorrelated.
    weights
        Multipliers of the rows' log-likelihoods, shape (n,), or None.
    """

    outcome: str
    y: Floats
    X: Floats
    names: tuple[str, ...]
    random: tuple[RandomDesign, ...]
    rows: Ids
    scales: tuple[ScaleDesign, ...] = ()
    known: KnownDesign | None = None
    outcomes: tuple[str, ...] = ()
    which: Ids = field(default_factory=lambda: _EMPTY)
    units: Ids = field(default_factory=lambda: _EMPTY)
    rhos: tuple[RhoDesign, ...] = ()
    weights: Floats | None = None


def bind(spec: Spec, frame: Any, levels: Mapping[str, Sequence[Any]] | None = None) -> tuple[Schema, Design]:
    """Learn from data and build the arrays in one reading of the columns.

    Examples
    --------
    >>> from laird.spec import parse_spec
    >>> data = {"y": [1.0, 2.0, 4.0, 3.0, 5.0], "a": ["u", "v", "u", "v", "v"]}
    >>> schema, design = bind(parse_spec("y ~ a"), data)
    >>> design.names, design.X[:, 1]
    (('Intercept', 'a[v]'), array([0., 1., 0., 1., 1.]))
    """
    table = read(spec, frame)
    schema = learn(spec, table, levels)
    return schema, build(schema, table)


def build(schema: Schema, frame: Any) -> Design:
    """Build the arrays of the data that `schema` was learned from.

    Raises
    ------
    DataError
        The data cannot tell the coefficients apart: constant or collinear columns, too
        few rows or groups, a random slope of something constant within groups.
    """
    table = read(schema.spec, frame)
    location = _location(schema.spec)
    ids = group_ids(schema, table, "error")
    y = _response(schema, table)
    check_varies(text(location.outcome), y)
    _check_sizes(schema, len(y))
    design = _assemble(schema, table, ids, y)
    _check_columns(design)
    return design


def build_new(schema: Schema, frame: Any, *, outcome: bool = False, groups: NewGroups = "error") -> Design:
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
    table = read_new(schema, frame, outcome=outcome, groups=groups)
    ids = group_ids(schema, table, groups)
    y = _response(schema, table) if outcome else np.empty(0)
    return _assemble(schema, table, ids, y)


def coding(schema: Schema) -> dict[str, tuple[str, ...]]:
    """Return the columns of each term: keys ``"y: Sector"`` (fixed) and ``"school: Sector"`` (random).

    Examples
    --------
    >>> from laird.spec import parse_spec
    >>> data = {"y": [1.0, 2.0, 4.0, 3.0], "a": ["u", "v", "w", "w"]}
    >>> coding(learn(parse_spec("y ~ a"), data))
    {'y: Intercept': ('Intercept',), 'y: a': ('a[v]', 'a[w]')}
    """
    location = _location(schema.spec)
    scopes = [(text(location.outcome), code(location.terms, schema))]
    scopes += [(random.group_name, code(random.terms, schema)) for random in location.random]
    return {
        f"{scope}: {term_name(term)}": tuple(column.name for column in group)
        for scope, columns in scopes
        for term, group in _by_term(columns)
    }


def _location(spec: Spec) -> Location:
    if len(spec.locations) > 1:
        raise SpecError(
            f"The model has {len(spec.locations)} outcomes; only one is available.",
            remedy="Fit one model for each outcome.",
        )
    return spec.locations[0]


def _by_term(columns: Iterable[CodedColumn]) -> list[tuple[Term, list[CodedColumn]]]:
    groups: dict[Term, list[CodedColumn]] = {}
    for column in columns:
        groups.setdefault(column.term, []).append(column)
    return list(groups.items())


def _random_blocks(location: Location, schema: Schema) -> dict[str, list[Sequence[CodedColumn]]]:
    """The columns of every block of each grouping factor."""
    blocks: dict[str, list[Sequence[CodedColumn]]] = {}
    for random in location.random:
        blocks.setdefault(random.group_name, []).extend(_blocks(random, schema))
    return blocks


def _blocks(random: RandomTerm, schema: Schema) -> list[Sequence[CodedColumn]]:
    columns = code(random.terms, schema)
    return [columns] if random.correlated else [group for _, group in _by_term(columns)]


def _names(columns: Iterable[CodedColumn]) -> tuple[str, ...]:
    return tuple(column.name for column in columns)


def _check_sizes(schema: Schema, n: int) -> None:
    location = _location(schema.spec)
    identifiable.check_size(n, _names(code(location.terms, schema)))
    for group, blocks in _random_blocks(location, schema).items():
        names = [_names(block) for block in blocks]
        identifiable.check_distinct(group, [name for block in names for name in block])
        if location.known is None:
            _check_groups_suffice(group, names, n, len(schema.group(group).levels))


def _check_groups_suffice(group: str, blocks: Iterable[Sequence[str]], n: int, n_groups: int) -> None:
    identifiable.check_groups_repeat(group, n, n_groups)
    for names in blocks:
        identifiable.check_random_size(group, names, n, n_groups)


def _check_columns(design: Design) -> None:
    identifiable.check_columns(design.X, design.names)
    for random in design.random:
        identifiable.check_slopes_vary(random.group, random.names, random.Z, random.ids)
    for a, b in combinations(design.random, 2):
        shared = [name for name in a.names if name in b.names]
        if len(a.levels) == len(b.levels):
            identifiable.check_different_groups(a.group, b.group, shared, (a.ids, b.ids))
    for scale in design.scales:
        identifiable.check_columns(scale.W, scale.names)
        if scale.parameter == "sd":
            levels, ids = next((r.levels, r.ids) for r in design.random if r.group == scale.group)
            identifiable.check_constant_within(scale.group, levels, scale.names, scale.W, ids)


def _response(schema: Schema, table: Table) -> Floats:
    outcome = _location(schema.spec).outcome
    if isinstance(outcome, Name):
        check_response(table.column(outcome.name))
    return np.array(evaluate(outcome, Context(table, {}, {})))


def _assemble(schema: Schema, table: Table, ids: Mapping[str, Ids], y: Floats) -> Design:
    location = _location(schema.spec)
    context = schema.context(table, ids)
    values = factor_values(schema, factors(schema.spec), context)
    columns = code(location.terms, schema)
    random = _random_blocks(location, schema).items()
    return Design(
        outcome=text(location.outcome),
        y=_read_only(y),
        X=_read_only(matrix(columns, values, len(table))),
        names=_names(columns),
        random=tuple(
            _random_design(schema.group(group), blocks, values, ids[group]) for group, blocks in random
        ),
        rows=_read_only(table.rows),
        scales=tuple(
            _scale_design(part, schema, values, len(table))
            for part in schema.spec.distributional
            if part.parameter in ("sigma", "sd")
        ),
    )


def _scale_design(
    part: DistributionalPart, schema: Schema, values: Mapping[Expr, Any], n: int
) -> ScaleDesign:
    columns = code(part.terms, schema)
    return ScaleDesign(
        parameter=part.parameter,
        group=":".join(part.target) if part.parameter == "sd" else "",
        W=_read_only(matrix(columns, values, n)),
        names=_names(columns),
    )


def _random_design(
    group: GroupInfo, blocks: Sequence[Sequence[CodedColumn]], values: Mapping[Expr, Any], ids: Ids
) -> RandomDesign:
    columns = [column for block in blocks for column in block]
    edges = np.cumsum([0, *map(len, blocks)]).tolist()
    return RandomDesign(
        group=group.name,
        levels=group.levels,
        ids=_read_only(np.where(ids < len(group.levels), ids, UNSEEN)),
        Z=_read_only(matrix(columns, values, len(ids))),
        names=_names(columns),
        blocks=tuple(tuple(range(*edge)) for edge in pairwise(edges)),
    )


def _read_only[T: np.generic](array: NDArray[T]) -> NDArray[T]:
    view = array.view()
    view.flags.writeable = False
    return view
