"""Wilkinson and Rogers' algebra: a right-hand side -> terms.

Source: Wilkinson & Rogers (1973), Applied Statistics 22, 392-399, with the conventions of
R's ``formula``: the intercept is implicit, ``a/b`` is ``a + a:b``, terms are ordered by degree.
Where R ignores what cannot be meant (``x^2``, ``- z`` without ``z``), there is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import reduce

from laird.errors import SpecError, nearest
from laird.spec.functions import checked_call, checked_terms
from laird.spec.scanner import error_at
from laird.spec.syntax import Bar, Binary, Call, Expr, Name, Number, String, Unary
from laird.spec.terms import INTERCEPT, Term
from laird.spec.writing import term_name, text

type Terms = tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Sum:
    """What a right-hand side adds up; `intercept` is None where it is not mentioned."""

    terms: Terms = ()
    intercept: bool | None = None
    bars: tuple[Bar, ...] = ()
    known: tuple[Call, ...] = ()

    @property
    def specials(self) -> tuple[Bar | Call, ...]:
        """What is added to a formula but is no term: random terms and known variances."""
        return (*self.bars, *self.known)

    def with_intercept(self) -> Terms:
        """Return the terms, with the intercept unless it was removed."""
        return self.terms if self.intercept is False else (INTERCEPT, *self.terms)


def expand(expr: Expr, source: str) -> Sum:
    """Return what the right-hand side `expr` adds up; `source` is its text, for errors.

    Raises
    ------
    SpecError
        With a caret under what has no meaning as a sum of terms.

    Examples
    --------
    >>> from laird.spec.parser import parse
    >>> [term_name(term) for term in expand(parse("a * b"), "a * b").terms]
    ['a', 'b', 'a:b']
    """
    match expr:
        case Name("Intercept"):
            raise error_at(source, expr.span, "`Intercept` is not a column.", remedy="Write 1.")
        case Name():
            return Sum((Term((expr,)),))
        case Call("meta_V"):
            return Sum(known=(checked_call(expr, source),))
        case Call():
            return Sum(merge(Term((call,)) for call in checked_terms(expr, source)))
        case Number(value) if value in (0, 1):
            return Sum(intercept=bool(value))
        case Bar():
            return Sum(bars=(expr,))
        case Binary("+" | "-") | Unary():
            return _total(expr, source)
        case Binary("^"):
            return _power(expr, source)
        case Binary(operator) if operator in _PRODUCTS:
            return _product(expr, source)
    raise _no_term(expr, source)


def arrange(terms: Terms, like: Iterable[Term] = ()) -> Terms:
    """Return `terms` by degree, interactions spelled as in `like` where they occur there.

    Examples
    --------
    >>> from laird.spec.parser import parse
    >>> [term_name(term) for term in arrange(expand(parse("b:a + a + b"), "").terms)]
    ['a', 'b', 'b:a']
    """
    spelled = {term.key: term for term in like}
    return tuple(spelled.get(term.key, term) for term in sorted(terms, key=lambda term: term.degree))


def merge(terms: Iterable[Term]) -> Terms:
    """Return `terms` without repetition; ``a:b`` is ``b:a``.

    Examples
    --------
    >>> x = Term((Name("x"),))
    >>> merge([x, Term(), x]) == (x, Term())
    True
    """
    unique: dict[frozenset[Expr], Term] = {}
    for term in terms:
        unique.setdefault(term.key, term)
    return tuple(unique.values())


def times(left: Term, right: Term) -> Term:
    """Return the interaction of two terms, each factor once.

    Examples
    --------
    >>> term_name(times(Term((Name("a"),)), Term((Name("b"), Name("a")))))
    'a:b'
    """
    return Term(tuple(dict.fromkeys((*left.factors, *right.factors))))


def _summands(expr: Expr) -> Iterator[tuple[str, Expr]]:
    """Yield the signed summands, from left to right, however long the sum is."""
    pending: list[tuple[str, Expr]] = []
    while isinstance(expr, Binary) and expr.operator in ("+", "-"):
        pending.append((expr.operator, expr.right))
        expr = expr.left
    yield (expr.operator, expr.operand) if isinstance(expr, Unary) else ("+", expr)
    yield from reversed(pending)


def _total(expr: Expr, source: str) -> Sum:
    total = Sum()
    for sign, summand in _summands(expr):
        total = _add(total, sign, summand, source)
    return total


def _add(total: Sum, sign: str, expr: Expr, source: str) -> Sum:
    item = expand(expr, source)
    if sign == "-":
        return _subtract(total, item, expr, source)
    return Sum(
        merge((*total.terms, *item.terms)),
        total.intercept if item.intercept is None else item.intercept,
        (*total.bars, *item.bars),
        (*total.known, *item.known),
    )


def _subtract(total: Sum, item: Sum, expr: Expr, source: str) -> Sum:
    _only_terms(item, source)
    present = {term.key for term in total.terms}
    removed = {term.key: term for term in item.terms}
    for key, term in removed.items():
        if key not in present:
            raise _nothing_to_remove(term, total, expr, source)
    kept = tuple(term for term in total.terms if term.key not in removed)
    intercept = total.intercept if item.intercept is None else not item.intercept
    return Sum(kept, intercept, total.bars, total.known)


def _interact(left: Terms, right: Terms) -> Terms:
    return tuple(times(a, b) for a in left for b in right)


def _cross(left: Terms, right: Terms) -> Terms:
    return (*left, *right, *_interact(left, right))


def _nest(left: Terms, right: Terms) -> Terms:
    return (*left, *_interact((reduce(times, left),), right))


_PRODUCTS: dict[str, Callable[[Terms, Terms], Terms]] = {":": _interact, "*": _cross, "/": _nest}


def _product(expr: Binary, source: str) -> Sum:
    left, right = _operand(expr.left, source), _operand(expr.right, source)
    if left == right and len(left) == 1:
        raise _with_itself(left[0], expr, source)
    return _as_sum(_PRODUCTS[expr.operator](left, right))


def _power(expr: Binary, source: str) -> Sum:
    exponent = expr.right
    if not (isinstance(exponent, Number) and exponent.value.is_integer() and exponent.value >= 1):
        remedy = "Write (a + b)^2 for all interactions up to order 2, I(x^0.5) for arithmetic."
        raise error_at(
            source, exponent.span, "The exponent must be a whole number, at least 1.", remedy=remedy
        )
    base = _operand(expr.left, source)
    if len(base) == 1:
        raise _with_itself(base[0], expr, source)
    degrees = range(min(int(exponent.value), len(base)) - 1)
    return _as_sum(reduce(lambda terms, _: merge(_interact(terms, base)), degrees, base))


def _operand(expr: Expr, source: str) -> Terms:
    """Return the terms of one side of a product."""
    total = expand(expr, source)
    _only_terms(total, source)
    if total.intercept is False:
        raise error_at(
            source,
            expr.span,
            "The intercept cannot be removed inside a product.",
            remedy="Write 0 + … at the start.",
        )
    return total.with_intercept() if total.intercept else total.terms


def _as_sum(terms: Terms) -> Sum:
    merged = merge(terms)
    rest = tuple(term for term in merged if not term.is_intercept)
    return Sum(rest, True if INTERCEPT in merged else None)


def _only_terms(total: Sum, source: str) -> None:
    for special in total.specials:
        what = f"`{text(special)}` can only be added to a formula."
        raise error_at(
            source, special.span, what, remedy="Write it after a +, outside of products and differences."
        )


def _nothing_to_remove(term: Term, total: Sum, expr: Expr, source: str) -> SpecError:
    name = term_name(term)
    what = f"There is no term `{name}` before this place to remove."
    return error_at(source, expr.span, what, allowed=nearest(name, map(term_name, total.terms)))


def _with_itself(term: Term, expr: Binary, source: str) -> SpecError:
    name = term_name(term)
    return error_at(
        source,
        expr.span,
        f"`{text(expr)}` combines one term with itself, which gives `{name}` again.",
        remedy=f"For the square as a predictor write I({name}^2) or poly({name}, 2).",
    )


def _no_term(expr: Expr, source: str) -> SpecError:
    remedy = "For arithmetic on columns write I(…), for example I(x / 100)."
    if isinstance(expr, Number):
        what = f"The number {expr.text} is not a term; only 0 and 1 are."
        return error_at(source, expr.span, what, remedy=remedy)
    what = "Text is not a term." if isinstance(expr, String) else "This is not a term."
    return error_at(
        source, expr.span, what, remedy="Write column names without quotes, odd ones in backticks."
    )
