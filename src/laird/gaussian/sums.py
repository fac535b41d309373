"""Sums over the groups: all that the grouped likelihood needs of the data.

The equations are those of `laird.gaussian.grouped`.  They are written for one group, but
every scalar of them is a *row*: a vector over the groups of a block.  So the innermost
loop has no branches and no dependencies, and the compiler turns it into vector
instructions for any q and p.

The compiled function is called through a symbol, not linked into its callers: each of
them would compile its vector loops again (measured: 25 s of a first compilation).
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm  # type: ignore[import-untyped]
import numpy as np
from numba import carray, cfunc, types  # type: ignore[attr-defined]
from numpy.typing import NDArray

from laird.gaussian.compiled import compiled, inner
from laird.gaussian.small import MATRIX, STACK

type Floats = NDArray[np.float64]

BLOCK = 256
"""At most so many groups at a time, so that the rows stay in the processor's cache."""
LARGE = 1e150
"""Pivots are multiplied up to here before one logarithm is taken."""

ROWWISE = {"reassoc", "contract"}
"""Liberties that leave NaN and infinities alone: sums in any order, fused multiply-add."""


@inner()
def _load(ZZ: Floats, ZW: Floats, start: int, data: Floats) -> None:
    """Copy [Z'W Z'Z] of the groups from `start` into rows; missing groups are zeros, which add nothing."""
    J, q, m = ZW.shape
    count = min(data.shape[2], J - start)
    data[:, :, count:] = 0.0
    for j in range(count):
        for k in range(q):
            for c in range(m):
                data[k, c, j] = ZW[start + j, k, c]
            for h in range(q):
                data[k, m + h, j] = ZZ[start + j, k, h]


@inner()
def _multiply(Lam: Floats, data: Floats, R: Floats, A: Floats) -> None:
    """R = Λ'[Z'W Z'Z] and A = Λ'Z'ZΛ + I (lower triangle)."""
    q, columns, _ = data.shape
    m = columns - q
    for a in range(q):
        for c in range(columns):
            _set_scaled(R[a, c], Lam[0, a], data[0, c])
            for k in range(1, q):
                _add_scaled(R[a, c], Lam[k, a], data[k, c])
        for b in range(a + 1):
            A[a, b] = 1.0 if a == b else 0.0
            for k in range(q):
                _add_scaled(A[a, b], Lam[k, b], R[a, m + k])


@inner()
def _eliminate(A: Floats, R: Floats, columns: int) -> float:
    """Overwrite R by the inverse of A's Cholesky factor times R; return Σ log|A|."""
    q = A.shape[0]
    logdet = 0.0
    for a in range(q):
        logdet += _sum_of_logs(A[a, a])
        _invert_root(A[a, a])
        for c in range(columns):
            _scale(R[a, c], A[a, a])
        for b in range(a + 1, q):
            _scale(A[b, a], A[a, a])
        for b in range(a + 1, q):
            for c in range(columns):
                _subtract_product(R[b, c], A[b, a], R[a, c])
            for c in range(a + 1, b + 1):
                _subtract_product(A[b, c], A[b, a], A[c, a])
    return logdet


@inner()
def _subtract_products(R: Floats, S: Floats) -> None:
    """S -= Σ_j C_j'C_j, where C is the first part of R."""
    for c in range(S.shape[0]):
        for d in range(c + 1):
            for a in range(R.shape[0]):
                S[c, d] -= _inner(R[a, c], R[a, d])


@inner()
def _reduce(R: Floats, data: Floats) -> None:
    """[Z'W Z'Z] -> [P Z'V⁻¹Z] = [Z'W Z'Z] - Y'[C Y], where R = [C Y]."""
    q, columns, _ = data.shape
    m = columns - q
    for k in range(q):
        for c in range(m + k + 1):
            for a in range(q):
                _subtract_product(data[k, c], R[a, m + k], R[a, c])


