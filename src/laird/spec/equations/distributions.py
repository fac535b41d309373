"""Distributions of random effects and residuals, and the regressions of their scales."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from laird.spec.equations.forms import numbered_index, product, random_effect, residual
from laird.spec.equations.latex import (
    Line,
    Place,
    column_vector,
    distributed,
    matrix,
    normal,
    relation,
    squared,
    symbol,
    words,
)
from laird.spec.equations.layout import Coding, Grouping, Layout, Numbered, columns, joined, numbered
from laird.spec.equations.notations import Notation, bold
from laird.spec.terms import DistributionalPart
from laird.spec.writing import text

SIGMA, GROUP_SD, CORRELATION = r"\sigma", r"\tau", r"\rho"
SIGMA_COEFFICIENT, GROUP_SD_COEFFICIENT, CORRELATION_COEFFICIENT = r"\alpha", r"\delta", r"\kappa"
PROPORTION = r"\phi"

type Parts = Sequence[DistributionalPart]


def distributions(
    layouts: Sequence[Layout], parts: Parts, row: Notation, coding: Coding, matrices: Collection[str]
) -> list[Line]:
    """Return the distributions of a model.

    Parameters
    ----------
    layouts
        The outcomes.
    parts
        Regressions of sigma, of group sds and of correlations.
    row
        The notation.
    coding
        See `laird.spec.equations.layout.columns`.
    matrices
        Names of known sampling variances that are matrices.
    """
    groups = [
        line
        for layout in layouts
        for grouping in layout.groupings
        for line in _effects(grouping, layout, parts, row, coding)
    ]
    rows = (
        _joint_residual(layouts, parts, row)
        if len(layouts) > 1
        else _residual(layouts[0], parts, row, matrices)
    )
    scales = [line for layout in layouts for line in _log_sigma(layout, parts, coding)]
    return [*groups, *rows, *scales, *_correlations(layouts, parts, coding)]


def sigma_part(layout: Layout, parts: Parts) -> DistributionalPart | None:
    """Return the regression of this outcome's log sigma, if there is one."""
    targets = ((), (text(layout.location.outcome),))
    return next((part for part in parts if part.parameter == "sigma" and part.target in targets), None)


def sd_part(grouping: Grouping, column: Numbered, parts: Parts) -> DistributionalPart | None:
    """Return the regression of the log sd of one random coefficient, if there is one."""
    targets = ((grouping.name,), (grouping.name, column.column.name))
    return next((part for part in parts if part.parameter == "sd" and part.target in targets), None)


def covariance(grouping: Grouping, layout: Layout, row: Notation, index: str = "") -> str:
    """Return the symbol of the covariance matrix of a factor's random effects."""
    return symbol(row.covariance, index, layout.mark, grouping.mark)


def effect_vector(grouping: Grouping, layout: Layout) -> str:
    """Return the symbol of the vector of random effects of one group."""
    return symbol(bold(grouping.effect), grouping.index, layout.mark)


def sigma(layout: Layout, parts: Parts) -> str:
    """Return the square of the residual sd, with an index where it is modelled."""
    return squared(SIGMA, _sigma_index(layout, parts), layout.mark)


def residual_diagonal(layout: Layout, parts: Parts) -> str:
    """Return the covariance matrix of residuals that are independent."""
    spread = sigma(layout, parts)
    return (
        rf"\operatorname{{diag}}\left({spread}\right)"
        if sigma_part(layout, parts)
        else spread + r"\,\mathbf{I}"
    )


def _sigma_index(layout: Layout, parts: Parts) -> str:
    return layout.place.row if sigma_part(layout, parts) else ""


def _effects(
    grouping: Grouping, layout: Layout, parts: Parts, row: Notation, coding: Coding
) -> tuple[Line, ...]:
    modelled = [column for column in grouping.columns if sd_part(grouping, column, parts)]
    regressions = tuple(_log_sd(grouping, column, layout, parts, coding) for column in modelled)
    if len(grouping.columns) == 1:
        return (_single_effect(grouping, layout, row, bool(modelled)), *regressions)
    vector = column_vector(random_effect(grouping, layout, column.number[0]) for column in grouping.columns)
    index = grouping.index if modelled else ""
    spread = covariance(grouping, layout, row, index)
    structure = (
        _decomposed(grouping, layout, parts, spread) if modelled else _plain(grouping, layout, row, spread)
    )
    drawn = rf"{vector} \sim {normal(r'\mathbf{0}', spread)}"
    return (relation(effect_vector(grouping, layout), drawn), *structure, *regressions)


def _single_effect(grouping: Grouping, layout: Layout, row: Notation, is_modelled: bool) -> Line:
    number = grouping.columns[0].number[0]
    if is_modelled:
        variance = squared(GROUP_SD, numbered_index(grouping.index, number), layout.mark, grouping.mark)
    else:
        variance = _element(grouping, layout, row, number, number)
    return distributed(random_effect(grouping, layout, number), normal("0", variance))


def _plain(grouping: Grouping, layout: Layout, row: Notation, spread: str) -> tuple[Line, ...]:
    """Write the covariance matrix element by element."""
    entries = _square(grouping, lambda first, second: _element(grouping, layout, row, first, second))
    return (relation(spread, entries),)


def _element(grouping: Grouping, layout: Layout, row: Notation, first: int, second: int) -> str:
    return symbol(row.covariance_element, joined(first, second), layout.mark, grouping.mark)


