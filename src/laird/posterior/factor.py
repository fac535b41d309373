"""The factor of the covariance of the group effects from sds and correlations, compiled."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from laird.posterior.links import SIGNED

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]


@njit(cache=True, error_model="numpy")
def factor_of(phi: Floats, q: int, pairs: Ids, links: Ids, scales: Floats) -> tuple[Floats, Floats]:
    """L of (sds, atanh partial correlations), and what remains of each row's length, (q, q) and (q,)."""
    L, remaining = np.zeros((q, q)), np.empty(q)
    for i in range(q):
        remaining[i] = scales[i] * abs(phi[i]) if links[i] == SIGNED else np.exp(phi[i])
    for k in range(len(pairs)):
        i, j = pairs[k, 0], pairs[k, 1]
        L[i, j] = np.tanh(phi[q + k]) * remaining[i]
        remaining[i] /= np.cosh(phi[q + k])
    for i in range(q):
        L[i, i] = remaining[i]
    return L, remaining


@njit(cache=True, error_model="numpy")
def add_chain(
    phi: Floats, q: int, pairs: Ids, links: Ids, L: Floats, d_L: Floats, remaining: Floats, gradient: Floats
) -> None:
    """Add derivatives in sds and correlations, from the last pair to the first; see `log_scale_gradient`."""
    later = np.empty(q)
    for i in range(q):
        later[i] = L[i, i] * d_L[i, i]
    for k in range(len(pairs) - 1, -1, -1):
        i, j = pairs[k, 0], pairs[k, 1]
        remaining[i] *= np.cosh(phi[q + k])
        gradient[q + k] += (
            remaining[i] * d_L[i, j] / np.cosh(phi[q + k]) ** 2 - np.tanh(phi[q + k]) * later[i]
        )
        later[i] += L[i, j] * d_L[i, j]
    for i in range(q):
        if links[i] != SIGNED:
            gradient[i] += later[i]
        elif phi[i] != 0.0:
            gradient[i] += later[i] / phi[i]
