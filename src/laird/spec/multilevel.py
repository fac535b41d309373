"""The multilevel form of a model: level 1 within groups, one level-2 equation per coefficient.

The combined form substitutes the level-2 equations into level 1 (Bryk & Raudenbush 1992).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Unpack

from laird.errors import SpecError, nearest
from laird.spec.algebra import Terms, arrange, expand, times
from laird.spec.formulas import Formula, groups, location, read_formula
from laird.spec.functions import AVERAGES, is_group_mean
from laird.spec.parser import parse
from laird.spec.scanner import error_at
from laird.spec.spec import Settings, Spec, parse_spec
from laird.spec.syntax import Call, Expr, Name, variables
from laird.spec.terms import INTERCEPT, Location, RandomTerm, Term
from laird.spec.writing import group_text, location_text, term_name, terms_text, text

type Equations = tuple[tuple[Term, Terms], ...]


@dataclass(frozen=True, slots=True)
class MultilevelForm:
    """A model of one outcome in one kind of groups, level by level.

    Attributes
    ----------
    outcome
        The outcome.
    group
        Columns of the grouping factor, as in `RandomTerm.group`.
    terms
        Terms of the combined formula, one per fixed effect.
    between
        The factors among them that belong to level 2; all others belong to level 1.
    random
        The level-1 terms whose coefficients vary between groups beyond their equation.
    correlated
        False when these variations are independent of each other.

    Examples
    --------
    >>> print(multilevel_form("mathach ~ ses", within="school", level2=["Intercept ~ Sector", "ses ~ 1"]))
    mathach ~ 1 + ses within school
    Intercept ~ 1 + Sector, random
    ses ~ 1, random
    """

    outcome: Expr
    group: tuple[str, ...]
    terms: Terms
    between: frozenset[Expr]
    random: Terms
    correlated: bool = True

    def __str__(self) -> str:
        """Return the equations, one a line."""
        first = f"{text(self.outcome)} ~ {terms_text(self.level1)} within {group_text(self.group)}"
        return "\n".join((first, *(self._equation_text(*row) for row in self.level2)))

    def _equation_text(self, term: Term, terms: Terms) -> str:
        return f"{term_name(term)} ~ {terms_text(terms)}{', random' if term in self.random else ''}"

    def _split(self, term: Term) -> tuple[Term, Term]:
        level1 = tuple(factor for factor in term.factors if factor not in self.between)
        return Term(level1), Term(tuple(factor for factor in term.factors if factor in self.between))

    @property
    def level2(self) -> Equations:
        """One equation per level-1 term: the terms that its coefficient depends on."""
        rows: dict[Term, list[Term]] = {}
        for level1, level2 in map(self._split, self.terms):
            rows.setdefault(level1, []).append(level2)
        for level1 in self.random:
            rows.setdefault(level1, [])
        by_degree = sorted(rows.items(), key=lambda row: row[0].degree)
        return tuple((level1, tuple(terms)) for level1, terms in by_degree)

    @property
    def level1(self) -> Terms:
        """Terms of the level-1 equation, the intercept among them."""
        return tuple(term for term, _ in self.level2)

    def to_combined(self) -> Location:
        """Return the same model as one formula; `to_multilevel` is the inverse.

        Examples
        --------
        >>> form = multilevel_form("y ~ x", within="g", level2=["Intercept ~ w", "x ~ w"])
        >>> location_text(form.to_combined())
        'y ~ 1 + x + w + x:w + (1 + x | g)'
        """
        random = RandomTerm(self.random, self.group, self.correlated or len(self.random) == 1)
        return Location(self.outcome, self.terms, (random,))


def to_multilevel(combined: Location, between: Collection[str] = ()) -> MultilevelForm:
    """Return the multilevel form of a combined formula.

    The exact inverse of `MultilevelForm.to_combined`.

    Parameters
    ----------
    combined
        A formula with random terms of one grouping factor.
    between
        Columns that are constant within groups; ``cvar(x, group)`` is so by itself.

    Raises
    ------
    SpecError
        When the model has no multilevel form; the message says why.

    Examples
    --------
    >>> from laird.spec.spec import parse_spec
    >>> combined = parse_spec("mathach ~ ses * Sector + (1 + ses | school)").locations[0]
    >>> print(to_multilevel(combined, between=["Sector"]))
    mathach ~ 1 + ses within school
    Intercept ~ 1 + Sector, random
    ses ~ 1 + Sector, random
    """
    _refuse_without_form(combined)
    (random,) = combined.random
    constant = {*between, *random.group}
    used = (factor for term in (*combined.terms, *random.terms) for factor in term.factors)
    level2 = frozenset(factor for factor in used if _is_between(factor, constant))
    _refuse_level2(random, level2, combined)
    return MultilevelForm(
        combined.outcome, random.group, combined.terms, level2, random.terms, random.correlated
    )


def multilevel_form(
    level1: str,
    *,
    within: str,
    level2: Iterable[str] = (),
    random: Iterable[str] | None = None,
    correlated: bool = True,
) -> MultilevelForm:
    """Return the multilevel form that these equations describe; see `multilevel`.

    Examples
    --------
    >>> multilevel_form("y ~ x", within="g", level2=["Intercept ~ 1"]).random
    (Term(factors=()),)
    """
    first = read_formula(level1)
    terms = _level1_terms(first)
    equations = _equations(first, terms, _strings(level2, "level2"))
    varying = tuple(equations) if random is None else _named(terms, _strings(random, "random"))
    complete = tuple((term, equations.get(term, (INTERCEPT,))) for term in terms)
    _refuse_nothing_random(varying, within)
    _refuse_empty_equations(complete, varying)
    between = frozenset(factor for row in equations.values() for term in row for factor in term.factors)
    outcome, group = location(first).outcome, _single_group(within)
    return MultilevelForm(outcome, group, _combined_terms(complete), between, varying, correlated)


def multilevel(
    level1: str,
    *parts: str,
    within: str,
    level2: Iterable[str] = (),
    random: Iterable[str] | None = None,
    correlated: bool = True,
    **settings: Unpack[Settings],
) -> Spec:
    """Return the spec of a model written level by level.

    Parameters
    ----------
    level1
        The equation within groups: ``"mathach ~ ses"``.
    *parts
        Distributional parts, as in `parse_spec`.
    within
        The grouping column.
    level2
        Equations of level-1 coefficients: ``["Intercept ~ Sector", "ses ~ Sector"]``.
        A coefficient without an equation is one number for all groups.
    random
        The coefficients with a random part; by default all that have an equation.
    correlated
        False for independent random parts.
    **settings
        As in `parse_spec`.

    Raises
    ------
    SpecError
        With a caret under the place.

    Examples
    --------
    >>> spec = multilevel("mathach ~ ses", within="school", level2=["Intercept ~ Sector", "ses ~ Sector"])
    >>> spec == parse_spec("mathach ~ ses * Sector + (1 + ses | school)")
    True
    """
    form = multilevel_form(level1, within=within, level2=level2, random=random, correlated=correlated)
    return parse_spec(location_text(form.to_combined()), *parts, **settings)


def _refuse_without_form(combined: Location) -> None:
    if len(combined.random) != 1 or combined.known is not None:
        raise _no_form(combined, _why_not(combined))


def _why_not(combined: Location) -> str:
    factors = {random.group_name for random in combined.random}
    if combined.known is not None:
        return "it has known sampling variances"
    if not factors:
        return "it has no random term"
    if len(factors) > 1:
        return f"it has several grouping factors ({', '.join(sorted(factors))})"
    return f"`{factors.pop()}` has several random terms; write independent ones as one (… || …)"


def _no_form(combined: Location, why: str) -> SpecError:
    return SpecError(f"This model has no multilevel form: {why}.", where=f"    {location_text(combined)}")


def _is_between(factor: Expr, constant: Collection[str]) -> bool:
    match factor:
        case Call(function) if function in AVERAGES:
            return is_group_mean(factor, constant)
    return all(name in constant for name in variables(factor))


def _refuse_level2(random: RandomTerm, level2: frozenset[Expr], combined: Location) -> None:
    for term in random.terms:
        if not level2.isdisjoint(term.factors):
            name, group = term_name(term), group_text(random.group)
            raise _no_form(
                combined, f"the random coefficient of `{name}`, which does not vary within `{group}`"
            )


def _combined_terms(equations: Equations) -> Terms:
    """Substitute the equations into level 1; what is level 1 alone comes first."""
    own = [term for term, terms in equations if INTERCEPT in terms]
    products = [times(term, by) for term, terms in equations for by in terms if not by.is_intercept]
    return arrange((*own, *products))


def _level1_terms(formula: Formula) -> Terms:
    if formula.parameter:
        raise formula.error(formula.left.span, "Level 1 must be the formula of an outcome.")
    for special in expand(formula.right, formula.source).specials:
        what = f"`{text(special)}` cannot stand in a level-1 equation."
        remedy = "Name the coefficients that vary between groups in `random`, or write the combined formula."
        raise formula.error(special.span, what, remedy=remedy)
    return location(formula).terms


def _equations(first: Formula, level1: Terms, level2: Sequence[str]) -> dict[Term, Terms]:
    """Return the given equations, in the order of level 1."""
    given: dict[Term, Terms] = {}
    within = {factor for term in level1 for factor in term.factors} | {first.left}
    for formula in map(read_formula, level2):
        term = _level1_term(formula.left, formula.source, level1)
        if term in given:
            raise formula.error(formula.left.span, f"There are two level-2 equations of `{term_name(term)}`.")
        given[term] = _level2_terms(formula, within)
    return {term: given[term] for term in level1 if term in given}


def _level2_terms(formula: Formula, within: Collection[Expr]) -> Terms:
    total = expand(formula.right, formula.source)
    for special in total.specials:
        raise formula.error(special.span, f"`{text(special)}` cannot stand in a level-2 equation.")
    for factor in (factor for term in total.terms for factor in term.factors if factor in within):
        what = f"`{text(factor)}` varies within groups and cannot stand in a level-2 equation."
        raise formula.error(factor.span, what, remedy="Use its group mean: cvar(x, group).")
    return arrange(total.with_intercept())


def _level1_term(expr: Expr, source: str, level1: Terms) -> Term:
    wanted = INTERCEPT if expr == Name("Intercept") else _one_term(expr, source)
    for term in level1:
        if term.key == wanted.key:
            return term
    what = f"`{term_name(wanted)}` is not a coefficient of level 1."
    raise error_at(source, expr.span, what, allowed=nearest(term_name(wanted), map(term_name, level1)))


def _one_term(expr: Expr, source: str) -> Term:
    match expand(expr, source).terms:
        case (term,):
            return term
    remedy = "Write Intercept, or the level-1 term it belongs to."
    raise error_at(source, expr.span, "This is not one level-1 coefficient.", remedy=remedy)


def _named(level1: Terms, names: Sequence[str]) -> Terms:
    named = {_level1_term(parse(name), name, level1) for name in names}
    return tuple(term for term in level1 if term in named)


def _strings(values: Iterable[str], key: str) -> tuple[str, ...]:
    if isinstance(values, str):
        raise SpecError(f"`{key}` must be a list of text, not one text.", remedy=f'Write ["{values}"].')
    return tuple(values)


def _single_group(within: str) -> tuple[str, ...]:
    found = groups(parse(within), within)
    if len(found) > 1:
        raise SpecError("The multilevel form has one grouping factor.", where=f"    {within}")
    return found[0]


def _refuse_nothing_random(varying: Terms, within: str) -> None:
    if not varying:
        what = f"No coefficient varies between the groups of `{within}`."
        raise SpecError(what, remedy='Give a level-2 equation such as "Intercept ~ 1".')


def _refuse_empty_equations(equations: Equations, varying: Terms) -> None:
    for term, terms in equations:
        if not terms and term not in varying:
            name = term_name(term)
            raise SpecError(
                f"`{name} ~ 0` leaves no coefficient.", remedy=f"Take `{name}` away from level 1."
            )
