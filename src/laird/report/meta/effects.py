"""Studies and their true effects: the estimates, and what each method makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from laird.data.column import Column
from laird.report.blocks import Block, Cell, Details, Section, Table, Text
from laird.report.effects import LABELS, MOST, shrinkage_tables, term_blocks
from laird.report.meta.synthesis import Synthesis
from laird.report.standouts import NORMAL_95
from laird.report.study import Study
from laird.report.words import count, decimals, fixed, interval, number, plural
from laird.spec import spec_variables, variables

FEW, PULLED = 20, 10
"""So many studies are all shown; of more, those that are pulled farthest."""


def effects_section(about: Synthesis, pictures: Sequence[Block]) -> Section:
    """True effects side by side, and the mean effects of groups."""
    blocks: list[Block] = [_EXPLANATION, *_tables(about.effects), *_groups(about.study)]
    return Section("effects", "True effects and shrinkage", (*blocks, *pictures))


_EXPLANATION = Text(
    "A study's own estimate is right on average but carries its sampling error. The other methods pull it "
    "towards the mean that the moderators expect, the more so the larger its sampling variance next to the "
    "heterogeneity, and have a smaller error. Pulled: how far, 0 % for not at all, 100 % for all the way; "
    "with correlated errors a study also leans on the others."
)


def _tables(effects: pd.DataFrame) -> Iterator[Block]:
    names = [name for name in LABELS if name in effects]
    if len(effects) <= FEW:
        yield _table(f"True effects: all {plural(len(effects), 'estimate')}", effects, names)
        return
    shift = (effects[names[-1]] - effects["blue"]).abs()
    far = effects.loc[shift.sort_values(ascending=False, kind="stable").index[:PULLED]]
    yield _table(f"True effects: the {PULLED} estimates that are pulled farthest", far, names)
    yield _all(effects, names)


def _all(effects: pd.DataFrame, names: Sequence[str]) -> Details:
    title = f"True effects: all {plural(len(effects), 'estimate')}"
    if len(effects) <= MOST:
        return Details(title, (_table(title, effects, names),))
    first = f"True effects: the first {count(MOST)} of {count(len(effects))} estimates"
    pointer = Text("`laird.true_effects(fits)` gives the whole table as a data frame.")
    return Details(first, (_table(first, effects.head(MOST), names), pointer))


def _table(caption: str, effects: pd.DataFrame, names: Sequence[str]) -> Table:
    head = ("Study", "Own estimate", "Expected", *(LABELS[name] for name in names[1:]), "Pulled")
    places = decimals(float(effects[f"{names[-1]}_sd"].median()))
    rows = tuple(_row(str(label), record, names, places) for label, record in _records(effects))
    note = "Estimate ± standard error or posterior sd. Expected: the mean at the study's moderators."
    return Table(caption, "l" + "r" * (len(head) - 1), tuple(map(Cell, head)), rows, note)


def _records(effects: pd.DataFrame) -> Iterator[tuple[Any, Mapping[Any, Any]]]:
    return zip(effects.index, effects.to_dict("records"), strict=True)


def _row(label: str, record: Mapping[Any, Any], names: Sequence[str], places: int | None) -> tuple[Cell, ...]:
    cells = [Cell(fixed(record[name], places), f"± {fixed(record[f'{name}_sd'], places)}") for name in names]
    pulled = f"{100 * record[f'{names[-1]}_factor']:.0f} %"
    own, *others = cells
    return (Cell(label), own, Cell(fixed(record["mean"], places)), *others, Cell(pulled))


def _groups(study: Study) -> Iterator[Block]:
    """Coefficients of every group by each method, next to its own generalised least squares."""
    if study.model.design.outcomes:
        return
    for group, table in shrinkage_tables(study).items():
        for term in dict.fromkeys(table["term"]):
            yield from term_blocks(group, term, table[table["term"] == term])


def studies_table(about: Synthesis) -> Details:
    """Every estimate with its standard error and interval, and the study's moderators."""
    model, effects = about.study.model, about.effects
    rows_of_table = model.design.units if model.design.outcomes else range(len(effects))
    columns = [model.table.column(name) for name in moderator_columns(about.study)]
    places = decimals(float(effects["blue_sd"].median()))
    head = ("Study", *(column.name for column in columns), "Estimate", "95 % interval", "Standard error")
    rows = []
    for (label, record), place in zip(_records(effects), rows_of_table, strict=True):
        values = (Cell(_value(column, int(place))) for column in columns)
        half = NORMAL_95 * record["blue_sd"]
        low, high = record["blue"] - half, record["blue"] + half
        own = (fixed(record["blue"], places), interval(low, high, record["blue_sd"]))
        rows.append((Cell(str(label)), *values, *map(Cell, own), Cell(fixed(record["blue_sd"], places))))
    align = "l" + "".join("l" if column.labels else "r" for column in columns) + "rrr"
    title = f"All {plural(len(effects), 'estimate')}"
    return Details(title, (Table(title, align, tuple(map(Cell, head)), tuple(rows[:MOST])),))


def moderator_columns(study: Study) -> tuple[str, ...]:
    """Columns of the data that are predictors: no outcome, group, variance or name of a study."""
    spec = study.model.spec
    outcomes = {name for one in spec.locations for name in variables(one.outcome)}
    groups = {name for group in study.model.schema.groups for name in group.columns}
    return tuple(name for name in spec_variables(spec) if name not in outcomes | groups | {spec.weights})


def _value(column: Column, row: int) -> str:
    if column.labels:
        return str(column.labels[column.values[row]])
    value = column.values[row].item()
    return str(value) if isinstance(value, int) else number(value, 4)
