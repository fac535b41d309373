"""The syntax tree of a formula: frozen nodes that remember their place in the text.

Spans do not take part in comparison, so two formulas that say the same are equal.
"""

from __future__ import annotations

from dataclasses import dataclass, field

type Span = tuple[int, int]
type Expr = Number | String | Name | Call | Unary | Binary | Bar


def _span() -> Span:
    return field(default=(0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Number:
    """A number; `text` is as written."""

    value: float
    text: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class String:
    """A quoted string (only as an argument of a call)."""

    value: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Name:
    """A column; odd names are written in backticks."""

    name: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Call:
    """A function of columns, e.g. ``cvar(ses, school)``."""

    function: str
    args: tuple[Expr, ...]
    keywords: tuple[tuple[str, Expr], ...] = ()
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Unary:
    """A signed operand."""

    operator: str
    operand: Expr
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands joined by one of ``+ - : * / ^ ~``."""

    operator: str
    left: Expr
    right: Expr
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Bar:
    """A random term ``(left | right)``, or ``(left || right)`` when `double`."""

    left: Expr
    right: Expr
    double: bool = False
    span: Span = _span()
