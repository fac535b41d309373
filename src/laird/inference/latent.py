"""Contextual effects of a latent group mean: the explicit graph, sampled."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.data.checks import warn
from laird.data.coding import CodedColumn, code
from laird.data.transforms import group_means, is_constant
from laird.design import Design, RandomDesign
from laird.errors import FitError
from laird.fitting.derivatives import Effect, slopes_of
from laird.fitting.options import seed, share, whole_number
from laird.fitting.parts import Part, Variable, column_of, parts_of
from laird.fitting.problem import Problem
from laird.fitting.reliability import values_of
from laird.fitting.result import Fit
from laird.fitting.tables import convergence
from laird.posterior import prior_table
from laird.spec import text
from laird.spec.syntax import Expr

if TYPE_CHECKING:
    from laird.graph.latent import LatentMean

type Floats = NDArray[np.float64]

RHAT_LIMIT = 1.01


def latent_effects(
    fit: Fit,
    found: Sequence[Effect],
    prob: float,
    *,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    cores: int | None = None,
    random_seed: int | None = None,
    target_accept: float = 0.9,
) -> pd.DataFrame:
    """Sample a model with the group mean of a variable latent; estimates and intervals of its effects.

    Returns
    -------
    ``estimate, se, lower, upper, above, method, ess_bulk, ess_tail, rhat``, one row per effect.

    Raises
    ------
    FitError
        The model is not one that has a graph with a latent mean, or an option is not usable.
    """
    from laird.graph.latent import latent, sample

    problem = fit.problem
    own = _latent_mean(problem, found)
    table = fit.priors or prior_table(fit.spec.priors, problem.design)
    trace = sample(
        latent(problem.design, table, own),
        draws=whole_number("draws", draws, 4),
        tune=whole_number("tune", tune, 1),
        chains=whole_number("chains", chains, 1),
        cores=whole_number("cores", cores or min(chains, os.cpu_count() or 1), 1),
        random_seed=seed(random_seed),
        target_accept=share("target_accept", target_accept),
    )
    beta = np.asarray(trace["posterior"]["beta"])
    return _table(beta @ np.stack([effect.weights for effect in found]).T, prob)


def _table(values: Floats, prob: float) -> pd.DataFrame:
    """The posterior of effects, draws of shape (chains, draws, effects)."""
    lower, upper = np.quantile(values, [(1 - prob) / 2, (1 + prob) / 2], axis=(0, 1))
    diagnostics = np.array([convergence(values[..., k]) for k in range(values.shape[2])])
    worst = float(np.nanmax(diagnostics[:, 2]))
    if worst > RHAT_LIMIT:
        warn(f"Sampling has not converged: largest R-hat {worst:.3f}; raise `tune` and `draws`.")
    return pd.DataFrame(
        {
            "estimate": values.mean(axis=(0, 1)),
            "se": values.std(axis=(0, 1), ddof=1),
            "lower": lower,
            "upper": upper,
            "above": (values > 0).mean(axis=(0, 1)),
            "method": "posterior, latent mean",
            "ess_bulk": diagnostics[:, 0],
            "ess_tail": diagnostics[:, 1],
            "rhat": diagnostics[:, 2],
        }
    )


def _latent_mean(problem: Problem, found: Sequence[Effect]) -> LatentMean:
    """The variable of the effects, and how the columns of the design depend on its group mean."""
    from laird.graph.latent import LatentMean

    design, own = problem.design, found[0].variable
    _refuse_unavailable(design)
    random, (part,) = _random(design, found), parts_of(problem)
    x = values_of(part, own)
    if own.level or x is None:
        raise _unavailable(f"`{own.name}` must be a number, in the model with its plain group mean")
    key, J = random.group, len(random.levels)
    X_slope = _slopes(part.columns, part, own, key)
    coded = {r.group: _columns(problem, r) for r in design.random}
    return LatentMean(
        name=own.name,
        x=x,
        ids=random.ids,
        means=group_means(x, random.ids, J),
        W=_group_predictors(part, own, random),
        X_slope=X_slope,
        Z_slopes=tuple(_slopes(coded[r.group], part, own, key) for r in design.random),
    )


def _refuse_unavailable(design: Design) -> None:
    reasons = (
        (design.outcomes, "the model has several outcomes"),
        (design.scales, "the model has regressions of sds"),
        (design.known, "the model has known sampling variances"),
        (design.weights is not None, "the model has weights"),
    )
    for present, why in reasons:
        if present:
            raise _unavailable(why)


def _random(design: Design, found: Sequence[Effect]) -> RandomDesign:
    """The grouping factor of the mean, which must have a random term."""
    groups = {effect.group for effect in found if effect.group}
    for random in design.random:
        if groups == {random.group}:
            return random
    raise _unavailable("there must be one plain group mean, of groups that have a random term")


def _unavailable(why: str) -> FitError:
    return FitError(f"A latent group mean is not available here: {why}.", remedy="Leave `latent` out.")


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
        raise _unavailable(f"`{column.name}` holds the square of the group mean")
    total = np.zeros(len(part.X))
    for pair in moving:
        others = (_values(part, other) for other in column.factors if other != pair)
        total += slopes_of(*pair, own, part.schema)[key] * np.prod([np.ones(len(total)), *others], axis=0)
    return total


def _values(part: Part, pair: tuple[Expr, int]) -> Floats:
    values = column_of(part, *pair)
    if values is None:
        raise _unavailable(f"`{text(pair[0])}` has no effect of its own in the model")
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
