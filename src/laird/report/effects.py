"""Shrinkage: what each method makes of every group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from laird.compare.shrinkage import NAMES, shrinkage
from laird.fitting.result import Fit
from laird.report.blocks import Block, Cell, Details, Section, Table, Text
from laird.report.study import Study
from laird.report.words import DASH, count, decimals, fixed, plural

LABELS = {"blue": "Own line (BLUE)", "eblup": "EBLUP", "eb": "Empirical Bayes", "posterior": "Posterior"}
FEW, SHIFTS, MOST = 12, 10, 500
"""So few groups are all shown; of more, the largest shifts; never more rows than `MOST`."""


def shrinkage_tables(study: Study) -> dict[str, pd.DataFrame]:
    """The shrinkage table of each grouping factor."""
    fits = list(one_of_each_kind(study.fits))
    return {group: shrinkage(fits, group=group) for group in study.groups} if study.grouped else {}


def one_of_each_kind(fits: Sequence[Fit]) -> tuple[Fit, ...]:
    """The last fit of each kind of estimate: REML stands for ML where both are given."""
    return tuple({NAMES[fit.method]: fit for fit in fits}.values())


def estimators(table: pd.DataFrame) -> tuple[str, ...]:
    """Which estimates a shrinkage table holds, the groups' own lines first."""
    return tuple(name for name in LABELS if name in table)


def shrinkage_section(tables: dict[str, pd.DataFrame], pictures: dict[str, tuple[Block, ...]]) -> Section:
    """Pictures and tables of each grouping factor, term by term."""
    blocks: list[Block] = [Text(_EXPLANATION)]
    for group, table in tables.items():
        blocks += pictures.get(group, ())
        for term in dict.fromkeys(table["term"]):
            blocks += term_blocks(group, term, table[table["term"] == term])
    return Section("shrinkage", "Shrinkage", tuple(blocks))


_EXPLANATION = (
    "A group's own least-squares line (BLUE) uses its own rows only. The other methods weigh it against the "
    "line that the fixed effects expect for such a group. The weight is 1 when the group's own estimate is "
    "kept and 0 when it is replaced; it grows with the rows of the group and with the variation between "
    "groups."
)


def term_blocks(group: str, term: str, rows: pd.DataFrame) -> list[Block]:
    """The table of one coefficient; of many groups those that shrink most, and all on demand."""
    name = f"{term} by {group}"
    if len(rows) <= FEW:
        return [_table(f"{name}: all {len(rows)} groups", rows)]
    shown = rows.loc[_shift(rows).sort_values(ascending=False, kind="stable").index[:SHIFTS]]
    largest = _table(f"{name}: the {SHIFTS} groups that shrink most", shown)
    return [largest, _all_groups(name, rows)]


def _shift(rows: pd.DataFrame) -> pd.Series:
    """How far the fullest estimate is from the group's own."""
    return (rows[estimators(rows)[-1]] - rows["blue"]).abs().fillna(-1.0)


def _all_groups(name: str, rows: pd.DataFrame) -> Details:
    if len(rows) <= MOST:
        return Details(f"{name}: all {plural(len(rows), 'group')}", (_table(name, rows),))
    title = f"{name}: the first {count(MOST)} of {count(len(rows))} groups"
    pointer = Text("`laird.shrinkage(fits)` gives the whole table as a data frame.")
    return Details(title, (_table(name, rows.head(MOST)), pointer))


def _table(caption: str, rows: pd.DataFrame) -> Table:
    names = estimators(rows)
    head = ("Group", "Rows", "Expected", *(LABELS[name] for name in names), "Weight of own")
    note = "Estimate ± standard error or posterior sd. Expected: the line of the fixed effects."
    unit = _unit(rows)
    body = tuple(_row(record, names, unit) for record in rows.to_dict("records"))
    return Table(caption, "l" + "r" * (len(head) - 1), tuple(map(Cell, head)), body, note)


def _unit(rows: pd.DataFrame) -> float:
    """The error to whose second digit a column of estimates is shown."""
    errors = rows[[f"{name}_sd" for name in estimators(rows)[1:]] or ["blue_sd"]].to_numpy()
    positive = errors[np.isfinite(errors) & (errors > 0)]
    return float(np.median(positive)) if positive.size else np.nan


def _row(record: Mapping[Any, Any], names: Sequence[str], unit: float) -> tuple[Cell, ...]:
    places = decimals(unit)
    estimates = (_cell(record[name], record[f"{name}_sd"], places) for name in names)
    expected, weight = fixed(record["mean"], places), fixed(record[f"{names[-1]}_shrinkage"], 2)
    return (Cell(str(record["group"])), Cell(count(record["n"])), Cell(expected), *estimates, Cell(weight))


def _cell(value: float, sd: float, places: int | None) -> Cell:
    if np.isnan(value):
        return Cell(DASH, "not estimable")
    return Cell(fixed(value, places), f"± {fixed(sd, places)}")


def median_weights(table: pd.DataFrame) -> dict[str, tuple[float, float, float]]:
    """Median, least and greatest weight of the groups' own estimates, by term."""
    column = f"{estimators(table)[-1]}_shrinkage"
    return {
        str(term): (float(w.median()), float(w.min()), float(w.max()))
        for term, w in table.groupby("term", sort=False)[column]
    }
