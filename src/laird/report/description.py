"""The model and its data: equations, data at a glance, priors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laird.bound import Model
from laird.data.column import Column
from laird.data.usage import known_names
from laird.design import KnownDesign, RandomDesign
from laird.posterior.table import PriorRow
from laird.report.blocks import Block, Cell, Code, Details, Equation, Facts, Legend, Section, Table, Text
from laird.report.mathml import to_mathml
from laird.report.study import Study
from laird.report.words import code, count, decimals, fixed, interval, listed, number, plural
from laird.spec import recipe_columns, spec_variables, text

type Floats = NDArray[np.float64]

PRIOR_RANGE = 0.9
_RANGE = "90 %"
_QUARTILES = (0, 25, 50, 75, 100)
_MOST_LEVELS = 6


def model_section(study: Study) -> Section:
    """The model as formula and as equations of both forms."""
    equations = study.model.equations(study.notation)
    blocks = tuple(Equation(s.title, to_mathml(s.latex)) for s in equations.sections if s.lines)
    shown = tuple(block for block in blocks if block.title != "Matrix form")
    matrix = tuple(block for block in blocks if block.title == "Matrix form")
    legend = Legend(tuple((to_mathml(s, display=False), meaning) for s, meaning in equations.where))
    hidden = (Details("The same in matrices", matrix),) if matrix else ()
    formula = Code("Formula", str(study.model.spec))
    return Section("model", "The model", (formula, *shown, legend, *hidden))


def data_section(study: Study) -> Section:
    """Rows, groups and variables at a glance."""
    model = study.model
    tables = [_variables(model), *(_group_sizes(r) for r in model.design.random)]
    return Section("data", "The data", (Facts(tuple(_facts(model))), *tables, *_centring(model)))


def priors_section(study: Study) -> Section:
    """The prior of every parameter, in numbers."""
    table = study.model.priors
    explained = Text(
        "Full Bayes and empirical Bayes use these priors; REML and OLS use none. Defaults are weak: their "
        "scale comes from the outcome and the predictors, by the rule given. The last columns show the "
        f"central {_RANGE} of each prior, as it stands and as what a predictor one standard deviation "
        f"higher does to {code(table.outcome)}."
    )
    head = ("Parameter", "Prior", "Rule", "Range", f"On {table.outcome}")
    rows = tuple(map(_prior_row, table))
    caption = f"Priors, with the range that holds {_RANGE} of each"
    return Section("priors", "Priors", (explained, Table(caption, "lllrr", tuple(map(Cell, head)), rows)))


def _prior_row(row: PriorRow) -> tuple[Cell, ...]:
    lower, upper = row.interval(PRIOR_RANGE)
    on_outcome = "" if row.kind in ("cor", "nu", "alpha") else interval(lower * row.unit, upper * row.unit)
    cells = (row.parameter, row.prior, row.rule, interval(lower, upper), on_outcome)
    return tuple(map(Cell, cells))


def _facts(model: Model) -> Iterator[tuple[str, str]]:
    design = model.design
    names = design.outcomes or (design.outcome,)
    yield ("Outcomes" if design.outcomes else "Outcome"), listed(map(code, names))
    if model.spec.data:
        yield "Source", code(model.spec.data)
    yield "Rows used", count(len(model.table))
    if design.outcomes:
        observed = zip(design.outcomes, np.bincount(design.which), strict=True)
        yield "Rows with each outcome", listed(f"{count(int(n))} with {code(name)}" for name, n in observed)
    if design.known is not None:
        yield "Sampling variances", _known(design.known)
    dropped = [f"{count(n)} for {code(name)}" for name, n in model.schema.dropped]
    yield "Rows dropped", f"missing values: {listed(dropped)}" if dropped else "none"
    for name, n in model.schema.lost:
        yield f"Groups of {name} lost", f"{count(n)}, with the dropped rows"
    for random in model.design.random:
        yield f"Groups of {random.group}", count(len(random.levels))


def _known(known: KnownDesign) -> str:
    """What V is: its variances, and how many rows it connects."""
    text = f"{code(known.name)}, {number(known.variances.min())} to {number(known.variances.max())}"
    if known.proportional:
        text += ", up to a factor"
    if known.blocks:
        largest = max(len(block.rows) for block in known.blocks)
        text += f"; correlated in {plural(len(known.blocks), 'block')} of up to {largest} rows"
    return text


def _group_sizes(random: RandomDesign) -> Table:
    sizes = np.bincount(random.ids, minlength=len(random.levels))
    values = [count(float(q)) for q in np.percentile(sizes, _QUARTILES)]
    head = ("", "Smallest", "Lower quartile", "Median", "Upper quartile", "Largest")
    row = tuple(map(Cell, (f"Rows in a group of {random.group}", *values)))
    return Table(f"Group sizes of {random.group}", "lrrrrr", tuple(map(Cell, head)), (row,))


def _centring(model: Model) -> tuple[Block, ...]:
    """Which group means were stored."""
    calls = [code(text(call)) for call, _ in model.schema.states]
    if not calls:
        return ()
    return (Text(f"Means stored with the model, so that new data are centred alike: {listed(calls)}."),)


@dataclass(frozen=True, slots=True)
class _Variable:
    """A column with the rows that count: all, or one of each group when it is constant there."""

    column: Column
    level: str
    rows: NDArray[np.int64]
    unit: str


def _variables(model: Model) -> Table:
    variables = [_variable(column, model) for column in model.table.columns if not _names_rows(column, model)]
    note = "Level-2 variables have one value in each group: their numbers are over groups, not over rows."
    is_multilevel = any(variable.unit != "row" for variable in variables)
    return Table(
        "Variables",
        "llrrr",
        tuple(map(Cell, ("Variable", "Level", "Mean", "Sd", "Range, or counts"))),
        tuple(map(_variable_row, variables)),
        note if is_multilevel else "",
    )


def _names_rows(column: Column, model: Model) -> bool:
    """Whether a column is a group, or names studies only."""
    spec = model.spec
    used = {*spec_variables(spec), *recipe_columns(spec.known), *known_names(spec)}
    is_group = any(column.name in group.columns for group in model.schema.groups)
    return is_group or (column.name in spec.study and column.name not in used)


def _variable(column: Column, model: Model) -> _Variable:
    for random in model.design.random:
        if column.name in model.schema.between(random.group):
            first = np.unique(random.ids, return_index=True)[1]
            return _Variable(column, f"2, {random.group}", first, "group")
    observed = np.flatnonzero(~column.missing)
    level = "outcome" if column.name in {*model.design.outcomes, model.design.outcome} else "1"
    return _Variable(column, level, observed, "row")


def _variable_row(variable: _Variable) -> tuple[Cell, ...]:
    column, values = variable.column, variable.column.values[variable.rows]
    start = (Cell(column.name), Cell(variable.level))
    if column.labels:
        return (*start, Cell(""), Cell(""), Cell(_level_counts(column, values, variable.unit)))
    places = decimals(float(values.std(ddof=1)) / 10)
    mean, sd = (fixed(float(value), places) for value in (values.mean(), values.std(ddof=1)))
    whole = values.dtype.kind in "iu"
    low, high = (str(end) if whole else fixed(float(end), places) for end in (values.min(), values.max()))
    return (*start, Cell(mean), Cell(sd), Cell(f"{low} to {high}"))


def _level_counts(column: Column, values: NDArray[np.int64], unit: str) -> str:
    counts = np.bincount(values, minlength=len(column.labels))
    shown = [f"{label} {count(int(n))}" for label, n in zip(column.labels, counts, strict=True) if n]
    rest = len(shown) - _MOST_LEVELS
    more = [plural(rest, "more level")] if rest > 0 else []
    return f"{', '.join(shown[:_MOST_LEVELS] + more)} {unit}s"
