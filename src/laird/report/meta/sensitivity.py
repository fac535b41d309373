"""What the results owe to the correlation that is assumed between sampling errors of one study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from laird.report.blocks import Cell, Section, Table, Text
from laird.report.meta.influence import MOST_TERMS, sd_columns, sd_name
from laird.report.words import fixed, interval, number

_EXPLANATION = Text(
    "Estimates from the same people have correlated sampling errors, and studies seldom report how much. The "
    "model was fitted again with equal correlations ρ within studies, whatever it assumes itself. Mean "
    "effects that hardly change need no better knowledge of ρ; how heterogeneity is split between and within "
    "studies usually does change."
)


def sensitivity_section(found: pd.DataFrame) -> Section:
    """The estimates for every correlation.

    Parameters
    ----------
    found
        What `laird.rho_sensitivity` returns.
    """
    terms = list(dict.fromkeys(found["term"]))[:MOST_TERMS]
    sds = sd_columns(found)
    head = (
        Cell("ρ"),
        *(Cell(term, "95 % interval") for term in terms),
        *(Cell(sd_name(name)) for name in sds),
        Cell("log-likelihood"),
    )
    rows = tuple(_row(own, terms, sds) for _, own in found.groupby("rho", sort=False))
    table = Table("Other correlations of sampling errors", "l" + "r" * (len(head) - 1), head, rows)
    return Section("sensitivity", "Assumed correlations", (_EXPLANATION, table))


def _row(own: pd.DataFrame, terms: list[str], sds: list[str]) -> tuple[Cell, ...]:
    records: Mapping[Any, Any] = own.set_index("term").to_dict("index")
    first = own.iloc[0]
    cells = (
        Cell(number(r["estimate"]), interval(r["lower"], r["upper"], r["se"]))
        for r in (records[term] for term in terms)
    )
    tail = (*(number(float(first[name])) for name in sds), fixed(float(first["loglik"]), 2))
    return (Cell(fixed(float(first["rho"]), 2)), *cells, *map(Cell, tail))
