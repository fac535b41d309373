"""The closed list of functions a formula may use, and the check of every call.

A checked call is in canonical form: arguments in the order of the signature, spelled
by position or by keyword as the table says, so that ``poly(x, degree=2)`` equals
``poly(x, 2)``.

Contextual terms (``cvar``: mean of x in the groups of g, ``dvar``: x minus it) may be asked for

* of several variables at once: ``cvar(x + z, g)`` is ``cvar(x, g) + cvar(z, g)``; for the
  mean of a sum write ``cvar(I(x + z), g)``;
* of a category, ``cvar(Sex, g)``: the share of each level but the first in the group;
* in groups of several columns: ``cvar(x, school:class)`` where classes have numbers within schools;
* at three levels: ``dvar(x, class, school)`` is the mean in the class minus that in the school, so
  that x = ``dvar(x, class)`` + ``dvar(x, class, school)`` + ``cvar(x, school)``;
* of the others in the group, without the row itself: ``cvar(x, g, loo=True)``;
* with weights: ``cvar(x, g, weights=w)``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from laird.errors import SpecError, nearest
from laird.spec.scanner import error_at
from laird.spec.syntax import Binary, Call, Expr, Name, Number, String, Unary, variables

type Kind = Literal["numeric", "averaged", "column", "group", "integer", "choice", "flag"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a function; the first of `choices` is the default."""

    name: str
    kind: Kind
    by_keyword: bool = False
    minimum: int = 1
    choices: tuple[str, ...] = ()
    optional: bool = False

    def __str__(self) -> str:
        """Return the parameter as a signature shows it."""
        if self.choices:
            return f'{self.name}="{self.choices[0]}"'
        if self.kind == "flag":
            return f"{self.name}=False"
        return f"{self.name}=…" if self.by_keyword or self.optional else self.name

    @property
    def required(self) -> bool:
        """True when a call must give it."""
        return not (self.choices or self.optional)


_X = Parameter("x", "numeric")
_AVERAGED = Parameter("x", "averaged")
_G = Parameter("g", "group")
_ABOVE = Parameter("above", "group", optional=True)
_MEANS = (
    Parameter("loo", "flag", by_keyword=True, optional=True),
    Parameter("weights", "column", by_keyword=True, optional=True),
)

FUNCTIONS: dict[str, tuple[Parameter, ...]] = {
    "cvar": (_AVERAGED, _G, *_MEANS),
    "dvar": (_AVERAGED, _G, _ABOVE, *_MEANS),
    "I": (_X,),
    "log": (_X,),
    "log2": (_X,),
    "log10": (_X,),
    "log1p": (_X,),
    "exp": (_X,),
    "expm1": (_X,),
    "sqrt": (_X,),
    "abs": (_X,),
    "center": (_X,),
    "scale": (_X,),
    "C": (Parameter("x", "column"),),
    "poly": (_X, Parameter("degree", "integer")),
    "bs": (_X, Parameter("df", "integer", by_keyword=True, minimum=3)),
    "meta_V": (
        Parameter("V", "column"),
        Parameter("scale", "choice", by_keyword=True, choices=("additive", "proportional")),
    ),
}
ELEMENTWISE = ("I", "log", "log2", "log10", "log1p", "exp", "expm1", "sqrt", "abs")
AVERAGES = ("cvar", "dvar")
NUMERIC = (*ELEMENTWISE, "center", "scale", *AVERAGES)
_ARITHMETIC = ("+", "-", "*", "/", "^")
_TRUE, _FALSE = Number(1.0, "True"), Number(0.0, "False")


def signature(function: str) -> str:
    """Return how `function` is called.

    Examples
    --------
    >>> signature("cvar"), signature("bs")
    ('cvar(x, g, loo=False, weights=…)', 'bs(x, df=…)')
    """
    return f"{function}({', '.join(str(parameter) for parameter in FUNCTIONS[function])})"


def checked_terms(call: Call, source: str) -> tuple[Call, ...]:
    """Return the calls that a call stands for as a term: one for each variable of ``cvar(x + z, g)``.

    Raises
    ------
    SpecError
        As `checked_call`.

    Examples
    --------
    >>> from laird.spec.parser import parse
    >>> [call.args[0] for call in checked_terms(parse("cvar(x + z, g)"), "cvar(x + z, g)")]
    [Name(name='x'), Name(name='z')]
    """
    if call.function not in AVERAGES:
        return (checked_call(call, source),)
    bound = {parameter.name: value for parameter, value in _bind(call, source).items()}
    others = tuple((name, value) for name, value in bound.items() if name != "x")
    return tuple(
        checked_call(replace(call, args=(variable,), keywords=others), source)
        for variable in _summands(bound["x"])
    )


def _summands(expr: Expr) -> Iterator[Expr]:
    match expr:
        case Binary("+", left, right):
            yield from _summands(left)
            yield from _summands(right)
        case _:
            yield expr


def averaging_groups(call: Call) -> tuple[tuple[str, ...], ...]:
    """Return the columns of each grouping factor of a ``cvar`` or ``dvar``, the inner one first.

    Examples
    --------
    >>> from laird.spec.parser import parse
    >>> averaging_groups(checked_call(parse("dvar(x, school:class, school)"), ""))
    (('school', 'class'), ('school',))
    """
    return tuple(variables(group) for group in call.args[1:])


def is_group_mean(call: Call, constant: Collection[str]) -> bool:
    """Tell whether a ``cvar`` or ``dvar`` is constant wherever the columns `constant` are.

    Examples
    --------
    >>> from laird.spec.parser import parse
    >>> [is_group_mean(parse(call), ["g"]) for call in ("cvar(x, g)", "dvar(x, g)", "cvar(x, g, loo=True)")]
    [True, False, False]
    """
    means = call.function == "cvar" or len(call.args) > 2
    alone = "loo" not in dict(call.keywords)
    return means and alone and all(set(columns) <= set(constant) for columns in averaging_groups(call))


