"""Intervals of draws."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

type Floats = NDArray[np.float64]


def credible(draws: Floats, prob: float, estimate: ArrayLike = np.nan) -> tuple[Floats, Floats]:
    """Interval that holds a share `prob` of the draws, and the estimate.

    It leaves as many draws below as above, unless the estimate (a mode at a boundary, as that of a
    heterogeneity at zero) is beyond: then it begins or ends there.

    Parameters
    ----------
    draws
        Shape (S, ...).
    prob
        Share of the draws.
    estimate
        What the intervals are to hold, shape (...); NaN: nothing.

    Examples
    --------
    >>> draws = np.linspace(0.0, 1.0, 101)
    >>> [[round(float(end), 3) for end in credible(draws, 0.9, at)] for at in (0.3, 0.0, 1.0)]
    [[0.05, 0.95], [0.0, 0.9], [0.1, 1.0]]
    """
    tails = [(1 - prob) / 2, (1 + prob) / 2, 1 - prob, prob]
    lower, upper, to_above, from_below = np.quantile(draws, tails, axis=0)
    below, above = np.less(estimate, lower), np.greater(estimate, upper)
    return (
        np.where(above, to_above, np.where(below, estimate, lower)),
        np.where(below, from_below, np.where(above, estimate, upper)),
    )
