"""What the symbols mean, in words."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from laird.spec.equations.distributions import GROUP_SD, covariance, sd_part
from laird.spec.equations.forms import fixed_base, outcome, residual
from laird.spec.equations.latex import (
    distribution_name,
    group_calls,
    group_means,
    shape_symbol,
    symbol,
    words,
)
from laird.spec.equations.layout import Grouping, Layout, joined
from laird.spec.equations.notations import Notation
from laird.spec.equations.residuals import CORRELATION, PROPORTION, SIGMA, is_zero, sigma, sigma_part
from laird.spec.syntax import Call, Expr
from laird.spec.terms import DistributionalPart
from laird.spec.writing import text

type Pair = tuple[str, str]
type Parts = Sequence[DistributionalPart]


def legend(
    layouts: Sequence[Layout], parts: Parts, row: Notation, matrices: Collection[str]
) -> tuple[Pair, ...]:
    """Return pairs (symbol, meaning), each symbol once, in reading order."""
    pairs: dict[str, str] = {}
    for layout in layouts:
        for written, meaning in _outcome_pairs(layout, parts, row, matrices):
            pairs.setdefault(written, meaning)
    if len(layouts) > 1:
        given = "; after a bar the outcomes that a partial one is given" if len(layouts) > 2 else ""
        pairs[CORRELATION] = f"correlation of the residuals of two outcomes{given}"
    return tuple(pairs.items())


def _outcome_pairs(layout: Layout, parts: Parts, row: Notation, matrices: Collection[str]) -> Iterator[Pair]:
    yield outcome(layout), _outcome_meaning(layout)
    yield from _means(layout)
    yield symbol(fixed_base(layout, row), _any_number(layout, row), layout.mark), "fixed effects"
    for grouping in layout.groupings:
        yield from _grouping_pairs(grouping, layout, parts, row)
    yield residual(layout, row), "residual"
    yield from _residual_scale(layout, parts, matrices)
    whose = "the residuals" if layout.location.known is None else "the true effects"
    yield from _shape(layout.family, "", whose)


def _outcome_meaning(layout: Layout) -> str:
    place = layout.place
    groups = ", ".join(f"{column} {letter}" for column, letter in place.letters)
    return f"{_plain(layout.location.outcome)} in row {place.own}" + (f" of {groups}" if groups else "")


def _plain(expr: Expr) -> str:
    """Return an expression for reading: no backticks."""
    return text(expr).replace("`", "")


def _any_number(layout: Layout, row: Notation) -> str:
    return "pq" if layout.level2 and row.double_index else "p"


def _means(layout: Layout) -> Iterator[Pair]:
    """Explain each group mean of a variable."""
    if layout.place.plain_names:
        return
    location = layout.location
    for call in group_calls(
        (*location.terms, *(term for random in location.random for term in random.terms))
    ):
        means = zip(group_means(call, layout.place), call.args[1:], strict=True)
        for (mean, index), group in means:
            yield symbol(mean, index), _mean_meaning(call, group)


def _mean_meaning(call: Call, group: Expr) -> str:
    options = dict(call.keywords)
    whose = " of the other rows" if "loo" in options else ""
    weighted = f", weighted by {_plain(options['weights'])}" if "weights" in options else ""
    return f"mean of {_plain(call.args[0])}{whose} in {_plain(group)}{weighted}"


def _grouping_pairs(grouping: Grouping, layout: Layout, parts: Parts, row: Notation) -> Iterator[Pair]:
    group = f"{grouping.name} {grouping.index}"
    index = "p" + grouping.index
    if layout.level2:
        yield symbol(row.coefficient, index, layout.mark), f"coefficients of {group}"
    yield (
        symbol(grouping.effect, index, layout.mark),
        f"random effects: how far the coefficients of {group} are from their expectation",
    )
    if any(sd_part(grouping, column, parts) for column in grouping.columns):
        yield (
            symbol(GROUP_SD, index, layout.mark, grouping.mark),
            f"standard deviations of the random effects of {grouping.name}",
        )
    elif len(grouping.columns) == 1:
        yield (
            symbol(
                row.covariance_element, joined(*grouping.columns[0].number * 2), layout.mark, grouping.mark
            ),
            f"variance of the random effects of {grouping.name}",
        )
    else:
        yield (
            covariance(grouping, layout, row),
            f"covariance matrix of the random effects of {grouping.name}",
        )
    yield from _shape(grouping.family, grouping.name, grouping.name)


def _shape(family: str, of: str, whose: str) -> Iterator[Pair]:
    """Explain the shape of a family, and that its second argument is the variance as in a normal."""
    if family == "normal":
        return
    name, shape = distribution_name(family, of), shape_symbol(family, of)
    kind, parameter = _FAMILIES[family]
    yield shape, f"{parameter} of the distribution of {whose}"
    yield name, f"{kind} distribution with this mean and variance"


_FAMILIES = {"t": ("Student t", "degrees of freedom"), "skew_normal": ("skew-normal", "skewness")}


def _residual_scale(layout: Layout, parts: Parts, matrices: Collection[str]) -> Iterator[Pair]:
    known = layout.location.known
    if known and known.name in matrices:
        yield r"\mathbf{V}", "known sampling variances and covariances"
    elif known:
        yield symbol(words(known.name), layout.place.row), "known sampling variance, on the diagonal of V"
    if known and known.scale == "proportional":
        yield PROPORTION, "factor of the known sampling variance"
    if is_zero(layout, parts):
        return
    if sigma_part(layout, parts):
        yield symbol(SIGMA, layout.place.row, layout.mark), "residual standard deviation"
    else:
        yield sigma(layout, parts), "residual variance"
