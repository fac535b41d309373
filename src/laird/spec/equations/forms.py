"""The scalar forms of one outcome: level 1, level 2, and combined."""

from __future__ import annotations

from collections.abc import Sequence

from laird.spec.equations.latex import Line, Place, expression, symbol
from laird.spec.equations.layout import Factor, Grouping, Layout, Numbered, joined
from laird.spec.equations.notations import Notation
from laird.spec.writing import text

REGRESSION = r"\beta"


def level1(layout: Layout, row: Notation) -> tuple[Line, ...]:
    r"""Return the level-1 equation, ``Y_{ij} = \beta_{0j} + \beta_{1j} X_{ij} + r_{ij}``."""
    if not layout.level2:
        return ()
    place = layout.place
    coefficients = tuple(
        product(group_coefficient(layout, row, equation.number), equation.inner, place)
        for equation in layout.level2
    )
    return (Line(outcome(layout), ((*coefficients, residual(layout, row)),)),)


def level2(layout: Layout, row: Notation) -> tuple[Line, ...]:
    r"""Return the level-2 equations, ``\beta_{0j} = \gamma_{00} + \gamma_{01} W_j + u_{0j}``."""
    lines = []
    for equation in layout.level2:
        fixed = fixed_sum(equation.outer, layout, row)
        deviation = random_effect(layout.groupings[0], layout, equation.number)
        summands = (*fixed, deviation) if equation.is_random else fixed
        lines.append(Line(group_coefficient(layout, row, equation.number), (summands,)))
    return tuple(lines)


def combined(layout: Layout, row: Notation) -> Line:
    """Return the combined equation: fixed part, random part, residual."""
    varying = tuple(
        product(
            random_effect(grouping, layout, column.number[0]), ordered(column, layout.place), layout.place
        )
        for grouping in layout.groupings
        for column in grouping.columns
    )
    fixed = fixed_sum(layout.fixed, layout, row)
    return Line(outcome(layout), (fixed, (*varying, residual(layout, row))))


def fixed_symbols(layout: Layout, row: Notation) -> tuple[tuple[str, str], ...]:
    """Return pairs (column name, symbol); of several outcomes, each names its own."""
    prefix = f"{text(layout.location.outcome)}: " if layout.mark else ""
    return tuple((prefix + column.column.name, fixed_symbol(column, layout, row)) for column in layout.fixed)


def fixed_symbol(column: Numbered, layout: Layout, row: Notation) -> str:
    """Return the symbol of one fixed effect."""
    return symbol(fixed_base(layout, row), column.index, layout.mark)


def fixed_base(layout: Layout, row: Notation) -> str:
    """Return the letter of the fixed effects; a plain regression has the usual one."""
    return row.fixed if layout.groupings else REGRESSION


def fixed_sum(columns: Sequence[Numbered], layout: Layout, row: Notation) -> tuple[str, ...]:
    """Return the summands of a fixed part."""
    return tuple(
        product(fixed_symbol(column, layout, row), ordered(column, layout.place), layout.place)
        for column in columns
    )


def ordered(column: Numbered, place: Place) -> tuple[Factor, ...]:
    """Return the factors of a column, group level first."""
    return column.column.ordered(place)


def product(coefficient: str, factors: Sequence[Factor], place: Place) -> str:
    """Return a coefficient times the factors of its column."""
    return r"\,".join([coefficient, *(factor.latex(place) for factor in factors)])


def outcome(layout: Layout) -> str:
    """Return the outcome with its index."""
    return expression(layout.location.outcome, layout.place)


def residual(layout: Layout, row: Notation) -> str:
    """Return the residual of one row."""
    return symbol(row.residual, layout.place.row, layout.mark)


def group_coefficient(layout: Layout, row: Notation, number: int) -> str:
    """Return a coefficient of one group, as level 1 writes it."""
    return symbol(row.coefficient, numbered_index(layout.groupings[0].index, number), layout.mark)


def random_effect(grouping: Grouping, layout: Layout, number: int) -> str:
    """Return the deviation of one group's coefficient from its expectation."""
    return symbol(grouping.effect, numbered_index(grouping.index, number), layout.mark)


def numbered_index(group: str, *numbers: int) -> str:
    """Return the index of a coefficient of one group.

    Examples
    --------
    >>> numbered_index("j", 0), numbered_index("j", 12)
    ('0j', '12,j')
    """
    return joined(*numbers) + ("," if max(numbers) > 9 else "") + group
