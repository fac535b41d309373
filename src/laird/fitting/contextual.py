"""The table of within, between and contextual effects, each with its test and interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.fitting.degrees import inner_outer
from laird.fitting.derivatives import Effect, effects
from laird.fitting.reliability import mean_reliability

if TYPE_CHECKING:
    from laird.arrays import RandomDesign
    from laird.fitting.draws import Draws
    from laird.fitting.point import Point
    from laird.fitting.problem import Problem

type Floats = NDArray[np.float64]


def contextual_table(
    problem: Problem,
    random: Sequence[RandomDesign],
    point: Point,
    draws: Draws | None,
    variable: str,
    at: Mapping[str, Any] | None,
    prob: float,
) -> pd.DataFrame:
    """One row per effect: what it is, its estimate, test and interval, and how they were found.

    See `Fit.contextual`.
    """
    found = effects(problem, variable, at)
    if draws is None:
        numbers = _tested(found, point, inner_outer(problem.design, random), prob)
    else:
        numbers = _drawn(found, point, draws, prob)
    return pd.concat([labels(problem, found), numbers], axis=1)


def labels(problem: Problem, found: Sequence[Effect]) -> pd.DataFrame:
    """What each row is: ``term, effect, group, reliability`` and the values of interacting variables."""
    return pd.DataFrame([_labels(problem, effect) for effect in found])


def _labels(problem: Problem, effect: Effect) -> dict[str, str | float]:
    outcome = {"outcome": effect.outcome} if effect.outcome else {}
    names = {"term": effect.variable.name, "effect": effect.effect, "group": effect.group}
    return {**outcome, **names, **dict(effect.at), "reliability": mean_reliability(problem, effect)}


def _estimates(found: Sequence[Effect], point: Point) -> tuple[Floats, Floats, Floats]:
    """Weights, estimates and standard errors."""
    W = np.stack([effect.weights for effect in found])
    return W, W @ point.beta, np.sqrt(np.einsum("ep,pr,er->e", W, point.beta_cov, W))


def _tested(found: Sequence[Effect], point: Point, degrees: Floats, prob: float) -> pd.DataFrame:
    """t tests; the degrees of freedom are the fewest of the coefficients that take part."""
    from scipy.special import stdtr, stdtrit

    W, estimate, se = _estimates(found, point)
    df = np.where(W != 0.0, degrees, np.inf).min(axis=1)
    half = stdtrit(df, 0.5 + prob / 2) * se
    return pd.DataFrame(
        {
            "estimate": estimate,
            "se": se,
            "df": df,
            "statistic": estimate / se,
            "p_value": 2 * stdtr(df, -np.abs(estimate / se)),
            "lower": estimate - half,
            "upper": estimate + half,
            "method": "inner-outer",
        }
    )


def _drawn(found: Sequence[Effect], point: Point, draws: Draws, prob: float) -> pd.DataFrame:
    """Equal-tailed intervals of the draws, and their share above zero."""
    W, estimate, se = _estimates(found, point)
    values = draws.flat("beta") @ W.T
    lower, upper = np.quantile(values, [(1 - prob) / 2, (1 + prob) / 2], axis=0)
    return pd.DataFrame(
        {
            "estimate": estimate,
            "se": se,
            "lower": lower,
            "upper": upper,
            "above": (values > 0).mean(axis=0),
            "method": "posterior",
        }
    )
