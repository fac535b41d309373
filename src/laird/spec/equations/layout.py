"""How the coefficients of one outcome are numbered, and who explains whom.

Terms become columns, columns become factors, and the factors that vary within the group
separate the level-1 coefficients from their level-2 equations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from laird.spec.equations.latex import Place, multiplicand, symbol, words
from laird.spec.equations.notations import Notation
from laird.spec.syntax import Expr
from laird.spec.terms import Location, RandomTerm, Term
from laird.spec.writing import term_name, text

type Coding = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Factor:
    """One multiplicand of a column: an expression, or an indicator with its own label."""

    exprs: tuple[Expr, ...]
    label: str = ""

    def is_between(self, place: Place) -> bool:
        """Tell whether the factor is constant within the group."""
        return all(place.is_between(expr) for expr in self.exprs)

    def latex(self, place: Place) -> str:
        """Return the factor with its index."""
        if self.label:
            index = place.group if self.is_between(place) else place.row
            return symbol(words(self.label.replace("`", "")), index)
        return multiplicand(self.exprs[0], place)


type Factors = tuple[Factor, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a design matrix: its name and its factors."""

    name: str
    factors: tuple[Factor, ...] = ()

    def part(self, place: Place, *, between: bool) -> tuple[Factor, ...]:
        """Return the factors that are constant within the group, or those that are not."""
        return tuple(factor for factor in self.factors if factor.is_between(place) is between)

    def ordered(self, place: Place) -> tuple[Factor, ...]:
        """Return the factors, group level first."""
        return self.part(place, between=True) + self.part(place, between=False)


@dataclass(frozen=True, slots=True)
class Numbered:
    """A column and the number, or pair of numbers, of its coefficient."""

    number: tuple[int, ...]
    column: Column

    @property
    def index(self) -> str:
        """The number as an index."""
        return joined(*self.number)


@dataclass(frozen=True, slots=True)
class Grouping:
    """All random coefficients of one grouping factor.

    Attributes
    ----------
    name, index
        The factor (``school``) and the index of its groups (``j``).
    effect
        Symbol of its random effects.
    mark
        Distinguishes its covariance from that of other factors; empty when it is the only one.
    columns
        The columns that have a random coefficient.
    blocks
        Columns whose coefficients may be correlated.
    family
        The distribution of its random effects.
    """

    name: str
    index: str
    effect: str
    mark: str
    columns: tuple[Numbered, ...]
    blocks: tuple[tuple[Column, ...], ...]
    family: str = "normal"

    def are_linked(self, first: Column, second: Column) -> bool:
        """Tell whether the coefficients of two columns may be correlated."""
        return first == second or any(first in block and second in block for block in self.blocks)


@dataclass(frozen=True, slots=True)
class CoefficientEquation:
    """The level-2 equation of one level-1 coefficient.

    `inner` are the factors that the coefficient multiplies, `outer` the numbered
    group-level columns that explain it.
    """

    number: int
    inner: tuple[Factor, ...]
    outer: tuple[Numbered, ...]
    is_random: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """One outcome, laid out; `level2` is empty when there is no multilevel form.

    `family` is the distribution of its residuals, next to known sampling variances that of what these
    leave.
    """

    location: Location
    place: Place
    mark: str
    fixed: tuple[Numbered, ...]
    groupings: tuple[Grouping, ...]
    level2: tuple[CoefficientEquation, ...]
    family: str = "normal"


def columns(terms: Sequence[Term], coding: Coding, scope: str = "") -> tuple[Column, ...]:
    """Return the columns of `terms`.

    Parameters
    ----------
    terms
        Terms of one formula part.
    coding
        Column names of the terms that have more than one column or a name of their own.
        A key is a term name, or ``"scope: term name"`` for one part of the model only.
    scope
        The part: an outcome, ``sigma``, ``sd(school)``, or a grouping factor.
    """
    return tuple(
        Column(name, _factors(term, name)) for term in terms for name in _column_names(term, coding, scope)
    )


def _column_names(term: Term, coding: Coding, scope: str) -> Sequence[str]:
    """Look up a term's columns; those of an unlisted interaction are all products."""
    for key in (f"{scope}: {term_name(term)}", term_name(term)):
        if key in coding:
            return coding[key]
    if term.degree < 2:
        return (term_name(term),)
    return [
        ":".join(names)
        for names in product(*(_column_names(Term((f,)), coding, scope) for f in term.factors))
    ]


def _factors(term: Term, name: str) -> tuple[Factor, ...]:
    pieces = _pieces(name) if term.factors else []
    if len(pieces) != term.degree:
        return (Factor(term.factors, name),)
    return tuple(
        Factor((expr,), "" if piece == text(expr) else piece)
        for expr, piece in zip(term.factors, pieces, strict=True)
    )


def _pieces(name: str) -> list[str]:
    """Split a column name at the colons outside brackets."""
    pieces, depth = [""], 0
    for character in name:
        depth += (character in "([") - (character in ")]")
        if character == ":" and depth == 0:
            pieces.append("")
        else:
            pieces[-1] += character
    return pieces


