"""Compiled loops over blocks of correlated rows, whose matrices lie one after another in a vector.

Block b has rows ``starts[b]`` … ``starts[b + 1] - 1`` and its matrix, row by row, from
``offsets[b]``.  Diagonal R needs no blocks: one number by stratum of rows.
"""

from __future__ import annotations

import numpy as np
from numba import types
from numpy.typing import NDArray

from laird.gaussian.compiled import compiled
from laird.gaussian.small import MATRIX, PLACES, STACK, VECTOR

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

_OUT1, _OUT2, _OUT3 = (types.Array(types.float64, ndim, "C") for ndim in (1, 2, 3))
_F8, _VOID = types.float64, types.void
_LAYOUT = (PLACES, PLACES)
_ROWS = (PLACES, PLACES, PLACES)


@compiled(_F8(VECTOR, VECTOR, VECTOR, _F8, VECTOR, _OUT1, _OUT1, _OUT1))
def diagonal(
    log_sigma: Floats,
    log_unit: Floats,
    known: Floats,
    phi: float,
    weight: Floats,
    sigma: Floats,
    R: Floats,
    root: Floats,
) -> float:
    """Fill σ, R = φv + σ² and 1/√R by stratum; return Σ weight·log R, NaN where R is not positive."""
    total = 0.0
    for i in range(len(R)):
        sigma[i] = np.exp(log_sigma[i] - log_unit[i])
        R[i] = phi * known[i] + sigma[i] * sigma[i]
        if not R[i] > 0.0:
            return np.nan
        total += weight[i] * np.log(R[i])
        root[i] = 1.0 / np.sqrt(R[i])
    return total


@compiled(_VOID(*_LAYOUT, VECTOR, *_ROWS, STACK, VECTOR, _F8, _OUT1))
def assemble(
    starts: Ids,
    offsets: Ids,
    sigma: Floats,
    unit: Ids,
    which: Ids,
    cell: Ids,
    C: Floats,
    known: Floats,
    phi: float,
    R: Floats,
) -> None:
    """Fill R_ik = φV_ik + σ_iσ_kC_ik, C_ik between different outcomes of one unit only."""
    for b in range(len(starts) - 1):
        first, m = starts[b], starts[b + 1] - starts[b]
        for i in range(m):
            for k in range(m):
                at, row, other = offsets[b] + i * m + k, first + i, first + k
                R[at] = phi * known[at]
                if i == k:
                    R[at] += sigma[row] * sigma[row]
                elif unit[row] == unit[other] and which[row] != which[other]:
                    R[at] += sigma[row] * sigma[other] * C[cell[row], which[row], which[other]]


@compiled(_F8(*_LAYOUT, _OUT1))
def factorise_blocks(starts: Ids, offsets: Ids, K: Floats) -> float:
    """Overwrite lower triangles by Cholesky factors; return log|R|, NaN when not positive definite."""
    total = 0.0
    for b in range(len(starts) - 1):
        m, o = starts[b + 1] - starts[b], offsets[b]
        for j in range(m):
            pivot = K[o + j * m + j]
            least = 1e-14 * pivot
            for h in range(j):
                pivot -= K[o + j * m + h] * K[o + j * m + h]
            if not pivot > least:
                return np.nan
            total += np.log(pivot)
            pivot = np.sqrt(pivot)
            K[o + j * m + j] = pivot
            for i in range(j + 1, m):
                entry = K[o + i * m + j]
                for h in range(j):
                    entry -= K[o + i * m + h] * K[o + j * m + h]
                K[o + i * m + j] = entry / pivot
    return total


@compiled(_VOID(MATRIX, PLACES, VECTOR, _OUT2))
def scale_rows(rows: Floats, place: Ids, root: Floats, out: Floats) -> None:
    """Write every row times the number of its stratum."""
    for i in range(rows.shape[0]):
        factor = root[place[i]]
        for c in range(rows.shape[1]):
            out[i, c] = rows[i, c] * factor


@compiled(_VOID(*_LAYOUT, VECTOR, MATRIX, _OUT2))
def whiten_blocks(starts: Ids, offsets: Ids, K: Floats, rows: Floats, out: Floats) -> None:
    """Write K⁻¹ times the rows of every block."""
    for b in range(len(starts) - 1):
        first, m, o = starts[b], starts[b + 1] - starts[b], offsets[b]
        for i in range(m):
            for c in range(rows.shape[1]):
                entry = rows[first + i, c]
                for k in range(i):
                    entry -= K[o + i * m + k] * out[first + k, c]
                out[first + i, c] = entry / K[o + i * m + i]


