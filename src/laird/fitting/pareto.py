"""Pareto-smoothed importance weights and k̂.

See Vehtari, Simpson, Gelman, Yao & Gabry (2024, J. Mach. Learn. Res. 25).  The largest weights are
replaced by expected order statistics of a generalised Pareto distribution that is fitted to them
(Zhang & Stephens 2009, Technometrics 51, 316-325), whose shape k̂ says how many moments the weights
have.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]

EQUAL = 2.0
"""Weights of at most so many times their mean have no tail: k̂ does not see how small it is."""

LEAST_TAIL = 5
PRIOR_SHAPE, PRIOR_COUNT = 0.5, 10
"""k̂ is averaged with this shape, which counts as so many weights more."""


def smoothed(log_ratios: Floats) -> tuple[Floats, float]:
    """Smoothed log weights, and k̂: 0 for ratios that are nearly equal, ∞ for too few.

    Parameters
    ----------
    log_ratios
        Logarithms of target over proposal density, up to a constant, shape (S,).

    Returns
    -------
    Log weights up to a constant, shape (S,), and k̂.

    Examples
    --------
    >>> log_weights, khat = smoothed(np.random.default_rng(1).exponential(0.5, 10_000))
    >>> round(khat, 1)
    0.5
    """
    log_weights = log_ratios - log_ratios.max()
    S, weights = len(log_ratios), np.exp(log_weights)
    if EQUAL * weights.mean() >= 1.0:
        return log_ratios, 0.0
    tail = int(min(S / 5, 3.0 * np.sqrt(S)))
    order = np.argsort(log_weights)[S - tail :]
    cutoff = np.exp(np.partition(log_weights, S - tail - 1)[S - tail - 1])
    shape, scale = generalised_pareto(weights[order] - cutoff) if tail >= LEAST_TAIL else (np.inf, np.nan)
    if not (np.isfinite(shape) and scale > 0):
        return log_ratios, float("inf")
    p = (np.arange(tail) + 0.5) / tail
    with np.errstate(divide="ignore"):
        log_weights[order] = np.minimum(np.log(cutoff + _quantiles(p, shape, scale)), 0.0)
    return log_weights, shape


def generalised_pareto(x: Floats) -> tuple[float, float]:
    """Shape and scale from exceedances x > 0 in ascending order; infinite where they are none such.

    The posterior mean of b = -k/σ over a grid, under a prior that adapts to the quartile of x
    (Zhang & Stephens 2009, sections 3 and 4), then k = mean log(1 - bx).
    """
    n, quartile = len(x), x[int(len(x) / 4 + 0.5) - 1]
    if not quartile > x[0]:
        return float("inf"), float("nan")
    count = 30 + int(np.sqrt(n))
    b = 1.0 / x[-1] + (1.0 - np.sqrt(count / (np.arange(count) + 0.5))) / (3.0 * quartile)
    k = np.log1p(-b[:, None] * x).mean(axis=1)
    profile = n * (np.log(-b / k) - k - 1.0)
    share = np.exp(profile - profile.max())
    mean = float(share @ b / share.sum())
    shape = float(np.log1p(-mean * x).mean())
    averaged = (n * shape + PRIOR_COUNT * PRIOR_SHAPE) / (n + PRIOR_COUNT)
    return averaged, -shape / mean


def _quantiles(p: Floats, shape: float, scale: float) -> Floats:
    """Quantiles of the generalised Pareto distribution above zero."""
    if shape == 0.0:
        return -scale * np.log1p(-p)
    return np.asarray(scale * np.expm1(-shape * np.log1p(-p)) / shape)
