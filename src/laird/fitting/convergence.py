"""Effective sample sizes and R-hat of chains (Vehtari, Gelman, Simpson, Carpenter & Bürkner 2021).

The numbers are ArviZ's, to rounding; importing that for them would take longer than to sample.
"""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]

TAIL = 0.1
"""The tail's effective sample size is that of this quantile and of its mirror image."""

FEWEST = 4
"""Draws of a chain that are needed."""


def convergence(values: Floats) -> tuple[float, float, float]:
    """Bulk and tail effective sample size and rank-normalised split R-hat; NaN for constants.

    Parameters
    ----------
    values
        Draws, shape (chains, draws).

    Examples
    --------
    >>> draws = np.random.default_rng(1).normal(size=(4, 500))
    >>> bulk, tail, rhat = convergence(draws)
    >>> round(bulk), round(tail), round(rhat, 3)
    (2009, 1812, 1.005)
    """
    if values.shape[1] < FEWEST or not np.isfinite(values).all() or np.ptp(values) == 0.0:
        return np.nan, np.nan, np.nan
    halves = _split(values)
    z = _normal_scores(halves)
    folded = _normal_scores(np.abs(halves - np.median(halves)))
    quantiles = np.quantile(values, (TAIL, 1 - TAIL))
    tail = min(_effective(_split((values <= at).astype(float))) for at in quantiles)
    rhat = max(_rhat(z), _rhat(folded)) if len(values) > 1 else np.nan
    return _effective(z), tail, rhat


def _split(values: Floats) -> Floats:
    """Halves of chains as chains."""
    half = values.shape[1] // 2
    return np.vstack((values[:, :half], values[:, -half:]))


def _normal_scores(values: Floats) -> Floats:
    """Normal quantiles of ranks, ties at their average."""
    flat = values.ravel()
    ordered = np.sort(flat)
    below, upto = (np.searchsorted(ordered, flat, side) for side in ("left", "right"))
    return np.asarray(_scores(flat.size)[below + upto].reshape(values.shape))


@lru_cache(maxsize=8)
def _scores(n: int) -> Floats:
    """Normal quantile of rank (k + 1)/2 of n, for k = 0 … 2n - 1 (Blom 1958)."""
    quantile = NormalDist().inv_cdf
    scores = [quantile(((k + 1) / 2 - 0.375) / (n + 0.25)) for k in range(2 * n)]
    return np.array(scores)


def _rhat(chains: Floats) -> float:
    n = chains.shape[1]
    within = chains.var(axis=1, ddof=1).mean()
    between = n * chains.mean(axis=1).var(ddof=1)
    return float(np.sqrt((between / within + n - 1) / n)) if within > 0 else np.inf


def _effective(chains: Floats) -> float:
    """Number of independent draws that are worth as much for the mean, by Geyer's (1992) sequences."""
    number, n = chains.shape
    if np.ptp(chains) < np.finfo(float).resolution:
        return float(chains.size)
    autocovariance = _autocovariance(chains)
    within = autocovariance[0] * n / (n - 1.0)
    total = autocovariance[0] + (chains.mean(axis=1).var(ddof=1) if number > 1 else 0.0)
    rho = 1.0 - (within - autocovariance) / total
    rho[0] = 1.0
    tau = max(_time(*_initial_positive(rho)), 1.0 / np.log10(chains.size))
    return float(chains.size / tau)


def _initial_positive(rho: Floats) -> tuple[Floats, int]:
    """Autocorrelations while sums of two are positive, else zero, and the last lag of the sequence."""
    kept, n, t = np.zeros(len(rho)), len(rho), 1
    kept[:2] = even, odd = rho[:2]
    while t < n - 3 and even + odd > 0.0:
        even, odd = rho[t + 1 : t + 3]
        if even + odd >= 0.0:
            kept[t + 1 : t + 3] = even, odd
        t += 2
    if even > 0.0:
        kept[t - 1] = even
    return kept, t - 2


def _time(rho: Floats, last: int) -> float:
    """The autocorrelation time: sums of two made to fall."""
    for t in range(1, last - 1, 2):
        before = rho[t - 1] + rho[t]
        if rho[t + 1] + rho[t + 2] > before:
            rho[t + 1 : t + 3] = before / 2.0
    return float(-1.0 + 2.0 * rho[: last + 1].sum() + rho[last + 1 : last + 2].sum())


def _autocovariance(chains: Floats) -> Floats:
    """Mean autocovariance of the chains at every lag, divisor n."""
    n = chains.shape[1]
    size = 1 << (2 * n - 1).bit_length()
    spectrum = np.fft.rfft(chains - chains.mean(axis=1, keepdims=True), size, axis=1)
    return np.asarray(np.fft.irfft(np.abs(spectrum) ** 2, size, axis=1)[:, :n].mean(axis=0) / n)
