"""Within, between and contextual effects of a variable, as linear combinations of the coefficients.

The expected outcome of a row depends on a variable x through x itself and through the means
m_g of x in the row's groups.  With ∂x and ∂m_g its derivatives,

    within          β_W = ∂x                one unit more of x, in the same group,
    contextual      β_C = ∂m_g              the same x, in a group whose mean is one unit higher,
    between         β_B = ∂x + ∂m_g         one unit more of x in every row of the group,

so that β_B = β_W + β_C however the model is written: with ``x + cvar(x, g)``, where the
coefficient of ``cvar`` is β_C, or with ``dvar(x, g) + cvar(x, g)``, where it is β_B
(Raudenbush & Bryk 2002, p. 139; Snijders & Bosker 2012, p. 56-60).  With classes in schools
the effect between schools holds ∂m of the class as well: the contextual effect of the school
is the effect between schools minus that between classes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.data.averages import group_names, leaves_own_out
from laird.data.coding import CodedColumn
from laird.data.schema import Schema
from laird.errors import FitError, nearest
from laird.fitting.parts import Part, Variable, expression_of, parts_of, variables_of
from laird.fitting.problem import Problem
from laird.fitting.scenarios import Scenario, Slopes, scenarios, value_at
from laird.spec import text, variables
from laird.spec.functions import AVERAGES
from laird.spec.syntax import Call, Expr

type Floats = NDArray[np.float64]

ITSELF = ""
"""The key of the derivative with respect to x itself; the others are labels of group means."""


class Effect(NamedTuple):
    """One effect as weights of the fixed effects.

    Attributes
    ----------
    outcome
        The outcome, ``""`` for a single one.
    variable
        What it is the effect of: ``ses``, or ``Sex[Male]`` for a level compared with the first.
    effect
        ``"within"``, ``"between"`` or ``"contextual"``.
    group
        The groups whose mean it is of; ``""`` for the effect within groups.
    at
        Values of the variables that interact with it.
    weights
        Shape (p,).
    """

    outcome: str
    variable: Variable
    effect: str
    group: str
    at: Scenario
    weights: Floats


def effects(problem: Problem, variable: str, at: Mapping[str, Any] | None = None) -> tuple[Effect, ...]:
    """Return the within, between and contextual effects of a variable.

    Parameters
    ----------
    problem
        The model and its data.
    variable
        A numeric or categorical column, or an expression such as ``log(income)``, as the
        model writes it.
    at
        Values of the variables that interact with it: a number (default: the mean of the
        rows), a level or several (default: each level).

    Raises
    ------
    FitError
        The model has no group mean of the variable or no effect within groups, or the
        variable enters in another way than linearly.

    Examples
    --------
    Pupils in classes in schools:

    >>> from laird.bound import model
    >>> rng = np.random.default_rng(1)
    >>> data = {"school": np.repeat(range(6), 20), "class": np.repeat(range(24), 5)}
    >>> data |= {"x": rng.normal(size=120), "y": rng.normal(size=120)}
    >>> fit = model("y ~ dvar(x, class) + dvar(x, class, school) + cvar(x, school)", data=data).fit("ols")
    >>> for own in effects(fit.problem, "x"):
    ...     print(own.effect, own.group, own.weights)
    within  [0. 1. 0. 0.]
    between class [0. 0. 1. 0.]
    contextual class [ 0. -1.  1.  0.]
    between school [0. 0. 0. 1.]
    contextual school [ 0.  0. -1.  1.]
    """
    parts, expr = parts_of(problem), expression_of(variable)
    concerned = [part for part in parts if _depends(part, expr)]
    if not concerned:
        raise _absent(variable, parts)
    return tuple(
        effect
        for part in concerned
        for own in variables_of(expr, part.schema)
        for effect in _effects(part, own, at or {}, len(problem.design.names))
    )


def _absent(variable: str, parts: Iterable[Part]) -> FitError:
    names = dict.fromkeys(text(f) for part in parts for column in part.columns for f, _ in column.factors)
    return FitError(f"`{variable}` is not in the fixed part of the model.", allowed=nearest(variable, names))


def _depends(part: Part, expr: Expr) -> bool:
    return any(_moves(factor, expr) for column in part.columns for factor, _ in column.factors)


def _moves(factor: Expr, expr: Expr) -> bool:
    """Tell whether a factor depends on the columns of `expr`; grouping columns and weights do not count."""
    if isinstance(factor, Call) and (factor.function in AVERAGES or factor.function in ("center", "scale")):
        return _moves(factor.args[0], expr)
    return not set(variables(expr)).isdisjoint(variables(factor))


def _effects(part: Part, own: Variable, at: Mapping[str, Any], size: int) -> Iterator[Effect]:
    slopes = {pair: slopes_of(*pair, own, part.schema) for column in part.columns for pair in column.factors}
    keys = dict.fromkeys(key for found in slopes.values() for key in found)
    _refuse_one_sided(own, keys, part)
    for scenario in scenarios(part, slopes, at):
        partial = {key: _derivative(part, slopes, key, scenario) for key in keys}
        for effect, group, weights in _combined(partial, part.schema):
            _refuse_zero(own, effect, group, weights)
            full = np.zeros(size)
            full[list(part.places)] = weights
            yield Effect(part.outcome, own, effect, group, scenario, full)


def slopes_of(factor: Expr, position: int, own: Variable, schema: Schema) -> Mapping[str, float]:
    """Derivatives of a column of a factor with respect to x and to the means of x."""
    if factor == own.expr:
        return _level_slopes(position, own)
    match factor:
        case Call(function, (inner, *_)) if function in AVERAGES and inner == own.expr:
            return _mean_slopes(factor) if own.level in (0, position + 1) else {}
        case Call("center", (inner,)):
            return slopes_of(inner, position, own, schema)
        case Call("scale", (inner,)):
            sd = float(dict(schema.states)[factor][1])
            return {key: slope / sd for key, slope in slopes_of(inner, position, own, schema).items()}
    if _moves(factor, own.expr):
        raise FitError(
            f"`{text(factor)}` depends on `{text(own.expr)}` in another way than linearly:"
            " there is no single effect.",
            remedy="Compare predictions instead: fit.predict(new).",
        )
    return {}


def _level_slopes(position: int, own: Variable) -> Mapping[str, float]:
    """Of the indicator of a level, in the place of that of the first level."""
    if position == own.level:
        return {ITSELF: 1.0}
    return {ITSELF: -1.0} if position == 0 else {}


def _mean_slopes(call: Call) -> Mapping[str, float]:
    labels = _labels(call)
    if call.function == "cvar":
        return {labels[0]: 1.0}
    first, *above = (ITSELF, *labels) if len(labels) == 1 else labels
    return {first: 1.0, above[0]: -1.0}


def _labels(call: Call) -> list[str]:
    """Groups of a ``cvar`` or ``dvar``, with what makes their means other than plain ones."""
    others = ", others" if leaves_own_out(call) else ""
    weights = dict(call.keywords).get("weights")
    weighted = "" if weights is None else f", weighted by {text(weights)}"
    return [name + others + weighted for name in group_names(call)]


def _combined(partial: Mapping[str, Floats], schema: Schema) -> Iterator[tuple[str, str, Floats]]:
    """Yield effect, group and weights, from the derivatives of the linear predictor."""
    yield "within", "", partial[ITSELF]
    means = [key for key in partial if key != ITSELF]
    for group in means:
        inside = [partial[other] for other in means if other == group or _nested(other, group, schema)]
        yield "between", group, partial[ITSELF] + sum(inside)
        yield "contextual", group, partial[group]


def group_of(label: str) -> str:
    """The grouping factor of the label of a group mean."""
    return label.split(", ")[0]


def _nested(inner: str, outer: str, schema: Schema) -> bool:
    """Tell whether the groups of one label lie within those of another."""
    small, large = (schema.group(group_of(label)) for label in (inner, outer))
    return small is not large and {*small.columns, *small.constant}.issuperset(large.columns)


def _derivative(part: Part, slopes: Slopes, key: str, scenario: Scenario) -> Floats:
    """Derivative of each column, by the product rule."""

    def of(column: CodedColumn) -> float:
        total = 0.0
        for moving in column.factors:
            if slope := slopes[moving].get(key, 0.0):
                others = (pair for pair in column.factors if pair != moving)
                total += slope * float(np.prod([value_at(part, pair, scenario) for pair in others]))
        return total

    return np.array([of(column) for column in part.columns])


def _refuse_one_sided(own: Variable, keys: Collection[str], part: Part) -> None:
    x, group = text(own.expr), next((group.name for group in part.schema.groups), "…")
    if ITSELF not in keys:
        raise FitError(
            f"The model has no effect of `{own.name}` within groups.",
            remedy=f"Add `{x}`, or its deviation from the group mean, dvar({x}, {group}).",
        )
    if len(keys) == 1:
        raise FitError(
            f"The model has no group mean of `{x}`: it takes its effects within and between groups as equal.",
            remedy=f"Add the contextual term cvar({x}, {group}).",
        )


def _refuse_zero(own: Variable, effect: str, group: str, weights: Floats) -> None:
    if not weights.any():
        name = group_of(group)
        raise FitError(
            f"The model takes the {effect} effect of `{own.name}` in groups of `{name}` to be zero.",
            remedy=f"Add cvar({text(own.expr)}, {name}), or the term of that level.",
        )
