"""Parametric bootstrap of a likelihood ratio: two models fitted to outcomes simulated from the smaller."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting import ols, reml
from laird.fitting.problem import joined_columns, problem
from laird.fitting.regressions import estimates
from laird.fitting.result import Fit
from laird.fitting.simulate import draw
from laird.fitting.truth import GroupTruth, Truth
from laird.gaussian.theta import Theta

type Floats = NDArray[np.float64]


def simulated_outcome(fit: Fit, rng: np.random.Generator) -> Floats:
    """A new outcome of the fitted rows, with new effects of the groups, shape (n,).

    Raises
    ------
    FitError
        The rows are weighted: weights do not say how a row varies.
    """
    design = fit.problem.design
    if design.weights is not None:
        raise FitError("Outcomes cannot be simulated for weighted rows.", remedy="Leave `simulate` out.")
    if fit.theta is None:
        plain = Truth(fit.point.beta, (), fit.point.sigma, (), (), 1.0)
        return draw(replace(design, random=(), scales=()), plain, rng)
    return draw(design, _truth(fit, fit.theta), rng)


def _truth(fit: Fit, theta: Theta) -> Truth:
    """The estimates as parameters to simulate from."""
    design = fit.problem.design
    values = {(own.parameter, own.group): own.estimate for own in estimates(fit.problem.codings, theta)}
    factors = [theta.L[at, at] for at in joined_columns(design.random)]
    sigmas = [own.group for own in design.scales if own.parameter == "sigma"]
    return Truth(
        beta=fit.point.beta,
        groups=tuple(
            _group_truth(L, values.get(("sd", own.group)))
            for own, L in zip(design.random, factors, strict=True)
        ),
        sigma=fit.point.sigma,
        log_sigma=tuple(values.get(("sigma", group), np.zeros(0)) for group in sigmas),
        atanh_rho=tuple(
            values["rho", ", ".join(design.outcomes[k] for k in own.pair)] for own in design.rhos
        ),
        phi=float(np.exp(theta.log_phi.sum())),
    )


def _group_truth(L: Floats, log_sd: Floats | None) -> GroupTruth:
    """A regression of a log sd multiplies the factor, whose first row has the sd at average predictors."""
    if log_sd is None:
        return GroupTruth(L)
    return GroupTruth(L, log_sd, float(np.log(np.linalg.norm(L[0]))))


def refitted(fit: Fit, y: Floats) -> Fit:
    """The same model by the same method, fitted to another outcome."""
    bound = problem(fit.spec, fit.problem.schema, replace(fit.problem.design, y=y), fit.problem.table)
    return ols.fit(bound) if fit.method == "ols" else reml.fit(bound, restricted=fit.method == "reml")


def bootstrap_null(small: Fit, large: Fit, draws: int, rng: np.random.Generator) -> Floats:
    """Likelihood ratios of both models fitted to outcomes simulated from the smaller, shape (S,)."""
    found = np.empty(draws)
    for s in range(draws):
        y = simulated_outcome(small, rng)
        found[s] = 2.0 * (refitted(large, y).loglik - refitted(small, y).loglik)
    return np.maximum(found, 0.0)
