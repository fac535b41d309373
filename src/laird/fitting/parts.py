"""The fixed part of an outcome column by column, and the variables that it is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laird.data.coding import CodedColumn, code
from laird.data.schema import Schema
from laird.errors import FitError
from laird.fitting.problem import Problem
from laird.spec import text
from laird.spec.algebra import expand
from laird.spec.functions import AVERAGES
from laird.spec.parser import parse
from laird.spec.syntax import Call, Expr

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Variable:
    """The variable asked for: a number, or the indicator of a level (from 1) of a category."""

    expr: Expr
    name: str
    level: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The fixed part of one outcome.

    Attributes
    ----------
    outcome
        Its name, ``""`` for a single one.
    schema
        What was learned from the data.
    columns, places
        Its columns, and their places among all coefficients.
    X
        Its rows and columns, shape (n, k).
    """

    outcome: str
    schema: Schema
    columns: tuple[CodedColumn, ...]
    places: tuple[int, ...]
    X: Floats


def parts_of(problem: Problem) -> tuple[Part, ...]:
    """Return the fixed part of each outcome."""
    design = problem.design
    return tuple(
        _part(problem, number, design.outcomes[number] if design.outcomes else "")
        for number in range(len(problem.spec.locations))
    )


def _part(problem: Problem, number: int, outcome: str) -> Part:
    design, prefix = problem.design, f"{outcome}: " if outcome else ""
    columns = code(problem.spec.locations[number].terms, problem.schema)
    places = tuple(design.names.index(prefix + column.name) for column in columns)
    rows = design.X[design.which == number] if outcome else design.X
    return Part(outcome, problem.schema, columns, places, rows[:, places])


def expression_of(variable: str) -> Expr:
    """Return the expression that a text names; FitError when it is not one variable."""
    terms = expand(parse(variable), variable).terms
    match terms[0].factors if len(terms) == 1 else ():
        case (expr,) if not (isinstance(expr, Call) and expr.function in AVERAGES):
            return expr
    raise FitError(
        f"`{variable}` is not one variable.", remedy="Name the variable itself, as in fit.contextual('ses')."
    )


def variables_of(expr: Expr, schema: Schema) -> tuple[Variable, ...]:
    """Return a number itself, or the levels of a category but the first."""
    levels, name = schema.column(expr).levels, text(expr)
    if not levels:
        return (Variable(expr, name),)
    return tuple(Variable(expr, f"{name}[{level}]", k) for k, level in enumerate(levels[1:], start=1))


def column_of(part: Part, factor: Expr, position: int) -> Floats | None:
    """Values of a column of a factor in all rows, where it is a term by itself."""
    for k, column in enumerate(part.columns):
        if column.factors == ((factor, position),):
            return part.X[:, k]
    return None
