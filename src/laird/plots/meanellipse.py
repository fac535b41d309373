"""How certain the mean lines are that groups shrink to: confidence ellipses of A_jβ̂."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from laird.compare.betaspace import ellipse_radius
from laird.design import RandomDesign
from laird.errors import FitError
from laird.fitting.problem import grouped, level2_weights_of
from laird.fitting.result import Fit
from laird.inference.combinations import draws_of
from laird.inference.reference import reference
from laird.plots.geometry import distinct, ellipse

type Floats = NDArray[np.float64]


def mean_ellipses(fit: Fit, random: RandomDesign, at: tuple[int, int], prob: float = 0.95) -> list[Floats]:
    """Return the ellipse of each distinct mean line that covers it with probability `prob`.

    Parameters
    ----------
    fit
        A fit by any method; of draws the covariance is that of the posterior.
    random, at
        The grouping factor, and the two coefficients.
    prob
        Coverage.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("Reaction ~ Days + (Days | Subject)", data=ld.load_data("sleepstudy")).fit("reml")
    >>> (outline,) = mean_ellipses(fit, fit.problem.design.random[0], (0, 1))
    >>> outline.mean(axis=1).round().tolist()
    [251.0, 10.0]
    """
    return [_outline(fit, A, prob) for A in _distinct_lines(fit, random, at)]


def _distinct_lines(fit: Fit, random: RandomDesign, at: tuple[int, int]) -> Iterator[Floats]:
    """Weights A (2, p) of each distinct pair of means."""
    design = fit.problem.design
    weights = level2_weights_of(design, random, grouped(design, random))[:, at]
    flat = distinct(weights.reshape(len(weights), -1))
    yield from flat.reshape(len(flat), 2, -1)


def _outline(fit: Fit, A: Floats, prob: float) -> Floats:
    radius = ellipse_radius(_degrees(fit, A), prob)
    return ellipse(A @ fit.point.beta, A @ fit.point.beta_cov @ A.T, radius)


def _degrees(fit: Fit, A: Floats) -> float:
    """Of the F test of both coefficients; infinite for draws.

    By nlme's inner-outer rule where the likelihood is flat, so that others cannot be had.
    """
    if draws_of(fit, None) is not None:
        return np.inf
    try:
        return reference(fit, None).joint(A).df
    except FitError:
        return reference(fit, "inner-outer").joint(A).df
