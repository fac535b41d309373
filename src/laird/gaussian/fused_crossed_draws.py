"""Exact draws of coefficients and effects of crossed factors, compiled; see `laird.gaussian.crossed.draw`."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from laird.gaussian import fused_lapack as lapack
from laird.gaussian.crossed_kernels import leading_coefficients
from laird.gaussian.fused import draw_coefficients
from laird.gaussian.fused_crossed import CrossedAt, crossed_at, times_rest
from laird.gaussian.fused_crossed_model import CrossedModel

type Floats = NDArray[np.float64]


@njit(cache=True, error_model="numpy", nogil=True)
def crossed_draws(
    m: CrossedModel,
    L: Floats,
    alpha: Floats,
    delta: Floats,
    log_phi: Floats,
    zeta: Floats,
    b: Floats,
    e: Floats,
    u: Floats,
) -> Floats:
    """β* (S, p); standard normals u (S, N) are overwritten by the effects, factors in the body's order."""
    beta = np.empty((len(b), len(m.coefficients.integrated) + len(m.coefficients.sampled)))
    for s in range(len(b)):
        found = crossed_at(m, L[s], alpha[s], delta[s], log_phi[s], zeta[s], b[s])
        draw_coefficients(m.coefficients, found.left, found.value, e[s], beta[s])
        _draw_effects(m, found, beta[s], u[s])
    return beta


@njit(cache=True, error_model="numpy")
def _draw_effects(m: CrossedModel, at: CrossedAt, beta: Floats, u: Floats) -> None:
    """Overwrite standard normals by the effects given β: those of the rest, then the leading factor's."""
    lead, (J, q, _) = _leading(m), at.T.shape
    rest = _drawn_rest(m, at, beta, np.concatenate((u[:lead], u[lead + J * q :])))
    u[:lead], u[lead + J * q :] = rest[:lead, 0], rest[lead:, 0]
    own = u[lead : lead + J * q].reshape(J, q)
    onto = np.empty((J, q, 1))
    for j in range(J):
        for a in range(q):
            onto[j, a, 0] = at.products.ZW[j, a, len(beta)]
            for c in range(len(beta)):
                onto[j, a, 0] -= at.products.ZW[j, a, c] * beta[c]
    mean = leading_coefficients(onto, m.starts, m.columns, at.products.values, at.T, rest)
    noise = np.empty(q)
    for j in range(J):
        for a in range(q):
            noise[a] = own[j, a]
        for a in range(q):
            own[j, a] = mean[j, a, 0]
            for h in range(q):
                own[j, a] += at.sigma * at.T[j, h, a] * noise[h]


@njit(cache=True, error_model="numpy")
def _leading(m: CrossedModel) -> int:
    """Where the effects of the leading factor begin."""
    d, first = m.factors, 0
    for f in range(m.lead):
        first += (d.first[f + 1] - d.first[f]) * d.sizes[f]
    return first


@njit(cache=True, error_model="numpy")
def _drawn_rest(m: CrossedModel, at: CrossedAt, beta: Floats, noise: Floats) -> Floats:
    """K(y) - K(X)β + σΛ_rL⁻ᵀ noise, shape (r, 1)."""
    scaled = noise.copy().reshape(len(noise), 1)
    lapack.solve(at.root, scaled, True)
    out = times_rest(m, at.Lam, False, scaled)
    for i in range(len(out)):
        out[i, 0] = at.K[i, len(beta)] + at.sigma * out[i, 0]
        for c in range(len(beta)):
            out[i, 0] -= at.K[i, c] * beta[c]
    return out
