"""The table of within, between and contextual effects, each with its test and interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting.derivatives import Effect, effects
from laird.fitting.effectrows import posterior_rows, t_rows
from laird.fitting.fitted import Fitted
from laird.fitting.problem import Problem
from laird.fitting.reliability import mean_reliability
from laird.fitting.satterthwaite import default_degrees

type Floats = NDArray[np.float64]
type Latent = bool | Literal["sampled"]


def contextual_table(
    fit: Fitted,
    variable: str,
    at: Mapping[str, Any] | None,
    prob: float,
    latent: Latent,
    sampling: Mapping[str, Any],
) -> pd.DataFrame:
    """One row per effect: what it is, its estimate, test and interval, and how they were found.

    See `Fit.contextual`.
    """
    _check(latent)
    found = effects(fit.problem, variable, at)
    if latent == "sampled":
        from laird.fitting.latentsampled import sampled_effects

        return with_labels(fit.problem, found, sampled_effects(fit, found, prob, **sampling))
    _refuse_sampling(sampling)
    if latent:
        from laird.fitting.latent import latent_effects

        return with_labels(fit.problem, found, latent_effects(fit, found, prob))
    return with_labels(fit.problem, found, (_tested if fit.draws is None else _drawn)(fit, found, prob))


def _check(latent: Latent) -> None:
    if not isinstance(latent, bool) and latent != "sampled":
        raise FitError(f"latent = {latent!r} is not possible.", allowed='Allowed: False, True, "sampled".')


def _refuse_sampling(given: Mapping[str, Any]) -> None:
    if given:
        raise FitError(
            f"`{next(iter(given))}` is an option of sampling; nothing is sampled here.",
            remedy='Leave it out, or pass latent="sampled".',
        )


def with_labels(problem: Problem, found: Sequence[Effect], numbers: pd.DataFrame) -> pd.DataFrame:
    """A table of effects with ``term, effect, group, reliability`` and what interacts in front."""
    return pd.concat([pd.DataFrame([_labels(problem, effect) for effect in found]), numbers], axis=1)


def _labels(problem: Problem, effect: Effect) -> dict[str, str | float]:
    outcome = {"outcome": effect.outcome} if effect.outcome else {}
    names = {"term": effect.variable.name, "effect": effect.effect, "group": effect.group}
    return {**outcome, **names, **dict(effect.at), "reliability": mean_reliability(problem, effect)}


def weights_of(found: Sequence[Effect]) -> Floats:
    """The effects as combinations of the fixed effects, shape (effects, p)."""
    return np.stack([effect.weights for effect in found])


def _tested(fit: Fitted, found: Sequence[Effect], prob: float) -> pd.DataFrame:
    """t tests, with Satterthwaite's degrees of freedom; of least squares with n - p."""
    if fit.method in ("eb", "nuts"):
        raise FitError("The fit has no draws: see `fit.check()`.", remedy='Fit with "nuts".')
    K, point = weights_of(found), fit.point
    se = np.sqrt(np.einsum("ep,pr,er->e", K, point.beta_cov, K))
    df, method = default_degrees(fit, K)
    return t_rows(K @ point.beta, se, df, method, prob)


def _drawn(fit: Fitted, found: Sequence[Effect], prob: float) -> pd.DataFrame:
    """Equal-tailed intervals of the draws, and their share above zero."""
    K, point = weights_of(found), fit.point
    se = np.sqrt(np.einsum("ep,pr,er->e", K, point.beta_cov, K))
    values = np.zeros((0, len(K))) if fit.draws is None else fit.draws.flat("beta") @ K.T
    return posterior_rows(values, K @ point.beta, se, "posterior", prob)
