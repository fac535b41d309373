"""Parametric bootstrap of a likelihood ratio: two models fitted to outcomes simulated from the smaller."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting import ols, reml
from laird.fitting.problem import joined_columns, problem
from laird.fitting.result import Fit
from laird.gaussian.coordinates import lower_factor

type Floats = NDArray[np.float64]


def simulated_outcome(fit: Fit, rng: np.random.Generator) -> Floats:
    """A new outcome of the fitted rows, with new effects of the groups, shape (n,).

    Raises
    ------
    FitError
        The model has known sampling variances, several outcomes or regressions of group sds.
    """
    design = fit.problem.design
    if design.known is not None or design.outcomes or any(own.parameter == "sd" for own in design.scales):
        raise FitError(
            "Outcomes are not simulated from models with known sampling variances, several outcomes or "
            "regressions of group sds.",
            remedy="Leave `simulate` out.",
        )
    y = design.X @ fit.point.beta + fit.sigma * rng.standard_normal(len(design.y))
    random = () if fit.method == "ols" else design.random
    for own, place in zip(random, joined_columns(random), strict=True):
        factor = lower_factor(fit.point.G[place, place], own.blocks)
        u = rng.standard_normal((len(own.levels), len(own.names))) @ factor.T
        y += np.einsum("iq,iq->i", own.Z, u[own.ids])
    return y


def refitted(fit: Fit, y: Floats) -> Fit:
    """The same model by the same method, fitted to another outcome."""
    bound = problem(fit.spec, fit.problem.schema, replace(fit.problem.design, y=y))
    return ols.fit(bound) if fit.method == "ols" else reml.fit(bound, restricted=fit.method == "reml")


def bootstrap_null(small: Fit, large: Fit, draws: int, rng: np.random.Generator) -> Floats:
    """Likelihood ratios of both models fitted to outcomes simulated from the smaller, shape (S,)."""
    found = np.empty(draws)
    for s in range(draws):
        y = simulated_outcome(small, rng)
        found[s] = 2.0 * (refitted(large, y).loglik - refitted(small, y).loglik)
    return np.maximum(found, 0.0)
