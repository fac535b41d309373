"""The residual covariance R of `laird.gaussian.noise` for densities that are one compiled function.

The loops are those of `laird.gaussian.noise_kernels`, called without Python between them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from laird.gaussian import noise_kernels
from laird.gaussian.compiled import inlined
from laird.gaussian.fused import read_only
from laird.gaussian.noise import Layout
from laird.gaussian.small import multiply

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

_diagonal, _assemble = inlined(noise_kernels.diagonal), inlined(noise_kernels.assemble)
_factorise_blocks, _scale_rows = inlined(noise_kernels.factorise_blocks), inlined(noise_kernels.scale_rows)
_whiten_blocks, _row_forms = inlined(noise_kernels.whiten_blocks), inlined(noise_kernels.row_forms)
_block_forms, _block_chain = inlined(noise_kernels.block_forms), inlined(noise_kernels.block_chain)


class NoiseData(NamedTuple):
    """The arrays of a `laird.gaussian.noise.Layout`, by their names there."""

    W: Floats
    log_unit: Floats
    weight: Floats
    known: Floats
    starts: Ids
    offsets: Ids
    unit: Ids
    which: Ids
    cell: Ids
    P: Floats
    outcomes: int
    diagonal: bool


class NoiseAt(NamedTuple):
    """R at some parameters; see `laird.gaussian.noise.Covariance`."""

    sigma: Floats
    phi: float
    eta: Floats
    C: Floats
    R: Floats
    root: Floats
    logdet: float


def noise_data(layout: Layout) -> NoiseData:
    """Arrays of one memory layout and type."""
    names = NoiseData._fields[:-2]
    arrays = (read_only(getattr(layout, name)) for name in names)
    return NoiseData._make((*arrays, layout.outcomes, layout.diagonal))


@njit(cache=True, error_model="numpy")
def noise_at(d: NoiseData, alpha: Floats, log_phi: Floats, zeta: Floats) -> NoiseAt:
    """R, its factor and its determinant; `logdet` is NaN where R is not positive definite."""
    c = len(d.W)
    phi = np.exp(log_phi[0]) if len(log_phi) else 1.0
    log_sigma, sigma, R, root = _log_sigma(d.W, alpha), np.empty(c), np.empty(len(d.known)), np.empty(c)
    if d.diagonal:
        logdet = _diagonal(log_sigma, d.log_unit, d.known, phi, d.weight, sigma, R, root)
        return NoiseAt(sigma, phi, np.zeros((0, 0)), np.zeros((0, 0, 0)), R, root, logdet)
    for i in range(c):
        sigma[i] = np.exp(log_sigma[i] - d.log_unit[i])
    eta = _atanh_partials(d.P, zeta)
    C = _correlations(eta, d.outcomes)
    _assemble(d.starts, d.offsets, sigma, d.unit, d.which, d.cell, C, d.known, phi, R)
    factors = R.copy()
    logdet = _factorise_blocks(d.starts, d.offsets, factors)
    return NoiseAt(sigma, phi, eta, C, R, factors, logdet)


@njit(cache=True, error_model="numpy")
def _log_sigma(W: Floats, alpha: Floats) -> Floats:
    """Wα, where α may hold the -∞ of a constant σ that is zero."""
    out = np.zeros(len(W))
    for i in range(len(W)):
        for k in range(len(alpha)):
            if W[i, k] != 0.0:
                out[i] += W[i, k] * alpha[k]
    return out


@njit(cache=True, error_model="numpy")
def whitened(d: NoiseData, at: NoiseAt, rows: Floats, place: Ids) -> Floats:
    """K⁻¹ times rows (r, k), R = KK'; see `laird.gaussian.noise.whiten`."""
    out = np.empty(rows.shape)
    if d.diagonal:
        _scale_rows(rows, place, at.root, out)
    else:
        _whiten_blocks(d.starts, d.offsets, at.root, rows, out)
    return out