@compiled(_VOID(*_LAYOUT, VECTOR, _OUT1))
def colour_blocks(starts: Ids, offsets: Ids, K: Floats, noise: Floats) -> None:
    """Overwrite standard normals by K times them, block by block."""
    for b in range(len(starts) - 1):
        first, m, o = starts[b], starts[b + 1] - starts[b], offsets[b]
        for i in range(m - 1, -1, -1):
            total = 0.0
            for k in range(i + 1):
                total += K[o + i * m + k] * noise[first + k]
            noise[first + i] = total


@compiled(_VOID(MATRIX, STACK, PLACES, PLACES, _OUT1, _OUT2))
def row_forms(rows: Floats, F: Floats, cell: Ids, place: Ids, totals: Floats, products: Floats) -> None:
    """Add x'Fx of every row to its stratum's total; fill x_a(Fx)_a of the first columns."""
    n, k = rows.shape
    wanted = products.shape[1]
    for i in range(n):
        own, total = cell[i], 0.0
        for a in range(k):
            value = 0.0
            for c in range(k):
                value += F[own, a, c] * rows[i, c]
            value *= rows[i, a]
            total += value
            if a < wanted:
                products[i, a] = value
        totals[place[i]] += total


@compiled(_VOID(*_LAYOUT, VECTOR, MATRIX, STACK, PLACES, _OUT1, _OUT2))
def block_forms(
    starts: Ids,
    offsets: Ids,
    K: Floats,
    rows: Floats,
    F: Floats,
    cell: Ids,
    B: Floats,
    products: Floats,
) -> None:
    """Fill B = K⁻ᵀ(I - XFX')K⁻¹ of every block from its whitened rows X, and x_a(Fx)_a by row."""
    k, wanted, longest = rows.shape[1], products.shape[1], 1
    for b in range(len(starts) - 1):
        longest = max(longest, starts[b + 1] - starts[b])
    FX = np.empty((longest, k))
    for b in range(len(starts) - 1):
        first, m, o = starts[b], starts[b + 1] - starts[b], offsets[b]
        own = cell[first]
        for i in range(m):
            for a in range(k):
                value = 0.0
                for c in range(k):
                    value += F[own, a, c] * rows[first + i, c]
                FX[i, a] = value
                if a < wanted:
                    products[first + i, a] = value * rows[first + i, a]
        for i in range(m):
            for h in range(m):
                value = 1.0 if i == h else 0.0
                for a in range(k):
                    value -= rows[first + i, a] * FX[h, a]
                B[o + i * m + h] = value
        for h in range(m):
            for i in range(m - 1, -1, -1):
                value = B[o + i * m + h]
                for g in range(i + 1, m):
                    value -= K[o + g * m + i] * B[o + g * m + h]
                B[o + i * m + h] = value / K[o + i * m + i]
        for i in range(m):
            for h in range(m - 1, -1, -1):
                value = B[o + i * m + h]
                for g in range(h + 1, m):
                    value -= K[o + g * m + h] * B[o + i * m + g]
                B[o + i * m + h] = value / K[o + h * m + h]


@compiled(_F8(*_LAYOUT, VECTOR, VECTOR, *_ROWS, STACK, VECTOR, _OUT1, _OUT3))
def block_chain(
    starts: Ids,
    offsets: Ids,
    B: Floats,
    sigma: Floats,
    unit: Ids,
    which: Ids,
    cell: Ids,
    C: Floats,
    known: Floats,
    d_log_sigma: Floats,
    d_C: Floats,
) -> float:
    """Fill the derivatives in log σ by row and in the correlations from B; return the one in φ."""
    d_phi = 0.0
    for b in range(len(starts) - 1):
        first, m = starts[b], starts[b + 1] - starts[b]
        for i in range(m):
            row, total = first + i, 0.0
            for k in range(m):
                at, other = offsets[b] + i * m + k, first + k
                d_phi += B[at] * known[at]
                if i == k:
                    total += B[at] * sigma[row]
                elif unit[row] == unit[other] and which[row] != which[other]:
                    total += B[at] * sigma[other] * C[cell[row], which[row], which[other]]
                    d_C[cell[row], which[row], which[other]] += B[at] * sigma[row] * sigma[other]
            d_log_sigma[row] = 2.0 * sigma[row] * total
    return d_phi
