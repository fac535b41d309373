"""The canonical text of terms, formulas and priors: what is written reads back as an equal value."""

from __future__ import annotations

from laird.spec.parser import PRECEDENCE, SIGN, shortest
from laird.spec.scanner import is_plain
from laird.spec.syntax import Bar, Binary, Call, Expr, Name, Number, String, Unary
from laird.spec.terms import (
    INTERCEPT,
    DistributionalPart,
    KnownVariance,
    Location,
    Prior,
    RandomTerm,
    Term,
)

_ATOM = 9


def text(expr: Expr) -> str:
    """Return the canonical text of `expr`: one space around operators and after commas.

    Examples
    --------
    >>> from laird.spec.parser import parse
    >>> text(parse("cvar( ses,school)")), text(parse("I((a+b)/`my x`)"))
    ('cvar(ses, school)', 'I((a + b) / `my x`)')
    """
    match expr:
        case Name(name):
            return quoted(name)
        case Number(_, spelling):
            return spelling
        case String(value):
            return f"'{value}'" if '"' in value else f'"{value}"'
        case Call(function, args, keywords):
            named = (f"{keyword}={text(value)}" for keyword, value in keywords)
            return f"{function}({', '.join([*map(text, args), *named])})"
        case Bar(left, right, double):
            return f"({text(left)} {'||' if double else '|'} {text(right)})"
        case Unary(sign, operand):
            return sign + _within(operand, _level(operand) < SIGN)
        case Binary(operator, left, right):
            return _binary(operator, left, right)


def _binary(operator: str, left: Expr, right: Expr) -> str:
    level, from_right = PRECEDENCE[operator], operator == "^"
    before = _within(left, _level(left) < level + from_right)
    after = _within(right, _level(right) < level + (not from_right))
    return before + (operator if operator == ":" else f" {operator} ") + after


def _within(expr: Expr, parentheses: bool) -> str:
    return f"({text(expr)})" if parentheses else text(expr)


def _level(expr: Expr) -> int:
    match expr:
        case Binary(operator):
            return PRECEDENCE[operator]
        case Unary():
            return SIGN
    return _ATOM


def quoted(name: str) -> str:
    """Return a column name as a formula writes it: in backticks where needed.

    Examples
    --------
    >>> quoted("ses"), quoted("mean ses")
    ('ses', '`mean ses`')
    """
    return name if is_plain(name) else f"`{name}`"


def term_name(term: Term) -> str:
    """Return the name of `term`, as in ``Intercept``, ``ses:Sector``, ``cvar(ses, school)``.

    Examples
    --------
    >>> from laird.spec.syntax import Name
    >>> term_name(Term()), term_name(Term((Name("ses"), Name("Sector"))))
    ('Intercept', 'ses:Sector')
    """
    return ":".join(map(text, term.factors)) or "Intercept"


def terms_text(terms: tuple[Term, ...]) -> str:
    """Return a right-hand side that says whether there is an intercept.

    Examples
    --------
    >>> from laird.spec.syntax import Name
    >>> terms_text((Term(), Term((Name("ses"),)))), terms_text((Term((Name("ses"),)),))
    ('1 + ses', '0 + ses')
    """
    intercept = "1" if INTERCEPT in terms else "0"
    return " + ".join([intercept, *(term_name(term) for term in terms if not term.is_intercept)])


def group_text(group: tuple[str, ...]) -> str:
    """Return the columns of a grouping factor as written after a bar.

    Examples
    --------
    >>> group_text(("batch", "cask"))
    'batch:cask'
    """
    return ":".join(map(quoted, group))


def random_text(random: RandomTerm) -> str:
    """Return a random term in parentheses.

    Examples
    --------
    >>> random_text(RandomTerm((Term(),), ("school",)))
    '(1 | school)'
    """
    bar = "|" if random.correlated else "||"
    return f"({terms_text(random.terms)} {bar} {group_text(random.group)})"


def known_text(known: KnownVariance) -> str:
    """Return the known sampling variance.

    Examples
    --------
    >>> known_text(KnownVariance("vi")), known_text(KnownVariance("vi", "proportional"))
    ('meta_V(vi)', 'meta_V(vi, scale="proportional")')
    """
    scale = "" if known.scale == "additive" else f', scale="{known.scale}"'
    return f"meta_V({quoted(known.name)}{scale})"


def location_text(location: Location) -> str:
    """Return the formula of one outcome's mean.

    Examples
    --------
    >>> from laird.spec.syntax import Name
    >>> location_text(Location(Name("y"), (Term(),), (RandomTerm((Term(),), ("g",)),)))
    'y ~ 1 + (1 | g)'
    """
    known = [known_text(location.known)] if location.known else []
    right = [terms_text(location.terms), *map(random_text, location.random), *known]
    return f"{text(location.outcome)} ~ {' + '.join(right)}"


def part_text(part: DistributionalPart) -> str:
    """Return the formula of a log-sd or correlation regression.

    Examples
    --------
    >>> part_text(DistributionalPart("sd", ("study",), (Term(),)))
    'sd(study) ~ 1'
    """
    target = group_text(part.target) if part.parameter == "sd" else ", ".join(part.target)
    return f"{part.parameter}{f'({target})' if target else ''} ~ {terms_text(part.terms)}"


def prior_text(prior: Prior) -> str:
    """Return a prior without its parameter, by its published name when it has one.

    Examples
    --------
    >>> prior_text(Prior("b", "normal", (0.0, 2.5))), prior_text(Prior("*", "flat"))
    ('normal(0, 2.5)', 'flat')
    """
    if prior.published:
        return prior.published
    values = f"({', '.join(map(shortest, prior.values))})" if prior.values else ""
    return prior.family + values
