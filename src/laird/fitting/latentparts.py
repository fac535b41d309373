"""What a latent group mean needs of a fitted model: the variable, its groups, and the columns it moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laird.data.coding import CodedColumn, code
from laird.data.transforms import is_constant
from laird.design import Design, RandomDesign
from laird.errors import FitError
from laird.fitting.derivatives import Effect, slopes_of
from laird.fitting.parts import Part, Variable, column_of, parts_of
from laird.fitting.problem import Problem
from laird.fitting.reliability import values_of
from laird.spec import text
from laird.spec.syntax import Expr

type Floats = NDArray[np.float64]

SAMPLED = 'Pass latent="sampled": the explicit graph, by NUTS.'


@dataclass(frozen=True, slots=True, eq=False)
class LatentParts:
    """A variable, and how a design depends on its group means.

    Attributes
    ----------
    name
        The variable.
    random
        The grouping factor of the means.
    x
        Values of the variable, shape (n,).
    W
        Predictors of the means: columns of X that are constant within groups and do not hold
        the variable, shape (J, k).
    X_slope
        Derivative of the columns of X in the mean, shape (n, p).
    Z_slopes
        The same of the columns of Z of each grouping factor, shapes (n, q).
    """

    name: str
    random: RandomDesign
    x: Floats
    W: Floats
    X_slope: Floats
    Z_slopes: tuple[Floats, ...]


def latent_parts(problem: Problem, found: Sequence[Effect]) -> LatentParts:
    """Return the variable of the effects, and how the columns of the design depend on its group mean.

    Raises
    ------
    FitError
        The model is not one in which the group means can be latent.
    """
    design, own = problem.design, found[0].variable
    _refuse_unavailable(problem)
    random, (part,) = _random(design, found), parts_of(problem)
    if own.level:
        raise unavailable(
            f"`{own.name}` is a level of a category, and the mean of an indicator is a share, "
            "which is not normal around the group's own",
        )
    x = values_of(part, own)
    if x is None:
        raise unavailable(f"`{own.name}` must be in the model with its plain group mean")
    key = random.group
    coded = {r.group: _columns(problem, r) for r in design.random}
    return LatentParts(
        name=own.name,
        random=random,
        x=x,
        W=_group_predictors(part, own, random),
        X_slope=_slopes(part.columns, part, own, key),
        Z_slopes=tuple(_slopes(coded[r.group], part, own, key) for r in design.random),
    )


def _refuse_unavailable(problem: Problem) -> None:
    design = problem.design
    reasons = (
        (problem.spec.families, "the model is not normal"),
        (design.outcomes, "the model has several outcomes"),
        (design.scales, "the model has regressions of sds"),
        (design.known, "the model has known sampling variances"),
        (design.weights is not None, "the model has weights"),
    )
    for present, why in reasons:
        if present:
            raise unavailable(why)


def _random(design: Design, found: Sequence[Effect]) -> RandomDesign:
    """The grouping factor of the mean, which must have a random term."""
    groups = {effect.group for effect in found if effect.group}
    for random in design.random:
        if groups == {random.group}:
            return random
    raise unavailable("there must be one plain group mean, of groups that have a random term")


def unavailable(why: str, remedy: str = "Leave `latent` out.") -> FitError:
    """The error of a model without a latent mean."""
    return FitError(f"A latent group mean is not available here: {why}.", remedy=remedy)


def _columns(problem: Problem, random: RandomDesign) -> list[CodedColumn]:
    """The columns of Z, in the order of the design."""
    terms = (own for own in problem.spec.locations[0].random if own.group_name == random.group)
    coded = {column.name: column for own in terms for column in code(own.terms, problem.schema)}
    return [coded[name] for name in random.names]


def _slopes(columns: Sequence[CodedColumn], part: Part, own: Variable, key: str) -> Floats:
    """Change of each column per unit of the group mean, shape (n, len(columns))."""
    return np.stack([_slope(column, part, own, key) for column in columns], axis=1)


def _slope(column: CodedColumn, part: Part, own: Variable, key: str) -> Floats:
    moving = [pair for pair in column.factors if key in slopes_of(*pair, own, part.schema)]
    if len(moving) > 1:
        raise unavailable(f"`{column.name}` holds the square of the group mean")
    total = np.zeros(len(part.X))
    for pair in moving:
        others = (_values(part, other) for other in column.factors if other != pair)
        total += slopes_of(*pair, own, part.schema)[key] * np.prod([np.ones(len(total)), *others], axis=0)
    return total


def _values(part: Part, pair: tuple[Expr, int]) -> Floats:
    values = column_of(part, *pair)
    if values is None:
        raise unavailable(f"`{text(pair[0])}` has no effect of its own in the model")
    return values


def _group_predictors(part: Part, own: Variable, random: RandomDesign) -> Floats:
    """Columns of X that are constant within groups and do not hold the variable, shape (J, k)."""
    first = np.full(len(random.levels), -1)
    first[random.ids[::-1]] = np.arange(len(random.ids))[::-1]
    free = [
        k
        for k, column in enumerate(part.columns)
        if column.factors
        and not any(slopes_of(*pair, own, part.schema) for pair in column.factors)
        and is_constant(part.X[:, k], random.ids)
    ]
    return part.X[np.ix_(first, free)]
