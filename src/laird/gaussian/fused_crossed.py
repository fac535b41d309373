"""Crossed factors: a density that is one compiled function.

The equations and the loops are those of `laird.gaussian.crossed`, with cross-products that are
given (constant σ, independent rows) or those of rows divided by the root of R
(`laird.gaussian.cells`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from laird.gaussian import cell_products, cells
from laird.gaussian import fused_lapack as lapack
from laird.gaussian.compiled import inlined
from laird.gaussian.crossed import LEAST_SHARE, PANEL
from laird.gaussian.crossed_kernels import (
    congruence,
    eliminate_leading,
    leading_coefficients,
    leading_covariance,
    leading_sensitivity,
    times_blocks,
)
from laird.gaussian.fused import (
    Left,
    add_coefficient_gradient,
    add_stretch_gradient,
    chain_factors,
    constant_gradient,
    factor_block,
    leave,
    put_block,
    starred_factors,
    stretch_rows,
)
from laird.gaussian.fused_crossed_model import CrossedModel, Products
from laird.gaussian.fused_noise import NoiseAt, add_noise_gradient, noise_at, noise_forms, whitened
from laird.gaussian.small import divided, factorise, multiply
from laird.gaussian.tree import fill_below

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

_reduce = inlined(cell_products.reduce_rows)
_joint = inlined(cells.joint_covariance)


class CrossedAt(NamedTuple):
    """A log density, and what its derivatives are made of; see `laird.gaussian.crossed.Elimination`."""

    value: float
    noise: NoiseAt
    sigma: float
    Lam: Floats
    rows: Floats
    products: Products
    T: Floats
    F: Floats
    FW: Floats
    root: Floats
    K: Floats
    S: Floats
    left: Left


@njit(cache=True, error_model="numpy")
def crossed_at(
    m: CrossedModel, L: Floats, alpha: Floats, delta: Floats, log_phi: Floats, zeta: Floats, b: Floats
) -> CrossedAt:
    """The log density, -∞ where it does not exist; parameters as in `fused_nested.nested_at`."""
    noise = noise_at(m.noise, alpha, log_phi, zeta)
    sigma = noise.sigma[0] if m.given else 1.0
    Lam = starred_factors(m.factors, L, sigma)
    rows = whitened(m.noise, noise, m.data.rows, m.data.place)
    stretch_rows(m.factors, delta, rows)
    p = _sums(m, rows)
    T, F, FW, S = np.empty(p.ZZ.shape), _dense(m, p.rest), p.rest_W.copy(), p.WW.copy()
    logdet = noise.logdet + eliminate_leading(
        factor_block(m.factors, Lam, m.lead), p.ZZ, p.ZW, m.starts, m.columns, p.values, T, F, FW, S
    )
    root = F.copy()
    congruence(root, m.bounds, _columns(m, Lam, False))
    for i in range(len(root)):
        root[i, i] += 1.0
    if not lapack.factorise(root):
        logdet = np.nan
    K = _rest_coefficients(m, Lam, root, FW, S)
    for i in range(len(root)):
        logdet += 2.0 * np.log(root[i, i])
    left = leave(m.coefficients, divided(S, sigma * sigma), b)
    value = -0.5 * (logdet + left.value + m.constant)
    value = value if np.isfinite(value) else -np.inf
    return CrossedAt(value, noise, sigma, Lam, rows, p, T, F, FW, root, K, S, left)


@njit(cache=True, error_model="numpy")
def add_crossed_gradient(
    m: CrossedModel,
    at: CrossedAt,
    d_L: Floats,
    d_alpha: Floats,
    d_delta: Floats,
    d_log_phi: Floats,
    d_zeta: Floats,
    d_b: Floats,
) -> None:
    """Add the derivatives of a finite log density in all parameters; that in L is overwritten."""
    add_coefficient_gradient(m.coefficients, at.left, d_b)
    D, M, H = divided(at.left.D, at.sigma * at.sigma), at.root.copy(), np.zeros(at.Lam.shape)
    lapack.invert(M)
    _add_information(m, at, M, H)
    _subtract_forms(m, at, D, H)
    congruence(M, m.bounds, _columns(m, at.Lam, True))
    own = np.zeros((at.T.shape[1], at.T.shape[1]))
    p = at.products
    leading_sensitivity(p.ZZ, p.ZW, m.starts, m.columns, p.values, at.T, M, at.K, D, own)
    put_block(m.factors, own, m.lead, H)
    slope = chain_factors(m.factors, H, at.Lam, at.sigma, d_L)
    if m.given:
        d_alpha[0] += constant_gradient(slope, D, at.S, m.noise.weight[0])
        return
    width = len(H) if len(d_delta) else 0
    F = _cell_sensitivity(m, at, M, D)
    B, products = noise_forms(m.noise, at.noise, at.rows, F, m.data.cell, m.data.place, width)
    add_noise_gradient(m.noise, at.noise, B, d_alpha, d_log_phi, d_zeta)
    add_stretch_gradient(m.factors, products, d_delta)


@njit(cache=True, error_model="numpy")
def _sums(m: CrossedModel, rows: Floats) -> Products:
    """Cross-products: those given, or those of whitened rows."""
    p, d = m.products, m.data
    if m.given:
        return Products(
            p.ZZ.copy(), p.ZW.copy(), p.values.copy(), p.rest.copy(), p.rest_W.copy(), p.WW.copy()
        )
    ZZ, ZW, values = np.zeros(p.ZZ.shape), np.zeros(p.ZW.shape), np.zeros(p.values.shape)
    rest, rest_W, WW = np.zeros(p.rest.shape), np.zeros(p.rest_W.shape), np.zeros(p.WW.shape)
    _reduce(rows, d.order, d.group, d.at, d.partner, d.pair, ZZ, ZW, values, rest, rest_W, WW)
    return Products(ZZ, ZW, values, rest, rest_W, WW)


@njit(cache=True, error_model="numpy")
def _dense(m: CrossedModel, rest: Floats) -> Floats:
    """Z_r'Z_r, its lower triangle."""
    r = m.bounds[-1]
    F = np.zeros((r, r))
    for i in range(len(rest)):
        F[m.rest_at[0, i], m.rest_at[1, i]] = rest[i]
    return F


