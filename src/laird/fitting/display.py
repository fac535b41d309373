"""How a fit looks in a terminal (one screen) and in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Protocol

import numpy as np
import pandas as pd

from laird.fitting.checks import Check
from laird.spec import Spec


class Shown(Protocol):
    """What a fit must have to be shown."""

    @property
    def method(self) -> str: ...
    @property
    def spec(self) -> Spec: ...
    @property
    def nobs(self) -> int: ...
    @property
    def ngroups(self) -> dict[str, int]: ...
    @property
    def loglik(self) -> float: ...
    @property
    def aic(self) -> float: ...
    @property
    def bic(self) -> float: ...
    @property
    def status(self) -> str: ...
    @property
    def checks(self) -> Sequence[Check]: ...
    def summary(self, prob: float = 0.95) -> pd.DataFrame: ...


LABELS = {
    "ols": "ordinary least squares, groups ignored",
    "ml": "maximum likelihood",
    "reml": "restricted maximum likelihood (REML)",
    "eb": "empirical Bayes: marginal posterior mode, Laplace approximation",
    "nuts": "full Bayes: NUTS on the marginal posterior",
}
INTERVALS = {
    "ols": "95 % t interval",
    "ml": "95 % interval: t, log sd, atanh correlation",
    "reml": "95 % interval: t, log sd, atanh correlation",
    "eb": "95 % equal-tailed interval of draws",
    "nuts": "95 % equal-tailed interval of draws",
}


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


def fit_text(fit: Shown) -> str:
    """Method, formula, sizes, verdict and the table of estimates."""
    table = _display_table(fit)
    cells = [list(table.columns), *table.to_numpy().tolist()]
    widths = [max(len(row[c]) for row in cells) for c in range(len(table.columns))]
    lines = [
        "  ".join(
            cell.ljust(width) if c == 0 else cell.rjust(width)
            for c, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
    return "\n".join([*_header(fit), "", *lines, "", *_footer(fit)])


def fit_html(fit: Shown) -> str:
    """The same as a compact card."""
    header = "<br>".join(escape(line) for line in _header(fit))
    footer = "<br>".join(escape(line) for line in _footer(fit))
    table = _display_table(fit).to_html(index=False, border=0, escape=True)
    return f'<div class="laird-fit"><p>{header}</p>{table}<p><small>{footer}</small></p></div>'


def _display_table(fit: Shown) -> pd.DataFrame:
    summary = fit.summary()
    names = [
        _row_name(component, group, term)
        for component, group, term in summary[["component", "group", "term"]].to_numpy()
    ]
    values = summary.drop(columns=["component", "group", "term"])
    text = values.map(number)
    text.insert(0, "", names)
    return text


def _row_name(component: str, group: str, term: str) -> str:
    if component == "fixed":
        return term
    return "sigma" if component == "sigma" else f"{component}({group}: {term})"


def _header(fit: Shown) -> list[str]:
    groups = "".join(f", {J} groups of {group}" for group, J in fit.ngroups.items())
    return [
        fit.spec.formula,
        f"{fit.method}: {LABELS[fit.method]}",
        f"{fit.nobs} rows{groups}; log-likelihood {fit.loglik:.2f}, AIC {fit.aic:.1f}, BIC {fit.bic:.1f}",
    ]


def _footer(fit: Shown) -> list[str]:
    worst = [c for c in fit.checks if c.status not in ("ok", "note")]
    said = [f"{c.check}: {c.message} {c.remedy}".rstrip() for c in worst]
    return [f"{INTERVALS[fit.method]}; status: {fit.status}", *said]
