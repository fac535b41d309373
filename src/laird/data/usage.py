"""Which factors, groups and outcomes a spec uses: read off the spec, before any data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from laird.data.evaluate import calls
from laird.spec import RandomTerm, Spec, Term, variables
from laird.spec.functions import AVERAGES, averaging_groups
from laird.spec.syntax import Call, Expr, Name


def outcomes(spec: Spec) -> tuple[Expr, ...]:
    """Left-hand sides of the location formulas."""
    return tuple(location.outcome for location in spec.locations)


def outcome_columns(spec: Spec) -> tuple[tuple[str, ...], ...]:
    """Return the columns of each outcome.

    Examples
    --------
    >>> from laird.spec import parse_spec
    >>> outcome_columns(parse_spec("log(a / b) ~ x", "c ~ 1"))
    (('a', 'b'), ('c',))
    """
    return tuple(variables(outcome) for outcome in outcomes(spec))


def known_names(spec: Spec) -> tuple[str, ...]:
    """Return what the ``meta_V(...)`` of all outcomes name, each once.

    Examples
    --------
    >>> from laird.spec import parse_spec
    >>> known_names(parse_spec("a ~ 1 + meta_V(v)", "b ~ 1 + meta_V(v)"))
    ('v',)
    """
    return tuple(dict.fromkeys(one.known.name for one in spec.locations if one.known))


def random_terms(spec: Spec) -> tuple[RandomTerm, ...]:
    """Random terms of all outcomes."""
    return tuple(random for location in spec.locations for random in location.random)


def factors(spec: Spec) -> tuple[Expr, ...]:
    """Return the factors of all terms, each once.

    Examples
    --------
    >>> from laird.spec import parse_spec, text
    >>> [text(factor) for factor in factors(parse_spec("y ~ log(x) * z + (z | g)"))]
    ['log(x)', 'z']
    """
    return tuple(dict.fromkeys(factor for term in _terms(spec) for factor in term.factors))


def _terms(spec: Spec) -> Iterator[Term]:
    for location in spec.locations:
        yield from location.terms
    for random in random_terms(spec):
        yield from random.terms
    for part in spec.distributional:
        yield from part.terms


def groupings(spec: Spec) -> Mapping[str, tuple[str, ...]]:
    """Return the columns of every grouping factor by its name; those of random terms come first.

    Examples
    --------
    >>> from laird.spec import parse_spec
    >>> groupings(parse_spec("y ~ cvar(x, h) + (1 | a:b)"))
    {'a:b': ('a', 'b'), 'h': ('h',)}
    """
    found = {random.group_name: random.group for random in random_terms(spec)}
    for call in calls(factors(spec)):
        if call.function in AVERAGES:
            found.update({":".join(columns): columns for columns in averaging_groups(call)})
    return found


def averaged_columns(exprs: Iterable[Expr]) -> tuple[Expr, ...]:
    """Return the columns that ``cvar`` and ``dvar`` average directly, which may be categories.

    Examples
    --------
    >>> from laird.spec import parse_spec
    >>> averaged_columns(factors(parse_spec("y ~ cvar(Sex, g) + cvar(log(x), g)")))
    (Name(name='Sex'),)
    """
    found = (call.args[0] for call in calls(exprs) if call.function in AVERAGES)
    return tuple(dict.fromkeys(filter(is_column, found)))


def is_column(factor: Expr) -> bool:
    """Tell whether a factor is a column itself or its categories, ``C(x)``."""
    return isinstance(factor, Name) or (isinstance(factor, Call) and factor.function == "C")
