"""Dense linear algebra on matrices of a few rows, compiled, without LAPACK and its threads."""

from __future__ import annotations

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from laird.gaussian.compiled import compiled

type Floats = NDArray[np.float64]

# Types of arguments that are only read. A function that states them is compiled once, not once more
# for arrays that may be written to.
VECTOR, MATRIX, STACK = (types.Array(types.float64, ndim, "C", readonly=True) for ndim in (1, 2, 3))
PLACES = types.Array(types.int64, 1, "C", readonly=True)
# Matrices of any memory layout, such as transposes and parts of others; the second may be written to.
STRIDED, WRITTEN = (types.Array(types.float64, 2, "A", readonly=readonly) for readonly in (True, False))


@njit(cache=True, error_model="numpy")
def factorise(A: Floats) -> bool:
    """Overwrite the lower triangle of A by its Cholesky factor; False if A is not positive definite."""
    for j in range(A.shape[0]):
        for k in range(j):
            A[j, j] -= A[j, k] * A[j, k]
        if not A[j, j] > 0.0:
            return False
        A[j, j] = np.sqrt(A[j, j])
        for i in range(j + 1, A.shape[0]):
            for k in range(j):
                A[i, j] -= A[i, k] * A[j, k]
            A[i, j] /= A[j, j]
    return True


@njit(cache=True, error_model="numpy")
def forward_substitute(L: Floats, B: Floats) -> None:
    """Overwrite B by L⁻¹B."""
    for c in range(B.shape[1]):
        for i in range(L.shape[0]):
            for k in range(i):
                B[i, c] -= L[i, k] * B[k, c]
            B[i, c] /= L[i, i]


@njit(cache=True, error_model="numpy")
def back_substitute(L: Floats, B: Floats) -> None:
    """Overwrite B by L⁻ᵀB."""
    for c in range(B.shape[1]):
        for i in range(L.shape[0] - 1, -1, -1):
            for k in range(i + 1, L.shape[0]):
                B[i, c] -= L[k, i] * B[k, c]
            B[i, c] /= L[i, i]


@njit(cache=True, error_model="numpy")
def invert_factored(L: Floats) -> Floats:
    """Return (LL')⁻¹."""
    inverse = np.zeros(L.shape)
    for i in range(L.shape[0]):
        inverse[i, i] = 1.0
    forward_substitute(L, inverse)
    back_substitute(L, inverse)
    return inverse


@njit(cache=True, error_model="numpy")
def log_determinant(L: Floats) -> float:
    """Return log|LL'|."""
    total = 0.0
    for i in range(L.shape[0]):
        total += np.log(L[i, i])
    return 2.0 * total


@compiled(types.float64(MATRIX, STRIDED, types.float64[:, ::1]))
def posterior_root(Lam: Floats, ZZ: Floats, T: Floats) -> float:
    """Overwrite T (q, q) by A⁻½Λ', A = Λ'Z'ZΛ + I, so that T'T = M = ΛA⁻¹Λ'; return log|A|."""
    q = Lam.shape[0]
    A = np.empty((q, q))
    for a in range(q):
        for b in range(q):
            A[a, b] = 1.0 if a == b else 0.0
            T[a, b] = Lam[b, a]
            for k in range(q):
                for h in range(q):
                    A[a, b] += Lam[k, a] * ZZ[k, h] * Lam[h, b]
    factorise(A)
    forward_substitute(A, T)
    return log_determinant(A)


@compiled(types.void(STRIDED, STRIDED, WRITTEN))
def multiply(A: Floats, B: Floats, out: Floats) -> None:
    """Write AB into the first rows and columns of `out`."""
    for a in range(A.shape[0]):
        for b in range(B.shape[1]):
            total = 0.0
            for k in range(A.shape[1]):
                total += A[a, k] * B[k, b]
            out[a, b] = total


@compiled(types.float64[:, ::1](MATRIX, types.float64))
def divided(M: Floats, divisor: float) -> Floats:
    """Return M / divisor; a loop compiles in a fraction of the time of an array expression."""
    out = np.empty(M.shape)
    for i in range(M.shape[0]):
        for j in range(M.shape[1]):
            out[i, j] = M[i, j] / divisor
    return out


@njit(cache=True, error_model="numpy")
def inner_product(A: Floats, B: Floats) -> float:
    """Return tr(A'B)."""
    total = 0.0
    for i in range(A.shape[0]):
        for j in range(A.shape[1]):
            total += A[i, j] * B[i, j]
    return total
