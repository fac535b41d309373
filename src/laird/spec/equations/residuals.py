"""Distributions of the residuals of rows: known and estimated variances, of one or several outcomes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import combinations

from laird.spec.equations.forms import product, residual
from laird.spec.equations.latex import (
    Line,
    Place,
    column_vector,
    distributed,
    distribution,
    matrix,
    normal,
    relation,
    squared,
    symbol,
    words,
)
from laird.spec.equations.layout import Coding, Layout, columns, numbered
from laird.spec.equations.notations import Notation, bold
from laird.spec.terms import DistributionalPart, KnownVariance
from laird.spec.writing import text

SIGMA, CORRELATION, PROPORTION = r"\sigma", r"\rho", r"\phi"
SIGMA_COEFFICIENT, CORRELATION_COEFFICIENT = r"\alpha", r"\kappa"

type Parts = Sequence[DistributionalPart]


def residuals(
    layouts: Sequence[Layout], parts: Parts, row: Notation, coding: Coding, matrices: Collection[str]
) -> list[Line]:
    """Return the distribution of the residuals and the regressions of their sds and correlations.

    Parameters
    ----------
    layouts, parts, row, coding, matrices
        As for `laird.spec.equations.distributions.distributions`.
    """
    several = len(layouts) > 1
    lines = _joint(layouts, parts, row, matrices) if several else _one(layouts[0], parts, row, matrices)
    sigmas = (line for layout in layouts for line in _log_sigma(layout, parts, coding))
    return [*lines, *sigmas, *_correlations(layouts, parts, coding)]


def sigma_part(layout: Layout, parts: Parts) -> DistributionalPart | None:
    """Return the regression of this outcome's log sigma, if there is one."""
    targets = ((), (text(layout.location.outcome),))
    return next((part for part in parts if part.parameter == "sigma" and part.target in targets), None)


def is_zero(layout: Layout, parts: Parts) -> bool:
    """Tell whether the outcome has no sigma, ``sigma ~ 0``."""
    part = sigma_part(layout, parts)
    return part is not None and not part.terms


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


def known_and(known: str, spread: Callable[[Layout, Parts], str], layout: Layout, parts: Parts) -> str:
    """Return what is known and what is estimated beside it; ``sigma ~ 0`` leaves the known part."""
    return known if is_zero(layout, parts) else f"{known} + {spread(layout, parts)}"


def factor_of(known: KnownVariance) -> str:
    """Return the factor of a proportional variance."""
    return PROPORTION + r"\," if known.scale == "proportional" else ""


def _sigma_index(layout: Layout, parts: Parts) -> str:
    return layout.place.row if sigma_part(layout, parts) else ""


def _log_sigma(layout: Layout, parts: Parts, coding: Coding) -> tuple[Line, ...]:
    part = sigma_part(layout, parts)
    if part is None or not part.terms:
        return ()
    left = r"\log " + symbol(SIGMA, layout.place.row, layout.mark)
    return (Line(left, (_regression(part, SIGMA_COEFFICIENT, layout.place, coding, layout.mark),)),)


def _regression(
    part: DistributionalPart, base: str, place: Place, coding: Coding, *marks: str
) -> tuple[str, ...]:
    scope = part.parameter + (f"({', '.join(part.target)})" if part.target else "")
    return tuple(
        product(symbol(base, column.index, *marks), column.column.ordered(place), place)
        for column in numbered(columns(part.terms, coding, scope))
    )


def _one(layout: Layout, parts: Parts, row: Notation, matrices: Collection[str]) -> tuple[Line, ...]:
    known = layout.location.known
    if known is None:
        return (distributed(residual(layout, row), _rows(layout, parts)),)
    if layout.family != "normal" and known.name in matrices:
        return (distributed(bold(row.residual), independent_rows(layout, parts)),)
    if known.name in matrices:
        total = known_and(factor_of(known) + r"\mathbf{V}", residual_diagonal, layout, parts)
        return (distributed(bold(row.residual), normal(r"\mathbf{0}", total)),)
    variance = factor_of(known) + symbol(words(known.name), layout.place.row)
    if layout.family != "normal":
        both = rf"{_rows(layout, parts)} + {normal('0', variance)}"
        return (distributed(residual(layout, row), both),)
    return (distributed(residual(layout, row), normal("0", known_and(variance, sigma, layout, parts))),)