def _decomposed(grouping: Grouping, layout: Layout, parts: Parts, spread: str) -> tuple[Line, ...]:
    """Write the covariance matrix as sds times correlations times sds."""
    marks = (layout.mark, grouping.mark)
    scales = symbol(r"\mathbf{D}", grouping.index, *marks)
    correlations = symbol(r"\mathbf{C}", "", *marks)
    sds = ", ".join(_sd(grouping, column, layout, parts) for column in grouping.columns)
    entries = _square(
        grouping,
        lambda first, second: "1" if first == second else symbol(CORRELATION, joined(first, second), *marks),
    )
    return (
        relation(spread, rf"{scales}\,{correlations}\,{scales}"),
        relation(scales, rf"\operatorname{{diag}}\left({sds}\right)"),
        relation(correlations, entries),
    )


def _sd(grouping: Grouping, column: Numbered, layout: Layout, parts: Parts) -> str:
    index = grouping.index if sd_part(grouping, column, parts) else ""
    return symbol(GROUP_SD, numbered_index(index, *column.number), layout.mark, grouping.mark)


def _square(grouping: Grouping, entry: Callable[[int, int], str]) -> str:
    return matrix(
        (
            entry(first.number[0], second.number[0])
            if grouping.are_linked(first.column, second.column)
            else "0"
            for second in grouping.columns
        )
        for first in grouping.columns
    )


def _log_sd(grouping: Grouping, column: Numbered, layout: Layout, parts: Parts, coding: Coding) -> Line:
    part = sd_part(grouping, column, parts)
    terms = part.terms if part else ()
    place = layout.place.at_row(grouping.index)
    summands = tuple(
        product(
            symbol(
                GROUP_SD_COEFFICIENT,
                joined(*column.number, *explaining.number),
                layout.mark,
                grouping.mark,
            ),
            explaining.column.factors,
            place,
        )
        for explaining in numbered(columns(terms, coding, f"sd({grouping.name})"))
    )
    return Line(r"\log " + _sd(grouping, column, layout, parts), (summands,))


def _log_sigma(layout: Layout, parts: Parts, coding: Coding) -> tuple[Line, ...]:
    part = sigma_part(layout, parts)
    if part is None:
        return ()
    left = r"\log " + symbol(SIGMA, layout.place.row, layout.mark)
    return (Line(left, (_regression(part, SIGMA_COEFFICIENT, layout.place, coding, layout.mark),)),)


def _correlations(layouts: Sequence[Layout], parts: Parts, coding: Coding) -> tuple[Line, ...]:
    marks = {text(layout.location.outcome): layout.mark for layout in layouts}
    place = layouts[0].place
    lines = []
    for part in parts:
        if part.parameter == "rho":
            pair = [marks.get(target, target) for target in part.target]
            left = r"\operatorname{artanh} " + symbol(CORRELATION, place.row, *pair)
            lines.append(Line(left, (_regression(part, CORRELATION_COEFFICIENT, place, coding, *pair),)))
    return tuple(lines)


def _regression(
    part: DistributionalPart, base: str, place: Place, coding: Coding, *marks: str
) -> tuple[str, ...]:
    scope = part.parameter + (f"({', '.join(part.target)})" if part.target else "")
    return tuple(
        product(symbol(base, column.index, *marks), column.column.ordered(place), place)
        for column in numbered(columns(part.terms, coding, scope))
    )


def _residual(layout: Layout, parts: Parts, row: Notation, matrices: Collection[str]) -> tuple[Line, ...]:
    known = layout.location.known
    spread = sigma(layout, parts)
    if known is None:
        return (distributed(residual(layout, row), normal("0", spread)),)
    scale = PROPORTION + r"\," if known.scale == "proportional" else ""
    if known.name in matrices:
        total = rf"{scale}\mathbf{{V}} + {residual_diagonal(layout, parts)}"
        return (distributed(bold(row.residual), normal(r"\mathbf{0}", total)),)
    variance = scale + symbol(words(known.name), layout.place.row)
    return (distributed(residual(layout, row), normal("0", f"{variance} + {spread}")),)


def _joint_residual(layouts: Sequence[Layout], parts: Parts, row: Notation) -> tuple[Line, ...]:
    """Write the residuals of one row's outcomes as one vector."""
    place = layouts[0].place
    vector = column_vector(residual(layout, row) for layout in layouts)
    spread = symbol(r"\boldsymbol{\Sigma}", place.row)
    known = any(layout.location.known for layout in layouts)
    total = rf"{symbol(r'\mathbf{V}', place.row)} + {spread}" if known else spread
    entries = matrix((_residual_covariance(first, second, parts) for second in layouts) for first in layouts)
    return (
        distributed(vector, normal(r"\mathbf{0}", total)),
        relation(spread, entries),
    )


def _residual_covariance(first: Layout, second: Layout, parts: Parts) -> str:
    if first is second:
        return sigma(first, parts)
    pair = sorted((first, second), key=lambda layout: layout.mark)
    names = {text(layout.location.outcome) for layout in pair}
    is_modelled = any(part.parameter == "rho" and set(part.target) == names for part in parts)
    index = first.place.row if is_modelled else ""
    correlation = symbol(CORRELATION, index, *(layout.mark for layout in pair))
    sds = (symbol(SIGMA, _sigma_index(layout, parts), layout.mark) for layout in pair)
    return r"\,".join([correlation, *sds])