@njit(cache=True, error_model="numpy")
def _columns(m: CrossedModel, Lam: Floats, transposed: bool) -> Floats:
    """Λ_r, or its transpose, by column, padded to the widest block, (r, max q)."""
    out = np.zeros((m.bounds[-1], m.factors.sizes.max()))
    for g in range(len(m.owner)):
        at, q = m.factors.columns[m.owner[g]], m.factors.sizes[m.owner[g]]
        for a in range(q):
            for k in range(q):
                out[m.bounds[g] + a, k] = Lam[at + a, at + k] if transposed else Lam[at + k, at + a]
    return out


@njit(cache=True, error_model="numpy")
def times_rest(m: CrossedModel, Lam: Floats, transposed: bool, X: Floats) -> Floats:
    """Λ_r, or its transpose, times X (r, k)."""
    out = np.zeros(X.shape)
    for g in range(len(m.owner)):
        at, q, first = m.factors.columns[m.owner[g]], m.factors.sizes[m.owner[g]], m.bounds[g]
        for a in range(q):
            for k in range(q):
                entry = Lam[at + k, at + a] if transposed else Lam[at + a, at + k]
                for c in range(X.shape[1]):
                    out[first + a, c] += entry * X[first + k, c]
    return out


@njit(cache=True, error_model="numpy")
def _rest_coefficients(m: CrossedModel, Lam: Floats, root: Floats, FW: Floats, S: Floats) -> Floats:
    """Subtract R'R from S, R = L⁻¹Λ_r'F_rw; return K = Λ_rL⁻ᵀR."""
    R = times_rest(m, Lam, True, FW)
    lapack.solve(root, R, False)
    for i in range(len(R)):
        for c in range(len(S)):
            for d in range(len(S)):
                S[c, d] -= R[i, c] * R[i, d]
    lapack.solve(root, R, True)
    return times_rest(m, Lam, False, R)


@njit(cache=True, error_model="numpy")
def _add_information(m: CrossedModel, at: CrossedAt, inverse: Floats, H: Floats) -> None:
    """Add Σ Z_g'V⁻¹Z_g of every factor of the rest; see `laird.gaussian.crossed._information`."""
    shares = np.zeros(H.shape)
    uncertain = np.zeros(len(m.owner), dtype=np.bool_)
    certain = np.zeros(len(m.factors.sizes), dtype=np.bool_)
    for g in range(len(m.owner)):
        f = m.owner[g]
        share = _share(inverse, m.bounds[g], m.factors.sizes[f])
        uncertain[g] = not _exceeds(share, LEAST_SHARE)
        if not uncertain[g]:
            certain[f] = True
            _add_block(share, m.factors.columns[f], shares)
    for f in range(len(certain)):
        if certain[f]:
            Lam = factor_block(m.factors, at.Lam, f).T.copy()
            half = np.linalg.solve(Lam, factor_block(m.factors, shares, f))
            _add_block(np.linalg.solve(Lam, half.T.copy()), m.factors.columns[f], H)
    _add_direct_information(m, at, np.flatnonzero(uncertain), H)


@njit(cache=True, error_model="numpy")
def _share(inverse: Floats, first: int, q: int) -> Floats:
    """I - (A⁻¹)_gg from the lower triangle of A⁻¹."""
    out = np.empty((q, q))
    for a in range(q):
        for b in range(q):
            entry = inverse[first + max(a, b), first + min(a, b)]
            out[a, b] = (1.0 if a == b else 0.0) - entry
    return out


@njit(cache=True, error_model="numpy")
def _exceeds(share: Floats, least: float) -> bool:
    """Whether all eigenvalues of a symmetric matrix are above a number."""
    A = share.copy()
    for a in range(len(A)):
        A[a, a] -= least
    return factorise(A)


