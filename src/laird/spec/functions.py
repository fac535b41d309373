"""The closed list of functions a formula may use, and the check of every call.

A checked call is in canonical form: arguments in the order of the signature, spelled
by position or by keyword as the table says, so that ``poly(x, degree=2)`` equals
``poly(x, 2)``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from laird.errors import SpecError, nearest
from laird.spec.scanner import error_at
from laird.spec.syntax import Binary, Call, Expr, Name, Number, String, Unary, variables

type Kind = Literal["numeric", "column", "integer", "choice"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a function; the first of `choices` is the default."""

    name: str
    kind: Kind
    by_keyword: bool = False
    minimum: int = 1
    choices: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the parameter as a signature shows it."""
        if self.choices:
            return f'{self.name}="{self.choices[0]}"'
        return f"{self.name}=…" if self.by_keyword else self.name


_X = Parameter("x", "numeric")
_G = Parameter("g", "column")

FUNCTIONS: dict[str, tuple[Parameter, ...]] = {
    "cvar": (_X, _G),
    "dvar": (_X, _G),
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
NUMERIC = (*ELEMENTWISE, "center", "scale", "cvar", "dvar")
_ARITHMETIC = ("+", "-", "*", "/", "^")


def signature(function: str) -> str:
    """Return how `function` is called.

    Examples
    --------
    >>> signature("cvar"), signature("bs")
    ('cvar(x, g)', 'bs(x, df=…)')
    """
    return f"{function}({', '.join(str(parameter) for parameter in FUNCTIONS[function])})"


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
    return parameter.choices[:1] == (value.value,) if isinstance(value, String) else False


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
        if parameter not in given and not parameter.choices:
            raise _wrong_arguments(call, source, f"lacks the argument `{parameter.name}`")
    return {parameter: given[parameter] for parameter in parameters if parameter in given}


def _wrong_arguments(call: Call, source: str, problem: str) -> SpecError:
    remedy = f"Write {signature(call.function)}."
    return error_at(source, call.span, f"The call of `{call.function}` {problem}.", remedy=remedy)


def _checked_argument(value: Expr, parameter: Parameter, call: Call, source: str) -> Expr:
    match parameter.kind, value:
        case "numeric", _:
            return _numeric(value, call, source)
        case "column", Name():
            return value
        case "integer", Number(number) if number.is_integer() and number >= parameter.minimum:
            return value
        case "choice", String(choice) if choice in parameter.choices:
            return value
    wanted = {
        "column": "the name of a column",
        "integer": f"a whole number, at least {parameter.minimum}",
        "choice": " or ".join(f'"{choice}"' for choice in parameter.choices),
    }[parameter.kind]
    what = f"The argument `{parameter.name}` of `{call.function}` must be {wanted}."
    raise error_at(source, value.span, what, remedy=f"Write {signature(call.function)}.")


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
