"""R² of heterogeneity: how much of it moderators explain, with intervals.

R² = 1 - τ²/τ₀², at least 0 (Raudenbush 2009), τ₀² of the same model without moderators of the
location.  Both are estimates, so that its interval is that of a parametric bootstrap:
outcomes simulated from the fit, both models fitted to each (López-López et al. 2014 found R² itself
poor below 40 studies).  Of draws R² is computed draw by draw, with τ₀² at its estimate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.errors import DataError, FitError
from laird.fitting.intervals import credible
from laird.fitting.result import Fit
from laird.inference.places import Place
from laird.inference.refits import refit
from laird.inference.replicates import simulated_outcome
from laird.posterior.codings import outcome_rows

type Floats = NDArray[np.float64]

SPANNED = 1e-8
"""Constants are among the moderators when these leave less than this of them."""


def without_moderators(fit: Fit) -> Fit | None:
    """The model with an intercept alone for every outcome; None when it has no more, or none.

    None too where true effects are not normal: an estimate by REML is of other tails.
    """
    X = _constants(fit)
    design = fit.problem.design
    if design.families:
        return None
    left = X - design.X @ np.linalg.lstsq(design.X, X, rcond=None)[0]
    if np.abs(left).max() > SPANNED or X.shape[1] == design.X.shape[1]:
        return None
    names = tuple(f"{name}: Intercept" for name in design.outcomes) or ("Intercept",)
    return refit(fit, replace(design, X=X, names=names), method="reml" if fit.draws else fit.method)


def _constants(fit: Fit) -> Floats:
    """Indicators of the outcomes, shape (n, outcomes)."""
    design = fit.problem.design
    return np.column_stack([outcome_rows(design, name) for name in design.outcomes or ("",)]).astype(float)


def explained(after: Floats, before: Floats) -> Floats:
    """R² in per cent from variances by level (..., levels), with the total last; NaN where τ₀² is 0.

    Examples
    --------
    >>> explained(np.array([1.0, 3.0]), np.array([2.0, 3.0]))
    array([50.,  0., 20.])
    """
    own, null = (np.concatenate([v, v.sum(axis=-1, keepdims=True)], axis=-1) for v in (after, before))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(null > 0, 100 * np.maximum(1 - own / null, 0.0), np.nan)


def check_comparable(fit: Fit, null: Fit) -> None:
    """Refuse to compare heterogeneity with that of other rows, or at other levels.

    Raises
    ------
    FitError
        The models are of different rows, or do not have the same levels.
    """
    own, other = fit.problem.design, null.problem.design
    if own.y.shape != other.y.shape or not np.array_equal(own.y, other.y):
        raise FitError(
            f"`null` is fitted to other data: {len(other.y)} effect sizes, the fit has {len(own.y)}.",
            remedy="Fit both models to the same rows; R² compares their heterogeneity.",
        )
    levels, others = Place(fit, own, 0.0).names, Place(null, other, 0.0).names
    if levels != others:
        raise FitError(
            f"`null` has heterogeneity between: {_listed(others)}; the fit between: {_listed(levels)}.",
            remedy="Let the models differ in their moderators only; R² compares level by level.",
        )


def _listed(levels: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in levels) or "nothing"


def explained_at(
    fit: Fit,
    places: Sequence[Place],
    nulls: Sequence[Place] | None,
    prob: float,
    replicates: int,
    seed: int,
) -> list[pd.DataFrame]:
    """``R2, R2_lower, R2_upper`` at every place, by level and in total; NaN for what is not known.

    Parameters
    ----------
    fit, places
        The model, and where it is measured.
    nulls
        The same places in the model without moderators, None when there is none.
    prob
        Probability of the intervals.
    replicates, seed
        Simulated outcomes for the intervals of likelihood fits (0: no intervals), and their seed.
    """
    if nulls is None:
        return [_frame(place, *np.full((3, len(place.levels) + 1), np.nan)) for place in places]
    pairs = [(place, null.estimate()) for place, null in zip(places, nulls, strict=True)]
    found = [explained(place.estimate(), v) for place, v in pairs]
    if fit.draws is not None:
        drawn = [explained(place.drawn(), v) for place, v in pairs]
    elif replicates:
        drawn = bootstrap(fit, places, nulls, replicates, np.random.default_rng(seed))
    else:
        drawn = [np.full((1, len(R2)), np.nan) for R2 in found]
    return [
        _frame(place, R2, *credible(own, prob, R2))
        for place, R2, own in zip(places, found, drawn, strict=True)
    ]


def _frame(place: Place, R2: Floats, lower: Floats, upper: Floats) -> pd.DataFrame:
    """One level is the total."""
    kept = slice(-1 if len(place.levels) == 1 else None, None)
    return pd.DataFrame({"R2": R2[kept], "R2_lower": lower[kept], "R2_upper": upper[kept]})


def bootstrap(
    fit: Fit, places: Sequence[Place], nulls: Sequence[Place], replicates: int, rng: np.random.Generator
) -> list[Floats]:
    """R² at every place, by level and in total, shapes (replicates, levels + 1).

    Parameters
    ----------
    fit, places, nulls
        The model, where it is measured, and the same places in the model without moderators.
    replicates
        Number of simulated outcomes; those that a model cannot be fitted to are left out.
    rng
        Source of randomness.
    """
    found: list[list[Floats]] = [[] for _ in places]
    for _ in range(replicates):
        y = simulated_outcome(fit, rng)
        try:
            own, without = (refit(one, replace(one.problem.design, y=y)) for one in (fit, nulls[0].fit))
        except (DataError, FitError):
            continue
        for values, place, null in zip(found, places, nulls, strict=True):
            after, before = replace(place, fit=own).estimate(), replace(null, fit=without).estimate()
            values.append(explained(after, before))
    return [np.array(values) for values in found]
