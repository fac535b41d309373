"""One formula -> a `Location` or a `DistributionalPart`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from laird.errors import SpecError, nearest
from laird.spec.algebra import Sum, arrange, expand
from laird.spec.functions import ELEMENTWISE, FUNCTIONS, checked_call
from laird.spec.parser import parse_formula
from laird.spec.scanner import error_at, normalised
from laird.spec.syntax import Bar, Binary, Call, Expr, Name, Span, String, variables, walk
from laird.spec.terms import DistributionalPart, KnownVariance, Location, RandomTerm, Term
from laird.spec.writing import group_text, term_name, text

PARAMETERS = ("sigma", "sd", "rho")


@dataclass(frozen=True, slots=True)
class Formula:
    """A parsed formula with its text, which errors point into."""

    source: str
    left: Expr
    right: Expr

    @property
    def parameter(self) -> str:
        """The parameter of a distributional part, ``""`` for a location."""
        match self.left:
            case Name("sigma"):
                return "sigma"
            case Call(function) if function in PARAMETERS:
                return function
        return ""

    def error(self, span: Span, what: str, *, allowed: str = "", remedy: str = "") -> SpecError:
        """Return an error that points into the formula."""
        return error_at(self.source, span, what, allowed=allowed, remedy=remedy)


def read_formula(source: str) -> Formula:
    """Return the parsed formula `source`.

    Examples
    --------
    >>> read_formula("sd(study) ~ habitat").parameter
    'sd'
    """
    written = normalised(source) if isinstance(source, str) else source
    return Formula(written, *parse_formula(written))


def location(formula: Formula, *, several: bool = False) -> Location:
    """Return the model of one outcome's mean, by itself or beside `several`.

    Of several outcomes ``(1 || g)`` is kept: it is independent of the ``g`` of the others.

    Raises
    ------
    SpecError
        With a caret under the place.

    Examples
    --------
    >>> [random.group_name for random in location(read_formula("y ~ x + (1 | a/b)")).random]
    ['a', 'a:b']
    """
    outcome = _outcome(formula)
    total = expand(formula.right, formula.source)
    terms = arrange(total.with_intercept())
    random = _random_terms(formula, total.bars, terms)
    if not several:
        random = tuple(replace(one, correlated=one.correlated or len(one.terms) == 1) for one in random)
    return Location(outcome, terms, random, _known(formula, total))


def part(formula: Formula, locations: Sequence[Location]) -> DistributionalPart:
    """Return a log-sd or correlation regression of the model with these `locations`.

    ``sigma ~ 0`` and ``rho ~ 0`` have no terms: they say that sigma or rho is zero.

    Raises
    ------
    SpecError
        With a caret under the place.

    Examples
    --------
    >>> part(read_formula("sigma ~ 0 + x"), [location(read_formula("y ~ x"))]).terms
    (Term(factors=(Name(name='x'),)),)
    """
    target = _TARGETS[formula.parameter](formula, locations)
    total = expand(formula.right, formula.source)
    for special in total.specials:
        what = f"`{text(special)}` is not available in the formula of `{formula.parameter}`."
        raise formula.error(special.span, what, remedy="Put it into the formula of the outcome.")
    terms = arrange(total.with_intercept())
    if not terms:
        _check_zero(formula, locations)
    return DistributionalPart(formula.parameter, target, terms)


def _check_zero(formula: Formula, locations: Sequence[Location]) -> None:
    """A sigma of zero needs other variation of the rows, and a group sd of zero is no random term."""
    if formula.parameter == "sd":
        raise formula.error(formula.right.span, "There is no term left in this formula.", remedy="Write ~ 1.")
    if formula.parameter == "sigma" and not any(one.known for one in locations):
        raise formula.error(
            formula.right.span,
            "`sigma ~ 0` leaves the rows no variance of their own.",
            allowed="It says that known sampling variances, meta_V(v), are all there is.",
            remedy="Add meta_V(v) to the formula of the outcome, or write sigma ~ 1.",
        )


def check_parts(formulas: Sequence[Formula], parts: Sequence[DistributionalPart]) -> None:
    """Refuse a regression of rho of an outcome that has no sigma.

    Examples
    --------
    >>> formulas = [read_formula("sigma ~ x")]
    >>> check_parts(formulas, [part(formulas[0], [location(read_formula("y ~ x"))])])
    """
    zero = {row.target for row in parts if row.parameter == "sigma" and not row.terms}
    for formula, row in zip(formulas, parts, strict=True):
        for name in row.target:
            if row.parameter == "rho" and row.terms and (name,) in zero:
                what = f"`sigma({name}) ~ 0` leaves `{name}` nothing that could be correlated."
                remedy = "Leave this formula out, or estimate that sigma."
                raise formula.error(formula.left.span, what, remedy=remedy)


def check_known(formulas: Sequence[Formula], locations: Sequence[Location]) -> None:
    """Refuse V of one outcome that is known and of another that is known up to a factor.

    Examples
    --------
    >>> formula = read_formula("y ~ 1 + meta_V(v)")
    >>> check_known([formula], [location(formula)])
    """
    first = next((one.known for one in locations if one.known), None)
    for formula, one in zip(formulas, locations, strict=True):
        if first and one.known and one.known.scale != first.scale:
            raise formula.error(
                formula.right.span,
                f"`meta_V({first.name})` is {first.scale}, `meta_V({one.known.name})` {one.known.scale}.",
                remedy="Give all outcomes the same `scale`: their sampling errors have one factor.",
            )


def refuse_outcomes(formula: Formula, outcomes: Collection[str]) -> None:
    """Raise when one of the columns `outcomes` predicts or groups.

    Examples
    --------
    >>> refuse_outcomes(read_formula("y ~ x"), ["y"])
    """
    for node in walk(formula.right):
        if isinstance(node, Name) and node.name in outcomes:
            what = f"`{node.name}` is an outcome of this model: it cannot predict or group."
            raise formula.error(node.span, what, remedy="Take it away on the right of ~.")


def groups(expr: Expr, source: str) -> tuple[tuple[str, ...], ...]:
    """Return the grouping factors to the right of a bar, each as its columns.

    Examples
    --------
    >>> from laird.spec.parser import parse
    >>> groups(parse("a/b"), "a/b")
    (('a',), ('a', 'b'))
    """
    match expr:
        case Name(name):
            return ((name,),)
        case Binary("/", left, right):
            outer = groups(left, source)
            return (*outer, *(_crossed(outer[-1], inner, expr, source) for inner in groups(right, source)))
        case Binary(":", Name() | Binary(":") as left, Name() as right):
            return (_crossed(groups(left, source)[-1], (right.name,), expr, source),)
    raise error_at(
        source,
        expr.span,
        "This is not a grouping factor.",
        allowed="Groups are columns, joined by / (nested) or : (crossed).",
        remedy="Write (1 | school), (1 | district/school) or (1 | district:school).",
    )


def _crossed(outer: tuple[str, ...], inner: tuple[str, ...], expr: Expr, source: str) -> tuple[str, ...]:
    for name in inner:
        if name in outer:
            raise error_at(source, expr.span, f"The column `{name}` appears twice in this grouping factor.")
    return outer + inner


def _outcome(formula: Formula) -> Expr:
    match formula.left:
        case Name() as name:
            return name
        case Call(function) as call if function in ELEMENTWISE or function not in FUNCTIONS:
            return _transformed(formula, call)
    raise formula.error(
        formula.left.span,
        "The outcome must be one column or a function of columns.",
        allowed=f"Functions: {', '.join(ELEMENTWISE)}.",
        remedy="Write for example log(y) ~ x, or I(y / 100) ~ x.",
    )


def _transformed(formula: Formula, call: Call) -> Call:
    if call.function not in FUNCTIONS:
        allowed = nearest(call.function, (*PARAMETERS, *ELEMENTWISE))
        raise formula.error(
            call.span, f"There is no function `{call.function}` of an outcome.", allowed=allowed
        )
    return checked_call(call, formula.source)


def _known(formula: Formula, total: Sum) -> KnownVariance | None:
    for second in total.known[1:]:
        raise formula.error(
            second.span, "A formula has one meta_V only.", remedy="Add the variances up first."
        )
    for call in total.known:
        return _known_variance(call)
    return None


def _known_variance(call: Call) -> KnownVariance:
    (name,) = variables(call)
    scale = dict(call.keywords).get("scale")
    return KnownVariance(name, scale.value) if isinstance(scale, String) else KnownVariance(name)


def _random_terms(formula: Formula, bars: Iterable[Bar], fixed: tuple[Term, ...]) -> tuple[RandomTerm, ...]:
    seen: dict[frozenset[str], set[frozenset[Expr]]] = {}
    collected = []
    for bar in bars:
        for random in _of_bar(formula, bar, fixed):
            already = seen.setdefault(frozenset(random.group), set())
            _refuse_repeated(formula, bar, random, already)
            already.update(term.key for term in random.terms)
            collected.append(random)
    return tuple(collected)


def _of_bar(formula: Formula, bar: Bar, fixed: tuple[Term, ...]) -> list[RandomTerm]:
    total = expand(bar.left, formula.source)
    for special in total.specials:
        raise formula.error(special.span, f"`{text(special)}` cannot stand inside a random term.")
    terms = arrange(total.with_intercept(), like=fixed)
    if not terms:
        raise formula.error(bar.span, "This random term has no coefficient.", remedy="Write (1 | group).")
    return [RandomTerm(terms, group, not bar.double) for group in groups(bar.right, formula.source)]


def _refuse_repeated(formula: Formula, bar: Bar, random: RandomTerm, already: set[frozenset[Expr]]) -> None:
    """Two variances of one coefficient in the same groups cannot be told apart."""
    for term in random.terms:
        if term.key in already:
            name, group = term_name(term), group_text(random.group)
            remedy = (
                f"Take one away; (x | {group}) means (1 + x | {group}), without intercept (0 + x | {group})."
            )
            raise formula.error(
                bar.span,
                f"The random `{name}` by `{group}` is there twice; one variance cannot be split in two.",
                remedy=remedy,
            )
        for factor in term.factors:
            if isinstance(factor, Name) and factor.name in random.group:
                what = f"`{factor.name}` groups this random term and cannot vary within its own groups."
                raise formula.error(factor.span, what, remedy=f"Write (1 | {group_text(random.group)}).")


def _arguments(formula: Formula, count: int, form: str) -> tuple[Expr, ...]:
    args = formula.left.args if isinstance(formula.left, Call) else ()
    keywords = formula.left.keywords if isinstance(formula.left, Call) else ()
    if len(args) != count or keywords:
        what = f"`{formula.parameter}` takes {count} name{'s' if count > 1 else ''} in parentheses here."
        raise formula.error(formula.left.span, what, remedy=f"Write {form}.")
    return args


def _outcome_target(formula: Formula, expr: Expr, locations: Sequence[Location]) -> str:
    name, outcomes = text(expr), [text(one.outcome) for one in locations]
    if name not in outcomes:
        raise formula.error(
            expr.span, f"`{name}` is not an outcome of this model.", allowed=nearest(name, outcomes)
        )
    return name


def _sigma_target(formula: Formula, locations: Sequence[Location]) -> tuple[str, ...]:
    if len(locations) == 1 and isinstance(formula.left, Name):
        return ()
    (expr,) = _arguments(formula, 1, f"sigma({text(locations[0].outcome)}) ~ …")
    target = _outcome_target(formula, expr, locations)
    return (target,) if len(locations) > 1 else ()


def _rho_target(formula: Formula, locations: Sequence[Location]) -> tuple[str, ...]:
    if len(locations) == 1:
        what = "`rho` is the correlation of two outcomes; this model has one."
        raise formula.error(formula.left.span, what, remedy="Give one formula for each outcome.")
    args = _arguments(formula, 2, "rho(y1, y2) ~ …")
    named = {_outcome_target(formula, expr, locations) for expr in args}
    if len(named) == 1:
        raise formula.error(formula.left.span, "`rho` needs two different outcomes.")
    return tuple(name for one in locations if (name := text(one.outcome)) in named)


def _sd_target(formula: Formula, locations: Sequence[Location]) -> tuple[str, ...]:
    (expr,) = _arguments(formula, 1, "sd(group) ~ …")
    available = {frozenset(random.group): random.group for one in locations for random in one.random}
    (group, *nested) = groups(expr, formula.source)
    if nested or frozenset(group) not in available:
        what = f"`{text(expr)}` is not a grouping factor of this model."
        names = list(map(group_text, available.values()))
        remedy = f"Add (1 | {text(expr)}) to the formula of the outcome."
        raise formula.error(expr.span, what, allowed=nearest(text(expr), names), remedy=remedy)
    return available[frozenset(group)]


_TARGETS = {"sigma": _sigma_target, "rho": _rho_target, "sd": _sd_target}
