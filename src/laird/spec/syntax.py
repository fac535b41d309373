"""The syntax tree of a formula: frozen nodes that remember their place in the text.

Spans do not take part in comparison, so two formulas that say the same are equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

type Span = tuple[int, int]
type Expr = Number | String | Name | Call | Unary | Binary | Bar

NOWHERE: Span = (0, 0)


@dataclass(frozen=True, slots=True)
class Number:
    """A number; `text` is its shortest spelling (``2`` for ``2.0``)."""

    value: float
    text: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class String:
    """A quoted string (only as an argument of a call)."""

    value: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Name:
    """A column; odd names are written in backticks."""

    name: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function of columns, e.g. ``cvar(ses, school)``."""

    function: str
    args: tuple[Expr, ...]
    keywords: tuple[tuple[str, Expr], ...] = ()
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Unary:
    """A signed operand."""

    operator: str
    operand: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands joined by one of ``+ - : * / ^ ~``."""

    operator: str
    left: Expr
    right: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Bar:
    """A random term ``(left | right)``, or ``(left || right)`` when `double`."""

    left: Expr
    right: Expr
    double: bool = False
    span: Span = field(default=NOWHERE, compare=False, repr=False)


def children(expr: Expr) -> tuple[Expr, ...]:
    """Return the direct sub-expressions of `expr`, in order.

    Examples
    --------
    >>> children(Call("log", (Name("x"),)))
    (Name(name='x'),)
    """
    match expr:
        case Call(_, args, keywords):
            return (*args, *(value for _, value in keywords))
        case Unary(_, operand):
            return (operand,)
        case Binary(_, left, right) | Bar(left, right):
            return (left, right)
    return ()


def walk(expr: Expr) -> Iterator[Expr]:
    """Yield `expr` and everything below it, in the order of the text.

    Examples
    --------
    >>> [type(node).__name__ for node in walk(Call("log", (Name("x"),)))]
    ['Call', 'Name']
    """
    pending = [expr]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(children(node)))


def variables(expr: Expr) -> tuple[str, ...]:
    """Return the data columns that `expr` uses, each once, in order of appearance.

    Examples
    --------
    >>> variables(Call("cvar", (Name("ses"), Name("school"))))
    ('ses', 'school')
    """
    return tuple(dict.fromkeys(node.name for node in walk(expr) if isinstance(node, Name)))
