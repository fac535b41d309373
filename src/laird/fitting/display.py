"""How a fit looks in a terminal (one screen) and in a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from textwrap import fill

import numpy as np
import pandas as pd

from laird.fitting.checks import Check

LABELS: Mapping[str, str] = {
    "ols": "ordinary least squares, groups ignored",
    "ml": "maximum likelihood",
    "reml": "restricted maximum likelihood (REML)",
    "eb": "empirical Bayes: marginal posterior mode, Laplace approximation",
    "nuts": "full Bayes: NUTS",
}
WIDTH = 100
"""Longer sentences are broken."""

INTERVALS: Mapping[str, str] = {
    "ols": "t interval",
    "ml": "interval: t, log sd, atanh correlation",
    "reml": "interval: t, log sd, atanh correlation",
    "eb": "equal-tailed interval of draws",
    "nuts": "equal-tailed interval of draws",
}


ENDS = ["component", "group", "term", "estimate", "lower", "upper"]


def interval_kind(method: str, prob: float) -> str:
    """Say what the intervals of a method are.

    Examples
    --------
    >>> interval_kind("ols", 0.95)
    '95 % t interval'
    """
    return f"{100 * prob:.6g} % {INTERVALS[method]}"


def number(value: float, digits: int = 4) -> str:
    """Four significant digits without exponents in the usual range; blank for NaN.

    Examples
    --------
    >>> number(12.60468), number(0.000123456), number(float("nan"))
    ('12.60', '0.0001235', '')
    """
    if np.isnan(value):
        return ""
    if value == 0.0:
        return "0"
    magnitude = int(np.floor(np.log10(abs(value)))) if np.isfinite(value) else 0
    if not -5 <= magnitude < 7:
        return f"{value:.{digits - 1}e}"
    return f"{value:,.{max(digits - 1 - magnitude, 0)}f}"


@dataclass(frozen=True, slots=True, eq=False)
class Card:
    """What is shown of a fit: lines above, a table of text, lines below."""

    header: tuple[str, ...]
    table: pd.DataFrame
    footer: tuple[str, ...]

    def text(self) -> str:
        """The card for a terminal."""
        cells = [list(self.table.columns), *self.table.to_numpy().tolist()]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [_aligned(row, widths) for row in cells]
        footer = [fill(line, WIDTH, subsequent_indent="    ") for line in self.footer]
        return "\n".join([*self.header, "", *lines, "", *footer])

    def html(self) -> str:
        """The card for a notebook."""
        header, footer = ("<br>".join(map(escape, lines)) for lines in (self.header, self.footer))
        table = self.table.to_html(index=False, border=0, escape=True)
        return f'<div class="laird-fit"><p>{header}</p>{table}<p><small>{footer}</small></p></div>'


def card(
    formula: str,
    method: str,
    sizes: str,
    summary: pd.DataFrame,
    prob: float,
    status: str,
    checks: Sequence[Check],
    notes: Sequence[str] = (),
) -> Card:
    """Method, formula, sizes, the table of estimates, what rows of it mean, the verdict and its reasons."""
    worrying = [c for c in checks if c.status not in ("ok", "note")]
    reasons = [f"{c.check}: {c.message} {c.remedy}".rstrip() for c in worrying]
    if one_sided := _one_sided(summary):
        notes = (*notes, f"{', '.join(one_sided)}: one-sided, from the estimate at the boundary.")
    return Card(
        (*formula.splitlines(), f"{method}: {LABELS[method]}", sizes),
        _display_table(summary),
        (*notes, f"{interval_kind(method, prob)}; status: {status}", *reasons),
    )


def _one_sided(summary: pd.DataFrame) -> list[str]:
    """Parameters with draws on one side of their estimate only."""
    if "ess_bulk" not in summary:
        return []
    rows = summary[ENDS].to_numpy()
    return [row_name(*names) for *names, at, low, high in rows if (at == low) != (at == high)]


def _display_table(summary: pd.DataFrame) -> pd.DataFrame:
    shown = summary.drop(columns=["component", "group", "term"]).dropna(axis=1, how="all")
    text = shown.map(number)
    if "ess_bulk" in shown:
        least = shown[["ess_bulk", "ess_tail"]].min(axis=1).map("{:,.0f}".format)
        text = text.assign(ess_bulk=least).drop(columns="ess_tail").rename(columns={"ess_bulk": "ess"})
    names = summary[["component", "group", "term"]].to_numpy()
    text.insert(0, "", [row_name(component, group, term) for component, group, term in names])
    return text


def row_name(component: str, group: str, term: str) -> str:
    """Name of a row of the summary: ``ses``, ``sd(school, ses)``, ``sigma``, ``rho(AL, PD)``."""
    if component == "fixed":
        return term
    if component in ("sigma", "phi"):
        return f"{component}({group})" if group else component
    return f"{component}({', '.join(filter(None, (group, term)))})"


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (
        cell.ljust(width) if c == 0 else cell.rjust(width)
        for c, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join((first, *rest)).rstrip()
