"""Where the search of a general structure starts: moments of the least-squares residuals."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from laird.design import Design
from laird.fitting.general import Coordinates
from laird.fitting.problem import Problem
from laird.gaussian.standardise import Standardisation
from laird.gaussian.theta import Theta
from laird.posterior.codings import outcome_rows

type Floats = NDArray[np.float64]

LEAST_SHARE = 0.05
"""Heterogeneity starts at no less than this share of the residuals' variance."""


def coordinates_of(problem: Problem, blocks: tuple[tuple[int, ...], ...], s: Standardisation) -> Coordinates:
    """The free coordinates of a problem; a constant sigma may vanish next to known variances."""
    design, codings = problem.design, problem.codings
    sigma_units, slopes = [], []
    for coding in codings:
        if coding.parameter == "sigma":
            vanishes = coding.constant and design.known is not None
            k = len(coding.names)
            sigma_units += [_spread(design, coding.group) if vanishes else np.nan, *[np.nan] * (k - 1)]
            slopes += [False, *[True] * (k - 1)]
    delta = [0] * len(design.random)
    for coding in codings:
        if coding.parameter == "sd":
            delta[coding.factor] = len(coding.names) - 1
    first_zeta = [k == 0 for c in codings if c.parameter == "rho" for k in range(len(c.names))]
    return Coordinates(
        blocks=blocks,
        M=s.T * [_spread(design, outcome) for outcome in _outcomes_of_columns(design)],
        sigma_units=np.array(sigma_units, dtype=float),
        slopes=np.array(slopes, dtype=bool),
        sizes=(*delta, int(codings.of("phi") is not None), len(first_zeta)),
        first_zeta=np.array(first_zeta, dtype=bool),
    )


def start_of(problem: Problem, coordinates: Coordinates) -> Theta:
    """Constant sds that share the variance of the residuals beyond the known variances equally."""
    design = problem.design
    parts = len(design.random) + 1
    alpha = np.zeros(len(coordinates.slopes))
    for coding in problem.codings:
        if coding.parameter == "sigma":
            alpha[coding.place.start] = 0.5 * np.log(_heterogeneity(design, coding.group) / parts)
    shares = [
        np.sqrt(_heterogeneity(design, outcome) / parts) / _spread(design, outcome)
        for outcome in _outcomes_of_columns(design)
    ]
    L = coordinates.M * shares
    *delta, log_phi, zeta = (np.zeros(size) for size in coordinates.sizes)
    return Theta(L, alpha, tuple(delta), log_phi, zeta)


def _outcomes_of_columns(design: Design) -> list[str]:
    """The outcome that each random coefficient belongs to, ``""`` when there is one outcome."""
    if not design.outcomes:
        return [""] * sum(len(random.names) for random in design.random)
    rows = [int(np.flatnonzero(z)[0]) for random in design.random for z in random.Z.T]
    return [design.outcomes[design.which[row]] for row in rows]


def _residual(design: Design) -> Floats:
    size = np.sqrt(np.mean(design.X**2, axis=0))
    fitted = np.linalg.lstsq(design.X / size, design.y, rcond=None)[0]
    return np.asarray(design.y - design.X @ (fitted / size))


def _spread(design: Design, outcome: str) -> float:
    """Root mean square of an outcome's least-squares residuals."""
    return float(np.sqrt(np.mean(_residual(design)[outcome_rows(design, outcome)] ** 2)))


def _heterogeneity(design: Design, outcome: str) -> float:
    """Variance of the residuals beyond the known variances, weighted by precision."""
    rows = outcome_rows(design, outcome)
    squares = _residual(design)[rows] ** 2
    if design.known is None:
        return float(np.mean(squares))
    v = design.known.variances[rows]
    weight = 1.0 / (v + np.median(squares)) ** 2
    excess = float(np.sum(weight * (squares - v)) / np.sum(weight))
    return max(excess, LEAST_SHARE * float(np.average(squares, weights=weight)))