def _rows(layout: Layout, parts: Parts) -> str:
    """Write the distribution of the residual of one row, or of what known variances leave of it."""
    return distribution(layout.family, "", "0", sigma(layout, parts))


def independent_rows(layout: Layout, parts: Parts, index: str = "") -> str:
    """Write the distribution of rows that are independent but for their sampling errors."""
    own, known = rf"{_rows(layout, parts)}^{{n}}", layout.location.known
    if known is None:
        return own
    V = factor_of(known) + symbol(r"\mathbf{V}", index)
    return rf"{own} + {normal(r'\mathbf{0}', V)}"


def _joint(
    layouts: Sequence[Layout], parts: Parts, row: Notation, matrices: Collection[str]
) -> tuple[Line, ...]:
    """Write the residuals of one row's outcomes as one vector; a matrix V links those of all rows."""
    place = layouts[0].place
    spread = symbol(r"\boldsymbol{\Sigma}", place.row)
    entries = matrix((_covariance(first, second, layouts, parts) for second in layouts) for first in layouts)
    structure = () if all(is_zero(layout, parts) for layout in layouts) else (relation(spread, entries),)
    known = [layout.location.known for layout in layouts if layout.location.known]
    if any(one.name in matrices for one in known):
        total = factor_of(known[0]) + r"\mathbf{V}"
        total += rf" + \operatorname{{blockdiag}}\left({spread}\right)" if structure else ""
        return distributed(bold(row.residual), normal(r"\mathbf{0}", total)), *structure
    variances = symbol(r"\mathbf{V}", place.row)
    terms = ([factor_of(known[0]) + variances] if known else []) + ([spread] if structure else [])
    vector = column_vector(residual(layout, row) for layout in layouts)
    diagonal = relation(variances, _known_diagonal(layouts))
    drawn = distributed(vector, normal(r"\mathbf{0}", " + ".join(terms)))
    return drawn, *((diagonal,) if known else ()), *structure


def _known_diagonal(layouts: Sequence[Layout]) -> str:
    known = ((layout.location.known, layout.place.row) for layout in layouts)
    entries = [symbol(words(one.name), index) if one else "0" for one, index in known]
    return rf"\operatorname{{diag}}\left({', '.join(entries)}\right)"


def _covariance(first: Layout, second: Layout, layouts: Sequence[Layout], parts: Parts) -> str:
    if is_zero(first, parts) or is_zero(second, parts):
        return "0"
    if first is second:
        return sigma(first, parts)
    a, b = sorted((first, second), key=layouts.index)
    part = _rho_part(a, b, parts)
    if part is not None and not part.terms and a is layouts[0]:
        return "0"
    partial = len(layouts) > 2 and any(one.parameter == "rho" for one in parts)
    index = a.place.row if part is not None or partial else ""
    sds = (symbol(SIGMA, _sigma_index(layout, parts), layout.mark) for layout in (a, b))
    return r"\,".join([symbol(CORRELATION, index, a.mark, b.mark), *sds])


def _rho_part(a: Layout, b: Layout, parts: Parts) -> DistributionalPart | None:
    pair = {text(a.location.outcome), text(b.location.outcome)}
    return next((part for part in parts if part.parameter == "rho" and set(part.target) == pair), None)


def _correlations(layouts: Sequence[Layout], parts: Parts, coding: Coding) -> list[Line]:
    """Regressions of atanh correlations; of three outcomes or more, partial ones given earlier outcomes.

    Source: Lewandowski, Kurowicka and Joe (2009), J Multivar Anal 100, 1989-2001.
    """
    lines = []
    for a, b in combinations(layouts, 2):
        part, given = _rho_part(a, b, parts), layouts[: layouts.index(a)]
        marks = (a.mark, b.mark + (rf" \mid {','.join(one.mark for one in given)}" if given else ""))
        if part is not None and (part.terms or given):
            left = r"\operatorname{artanh} " + symbol(CORRELATION, a.place.row, *marks)
            summands = _regression(part, CORRELATION_COEFFICIENT, a.place, coding, a.mark, b.mark)
            lines.append(Line(left, (summands or ("0",),)))
    return lines
