"""Estimates by method side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isnan, nan
from typing import Any

from laird.fitting.display import LABELS, interval_kind, row_name
from laird.fitting.result import Fit
from laird.report.blocks import Block, Cell, Facts, Section, Table, Text
from laird.report.mathml import to_mathml
from laird.report.study import SHORT, Study
from laird.report.words import DASH, code, interval, number, with_error

type Key = tuple[str, str, str]

PARTS = {
    "fixed": "Fixed effects",
    "sd": "Standard deviations between groups",
    "log_sd": "Logarithms of standard deviations between groups",
    "cor": "Correlations between groups",
    "sigma": "Residual standard deviation",
    "log_sigma": "Logarithm of the residual standard deviation",
    "phi": "Multiplier of the known sampling variances",
    "rho": "Residual correlation",
    "atanh_rho": "Residual correlation, atanh",
    "nu": "Degrees of freedom of Student t",
    "alpha": "Shape of the skew-normal",
}
HETEROGENEITY = {
    "sigma": "Heterogeneity: standard deviation of the true effects",
    "log_sigma": "Heterogeneity: logarithm of the standard deviation of the true effects",
    "rho": "Correlation of the true effects",
    "atanh_rho": "Correlation of the true effects, atanh",
}
"""What the residual is called next to known sampling variances."""

EDGES = {"sd": 0.0, "cor": 1.0, "sigma": 0.0, "rho": 1.0}
PROB = 0.95
ON_BOUNDARY = "on the boundary"


@dataclass(frozen=True, slots=True)
class Estimate:
    """One parameter by one method; NaN for what there is not."""

    value: float
    se: float
    lower: float
    upper: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies on one side of zero."""
        return self.lower > 0 or self.upper < 0


NONE = Estimate(nan, nan, nan, nan)


@dataclass(frozen=True)
class Comparison:
    """The parameters of all fits: ``table[method][key]``, keys in the order of the fullest table."""

    fits: tuple[Fit, ...]

    @cached_property
    def table(self) -> Mapping[str, Mapping[Key, Estimate]]:
        """The estimates of each method by parameter."""
        return {fit.method: _estimates(fit) for fit in self.fits}

    @property
    def keys(self) -> tuple[Key, ...]:
        """All parameters."""
        fullest_first = reversed(tuple(self.table.values()))
        return tuple(dict.fromkeys(key for estimates in fullest_first for key in estimates))

    def of(self, method: str, key: Key) -> Estimate:
        """The estimate of a parameter, `NONE` where the method has it not."""
        return self.table[method].get(key, NONE)


def _estimates(fit: Fit) -> dict[Key, Estimate]:
    rows: Iterator[Any] = fit.summary(PROB).itertuples(index=False)
    return {(r.component, r.group, r.term): Estimate(r.estimate, r.se, r.lower, r.upper) for r in rows}


def estimates_section(study: Study, comparison: Comparison, pictures: Sequence[Block]) -> Section:
    """All parameters in one table, how to read it, and the same as a picture."""
    symbols = {
        name: to_mathml(symbol, display=False)
        for name, symbol in study.model.equations(study.notation).coefficients
    }
    titles = PARTS | (HETEROGENEITY if study.model.design.known else {})
    blocks = (_HOW_TO_READ, _methods(study), _table(comparison, symbols, titles), *pictures)
    return Section("estimates", "Estimates by method", blocks)


_HOW_TO_READ = Text(
    "Each cell gives the estimate ± its standard error (for NUTS, posterior mean ± sd), and below it the "
    "interval."
)


def _methods(study: Study) -> Facts:
    """What each method is, and its interval."""
    return Facts(
        tuple(
            (
                SHORT[fit.method],
                f"{LABELS[fit.method]}; {interval_kind(fit.method, PROB)}",
            )
            for fit in study.fits
        )
    )


def _table(comparison: Comparison, symbols: Mapping[str, str], titles: Mapping[str, str]) -> Table:
    head = (Cell("Parameter"), *(Cell(SHORT[fit.method], "95 % interval") for fit in comparison.fits))
    rows = tuple(_rows(comparison, symbols, titles))
    return Table("Estimates", "l" + "r" * len(comparison.fits), head, rows, _note(comparison))


def _rows(
    comparison: Comparison, symbols: Mapping[str, str], titles: Mapping[str, str]
) -> Iterator[tuple[Cell, ...]]:
    for component, title in titles.items():
        rows = [_row(comparison, key, symbols) for key in comparison.keys if key[0] == component]
        if rows:
            yield (Cell(title),)
            yield from rows


def _row(comparison: Comparison, key: Key, symbols: Mapping[str, str]) -> tuple[Cell, ...]:
    symbol = symbols.get(key[2], "") if key[0] == "fixed" else ""
    cells = (cell(comparison.of(fit.method, key), key[0]) for fit in comparison.fits)
    return (Cell(_label(key), symbol=symbol), *cells)


def _label(key: Key) -> str:
    """The name of a parameter below a heading that says what kind it is."""
    component, group, term = key
    if component in ("sigma", "phi", "nu", "alpha"):
        return row_name(component, group, term)
    if component in ("rho", "log_sigma"):
        return f"{group}: {term}" if group else term
    return f"{group}: {term}" if group else row_name(component, group, term)


def cell(estimate: Estimate, component: str) -> Cell:
    """Estimate ± standard error over its interval."""
    if isnan(estimate.value):
        return Cell(DASH)
    if on_boundary(estimate, component):
        return Cell(number(estimate.value), ON_BOUNDARY)
    range_ = interval(estimate.lower, estimate.upper, estimate.se)
    return Cell(with_error(estimate.value, estimate.se), range_)


def on_boundary(estimate: Estimate, component: str) -> bool:
    """Whether an sd is estimated as zero, or a correlation as ±1."""
    edge = EDGES.get(component)
    return edge is not None and isnan(estimate.se) and abs(abs(estimate.value) - edge) < 1e-6


def _note(comparison: Comparison) -> str:
    has_boundary = any(
        on_boundary(comparison.of(fit.method, key), key[0])
        for fit in comparison.fits
        for key in comparison.keys
    )
    if not has_boundary:
        return ""
    return (
        f"An estimate {ON_BOUNDARY} is the best value at the edge of what is possible (a standard "
        "deviation of zero, a correlation of −1 or +1). It has no standard error; the checks "
        "below say what it means."
    )


def fixed_terms(comparison: Comparison) -> tuple[str, ...]:
    """Names of the fixed effects."""
    return tuple(term for component, _, term in comparison.keys if component == "fixed")


def described(name: str, estimate: Estimate) -> str:
    """Return "`ses` 1.81 (1.24 to 2.37)"."""
    unit = estimate.se
    value = with_error(estimate.value, unit).split(" ")[0]
    return f"{code(name)} {value} ({interval(estimate.lower, estimate.upper, unit)})"
