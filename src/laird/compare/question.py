"""What is asked of every estimator: names and arrays, read once from a formula and a data frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.compare.betaspace import Level
from laird.compare.estimates import INTERCEPT, Sample
from laird.compare.estimates_mixed import Request, Slopes, contextual_formula, mixed_formula
from laird.data.coding import code, matrix
from laird.data.encode import factor_values
from laird.data.evaluate import Context
from laird.data.frame import Table, as_frame
from laird.data.grouping import counted
from laird.data.schema import Schema, read
from laird.data.transforms import is_constant
from laird.design import Design, RandomDesign, bind
from laird.errors import DataError, SpecError
from laird.fitting.problem import problem
from laird.spec import Location, Term, parse_spec, term_name, text, variables
from laird.spec.functions import NUMERIC
from laird.spec.syntax import Call, Name
from laird.spec.writing import quoted

type Floats = NDArray[np.float64]
type Missing = Literal["error", "drop"]


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """How an outcome depends on within variables, by between variables.

    Attributes
    ----------
    outcome, within, between, group
        As formulas write them; `within` and `between` term by term.
    schema, table
        What was learned from the data, and the complete rows.
    sample
        The arrays.
    levels
        Levels of the between variable, and their differences from the first.
    """

    outcome: str
    within: tuple[Term, ...]
    between: tuple[Term, ...]
    group: str
    schema: Schema
    table: Table
    sample: Sample
    levels: tuple[Level, ...]

    @property
    def title(self) -> str:
        """The question in one line."""
        by = f", by {' + '.join(_names(self.between))}" if self.between else ""
        return f"{self.outcome} ~ {' + '.join(_names(self.within))}{by}; groups: {self.group}"

    @property
    def separate_levels(self) -> tuple[Level, ...]:
        """The levels of one categorical between variable."""
        return self.levels[: self.sample.w.shape[1]] if _categories(self.schema, self.between) else ()

    def mixed(self, slopes: Slopes) -> Request:
        """The mixed model."""
        formula = mixed_formula(self.outcome, _names(self.within), _names(self.between), self.group, slopes)
        return Request(formula, self.table, {"levels": dict(self.schema.spec.levels)})

    def contextual(self, slopes: Slopes) -> Request:
        """The mixed model with contextual variables.

        Where a formula cannot name the group means of a within term, such as a product,
        the data are the columns of the terms.
        """
        if all(map(_has_group_mean, self.within)):
            formula = contextual_formula(
                self.outcome, _names(self.within), _names(self.between), self.group, slopes
            )
            return self.mixed(slopes)._replace(
                formula=formula, columns=tuple(self._split_columns()), group=self.group
            )
        outcome, *names = (quoted(_bare(name)) for name in (self.outcome, *self.sample.x_names))
        by = quoted(self.sample.group)
        formula = contextual_formula(outcome, names, _names(self.between), by, slopes)
        columns = tuple((name, "") for name in names)
        return Request(formula, self._coded_rows(), {"levels": self._between_levels()}, columns, by)

    def _split_columns(self) -> Iterator[tuple[str, str]]:
        """``("Minority", "[Yes]")`` of ``Minority[Yes]``, for terms of one factor."""
        for column in code((Term(), *self.within), self.schema)[1:]:
            name = term_name(column.term)
            yield name, column.name.removeprefix(name)

    def _coded_rows(self) -> pd.DataFrame:
        sample, group = self.sample, np.asarray(self.sample.groups, dtype=object)
        columns: dict[str, Any] = {_bare(self.outcome): sample.y, sample.group: group[sample.ids]}
        columns |= {_bare(name): x for name, x in zip(sample.x_names, sample.x.T, strict=True)}
        return pd.DataFrame(columns | {name: _values(self.table, name) for name in _columns(self.between)})

    def _between_levels(self) -> Mapping[str, tuple[str, ...]]:
        used = _columns(self.between)
        return {info.name: info.levels for info in self.schema.columns if info.levels and info.name in used}


def read_question(
    formula: str,
    group: str,
    between: str,
    data: Any,
    levels: Mapping[str, Sequence[Any]] | None,
    missing: Missing,
) -> Question:
    """Read and check formula and data.

    Raises
    ------
    SpecError, DataError, FitError
        They cannot be used; the message says where and what to do.

    Examples
    --------
    >>> from laird.data.bundled import load_data
    >>> question = read_question("mathach ~ ses", "school", "Sector", load_data("hs"), None, "error")
    >>> question.sample.x.shape, question.sample.w.shape, [level.name for level in question.levels]
    ((1977, 1), (40, 2), ['Catholic', 'Public', 'Public - Catholic'])
    """
    outcome, within = _read_terms(formula)
    by, between_terms = _written(group, data), _read_terms(f"{outcome} ~ {between}")[1] if between else ()
    full = mixed_formula(outcome, _names(within), _names(between_terms), by, "common")
    spec = parse_spec(full, levels=levels, missing=missing)
    table = read(spec, data)
    schema, design = bind(spec, table)
    problem(spec, schema, design)
    sample = _sample(schema, design, table, within, between_terms)
    found = tuple(_levels(schema, between_terms, sample))
    return Question(outcome, within, between_terms, by, schema, table, sample, found)


def _written(group: str, data: Any) -> str:
    """The groups as formulas write them: a column, or several joined by a colon."""
    parts = (group,) if group in as_frame(data).columns else group.split(":")
    return ":".join(map(quoted, parts))


def _read_terms(formula: str) -> tuple[str, tuple[Term, ...]]:
    """The outcome and the terms of a formula but the intercept."""
    location = _only_fixed(formula)
    terms = tuple(term for term in location.terms if not term.is_intercept)
    if not terms or len(terms) == len(location.terms):
        raise SpecError(
            "Estimators compare lines: an intercept and at least one variable.",
            where=f"    {formula}",
            remedy="Write for example `y ~ x`, or for `between` the name of a variable.",
        )
    return text(location.outcome), terms


def _only_fixed(formula: str) -> Location:
    spec = parse_spec(formula)
    location = spec.locations[0]
    if location.random or location.known or len(spec.locations) > 1 or spec.distributional:
        raise SpecError(
            "Estimators take an outcome and its within variables only.",
            where=f"    {formula}",
            remedy='Write `y ~ x` and name the groups: group="school".',
        )
    return location


def _names(terms: Sequence[Term]) -> tuple[str, ...]:
    return tuple(map(term_name, terms))


def _columns(terms: Sequence[Term]) -> tuple[str, ...]:
    found = (name for term in terms for factor in term.factors for name in variables(factor))
    return tuple(dict.fromkeys(found))


def _bare(name: str) -> str:
    return name.replace("`", "")


def _values(table: Table, name: str) -> Any:
    column = table.column(name)
    return np.asarray(column.labels, dtype=object)[column.values] if column.labels else column.values


def _has_group_mean(term: Term) -> bool:
    """Whether ``cvar`` can take it: a column, or a function with one value a row."""
    (first, *others) = term.factors
    is_one = isinstance(first, Name) or (isinstance(first, Call) and first.function in NUMERIC)
    return is_one and not others


def _sample(
    schema: Schema, design: Design, table: Table, within: Sequence[Term], between: Sequence[Term]
) -> Sample:
    random = design.random[0]
    x, x_names = _coded(schema, random, table, within)
    w, w_names = _coded(schema, random, table, between)
    _refuse_constant_within(x, x_names, random)
    rows = _rows_of_groups(w, w_names, random)
    return Sample(
        y=np.array(design.y),
        x=x,
        w=np.column_stack([np.ones(len(rows)), rows]),
        ids=np.array(random.ids),
        x_names=x_names,
        w_names=(INTERCEPT, *w_names),
        groups=random.levels,
        group=random.group,
        outcome=design.outcome,
    )


def _coded(
    schema: Schema, random: RandomDesign, table: Table, terms: Sequence[Term]
) -> tuple[Floats, tuple[str, ...]]:
    """Columns of terms beside an intercept, shape (n, number), and their names."""
    columns = code((Term(), *terms), schema)[1:]
    context = Context(table, {random.group: random.ids}, dict(schema.states))
    values = factor_values(schema, dict.fromkeys(f for term in terms for f in term.factors), context)
    return matrix(columns, values, len(table)), tuple(column.name for column in columns)


def _refuse_constant_within(x: Floats, names: Sequence[str], random: RandomDesign) -> None:
    for name, values in zip(names, x.T, strict=True):
        if is_constant(values, random.ids):
            raise DataError(
                f"`{name}` is constant within each group of `{random.group}`: it is no within variable.",
                remedy=f'Take it out of the formula; pass it as between="{name}".',
            )


def _rows_of_groups(w: Floats, names: Sequence[str], random: RandomDesign) -> Floats:
    """The row of every group, shape (J, number); refuse variables that vary within groups."""
    first = np.zeros(len(random.levels), dtype=np.int64)
    first[random.ids[::-1]] = np.arange(len(w))[::-1]
    for name, values in zip(names, w.T, strict=True):
        varying = np.unique(random.ids[values != values[first][random.ids]])
        if len(varying):
            shown = ", ".join(f'"{random.levels[j]}"' for j in varying[:5])
            raise DataError(
                f"`{name}` varies within groups of `{random.group}`: it is no between variable.",
                where=f"    {counted(len(varying), 'group')}, first {shown}",
                remedy="Put it into the formula, on the right of ~, or correct its values.",
            )
    return np.asarray(w[first])


def _categories(schema: Schema, between: Sequence[Term]) -> tuple[str, ...]:
    """The categories of a single categorical variable, else none."""
    factors = [factor for term in between for factor in term.factors]
    return schema.column(factors[0]).levels if len(factors) == 1 else ()


def _levels(schema: Schema, between: Sequence[Term], sample: Sample) -> Iterator[Level]:
    """Of one categorical variable its levels; else the average group, and one unit of each column."""
    unit = np.eye(sample.w.shape[1])
    if not between:
        yield Level("all", unit[0])
        return
    labels = _categories(schema, between)
    if not labels:
        yield Level("average", sample.w.mean(axis=0))
        yield from (
            Level(f"per unit of {name}", row) for name, row in zip(sample.w_names[1:], unit[1:], strict=True)
        )
        return
    yield Level(labels[0], unit[0])
    yield from (Level(label, unit[0] + row) for label, row in zip(labels[1:], unit[1:], strict=True))
    yield from (Level(f"{label} - {labels[0]}", row) for label, row in zip(labels[1:], unit[1:], strict=True))
