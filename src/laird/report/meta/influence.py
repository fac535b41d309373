"""How much single studies matter: each left out in turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import sqrt
from typing import Any

import numpy as np
import pandas as pd

from laird.report.blocks import Block, Cell, Details, Section, Table, Text
from laird.report.meta.synthesis import Deletions
from laird.report.study import SHORT
from laird.report.words import fixed, interval, listed, number, plural

FEW, TOP, MOST_TERMS = 12, 8, 6

MEASURES = {
    "rstudent": "Residual, deleted",
    "chi2": "χ² of residuals",
    "dffits": "DFFITS",
    "cook": "Cook's distance",
    "cov_ratio": "Covariance ratio",
    "hat": "Leverage",
}


def influence_section(found: Deletions, pictures: Sequence[Block]) -> Section:
    """Diagnostics of every study, and the estimates without it."""
    unit = "study" if found.what == "study" else f"group of `{found.what}`"
    explained = Text(
        f"The model was fitted again by {SHORT[found.method]} without each {unit}. Cook's distance is how "
        "far all coefficients move together, in units of their covariance; DFFITS how far the study's own "
        "mean moves, in standard errors; a covariance ratio below 1 says that estimates are more precise "
        "without the study."
    )
    tables = (*_influences(found), Details(*_estimates(found)))
    return Section("influence", "Influence of single studies", (explained, *tables, *pictures))


def _influences(found: Deletions) -> Iterator[Block]:
    table, flagged = found.influence, influential(found.influence)
    names = _measures(table)
    sds = sd_columns(table)
    order = table["cook"].sort_values(ascending=False, kind="stable", na_position="last").index
    if len(table) <= FEW:
        yield _influence_table(
            f"Influence: all {plural(len(table), 'study', 'studies')}", table, names, sds, flagged
        )
        return
    caption = f"Influence: the {TOP} studies with the largest Cook's distance"
    yield _influence_table(caption, table.loc[order[:TOP]], names, sds, flagged)
    whole = f"Influence: all {plural(len(table), 'study', 'studies')}"
    yield Details(whole, (_influence_table(whole, table, names, sds, flagged),))


def _measures(table: pd.DataFrame) -> list[str]:
    """χ² is the square of the residual where all studies have one estimate."""
    known = [name for name in MEASURES if table[name].notna().any()]
    return [name for name in known if name != "chi2" or table["rstudent"].isna().any()]


def _influence_table(
    caption: str, table: pd.DataFrame, names: Sequence[str], sds: Sequence[str], flagged: Sequence[str]
) -> Table:
    head = ("Left out", *(MEASURES[name] for name in names), *(sd_name_without(name) for name in sds))
    rows = tuple(
        (
            Cell(str(label), "influential" if str(label) in flagged else ""),
            *(Cell(fixed(record[name], 2)) for name in names),
            *(Cell(number(record[name])) for name in sds),
        )
        for label, record in zip(table.index, table.to_dict("records"), strict=True)
    )
    note = (
        "Influential, by the usual limits (p coefficients, k studies): |DFFITS| > 3√(p/(k − p)), Cook's "
        "distance beyond the median of χ² with p degrees of freedom, leverage > 3p/k, or a coefficient that "
        "moves by more than one standard error."
    )
    return Table(caption, "l" + "r" * (len(head) - 1), tuple(map(Cell, head)), rows, note)


def sd_columns(table: pd.DataFrame) -> list[str]:
    """The columns of a table that are sds of heterogeneity."""
    return [str(name) for name in table if str(name).startswith("sd_")]


def sd_name(column: str) -> str:
    """What an sd of heterogeneity is called.

    Examples
    --------
    >>> sd_name("sd_residual"), sd_name("sd_study")
    ('τ', 'τ of study')
    """
    level = column.removeprefix("sd_")
    return "τ" if level == "residual" else f"τ of {level}"


def sd_name_without(column: str) -> str:
    """The same, where a study is left out."""
    return f"{sd_name(column)} without"


def influential(table: pd.DataFrame) -> tuple[str, ...]:
    """Return the studies beyond one of the usual limits (Viechtbauer & Cheung 2010).

    Parameters
    ----------
    table
        What `laird.influence` returns.

    Examples
    --------
    >>> import laird as ld
    >>> data = ld.load_data("konstantopoulos2011")
    >>> fit = ld.model("yi ~ 1 + (1 | district) + meta_V(vi)", data=data).fit("reml")
    >>> influential(ld.influence(fit))
    ('71',)
    """
    from scipy.special import chdtri

    moves = table.filter(like="dfbetas: ").abs()
    k, p = len(table), moves.shape[1]
    beyond = (
        (table["dffits"].abs() > 3 * sqrt(p / max(k - p, 1)))
        | (table["cook"] > float(chdtri(p, 0.5)))
        | (table["hat"] > 3 * p / k)
        | (moves > 1).any(axis=1)
    )
    return tuple(map(str, table.index[beyond]))


def _estimates(found: Deletions) -> tuple[str, tuple[Block, ...]]:
    table = found.estimates
    terms = list(dict.fromkeys(table["term"]))[:MOST_TERMS]
    sds = sd_columns(table)
    title = "Estimates without each study"
    head = (
        Cell("Left out"),
        *(Cell(term, "95 % interval") for term in terms),
        *map(Cell, map(sd_name_without, sds)),
    )
    rows = tuple(_left_out(str(label), own.set_index("term"), terms, sds) for label, own in _by_label(table))
    return title, (Table(title, "l" + "r" * (len(head) - 1), head, rows),)


def _by_label(table: pd.DataFrame) -> Iterator[tuple[Any, pd.DataFrame]]:
    yield from table.groupby("left_out", sort=False)


def _left_out(label: str, own: pd.DataFrame, terms: Sequence[str], sds: Sequence[str]) -> tuple[Cell, ...]:
    records = own.to_dict("index")
    cells = []
    for term in terms:
        r = records[term]
        cells.append(Cell(number(r["estimate"]), interval(r["lower"], r["upper"], r["se"])))
    first = own.iloc[0]
    return (Cell(label), *cells, *(Cell(number(float(first[name]))) for name in sds))


def spread_without(found: Deletions, term: str) -> tuple[float, float]:
    """The least and the largest estimate of a coefficient without one study."""
    values = found.estimates.loc[found.estimates["term"] == term, "estimate"]
    return float(np.nanmin(values)), float(np.nanmax(values))


def sentence_on_influence(found: Deletions, terms: Sequence[str]) -> Iterator[str]:
    """What the summary says: how far estimates move, and which studies move them."""
    moved = []
    for term in terms:
        low, high = spread_without(found, term)
        moved.append(f"`{term}` between {number(low)} and {number(high)}")
    yield f"Without single studies, estimates by {SHORT[found.method]} lie: {listed(moved)}."
    flagged = influential(found.influence)
    names = [*flagged[:TOP], *([f"{len(flagged) - TOP} more"] if len(flagged) > TOP else [])]
    yield (
        f"Influential by the usual limits: {listed(names)}."
        if names
        else "No study is beyond the usual limits."
    )
