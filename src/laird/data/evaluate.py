"""The value of a formula's expression in every row, with what the fitted data taught it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from laird.data.averages import average, learn_means
from laird.data.column import Column
from laird.data.factors import known_codes
from laird.data.frame import Table, first_rows
from laird.data.transforms import PLAIN, STATEFUL
from laird.errors import DataError
from laird.spec import text, variables
from laird.spec.functions import AVERAGES
from laird.spec.syntax import Binary, Call, Expr, Name, Number, Unary

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type States = Mapping[Expr, Floats]

_ARITHMETIC: Mapping[str, Callable[[Floats, Floats], Floats]] = MappingProxyType(
    {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "^": np.power}
)
_SIGNS: Mapping[str, Callable[[Floats], Floats]] = MappingProxyType({"+": np.positive, "-": np.negative})


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """All that the value of an expression depends on.

    Attributes
    ----------
    table
        The columns.
    ids
        Group of each row by grouping column, numbered as in the stored group means;
        groups that have none are numbered from there on.
    states
        What ``center``, ``scale``, ``poly``, ``bs``, ``cvar`` and ``dvar`` learned.
    levels
        Levels of the categories, by the text of their factor, of which groups have shares.
    """

    table: Table
    ids: Mapping[str, Ids]
    states: States
    levels: Mapping[str, tuple[str, ...]] = MappingProxyType({})


def evaluate(expr: Expr, context: Context) -> Floats:
    """Return the value of `expr` in each row, shape (n,) or (n, k).

    Raises
    ------
    DataError
        A column in it is not numeric, or the value is not finite in some row.

    Examples
    --------
    >>> from laird.data.frame import read_table
    >>> from laird.spec.syntax import Call, Name
    >>> context = Context(read_table({"x": [1, 100]}, ["x"]), {}, {})
    >>> evaluate(Call("log10", (Name("x"),)), context)
    array([0., 2.])
    """
    with np.errstate(all="ignore"):
        values = _value(expr, context)
    _check_finite(expr, values, context.table)
    return values


def _value(expr: Expr, context: Context) -> Floats:
    match expr:
        case Number(number):
            return np.asarray(number)
        case Name(name):
            return numbers(context.table.column(name))
        case Unary(sign, operand):
            return _SIGNS[sign](_value(operand, context))
        case Binary(operator, left, right):
            return _ARITHMETIC[operator](_value(left, context), _value(right, context))
        case Call():
            return _call(expr, context)
    raise TypeError(f"not a numeric expression: {text(expr)}")


def _call(call: Call, context: Context) -> Floats:
    if call.function in AVERAGES:
        return average(call, *_averaged(call, context), context.ids, context.states)
    x = _one_number(call, _value(call.args[0], context))
    if call.function in STATEFUL:
        return STATEFUL[call.function].apply(x, context.states[call])
    return PLAIN[call.function](x)


def _one_number(call: Call, x: Floats) -> Floats:
    if x.ndim < 2:
        return x
    raise DataError(
        f"`{text(call)}`: `{text(call.args[0])}` is of categories, so it is not one number in each row.",
        remedy="Use it as a term of its own.",
    )


def _averaged(call: Call, context: Context) -> tuple[Floats, Floats]:
    """What a ``cvar`` or ``dvar`` averages (categories: indicators of all levels but the first), weights."""
    expr, weights = call.args[0], dict(call.keywords).get("weights")
    levels = context.levels.get(text(expr))
    x = _value(expr, context) if levels is None else _indicators(variables(expr)[0], levels, context.table)
    return x, np.ones(len(context.table)) if weights is None else _value(weights, context)


def _indicators(name: str, levels: tuple[str, ...], table: Table) -> Floats:
    codes = known_codes(table.column(name), levels, table.rows)
    return np.asarray(codes[:, np.newaxis] == np.arange(1, len(levels)), dtype=np.float64)


def numbers(column: Column) -> Floats:
    """Return the values of a numeric column as floats.

    Raises
    ------
    DataError
        The column is not numeric.
    """
    if column.kind != "number":
        raise DataError(
            f"Column `{column.name}` holds {_KINDS[column.kind]}, but numbers are needed here.",
            remedy="Use it as a term of its own, or add a numeric column to the data.",
        )
    return column.values.astype(np.float64, copy=False)


_KINDS = {"boolean": "truth values", "text": "text", "category": "categories", "date": "dates"}


def _check_finite(expr: Expr, values: Floats, table: Table) -> None:
    finite = np.isfinite(values)
    if finite.all():
        return
    wrong = ~finite if finite.ndim == 1 else ~finite.all(axis=1)
    raise DataError(
        f"`{text(expr)}` is not a finite number in {int(wrong.sum())} of {len(wrong)} rows.",
        where=f"    {text(expr)}: {first_rows(wrong, table.rows)} (counted from 0)",
        remedy=_remedy(expr),
    )


def _remedy(expr: Expr) -> str:
    if isinstance(expr, Call) and expr.function == "bs":
        return "A spline is defined only within the range of the fitted data."
    return "Leave these rows out, or use a function that is defined for their values."


def calls(exprs: Iterable[Expr]) -> Iterator[Call]:
    """All calls in `exprs`, inner ones first.

    Examples
    --------
    >>> from laird.spec.syntax import Call, Name
    >>> [call.function for call in calls([Call("log", (Call("abs", (Name("x"),)),))])]
    ['abs', 'log']
    """
    for expr in exprs:
        match expr:
            case Call():
                yield from calls(expr.args)
                yield expr
            case Binary(_, left, right):
                yield from calls((left, right))
            case Unary(_, operand):
                yield from calls((operand,))


def learn_states(
    exprs: Iterable[Expr],
    table: Table,
    ids: Mapping[str, Ids],
    levels: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> States:
    """Learn the state of every function in `exprs` that has one; of means under their ``cvar`` call.

    Raises
    ------
    DataError
        A column is constant where its spread is needed, or has too few values.

    Examples
    --------
    >>> from laird.data.frame import read_table
    >>> from laird.spec.syntax import Call, Name
    >>> table = read_table({"x": [1.0, 2.0, 6.0], "g": ["a", "a", "b"]}, ["x", "g"])
    >>> call = Call("cvar", (Name("x"), Name("g")))
    >>> learn_states([call], table, {"g": np.array([0, 0, 1])})[call]
    array([1.5, 6. ])
    """
    states: dict[Expr, Floats] = {}
    for call in calls(exprs):
        for key, state in _learn(call, Context(table, ids, states, levels)).items():
            state.flags.writeable = False
            states[key] = state
    return MappingProxyType(states)


def _learn(call: Call, context: Context) -> Mapping[Expr, Floats]:
    if call.function in AVERAGES:
        return learn_means(call, *_averaged(call, context), context.ids, context.table.rows)
    if call.function not in STATEFUL:
        return {}
    x, arguments = _one_number(call, evaluate(call.args[0], context)), width(call)
    _check_distinct(call, x, needed=arguments[0] + 1 if arguments else 1 + (call.function == "scale"))
    return {call: STATEFUL[call.function].learn(x, *arguments)}


def _check_distinct(call: Call, x: Floats, needed: int) -> None:
    if needed == 1 or len(np.unique(x)) >= needed:
        return
    raise DataError(
        f"`{text(call)}` needs at least {needed} different values of `{text(call.args[0])}`.",
        where=f"    There are {len(np.unique(x))} in {len(x)} rows.",
        remedy="Use fewer columns, or the variable as it is.",
    )


def width(call: Call) -> tuple[int, ...]:
    """The number of columns that ``poly(x, 2)`` or ``bs(x, df=5)`` asks for; empty for one value a row.

    Examples
    --------
    >>> from laird.spec.syntax import Call, Name, Number
    >>> width(Call("poly", (Name("x"), Number(2.0, "2")))), width(Call("log", (Name("x"),)))
    ((2,), ())
    """
    if call.function in AVERAGES:
        return ()
    options = (*call.args[1:], *(value for _, value in call.keywords))
    return tuple(int(option.value) for option in options if isinstance(option, Number))