def checked_call(call: Call, source: str) -> Call:
    """Return `call` in canonical form, with every argument checked.

    Raises
    ------
    SpecError
        Unknown function, wrong number or kind of arguments.

    Examples
    --------
    >>> from laird.spec.parser import parse
    >>> checked_call(parse("poly(x, degree=2)"), "poly(x, degree=2)").args
    (Name(name='x'), Number(value=2.0, text='2'))
    """
    if call.function not in FUNCTIONS:
        raise _unknown_function(call, source)
    bound = {
        parameter: _checked_argument(value, parameter, call, source)
        for parameter, value in _bind(call, source).items()
    }
    args = tuple(value for parameter, value in bound.items() if not parameter.by_keyword)
    keywords = tuple(
        (parameter.name, value)
        for parameter, value in bound.items()
        if parameter.by_keyword and not _is_default(parameter, value)
    )
    return replace(call, args=args, keywords=keywords)


def _is_default(parameter: Parameter, value: Expr) -> bool:
    return parameter.choices[:1] == (value.value,) if isinstance(value, String) else value == _FALSE


def _unknown_function(call: Call, source: str) -> SpecError:
    start = call.span[0]
    return error_at(
        source,
        (start, start + len(call.function)),
        f"There is no function `{call.function}`.",
        allowed=nearest(call.function, FUNCTIONS),
        remedy="Compute any other variable as a column of the data first.",
    )


def _bind(call: Call, source: str) -> dict[Parameter, Expr]:
    """Join parameters and arguments as Python does."""
    parameters = FUNCTIONS[call.function]
    by_name = {parameter.name: parameter for parameter in parameters}
    if len(call.args) > len(parameters):
        raise _wrong_arguments(call, source, "has too many arguments")
    given = dict(zip(parameters, call.args, strict=False))
    for keyword, value in call.keywords:
        if keyword not in by_name:
            raise _wrong_arguments(call, source, f"has no argument `{keyword}`")
        if by_name[keyword] in given:
            raise _wrong_arguments(call, source, f"gets `{keyword}` twice")
        given[by_name[keyword]] = value
    for parameter in parameters:
        if parameter not in given and parameter.required:
            raise _wrong_arguments(call, source, f"lacks the argument `{parameter.name}`")
    return {parameter: given[parameter] for parameter in parameters if parameter in given}


def _wrong_arguments(call: Call, source: str, problem: str) -> SpecError:
    remedy = f"Write {signature(call.function)}."
    return error_at(source, call.span, f"The call of `{call.function}` {problem}.", remedy=remedy)


def _checked_argument(value: Expr, parameter: Parameter, call: Call, source: str) -> Expr:
    match parameter.kind, value:
        case "numeric", _:
            return _numeric(value, call, source)
        case "averaged", _:
            return _averaged(value, call, source)
        case "column", Name():
            return value
        case "group", Name() | Binary(":") if _is_crossing(value):
            return value
        case "flag", Name("True") | Number(text="True"):
            return replace(_TRUE, span=value.span)
        case "flag", Name("False") | Number(text="False"):
            return replace(_FALSE, span=value.span)
        case "integer", Number(number) if number.is_integer() and number >= parameter.minimum:
            return value
        case "choice", String(choice) if choice in parameter.choices:
            return value
    wanted = {
        "column": "the name of a column",
        "group": "the name of a column, or of several joined by a colon",
        "flag": "True or False",
        "integer": f"a whole number, at least {parameter.minimum}",
        "choice": " or ".join(f'"{choice}"' for choice in parameter.choices),
    }[parameter.kind]
    what = f"The argument `{parameter.name}` of `{call.function}` must be {wanted}."
    first = "Add it to the data as a column first. " if parameter.kind == "column" else ""
    raise error_at(source, value.span, what, remedy=f"{first}Write {signature(call.function)}.")


def _is_crossing(expr: Expr) -> bool:
    match expr:
        case Name():
            return True
        case Binary(":", left, right):
            return _is_crossing(left) and _is_crossing(right)
    return False


def _averaged(value: Expr, call: Call, source: str) -> Expr:
    match value:
        case Call("C"):
            return checked_call(value, source)
        case Binary("+" | "-"):
            what = f"`{call.function}` takes several variables only as a term of its own, joined by +."
            remedy = f"For the group mean of a sum or difference write {call.function}(I(…), …)."
            raise error_at(source, value.span, what, remedy=remedy)
    return _numeric(value, call, source)


def _numeric(value: Expr, call: Call, source: str) -> Expr:
    if not variables(value):
        what = f"`{call.function}` needs a column; there is none in its argument."
        raise error_at(source, value.span, what, remedy=f"Write {signature(call.function)}.")
    return _arithmetic(value, source)


def _arithmetic(expr: Expr, source: str) -> Expr:
    """Check `expr` as ordinary arithmetic on columns; return it with its calls checked."""
    match expr:
        case Name() | Number():
            return expr
        case Unary(_, operand):
            return replace(expr, operand=_arithmetic(operand, source))
        case Binary(operator, left, right) if operator in _ARITHMETIC:
            return replace(expr, left=_arithmetic(left, source), right=_arithmetic(right, source))
        case Call(function) if function in NUMERIC or function not in FUNCTIONS:
            return checked_call(expr, source)
    raise error_at(
        source,
        expr.span,
        "Inside a function only arithmetic on columns is possible.",
        allowed=f"Operators: {' '.join(_ARITHMETIC)}; functions: {', '.join(NUMERIC)}.",
        remedy="Write interactions and random terms outside of functions.",
    )
