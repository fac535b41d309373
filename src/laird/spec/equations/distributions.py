"""Distributions of random effects and residuals, and the regressions of their scales."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import combinations
from itertools import product as pairs

from laird.spec.equations.forms import numbered_index, product, random_effect
from laird.spec.equations.latex import (
    Line,
    column_vector,
    distributed,
    distribution,
    matrix,
    relation,
    squared,
    symbol,
)
from laird.spec.equations.layout import Coding, Column, Grouping, Layout, Numbered, columns, joined, numbered
from laird.spec.equations.notations import Notation, bold
from laird.spec.equations.residuals import CORRELATION, residuals
from laird.spec.terms import DistributionalPart

GROUP_SD, GROUP_SD_COEFFICIENT = r"\tau", r"\delta"

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
    shared = [line for pair in combinations(layouts, 2) for line in _links(*pair, parts, row, coding)]
    return [*groups, *shared, *residuals(layouts, parts, row, coding, matrices)]


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


def _links(first: Layout, second: Layout, parts: Parts, row: Notation, coding: Coding) -> Iterator[Line]:
    """Write the covariances of the random effects that two outcomes have of the same groups."""
    for a, b in pairs(first.groupings, second.groupings):
        blocks = list(zip(_correlated(a, first, coding), _correlated(b, second, coding), strict=False))
        if a.name == b.name and blocks:
            index = a.index if any(sd_part(a, column, parts) for column in a.columns) else ""
            marks = (first.mark, second.mark, a.mark)
            spread = symbol(row.covariance, index, *marks)
            effects = ", ".join((_effect(a, first), _effect(b, second)))
            entries = [
                [
                    symbol(row.covariance_element, joined(*x.number, *y.number), *marks)
                    if any(x.column in own and y.column in other for own, other in blocks)
                    else "0"
                    for y in b.columns
                ]
                for x in a.columns
            ]
            written = entries[0][0] if len(a.columns) == len(b.columns) == 1 else matrix(entries)
            yield relation(rf"\operatorname{{Cov}}\left({effects}\right)", spread if index else written)


def _effect(grouping: Grouping, layout: Layout) -> str:
    """The random effects of one group: a vector, or the only one."""
    if len(grouping.columns) > 1:
        return effect_vector(grouping, layout)
    return random_effect(grouping, layout, grouping.columns[0].number[0])


def _correlated(grouping: Grouping, layout: Layout, coding: Coding) -> list[tuple[Column, ...]]:
    """The columns of each ``(… | g)``: the first of all outcomes are correlated, so are the second ones."""
    return [
        columns(term.terms, coding, term.group_name)
        for term in layout.location.random
        if term.group_name == grouping.name and term.correlated
    ]


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
    drawn = rf"{vector} \sim {distribution(grouping.family, grouping.name, r'\mathbf{0}', spread)}"
    return (relation(effect_vector(grouping, layout), drawn), *structure, *regressions)


def _single_effect(grouping: Grouping, layout: Layout, row: Notation, is_modelled: bool) -> Line:
    number = grouping.columns[0].number[0]
    if is_modelled:
        variance = squared(GROUP_SD, numbered_index(grouping.index, number), layout.mark, grouping.mark)
    else:
        variance = _element(grouping, layout, row, number, number)
    drawn = distribution(grouping.family, grouping.name, "0", variance)
    return distributed(random_effect(grouping, layout, number), drawn)


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