@inner()
def _add_sums(data: Floats, B: Floats, K: Floats) -> None:
    """B += Σ_j Z'V⁻¹Z and K += Σ_j vec(P)vec(P)' (lower triangles)."""
    q, columns, _ = data.shape
    m = columns - q
    for k in range(q):
        for h in range(k + 1):
            B[k, h] += _total(data[k, m + h])
    for r in range(q * m):
        for s in range(r + 1):
            K[r, s] += _inner(data[r // m, r % m], data[s // m, s % m])


@inner()
def _set_scaled(row: Floats, factor: float, other: Floats) -> None:
    for j in range(len(row)):
        row[j] = factor * other[j]


@inner(fastmath=ROWWISE)
def _add_scaled(row: Floats, factor: float, other: Floats) -> None:
    for j in range(len(row)):
        row[j] += factor * other[j]


@inner(fastmath=ROWWISE)
def _subtract_product(row: Floats, left: Floats, right: Floats) -> None:
    for j in range(len(row)):
        row[j] -= left[j] * right[j]


@inner(fastmath=ROWWISE)
def _scale(row: Floats, factor: Floats) -> None:
    for j in range(len(row)):
        row[j] *= factor[j]


@inner()
def _invert_root(row: Floats) -> None:
    for j in range(len(row)):
        row[j] = 1.0 / np.sqrt(row[j])


@inner(fastmath=ROWWISE)
def _inner(left: Floats, right: Floats) -> float:
    total = 0.0
    for j in range(len(left)):
        total += left[j] * right[j]
    return total


@inner(fastmath=ROWWISE)
def _total(row: Floats) -> float:
    total = 0.0
    for j in range(len(row)):
        total += row[j]
    return total


@inner()
def _sum_of_logs(row: Floats) -> float:
    """Σ log of numbers not below 1; a logarithm costs as much as twenty products."""
    total, product = 0.0, 1.0
    for j in range(len(row)):
        product *= row[j]
        if product > LARGE:
            total += np.log(product)
            product = 1.0
    return float(total + np.log(product))


FLOATS = types.CPointer(types.float64)  # type: ignore[no-untyped-call]
SIGNATURE = types.float64(*[FLOATS] * 6, *[types.int64] * 4)
SYMBOL = "laird_accumulate"


@cfunc(SIGNATURE, cache=True, error_model="numpy")
def _compiled(Lam: Any, ZZ: Any, ZW: Any, S: Any, B: Any, K: Any, J: int, q: int, m: int, k: int) -> float:
    groups_ZZ, groups_ZW = carray(ZZ, (J, q, q)), carray(ZW, (J, q, m))
    columns = m + q if k > 0 else m
    size = -(-J // max(1, -(-J // BLOCK)))
    data, R = np.empty((q, m + q, size)), np.empty((q, m + q, size))
    A = np.empty((q, q, size))
    logdet = 0.0
    for start in range(0, J, max(1, size)):
        _load(groups_ZZ, groups_ZW, start, data)
        _multiply(carray(Lam, (q, q)), data, R, A)
        logdet += _eliminate(A, R, columns)
        _subtract_products(R, carray(S, (m, m)))
        if k > 0:
            _reduce(R, data)
            _add_sums(data, carray(B, (q, q)), carray(K, (k, k)))
    return logdet


llvm.add_symbol(SYMBOL, _compiled.address)
_external: Any = types.ExternalFunction(SYMBOL, SIGNATURE)


@compiled(types.float64(MATRIX, STACK, STACK, *[types.float64[:, ::1]] * 3))
def accumulate(Lam: Floats, ZZ: Floats, ZW: Floats, S: Floats, B: Floats, K: Floats) -> float:
    """Subtract the groups' part from S, add to B and K (lower triangles), return Σ_j log|A_j|.

    S (m, m) holds W'W on entry; B is (q, q), K is (qm, qm), or (0, 0) when no gradient
    is wanted.  All arrays are contiguous.
    """
    J, q, m = ZW.shape
    return _external(  # type: ignore[no-any-return]
        Lam.ctypes, ZZ.ctypes, ZW.ctypes, S.ctypes, B.ctypes, K.ctypes, J, q, m, K.shape[0]
    )
