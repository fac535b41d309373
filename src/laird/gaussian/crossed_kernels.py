"""Compiled loops of `laird.gaussian.crossed`: one group of the leading factor at a time.

A group meets few columns of the other factors: its *partners*, listed in ascending order.
Symmetric matrices over the other factors hold their lower triangle only.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from laird.gaussian.small import multiply, posterior_root

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]


@njit(cache=True, error_model="numpy")
def eliminate_leading(
    Lam: Floats,
    ZZ: Floats,
    ZW: Floats,
    starts: Ids,
    columns: Ids,
    values: Floats,
    T: Floats,
    F: Floats,
    FW: Floats,
    S: Floats,
) -> float:
    """Subtract (Z'C)'M Z'C of every group from C'C, held as F (r, r), FW (r, m), S (m, m).

    Fills T (J, q, q) with T'T = M and returns Σ log|A|; (r, r) costs Σ partners².
    """
    J, q, m = ZW.shape
    R, RW = np.empty((q, _longest(starts))), np.empty((q, m))
    logdet = 0.0
    for j in range(J):
        logdet += posterior_root(Lam, ZZ[j], T[j])
        partners = columns[starts[j] : starts[j + 1]]
        multiply(T[j], values[starts[j] : starts[j + 1]].T, R)
        multiply(T[j], ZW[j], RW)
        for c in range(len(partners)):
            for a in range(q):
                row, factor = F[partners[c]], R[a, c]
                for d in range(c + 1):
                    row[partners[d]] -= factor * R[a, d]
                for d in range(m):
                    FW[partners[c], d] -= factor * RW[a, d]
        for a in range(q):
            for c in range(m):
                for d in range(m):
                    S[c, d] -= RW[a, c] * RW[a, d]
    return logdet


@njit(cache=True, error_model="numpy")
def leading_sensitivity(
    ZZ: Floats,
    ZW: Floats,
    starts: Ids,
    columns: Ids,
    values: Floats,
    T: Floats,
    M: Floats,
    K: Floats,
    D: Floats,
    H: Floats,
) -> None:
    """H += Σ_j Z_j'V⁻¹Z_j - P_j D P_j' with P_j = Z_j'V⁻¹W, by (I - Z_j'Z_j M_j) from the left.

    M (r, r) is the covariance of the other factors' effects given β, K (r, m) their
    coefficients on W.
    """
    J, q, m = ZW.shape
    C, N, P = np.empty((q, q)), np.empty((q, m)), np.empty((q, m))
    PR, product, total = np.empty((q, _longest(starts))), np.empty((q, q)), np.empty((q, q))
    for j in range(J):
        listed = values[starts[j] : starts[j + 1]]
        partners = columns[starts[j] : starts[j + 1]]
        multiply(T[j].T, T[j], product)
        multiply(ZZ[j], product, C)
        for a in range(q):
            for b in range(q):
                C[a, b] = (1.0 if a == b else 0.0) - C[a, b]
        multiply(C, ZZ[j], total)
        _add_scaled(H, 1.0, total)
        multiply(C, listed.T, PR)
        _quadratic_form(PR, partners, M, total)
        _add_scaled(H, -1.0, total)
        _residual_products(ZW[j], listed, partners, K, N)
        multiply(C, N, P)
        for a in range(q):
            for b in range(q):
                for c in range(m):
                    for d in range(m):
                        H[a, b] -= P[a, c] * D[c, d] * P[b, d]


@njit(cache=True, error_model="numpy")
def leading_coefficients(
    ZW: Floats, starts: Ids, columns: Ids, values: Floats, T: Floats, K: Floats
) -> Floats:
    """Return M_j(Z_j'W - Z_j'Z_r K), the coefficients of every group on W, (J, q, m)."""
    J, q, m = ZW.shape
    N, whitened = np.empty((q, m)), np.empty((q, m))
    out = np.empty((J, q, m))
    for j in range(J):
        listed, partners = values[starts[j] : starts[j + 1]], columns[starts[j] : starts[j + 1]]
        _residual_products(ZW[j], listed, partners, K, N)
        multiply(T[j], N, whitened)
        multiply(T[j].T, whitened, out[j])
    return out


@njit(cache=True, error_model="numpy")
def leading_covariance(starts: Ids, columns: Ids, values: Floats, T: Floats, M: Floats) -> Floats:
    """Return M_j + (M_jZ_j'Z_r) M (M_jZ_j'Z_r)', the covariance of u_j given β over σ², (J, q, q)."""
    J, q, _ = T.shape
    whitened, K = np.empty((q, _longest(starts))), np.empty((q, _longest(starts)))
    passed, out = np.empty((q, q)), np.empty((J, q, q))
    for j in range(J):
        partners = columns[starts[j] : starts[j + 1]]
        multiply(T[j], values[starts[j] : starts[j + 1]].T, whitened)
        multiply(T[j].T, whitened[:, : len(partners)], K)
        _quadratic_form(K, partners, M, passed)
        multiply(T[j].T, T[j], out[j])
        _add_scaled(out[j], 1.0, passed)
    return out


