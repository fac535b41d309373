"""Whether ranks are uniform: the exact simultaneous envelope of their empirical distribution.

At each of K - 1 points the number of ranks below is binomial; its two-sided tail probability is
the evidence against uniformity there.  The envelope holds all points at once with the stated
probability: its pointwise level γ is adjusted exactly, by the Markov chain of the counts
(Säilynoja, Bürkner & Vehtari 2022, section 2.2).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.optimize import brentq
from scipy.stats import binom

type Floats = np.ndarray
type Ints = np.ndarray


@cache
def _tails(n: int, K: int) -> tuple[Floats, Floats]:
    """P(B <= r) and P(B >= r) for r = 0 … n at every point k/K, k = 1 … K - 1; shapes (K - 1, n + 1)."""
    r, z = np.arange(n + 1), (np.arange(1, K) / K)[:, None]
    return binom.cdf(r, n, z), binom.sf(r - 1, n, z)


@cache
def _steps(n: int, K: int) -> Floats:
    """P(count at point k + 1 | count at point k), shape (K - 1, n + 1, n + 1); the first from 0."""
    r = np.arange(n + 1)
    share = (1 / (K - np.arange(K - 1)))[:, None, None]
    return binom.pmf(r - r[:, None], n - r[:, None], share)


def _inside(n: int, K: int, level: float) -> np.ndarray:
    """Which counts have both tails above level / 2, shape (K - 1, n + 1)."""
    below, above = _tails(n, K)
    return (below > level / 2) & (above > level / 2)


def coverage(n: int, K: int, level: float) -> float:
    """Probability that n uniform ranks stay inside at all points, with pointwise `level`."""
    state = np.zeros(n + 1)
    state[0] = 1.0
    for step, inside in zip(_steps(n, K), _inside(n, K, level), strict=True):
        state = state @ step * inside
    return float(state.sum())


def p_value(ranks: Ints, K: int) -> float:
    """Probability that uniform ranks out of 0 … K - 1 reach as narrow a tail as these do."""
    n = len(ranks)
    counts = np.bincount(ranks, minlength=K).cumsum()[:-1]
    below, above = _tails(n, K)
    points = np.arange(K - 1)
    level = 2 * float(np.minimum(below[points, counts], above[points, counts]).min())
    return 1.0 - coverage(n, K, level * (1 + 1e-9))


@cache
def envelope(n: int, K: int, probability: float) -> tuple[Floats, Floats]:
    """Lowest and highest share of ranks below every point k/K, k = 1 … K - 1."""
    level = brentq(lambda log_level: coverage(n, K, np.exp(log_level)) - probability, -20.0, 0.0, xtol=1e-4)
    inside = _inside(n, K, float(np.exp(level)))
    return inside.argmax(axis=1) / n, (n - inside[:, ::-1].argmax(axis=1)) / n
