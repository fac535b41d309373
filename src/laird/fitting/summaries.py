"""Summaries of many group effects, one chunk of draws after another.

Moments are sums of deviations from the first chunk's means.  Quantiles come from a
histogram for every effect, `BINS` bins of equal width over `REACH` sds of the first chunk
to either side, linear within bins: exact to about a hundredth of an sd, less than what
4000 draws leave uncertain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from laird.fitting.frozen import freeze

type Floats = NDArray[np.float64]
type Counts = NDArray[np.uint32]

QUANTILES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.99, 0.995)
BINS = 128
REACH = 6.0


@dataclass(frozen=True, slots=True, eq=False)
class EffectSummary:
    """Moments and quantiles of the effects of one grouping factor over draws.

    Attributes
    ----------
    mean, cov
        Shapes (J, q), (J, q, q).
    beta_cov
        Covariance with the fixed effects, shape (J, q, p).
    quantiles
        At the probabilities `QUANTILES`, shape (13, J, q); (0, J, q) where draws are kept.
    """

    mean: Floats
    cov: Floats
    beta_cov: Floats
    quantiles: Floats

    def __post_init__(self) -> None:
        freeze(self)


class Summariser:
    """Takes chunks of draws of one factor's effects and of the fixed effects."""

    def __init__(self, *, quantiles: bool) -> None:
        self._wanted = quantiles
        self._count = 0

    def add(self, u: Floats, beta: Floats) -> None:
        """Take draws (s, J, q) and (s, p)."""
        if not self._count:
            self._begin(u, beta)
        du, db = u - self._u0, beta - self._b0
        self._count += len(u)
        self._u += du.sum(axis=0)
        self._b += db.sum(axis=0)
        self._uu += np.einsum("sja,sjb->jab", du, du)
        self._ub += np.einsum("sja,sp->jap", du, db)
        if self._wanted:
            _count(np.ascontiguousarray(u), self._low, self._width, self._bins)

    def _begin(self, u: Floats, beta: Floats) -> None:
        J, q, p = *u.shape[1:], beta.shape[1]
        self._u0, self._b0 = u.mean(axis=0), beta.mean(axis=0)
        self._u, self._b = np.zeros((J, q)), np.zeros(p)
        self._uu, self._ub = np.zeros((J, q, q)), np.zeros((J, q, p))
        sd = np.maximum(u.std(axis=0), np.finfo(float).tiny)
        self._low, self._width = self._u0 - REACH * sd, 2 * REACH * sd / BINS
        self._bins = np.zeros((J, q, BINS) if self._wanted else (0, 0, 0), dtype=np.uint32)

    def finish(self) -> EffectSummary:
        """The summary of all draws taken."""
        n, divisor = self._count, max(self._count - 1, 1)
        mean = self._u / n
        quantiles = np.zeros((0, *mean.shape))
        if self._wanted:
            quantiles = _quantiles(self._bins, self._low, self._width, np.array(QUANTILES))
        return EffectSummary(
            mean=self._u0 + mean,
            cov=(self._uu - n * mean[:, :, None] * mean[:, None, :]) / divisor,
            beta_cov=(self._ub - mean[:, :, None] * self._b) / divisor,
            quantiles=quantiles,
        )


@njit(cache=True, error_model="numpy")
def _count(u: Floats, low: Floats, width: Floats, bins: Counts) -> None:
    for s in range(u.shape[0]):
        for j in range(u.shape[1]):
            for k in range(u.shape[2]):
                at = int((u[s, j, k] - low[j, k]) / width[j, k])
                bins[j, k, min(max(at, 0), bins.shape[2] - 1)] += 1


@njit(cache=True, error_model="numpy")
def _quantiles(bins: Counts, low: Floats, width: Floats, probs: Floats) -> Floats:
    J, q, size = bins.shape
    found = np.empty((len(probs), J, q))
    for j in range(J):
        for k in range(q):
            total = 0.0
            for b in range(size):
                total += bins[j, k, b]
            b, below = 0, 0.0
            for i in range(len(probs)):
                while below + bins[j, k, b] < probs[i] * total and b < size - 1:
                    below += bins[j, k, b]
                    b += 1
                share = (probs[i] * total - below) / max(bins[j, k, b], 1)
                found[i, j, k] = low[j, k] + width[j, k] * (b + share)
    return found