@njit(cache=True, error_model="numpy")
def congruence(F: Floats, bounds: Ids, weights: Floats) -> None:
    """Overwrite F by T'FT for a block-diagonal T with blocks of columns bounds[b], …, bounds[b+1]-1.

    ``weights[i, k]`` is the k-th number of column i of its block.
    """
    q, r = weights.shape[1], F.shape[0]
    rows, row = np.empty((q, r)), np.empty(r)
    for b in range(len(bounds) - 1):
        start, stop = bounds[b], bounds[b + 1]
        for i in range(start, stop):
            _copy_row(F, i, stop, rows[i - start])
        for i in range(start, stop):
            for c in range(stop):
                row[c] = 0.0
            for k in range(stop - start):
                for c in range(stop):
                    row[c] += weights[i, k] * rows[k, c]
            _times_blocks(row, bounds[: b + 2], weights, F[i])


@njit(cache=True, error_model="numpy")
def times_blocks(F: Floats, bounds: Ids, weights: Floats, at: Ids, out: Floats) -> None:
    """Write rows `at` of FT into `out`; F and T as for `congruence`."""
    row = np.empty(F.shape[0])
    for i in range(len(at)):
        _copy_row(F, at[i], F.shape[0], row)
        _times_blocks(row, bounds, weights, out[i])


@njit(cache=True, error_model="numpy")
def _longest(starts: Ids) -> int:
    longest = 0
    for j in range(len(starts) - 1):
        longest = max(longest, starts[j + 1] - starts[j])
    return longest


@njit(cache=True, error_model="numpy")
def _add_scaled(A: Floats, factor: float, B: Floats) -> None:
    """A += factor·B."""
    for a in range(A.shape[0]):
        for b in range(A.shape[1]):
            A[a, b] += factor * B[a, b]


@njit(cache=True, error_model="numpy")
def _residual_products(ZW: Floats, values: Floats, partners: Ids, K: Floats, out: Floats) -> None:
    """Overwrite `out` by Z'W - Z'Z_r K."""
    for a in range(values.shape[1]):
        for d in range(K.shape[1]):
            out[a, d] = ZW[a, d]
            for c in range(len(partners)):
                out[a, d] -= values[c, a] * K[partners[c], d]


@njit(cache=True, error_model="numpy")
def _quadratic_form(P: Floats, partners: Ids, M: Floats, out: Floats) -> None:
    """Overwrite `out` (q, q) by PMP' over the partners' rows and columns of M."""
    q = out.shape[0]
    below = np.empty(q)
    for a in range(q):
        for b in range(q):
            out[a, b] = 0.0
    for c in range(len(partners)):
        row = M[partners[c]]
        for b in range(q):
            below[b] = 0.5 * row[partners[c]] * P[b, c]
            for d in range(c):
                below[b] += row[partners[d]] * P[b, d]
        for a in range(q):
            for b in range(q):
                out[a, b] += P[a, c] * below[b] + below[a] * P[b, c]


@njit(cache=True, error_model="numpy")
def _copy_row(F: Floats, i: int, stop: int, out: Floats) -> None:
    """Row i of the symmetric F, columns before `stop`."""
    for k in range(i):
        out[k] = F[i, k]
    for k in range(i, stop):
        out[k] = F[k, i]


@njit(cache=True, error_model="numpy")
def _times_blocks(row: Floats, bounds: Ids, weights: Floats, out: Floats) -> None:
    for b in range(len(bounds) - 1):
        start, stop = bounds[b], bounds[b + 1]
        for i in range(start, stop):
            out[i] = weights[i, 0] * row[start]
            for k in range(1, stop - start):
                out[i] += weights[i, k] * row[start + k]
