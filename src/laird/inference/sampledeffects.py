"""True effects of models with families that are not normal: their draws, and how far they are pulled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.fitting.draws import Draws
from laird.fitting.mixing import Standardised, row_variances, standardised
from laird.fitting.problem import Problem
from laird.fitting.refusals import beyond_normal

type Floats = NDArray[np.float64]


class TrueEffects(NamedTuple):
    """Predictions of the true effects, by row, shapes (n,).

    Attributes
    ----------
    variance
        Sampling variance φv.
    estimate, sd
        θ̂ and the root of its mean squared error, or posterior mean and sd.
    lower, upper
        Interval.
    factor
        Diagonal of VΣ⁻¹: the share of the way from y to the mean.
    """

    variance: Floats
    estimate: Floats
    sd: Floats
    lower: Floats
    upper: Floats
    factor: Floats


def sampled_effects(problem: Problem, draws: Draws, prob: float) -> TrueEffects:
    """True effects Xβ + Zu + deviation of every draw: means, sds and equal-tailed intervals.

    Of a normal heterogeneity beside effects of groups that are not normal, the deviation is drawn
    given β and u.  Factors are v/(v + σ²) with the variance σ² that is left given the weight of the row.

    Raises
    ------
    FitError
        Sampling errors are correlated, and the heterogeneity of rows is normal.
    """
    theta, sampling, factor = drawn_deviating(problem, draws)
    lower, upper = np.quantile(theta, [(1 - prob) / 2, (1 + prob) / 2], axis=0)
    moments = theta.mean(axis=0), theta.std(axis=0, ddof=1)
    return TrueEffects(sampling.mean(axis=0), *moments, lower, upper, factor.mean(axis=0))


def drawn_deviating(problem: Problem, draws: Draws) -> tuple[Floats, Floats, Floats]:
    """True effects, sampling variances and factors of every draw, shapes (S, n)."""
    known = problem.design.known
    own = standardised(problem, draws, draws.shape[0] * draws.shape[1])
    sampling = own.phi() * (np.zeros(0) if known is None else known.variances)
    variance = row_variances(own)
    factor = sampling / (sampling + variance)
    return own.means() + _deviations(own, variance, factor), sampling, factor


def _deviations(own: Standardised, variance: Floats, factor: Floats) -> Floats:
    design, draws = own.design, own.draws
    if draws.deviations.size:
        return own.flat("deviations")
    if design.known is not None and design.known.blocks:
        raise beyond_normal(design)
    rng = np.random.default_rng([len(variance), len(design.y)])
    left = design.y - own.means()
    return np.asarray((1 - factor) * left + np.sqrt(variance * factor) * rng.standard_normal(left.shape))
