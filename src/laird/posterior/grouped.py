"""The density of phi for one grouping factor as one compiled function without Python.

Samplers call it millions of times from several threads: it needs no interpreter lock, and
a call costs little more than `laird.gaussian.marginal.log_marginal_density`, which it calls.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from laird.gaussian.grouped import DATA
from laird.gaussian.likelihoods import GroupedLikelihood
from laird.gaussian.marginal import arguments, log_marginal_density
from laird.gaussian.small import MATRIX, PLACES, VECTOR
from laird.posterior.density import Posterior
from laird.posterior.links import SIGNED, log_priors

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type Density = Callable[[Floats], tuple[float, Floats]]

PAIRS = types.Array(types.int64, 2, "C", readonly=True)
VALUE = types.Tuple((types.float64, types.float64[::1]))  # type: ignore[no-untyped-call]


def density_function(target: Posterior) -> Density:
    """Return phi -> (log density, gradient), compiled when the model has at most one grouping factor."""
    own = target.coordinates
    if not isinstance(target.likelihood, GroupedLikelihood):
        return target.density
    pairs = np.array(own.pairs, dtype=np.int64).reshape(-1, 2)
    data = (pairs, *own.priors, *arguments(target.likelihood.problem))
    compiled: Any = log_posterior

    def density(phi: Floats) -> tuple[float, Floats]:
        return compiled(phi, *data)  # type: ignore[no-any-return]

    return density


@njit(cache=True, error_model="numpy")
def _factor(phi: Floats, q: int, pairs: Ids, links: Ids, scales: Floats) -> tuple[Floats, Floats]:
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
def _chain(
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


@njit(
    VALUE(
        *(VECTOR, PAIRS, PLACES, VECTOR, PLACES, MATRIX),
        *(*DATA, MATRIX, types.float64, VECTOR, VECTOR),
    ),
    cache=True,
    error_model="numpy",
    nogil=True,
)
def log_posterior(
    phi: Floats,
    pairs: Ids,
    links: Ids,
    scales: Floats,
    codes: Ids,
    numbers: Floats,
    ZZ: Floats,
    ZW: Floats,
    WW: Floats,
    n: int,
    sampled: Ids,
    integrated: Ids,
    P: Floats,
    Pm: Floats,
    constant: float,
    Tinv: Floats,
    y_scale: float,
    unit: Floats,
    shift: Floats,
) -> tuple[float, Floats]:
    """Log density of phi (k,) and its gradient: `Posterior.density` for one grouping factor."""
    q = ZZ.shape[1]
    at, k = q + len(pairs), len(phi)
    gradient, b = np.empty(k), np.empty(k - at - 1)
    value = log_priors(phi, links, scales, codes, numbers, True, gradient)
    L, remaining = _factor(phi, q, pairs, links, scales)
    sigma = np.exp(phi[at])
    for c in range(len(b)):
        b[c] = phi[at + 1 + c]
    likelihood, d_L, d_sigma, d_b = log_marginal_density(
        L, sigma, b, ZZ, ZW, WW, n, sampled, integrated, P, Pm, constant, Tinv, y_scale, unit, shift
    )
    _chain(phi, q, pairs, links, L, d_L, remaining, gradient)
    gradient[at] += d_sigma * sigma
    for c in range(len(b)):
        gradient[at + 1 + c] += d_b[c]
    return value + likelihood, gradient