@dataclass(frozen=True, slots=True)
class _Draft:
    """One outcome before its coefficients are numbered.

    `random` holds the random columns of each grouping factor; `parts` the numbers of the
    level-1 coefficients, empty when the model has no multilevel form.
    """

    location: Location
    place: Place
    notation: Notation
    columns: tuple[Column, ...]
    random: Mapping[tuple[str, ...], tuple[Column, ...]]
    parts: Mapping[Factors, int]

    def explaining(self, inner: Factors) -> tuple[Column, ...]:
        """Return the group-level columns that explain the coefficient of `inner`."""
        return tuple(
            Column(column.name, column.part(self.place, between=True))
            for column in self.columns
            if column.part(self.place, between=False) == inner
        )

    def is_random(self, inner: Factors) -> bool:
        """Tell whether the coefficient of `inner` varies between groups."""
        return any(column.factors == inner for group in self.random.values() for column in group)


def lay_out(location: Location, place: Place, notation: Notation, coding: Coding, mark: str = "") -> Layout:
    """Give each coefficient of one outcome its number.

    Parameters
    ----------
    location
        The mean of the outcome.
    place
        Indices of its columns.
    notation
        Says whether fixed effects carry one number or two.
    coding
        See `columns`.
    mark
        Distinguishes this outcome's symbols from those of other outcomes.
    """
    fixed = columns(location.terms, coding, text(location.outcome))
    random = _random_columns(location.random, coding)
    draft = _Draft(location, place, notation, fixed, random, _level1_parts(fixed, random, place))
    numbers = _fixed_numbers(draft)
    ordered = sorted((Numbered(numbers[c.name], c) for c in fixed), key=lambda column: column.number)
    return Layout(
        location=location,
        place=place,
        mark=mark,
        fixed=tuple(ordered),
        groupings=tuple(_grouping(draft, group, order, coding) for order, group in enumerate(random)),
        level2=tuple(_explained(draft, inner, number, numbers) for inner, number in draft.parts.items()),
    )


def numbered(plain: Sequence[Column]) -> tuple[Numbered, ...]:
    """Give columns numbers in order; 0 is kept for the intercept."""
    numbers = _counted([column.factors for column in plain])
    return tuple(Numbered((numbers[column.factors],), column) for column in plain)


def joined(*numbers: int) -> str:
    """Join numbers into one index, with commas where one has two digits.

    Examples
    --------
    >>> joined(0, 1), joined(0, 11), joined(11)
    ('01', '0,11', '11')
    """
    return ("," if max(numbers) > 9 else "").join(map(str, numbers))


def _random_columns(
    random: Sequence[RandomTerm], coding: Coding
) -> Mapping[tuple[str, ...], tuple[Column, ...]]:
    groups: dict[tuple[str, ...], tuple[Column, ...]] = {}
    for term in random:
        groups[term.group] = groups.get(term.group, ()) + columns(term.terms, coding, term.group_name)
    return groups


def _level1_parts(
    fixed: Sequence[Column], random: Mapping[tuple[str, ...], tuple[Column, ...]], place: Place
) -> Mapping[Factors, int]:
    varying = [column for group in random.values() for column in group]
    if len(random) != 1 or any(column.part(place, between=True) for column in varying):
        return {}
    inner = [column.part(place, between=False) for column in (*fixed, *varying)]
    return _counted(sorted(inner, key=len))


def _counted(products: Sequence[Factors]) -> Mapping[Factors, int]:
    ordered = sorted(dict.fromkeys(products), key=bool)
    return {factors: number for number, factors in enumerate(ordered, start=0 if () in ordered else 1)}


def _fixed_numbers(draft: _Draft) -> Mapping[str, tuple[int, ...]]:
    """Return the number of each fixed column, by name."""
    if not draft.parts or not draft.notation.double_index:
        return {column.column.name: column.number for column in numbered(draft.columns)}
    return {
        outer.column.name: (number, *outer.number)
        for inner, number in draft.parts.items()
        for outer in numbered(draft.explaining(inner))
    }


def _explained(
    draft: _Draft, inner: Factors, number: int, numbers: Mapping[str, tuple[int, ...]]
) -> CoefficientEquation:
    outer = tuple(Numbered(numbers[column.name], column) for column in draft.explaining(inner))
    return CoefficientEquation(number, inner, outer, draft.is_random(inner))


def _grouping(draft: _Draft, group: tuple[str, ...], order: int, coding: Coding) -> Grouping:
    varying = draft.random[group]
    numbers = draft.parts or _counted([column.factors for column in varying])
    cycle, position = divmod(order, len(draft.notation.effects))
    effect = draft.notation.effects[position] + "'" * cycle
    return Grouping(
        name=":".join(group),
        index=draft.place.of_groups(group),
        effect=effect,
        mark=effect if len(draft.random) > 1 else "",
        columns=tuple(Numbered((numbers[column.factors],), column) for column in varying),
        blocks=tuple(
            block for term in draft.location.random if term.group == group for block in _blocks(term, coding)
        ),
    )


def _blocks(term: RandomTerm, coding: Coding) -> tuple[tuple[Column, ...], ...]:
    together = columns(term.terms, coding, term.group_name)
    return (together,) if term.correlated else tuple((column,) for column in together)
