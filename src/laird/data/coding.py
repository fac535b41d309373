"""Terms -> columns: which levels get a column, in which order, under which name.

A categorical factor is coded by treatment contrasts where the terms before it span its
margin, and by one column per level where they do not (R and patsy: marginality).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laird.data.evaluate import width
from laird.data.schema import Schema
from laird.spec import Term, text
from laird.spec.functions import AVERAGES
from laird.spec.syntax import Call, Expr

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type Margin = frozenset[Expr]
type Piece = frozenset[tuple[Expr, bool]]


@dataclass(frozen=True, slots=True)
class CodedColumn:
    """One column: the product of one column of each factor.

    Attributes
    ----------
    name
        As in ``ses:Sector[Public]``.
    term
        The term that it belongs to.
    factors
        Each factor with the level (categorical) or the number (``poly``, ``bs``) of its column.
    """

    name: str
    term: Term
    factors: tuple[tuple[Expr, int], ...] = ()


def code(terms: Sequence[Term], schema: Schema) -> tuple[CodedColumn, ...]:
    """Return the columns of `terms`, in the order of the terms; within a term the first factor runs fastest.

    Examples
    --------
    >>> from laird.data.schema import learn
    >>> from laird.spec import parse_spec
    >>> data = {"y": [1.0, 2.0, 4.0], "x": [0.0, 1.0, 0.0], "a": ["u", "v", "w"]}
    >>> spec = parse_spec("y ~ 0 + x * a")
    >>> [column.name for column in code(spec.locations[0].terms, learn(spec, data))]
    ['x', 'a[u]', 'a[v]', 'a[w]', 'x:a[v]', 'x:a[w]']
    """
    spanned: dict[Margin, set[Margin]] = {}
    columns: list[CodedColumn] = []
    for term in terms:
        categorical = [factor for factor in term.factors if schema.column(factor).levels]
        covered = spanned.setdefault(frozenset(term.factors) - frozenset(categorical), set())
        for piece in _pieces(categorical, covered):
            columns.extend(_columns(term, dict(piece), schema))
        covered.update(_margins(categorical))
    return tuple(columns)


def _margins(factors: Sequence[Expr]) -> Iterator[Margin]:
    for size in range(len(factors) + 1):
        yield from map(frozenset, combinations(factors, size))


def _pieces(categorical: Sequence[Expr], covered: Iterable[Margin]) -> list[Piece]:
    """The margins not yet spanned, each factor by contrasts, joined to full codings where possible."""
    new = [margin for margin in _margins(categorical) if margin not in set(covered)]
    return _absorbed([frozenset((factor, False) for factor in margin) for margin in new])


def _absorbed(pieces: list[Piece]) -> list[Piece]:
    """Replace a piece and the same with one contrast more by one piece with that factor in full."""
    for short, long in combinations(pieces, 2):
        extra = list(long - short)
        if short < long and len(extra) == 1 and not extra[0][1]:
            joined = short | {(extra[0][0], True)}
            return _absorbed([joined if piece == long else piece for piece in pieces if piece != short])
    return pieces


def _columns(term: Term, full: Mapping[Expr, bool], schema: Schema) -> Iterator[CodedColumn]:
    """The columns of one piece of a term; `full` holds its categorical factors."""
    factors = [factor for factor in term.factors if factor in full or not schema.column(factor).levels]
    choices = [_choices(factor, full.get(factor, False), schema) for factor in factors]
    for reversed_choice in product(*reversed(choices)):
        chosen = reversed_choice[::-1]
        name = ":".join(label for label, _ in chosen) or "Intercept"
        positions = (position for _, position in chosen)
        yield CodedColumn(name, term, tuple(zip(factors, positions, strict=True)))


def _choices(factor: Expr, full: bool, schema: Schema) -> list[tuple[str, int]]:
    """Name and position of each column of a factor."""
    levels, name = schema.column(factor).levels, text(factor)
    if levels:
        return [(f"{name}[{levels[k]}]", k) for k in range(not full, len(levels))]
    if isinstance(factor, Call) and (shares := share_levels(factor, schema)):
        return [(f"{name}[{level}]", k) for k, level in enumerate(shares)]
    if isinstance(factor, Call) and width(factor):
        return [(f"{name}[{k + 1}]", k) for k in range(width(factor)[0])]
    return [(name, 0)]


def share_levels(call: Call, schema: Schema) -> tuple[str, ...]:
    """Levels whose shares ``cvar(Sex, school)`` has as columns; none for a number's mean."""
    return schema.column(call.args[0]).levels[1:] if call.function in AVERAGES else ()


def matrix(columns: Sequence[CodedColumn], values: Mapping[Expr, Floats | Ids], n: int) -> Floats:
    """Return the columns side by side, shape (n, len(columns)).

    Parameters
    ----------
    columns
        As `code` gives them.
    values
        Value of each factor: floats of shape (n,) or (n, k), or integer codes of levels.
    n
        Number of rows.

    Examples
    --------
    >>> from laird.spec.syntax import Name
    >>> a, x = Name("a"), Name("x")
    >>> column = CodedColumn("x:a[v]", Term((x, a)), ((x, 0), (a, 1)))
    >>> matrix([column], {x: np.array([2.0, 3.0]), a: np.array([0, 1])}, 2)
    array([[0.],
           [3.]])
    """
    out = np.empty((n, len(columns)))
    for k, column in enumerate(columns):
        factors = [_elementary(values[factor], position) for factor, position in column.factors]
        out[:, k] = factors[0] if factors else 1.0
        for other in factors[1:]:
            out[:, k] *= other
    return out


def _elementary(values: NDArray[Any], position: int) -> NDArray[Any]:
    if values.dtype.kind == "i":
        return np.asarray(values == position)
    return values if values.ndim == 1 else values[:, position]
