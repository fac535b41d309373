r"""The matrix form of Laird and Ware (1982): ``Y_j = X_j \gamma + Z_j u_j + r_j``."""

from __future__ import annotations

from collections.abc import Sequence

from laird.spec.equations.distributions import covariance, effect_vector, sd_part
from laird.spec.equations.forms import fixed_base, fixed_symbol, ordered, random_effect
from laird.spec.equations.latex import (
    Line,
    column_vector,
    distributed,
    distribution,
    matrix,
    normal,
    relation,
    symbol,
)
from laird.spec.equations.layout import Grouping, Layout, Numbered
from laird.spec.equations.notations import Notation, bold
from laird.spec.equations.residuals import (
    factor_of,
    independent_rows,
    known_and,
    residual_diagonal,
    sigma,
    sigma_part,
)
from laird.spec.terms import DistributionalPart

type Parts = Sequence[DistributionalPart]


def matrices_of(layouts: Sequence[Layout], parts: Parts, row: Notation) -> list[Line]:
    """Return the matrix form of every outcome; the notation may ask for the matrices' contents."""
    return [line for layout in layouts for line in _matrix_form(layout, parts, row)]


def _matrix_form(layout: Layout, parts: Parts, row: Notation) -> tuple[Line, ...]:
    return (
        _equation(layout, row),
        *(_contents(layout, row) if row.matrix_first and _index(layout) else ()),
        *_effects(layout, parts, row),
        *(() if layout.mark else (_residuals(layout, parts, row),)),
    )


def _index(layout: Layout) -> str:
    """Return the index of one group's matrices; all rows together have none."""
    return layout.groupings[0].index if len(layout.groupings) == 1 else ""


def _equation(layout: Layout, row: Notation) -> Line:
    index = _index(layout)
    fixed = rf"{symbol(r'\mathbf{X}', index, layout.mark)}\,{_fixed_vector(layout, row)}"
    varying = tuple(
        rf"{symbol(r'\mathbf{Z}', index, layout.mark, grouping.mark)}\,"
        rf"{symbol(bold(grouping.effect), index, layout.mark)}"
        for grouping in layout.groupings
    )
    return Line(symbol(row.outcome, index, layout.mark), ((fixed, *varying, _residual(layout, row)),))


def _fixed_vector(layout: Layout, row: Notation) -> str:
    return symbol(bold(fixed_base(layout, row)), "", layout.mark)


def _residual(layout: Layout, row: Notation) -> str:
    return symbol(bold(row.residual), _index(layout), layout.mark)


def _contents(layout: Layout, row: Notation) -> tuple[Line, ...]:
    """Write out what stands in the matrices of one group."""
    (grouping,) = layout.groupings
    fixed = column_vector(fixed_symbol(column, layout, row) for column in layout.fixed)
    effects = column_vector(random_effect(grouping, layout, column.number[0]) for column in grouping.columns)
    return (
        relation(symbol(r"\mathbf{X}", grouping.index, layout.mark), _stacked(layout.fixed, layout, row)),
        relation(symbol(r"\mathbf{Z}", grouping.index, layout.mark), _stacked(grouping.columns, layout, row)),
        relation(
            _fixed_vector(layout, row), rf"{fixed}, \quad {effect_vector(grouping, layout)} = {effects}"
        ),
    )


def _stacked(columns: Sequence[Numbered], layout: Layout, row: Notation) -> str:
    """Write the first row, dots, and the last row of a matrix."""
    last = f"n_{{{_index(layout)}}}"
    first, final = (_row(columns, layout, row, own) for own in ("1", last))
    return matrix([first, [r"\vdots"] * len(columns), final])


def _row(columns: Sequence[Numbered], layout: Layout, row: Notation, own: str) -> list[str]:
    place = layout.place.at_row(row.row_index(layout.place.all_groups, own))
    return [r"\,".join(f.latex(place) for f in ordered(column, place)) or "1" for column in columns]


def _effects(layout: Layout, parts: Parts, row: Notation) -> tuple[Line, ...]:
    return tuple(_effect_distribution(grouping, layout, parts, row) for grouping in layout.groupings)


def _effect_distribution(grouping: Grouping, layout: Layout, parts: Parts, row: Notation) -> Line:
    is_modelled = any(sd_part(grouping, column, parts) for column in grouping.columns)
    of_one = covariance(grouping, layout, row, grouping.index if is_modelled else "")
    if len(layout.groupings) == 1:
        drawn = distribution(grouping.family, grouping.name, r"\mathbf{0}", of_one)
        return distributed(effect_vector(grouping, layout), drawn)
    if grouping.family != "normal":
        each = distribution(grouping.family, grouping.name, r"\mathbf{0}", of_one)
        return distributed(effect_vector(grouping, layout), each)
    of_all = (
        rf"\operatorname{{blockdiag}}\left({of_one}\right)"
        if is_modelled
        else rf"\mathbf{{I}} \otimes {of_one}"
    )
    return distributed(symbol(bold(grouping.effect), "", layout.mark), normal(r"\mathbf{0}", of_all))


def _residuals(layout: Layout, parts: Parts, row: Notation) -> Line:
    if layout.family != "normal":
        return distributed(_residual(layout, row), independent_rows(layout, parts, _index(layout)))
    name = symbol(row.residual_covariance, _index(layout), layout.mark)
    is_scaled = row.residual_scaled and layout.location.known is None and sigma_part(layout, parts) is None
    spread = rf"{sigma(layout, parts)}\,{name}" if is_scaled else name
    contents = r"\mathbf{I}" if is_scaled else _residual_spread(layout, parts)
    drawn = rf"{normal(r'\mathbf{0}', spread)}, \quad {name} = {contents}"
    return distributed(_residual(layout, row), drawn)


def _residual_spread(layout: Layout, parts: Parts) -> str:
    known = layout.location.known
    if known is None:
        return residual_diagonal(layout, parts)
    variances = factor_of(known) + symbol(r"\mathbf{V}", _index(layout))
    return known_and(variances, residual_diagonal, layout, parts)