@njit(cache=True, error_model="numpy")
def _add_block(block: Floats, at: int, M: Floats) -> None:
    for a in range(len(block)):
        for b in range(len(block)):
            M[at + a, at + b] += block[a, b]


@njit(cache=True, error_model="numpy")
def _add_direct_information(m: CrossedModel, at: CrossedAt, groups: Ids, H: Floats) -> None:
    """Add Σ F_gg - (L⁻¹Λ_r'F_rg)'(L⁻¹Λ_r'F_rg) over some groups of the rest."""
    widest, columns = m.factors.sizes.max(), _columns(m, at.Lam, False)
    step = max(1, PANEL // int(widest))
    for start in range(0, len(groups), step):
        part = groups[start : start + step]
        listed = _listed(m, part)
        scaled = np.empty((len(listed), len(at.F)))
        times_blocks(at.F, m.bounds, columns, listed, scaled)
        lapack.solve_rows(at.root, scaled)
        row = 0
        for g in part:
            q, place = m.factors.sizes[m.owner[g]], m.factors.columns[m.owner[g]]
            for a in range(q):
                for c in range(q):
                    total = at.F[m.bounds[g] + max(a, c), m.bounds[g] + min(a, c)]
                    for i in range(scaled.shape[1]):
                        total -= scaled[row + a, i] * scaled[row + c, i]
                    H[place + a, place + c] += total
            row += q


@njit(cache=True, error_model="numpy")
def _listed(m: CrossedModel, groups: Ids) -> Ids:
    """The columns of some groups of the rest."""
    count = 0
    for g in groups:
        count += m.bounds[g + 1] - m.bounds[g]
    out, at = np.empty(count, dtype=np.int64), 0
    for g in groups:
        for column in range(m.bounds[g], m.bounds[g + 1]):
            out[at] = column
            at += 1
    return out


@njit(cache=True, error_model="numpy")
def _subtract_forms(m: CrossedModel, at: CrossedAt, D: Floats, H: Floats) -> None:
    """Subtract Σ P_gDP_g' of every factor of the rest, P = F_rw - F_rrK."""
    P, PD = np.empty(at.FW.shape), np.empty(at.FW.shape)
    lapack.multiply(at.F, at.K, P)
    for i in range(P.shape[0]):
        for c in range(P.shape[1]):
            P[i, c] = at.FW[i, c] - P[i, c]
    multiply(P, D, PD)
    for g in range(len(m.owner)):
        q, place, first = m.factors.sizes[m.owner[g]], m.factors.columns[m.owner[g]], m.bounds[g]
        for a in range(q):
            for b in range(q):
                for c in range(len(D)):
                    H[place + a, place + b] -= PD[first + a, c] * P[first + b, c]


@njit(cache=True, error_model="numpy")
def _cell_sensitivity(m: CrossedModel, at: CrossedAt, M: Floats, D: Floats) -> Floats:
    """The derivative in the cross-products of the rows of every cell; see `laird.gaussian.cells`."""
    p, d = at.products, m.data
    own = leading_covariance(m.starts, m.columns, p.values, at.T, M)
    joint = _joint(d.leading, d.rest, m.starts, m.columns, p.values, at.T, M, own)
    on_W = leading_coefficients(p.ZW, m.starts, m.columns, p.values, at.T, at.K)
    U, Q, width = len(joint), joint.shape[1], len(D)
    out, q = np.empty((U, Q + width, Q + width)), on_W.shape[1]
    ordered, K, KD = np.empty((Q, Q)), np.empty((Q, width)), np.empty((Q, width))
    for u in range(U):
        for a in range(Q):
            source = d.caller[a]
            for c in range(width):
                K[a, c] = on_W[d.leading[u], source, c] if source < q else at.K[d.rest[u, source - q], c]
            for c in range(Q):
                ordered[a, c] = joint[u, source, d.caller[c]]
        multiply(K, D, KD)
        fill_below(out[u], ordered, K, KD, D, Q, width)
    return out


@njit(cache=True, error_model="numpy")
def crossed_values(
    m: CrossedModel, L: Floats, alpha: Floats, delta: Floats, log_phi: Floats, zeta: Floats, b: Floats
) -> Floats:
    """Log densities at stacks of parameters."""
    out = np.empty(len(b))
    for s in range(len(b)):
        out[s] = crossed_at(m, L[s], alpha[s], delta[s], log_phi[s], zeta[s], b[s]).value
    return out


def crossed_value(  # type: ignore[no-untyped-def]
    model, L, alpha, delta, log_phi, zeta, b, d_L, d_alpha, d_delta, d_log_phi, d_zeta, d_b
):
    """The log density; derivatives are added.  For compiled callers."""
    found = crossed_at(model, L, alpha, delta, log_phi, zeta, b)
    if np.isfinite(found.value):
        add_crossed_gradient(model, found, d_L, d_alpha, d_delta, d_log_phi, d_zeta, d_b)
    return found.value