@njit(cache=True, error_model="numpy")
def noise_forms(
    d: NoiseData, at: NoiseAt, rows: Floats, F: Floats, cell: Ids, place: Ids, width: int
) -> tuple[Floats, Floats]:
    """B, packed, and x_a(Fx)_a of the first columns by row; see `laird.gaussian.noise.forms`."""
    B, products = np.empty(len(d.known)), np.empty((len(rows), width))
    if not d.diagonal:
        _block_forms(d.starts, d.offsets, at.root, rows, F, cell, B, products)
        return B, products
    totals = np.zeros(len(B))
    _row_forms(rows, F, cell, place, totals, products)
    for i in range(len(B)):
        B[i] = (d.weight[i] - totals[i]) / at.R[i]
    return B, products


@njit(cache=True, error_model="numpy")
def add_noise_gradient(
    d: NoiseData, at: NoiseAt, B: Floats, d_alpha: Floats, d_log_phi: Floats, d_zeta: Floats
) -> None:
    """Add -½ times the derivatives in α, log φ and ζ, from the symmetric B = d/dR."""
    d_log_sigma, d_phi = np.empty(len(d.W)), 0.0
    if d.diagonal:
        for i in range(len(B)):
            d_log_sigma[i] = 2.0 * B[i] * at.sigma[i] * at.sigma[i]
            d_phi += B[i] * d.known[i]
    else:
        d_C = np.zeros(at.C.shape)
        d_phi = _block_chain(
            d.starts, d.offsets, B, at.sigma, d.unit, d.which, d.cell, at.C, d.known, d_log_sigma, d_C
        )
        _add_correlation_chain(at.eta, d.P, d_C, d_zeta)
    for i in range(len(d_log_sigma)):
        for a in range(len(d_alpha)):
            d_alpha[a] -= 0.5 * d_log_sigma[i] * d.W[i, a]
    for a in range(len(d_log_phi)):
        d_log_phi[a] -= 0.5 * at.phi * d_phi


@njit(cache=True, error_model="numpy")
def _atanh_partials(P: Floats, zeta: Floats) -> Floats:
    """Pζ, shape (U, pairs)."""
    out = np.zeros(P.shape[:2])
    for u in range(P.shape[0]):
        for k in range(P.shape[1]):
            for h in range(len(zeta)):
                out[u, k] += P[u, k, h] * zeta[h]
    return out


@njit(cache=True, error_model="numpy")
def _factor(eta: Floats, m: int, L: Floats) -> None:
    """Overwrite L (m, m) by the factor of atanh partial correlations; see `laird.gaussian.outcomes`."""
    k = 0
    for i in range(m):
        remaining = 1.0
        for j in range(m):
            L[i, j] = 0.0
        for j in range(i):
            L[i, j] = np.tanh(eta[k]) * remaining
            remaining /= np.cosh(eta[k])
            k += 1
        L[i, i] = remaining


@njit(cache=True, error_model="numpy")
def _correlations(eta: Floats, m: int) -> Floats:
    """Correlation matrices (U, m, m)."""
    L, C = np.empty((m, m)), np.empty((len(eta), m, m))
    for u in range(len(eta)):
        _factor(eta[u], m, L)
        multiply(L, L.T, C[u])
        for i in range(m):
            C[u, i, i] = 1.0
    return C


@njit(cache=True, error_model="numpy")
def _add_correlation_chain(eta: Floats, P: Floats, d_C: Floats, d_zeta: Floats) -> None:
    """Add -½ times the derivative in ζ from that in C; see `laird.gaussian.outcomes.correlation_chain`."""
    m = d_C.shape[1]
    L, DL = np.empty((m, m)), np.empty((m, m))
    for u in range(len(eta)):
        _factor(eta[u], m, L)
        multiply(d_C[u], L, DL)
        k = 0
        for i in range(m):
            remaining = 1.0
            for j in range(i):
                sech = 1.0 / np.cosh(eta[u, k])
                slope = DL[i, j] * remaining * sech * sech
                for h in range(j + 1, i + 1):
                    slope -= np.tanh(eta[u, k]) * DL[i, h] * L[i, h]
                remaining *= sech
                for a in range(len(d_zeta)):
                    d_zeta[a] -= slope * P[u, k, a]
                k += 1
