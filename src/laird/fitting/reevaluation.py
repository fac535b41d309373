"""Log densities at a fit's own parameters: what a stored fit must find again when it is loaded."""

from __future__ import annotations

from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting.draws import Draws
from laird.fitting.mixing import given_effects, standardised
from laird.fitting.point import Point
from laird.fitting.problem import Problem
from laird.fitting.target import centred, flat_likelihood, target_of
from laird.gaussian.grouped import LOG_2PI
from laird.gaussian.theta import Theta
from laird.posterior.table import PriorTable

type Floats = NDArray[np.float64]

EVALUATED = 20
"""Draws at which the posterior is evaluated."""

TOLERANCE = 1e-8
"""Relative difference of log densities that other machines may round to."""


def log_densities(
    problem: Problem, point: Point, theta: Theta | None, draws: Draws | None, priors: PriorTable | None
) -> Floats:
    """Log densities at the parameters of a fit, shape (k,).

    Of the posterior at some of the draws; of the outcome given all effects where these are not
    normal; without draws the restricted log-likelihood at θ; of
    least squares the log-likelihood of independent rows at β and σ.
    """
    if draws is not None and problem.design.families:
        return given_effects(standardised(problem, draws, EVALUATED))
    if draws is not None and priors is not None:
        return _at_draws(problem, draws, priors)
    if theta is not None:
        return np.array([flat_likelihood(problem).density(theta, np.zeros(0))[0]])
    rest = (problem.design.y - problem.design.X @ point.beta) / point.sigma
    return np.array([-len(rest) * (0.5 * LOG_2PI + np.log(point.sigma)) - 0.5 * float(rest @ rest)])


def _at_draws(problem: Problem, draws: Draws, priors: PriorTable) -> Floats:
    """At draws evenly spaced over all chains."""
    target = target_of(problem, priors)
    chosen = np.linspace(0, draws.shape[0] * draws.shape[1] - 1, EVALUATED).astype(int)
    beta = draws.flat("beta")
    points = [target.coordinates.join(draws.at(s), centred(target, beta[s])) for s in chosen]
    return np.array([target.density(phi)[0] for phi in points])


def check_same(found: Floats, stored: Floats) -> None:
    """Raise FitError unless log densities are those stored."""
    if found.shape != stored.shape:
        _refuse(f"it has {stored.size} log densities, this version evaluates {found.size}")
    apart = np.flatnonzero(~np.isclose(found, stored, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True))
    if apart.size:
        was, now = float(stored[apart[0]]), float(found[apart[0]])
        _refuse(f"its log density was {was!r}, evaluated again it is {now!r}")


def _refuse(reason: str) -> NoReturn:
    raise FitError(
        f"The stored fit does not agree with this version of laird: {reason}.",
        remedy="Load it with the version that wrote it (attribute `laird_version`), or fit again.",
    )
