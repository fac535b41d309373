"""How much true effects differ, and where new ones will lie."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isnan
from typing import Any

from laird.inference.qtests import QTest
from laird.inference.rowcovariance import RESIDUAL
from laird.report.blocks import Block, Cell, Facts, Section, Table, Text
from laird.report.meta.synthesis import AtGrid, Synthesis
from laird.report.study import LONG
from laird.report.words import DASH, decimals, fixed, interval, number, p_value, sentence

INTERVALS: Mapping[str, str] = {
    "q-profile": "Q-profile interval",
    "profile": "profile-likelihood interval",
    "posterior": "interval of draws",
    "none": "no interval",
}
TOTAL = "total"
GRID_NOTE = "Categories combined, numbers at their median; then numbers at their first and last decile."

_EXPLANATION = Text(
    "True effects have the standard deviation τ around what the moderators say; intervals hold 95 %. I² is "
    "the share of τ² in the variance of an estimate with the typical sampling variance, H² that variance "
    "over the sampling variance, and R² the share of τ² that the moderators explain, of likelihood "
    "fits with a bootstrap interval. I² grows with the precision of the studies; how much effects differ is "
    "told by τ, on the scale of the effects."
)


def heterogeneity_section(about: Synthesis, pictures: Sequence[Block]) -> Section:
    """Q, τ, I², H² and R² by method and level, at moderators, and as a picture."""
    blocks: list[Block] = [_EXPLANATION, Facts(tuple(_facts(about))), _table(about)]
    if about.varying is not None:
        blocks.append(_varying_table(about.varying))
    return Section("heterogeneity", "Heterogeneity", (*blocks, *pictures))


def _facts(about: Synthesis) -> Iterator[tuple[str, str]]:
    found = next(iter(about.heterogeneity.values()))
    yield "Cochran's Q", q_text(found.Q)
    for outcome, variance in found.typical_variance.items():
        yield _of("Typical sampling variance", outcome), number(variance)
    for outcome, share in found.jackson_I2.items():
        yield _of("I² from the precision of the means", outcome), f"{share:.0f} %"


def _of(what: str, outcome: object) -> str:
    return f"{what}, {outcome}" if outcome else what


def q_text(test: QTest) -> str:
    """Return "Q(12) = 152, p < 0.001".

    Examples
    --------
    >>> q_text(QTest(152.233, 12, 2e-26))
    'Q(12) = 152, p < 0.001'
    """
    return f"Q({test.df}) = {number(test.Q)}, {p_value(test.p_value)}"


def _table(about: Synthesis) -> Table:
    head = ("True effects differ", "τ", "τ²", "I², %", "H²", "R², %")
    rows: list[tuple[Cell, ...]] = []
    for method, found in about.heterogeneity.items():
        rows.append((Cell(_heading(method, found.table["interval"])),))
        rows += [_row(record) for record in found.table.to_dict("records")]
    return Table("Heterogeneity by method", "lrrrrr", tuple(map(Cell, head)), tuple(rows))


def _heading(method: str, intervals: Iterable[str]) -> str:
    kinds = dict.fromkeys(INTERVALS[kind] for kind in intervals)
    return f"{sentence(LONG[method])}; {', '.join(kinds)}"


def _row(record: Mapping[Any, Any]) -> tuple[Cell, ...]:
    return (
        Cell(_level(record)),
        _limits(record, "tau"),
        Cell(number(record["tau2"])),
        _limits(record, "I2", places=0),
        _limits(record, "H2"),
        _limits(record, "R2", places=0),
    )


def _level(record: Mapping[Any, Any]) -> str:
    where = {TOTAL: "in total", RESIDUAL: "between estimates"}
    level = where.get(record["level"], f"between groups of {record['level']}")
    return f"{record['outcome']}: {level}" if "outcome" in record else level


def _limits(record: Mapping[Any, Any], name: str, places: int | None = None) -> Cell:
    """A value over its limits; an upper limit that there is none of is open."""
    value, lower, upper = (record[key] for key in (name, f"{name}_lower", f"{name}_upper"))
    if isnan(value):
        return Cell(DASH)
    shown = places if places is not None else decimals(abs(upper - lower) / 4 if upper > lower else value)
    if isnan(lower):
        return Cell(fixed(value, shown))
    text = f"from {fixed(lower, shown)}" if isnan(upper) else _range(lower, upper, shown)
    return Cell(fixed(value, shown), text)


def _range(lower: float, upper: float, places: int | None) -> str:
    return f"{fixed(lower, places)} to {fixed(upper, places)}"


def _varying_table(varying: AtGrid) -> Table:
    head = ("Studies with", "τ", "τ²", "I², %", "H²", "R², %")
    rows: list[tuple[Cell, ...]] = []
    for method, table in varying.tables.items():
        rows.append((Cell(_heading(method, table["interval"])),))
        outcomes = table["outcome"].nunique() if "outcome" in table else 1
        for record in table.to_dict("records"):
            name = varying.grid.labels[record["row"] // outcomes]
            rows.append((Cell(_at(name, record)), *_row(record)[1:]))
    return Table(
        "Heterogeneity at moderators",
        "lrrrrr",
        tuple(map(Cell, head)),
        tuple(rows),
        GRID_NOTE if varying.grid.labels[1:] else "",
    )


def _at(name: str, record: Mapping[Any, Any]) -> str:
    level = "" if record["level"] == TOTAL else _level({"level": record["level"]})
    outcome = str(record.get("outcome", ""))
    return ", ".join(filter(None, (outcome, name, level)))


def prediction_section(about: Synthesis, pictures: Sequence[Block]) -> Section | None:
    """The mean effect and the true effect of a new study, at moderators; None without a choice of these."""
    if about.predictions is None:
        return None
    explained = Text(
        "The mean is that of all studies like these. The true effect of one new study of the same kind lies "
        "in the prediction interval with 95 % probability: it counts the heterogeneity, at the moderators "
        "given, too."
    )
    table = _predictions(about.predictions, about.study.model.design.outcomes)
    return Section("prediction", "Means and predictions", (explained, table, *pictures))


def _predictions(found: AtGrid, outcomes: Sequence[str]) -> Table:
    names = [f"{outcome}: {label}" for label in found.grid.labels for outcome in outcomes]
    rows: list[tuple[Cell, ...]] = []
    for method, table in found.tables.items():
        rows.append((Cell(sentence(LONG[method])),))
        records = zip(names or found.grid.labels, table.to_dict("records"), strict=True)
        rows += [_predicted(name, record) for name, record in records]
    head = ("Studies with", "Mean effect", "τ", "True effect of a new study")
    note = GRID_NOTE if found.grid.labels[1:] else ""
    return Table("Means and predictions", "lrrr", tuple(map(Cell, head)), tuple(rows), note)


def _predicted(name: str, record: Mapping[Any, Any]) -> tuple[Cell, ...]:
    unit, places = record["se"], decimals(record["se"])
    return (
        Cell(name),
        Cell(fixed(record["estimate"], places), interval(record["lower"], record["upper"], unit)),
        Cell(fixed(record["tau"], places)),
        Cell(interval(record["pi_lower"], record["pi_upper"], unit)),
    )
