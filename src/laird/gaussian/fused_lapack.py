"""LAPACK and BLAS for compiled functions: SciPy's own, called by address, without the interpreter's lock.

Matrices are C-ordered and hold their lower triangle, as in `laird.gaussian.crossed_lapack`: to
LAPACK the upper triangle of the transpose.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm  # type: ignore[import-untyped]
import numpy as np
from numba import njit, types
from numba.extending import get_cython_function_address
from numpy.typing import NDArray

type Floats = NDArray[np.float64]

_CHAR, _INT, _FLOAT = (types.CPointer(own) for own in (types.uint8, types.int32, types.float64))  # type: ignore[no-untyped-call]


def _external(module: str, name: str, *arguments: Any) -> Any:
    """A function of SciPy's LAPACK or BLAS under a symbol that compiled functions, cached ones too, find."""
    symbol = f"laird_{name}"
    llvm.add_symbol(symbol, get_cython_function_address(f"scipy.linalg.cython_{module}", name))
    return types.ExternalFunction(symbol, types.void(*arguments))


_dpotrf = _external("lapack", "dpotrf", _CHAR, _INT, _FLOAT, _INT, _INT)
_dpotri = _external("lapack", "dpotri", _CHAR, _INT, _FLOAT, _INT, _INT)
_dtrsm = _external("blas", "dtrsm", *[_CHAR] * 4, *[_INT] * 2, *[_FLOAT] * 2, _INT, _FLOAT, _INT)
_dsymm = _external(
    "blas", "dsymm", *[_CHAR] * 2, *[_INT] * 2, *[_FLOAT] * 2, _INT, _FLOAT, _INT, _FLOAT, _FLOAT, _INT
)


@njit(cache=True, error_model="numpy")
def _number(value: int) -> NDArray[np.int32]:
    out = np.empty(1, dtype=np.int32)
    out[0] = value
    return out


@njit(cache=True, error_model="numpy")
def _letter(code: int) -> NDArray[np.uint8]:
    out = np.empty(1, dtype=np.uint8)
    out[0] = code
    return out


@njit(cache=True, error_model="numpy")
def _scalar(value: float) -> Floats:
    out = np.empty(1)
    out[0] = value
    return out


@njit(cache=True, error_model="numpy")
def factorise(A: Floats) -> bool:
    """Overwrite the lower triangle of A by its Cholesky factor; False if A is not positive definite."""
    n, failed = _number(len(A)), _number(0)
    if len(A) == 0:
        return True
    _dpotrf(_letter(ord("U")).ctypes, n.ctypes, A.ctypes, n.ctypes, failed.ctypes)
    if failed[0] != 0:
        return False
    return bool(np.isfinite(np.diag(A)).all())


@njit(cache=True, error_model="numpy")
def invert(L: Floats) -> None:
    """Overwrite the lower triangle of a Cholesky factor L by that of (LL')⁻¹."""
    n, failed = _number(len(L)), _number(0)
    if len(L):
        _dpotri(_letter(ord("U")).ctypes, n.ctypes, L.ctypes, n.ctypes, failed.ctypes)


@njit(cache=True, error_model="numpy")
def solve(L: Floats, B: Floats, transposed: bool) -> None:
    """Overwrite B (r, m) by L⁻¹B, or by L⁻ᵀB."""
    if B.size == 0:
        return
    n, m, operation = _number(len(L)), _number(B.shape[1]), _letter(ord("T") if transposed else ord("N"))
    _dtrsm(
        _letter(ord("R")).ctypes, _letter(ord("U")).ctypes, operation.ctypes, _letter(ord("N")).ctypes,
        m.ctypes, n.ctypes, _scalar(1.0).ctypes, L.ctypes, n.ctypes, B.ctypes, m.ctypes,
    )  # fmt: skip


@njit(cache=True, error_model="numpy")
def solve_rows(L: Floats, B: Floats) -> None:
    """Overwrite every row of B (k, r) by L⁻¹ times it."""
    if B.size == 0:
        return
    n, k = _number(len(L)), _number(len(B))
    _dtrsm(
        _letter(ord("L")).ctypes, _letter(ord("U")).ctypes, _letter(ord("T")).ctypes,
        _letter(ord("N")).ctypes, n.ctypes, k.ctypes, _scalar(1.0).ctypes,
        L.ctypes, n.ctypes, B.ctypes, n.ctypes,
    )  # fmt: skip


@njit(cache=True, error_model="numpy")
def multiply(F: Floats, B: Floats, out: Floats) -> None:
    """Overwrite `out` by FB for a symmetric F (r, r) and B (r, m)."""
    if B.size == 0:
        return
    n, m = _number(len(F)), _number(B.shape[1])
    _dsymm(
        _letter(ord("R")).ctypes, _letter(ord("U")).ctypes, m.ctypes, n.ctypes, _scalar(1.0).ctypes,
        F.ctypes, n.ctypes, B.ctypes, m.ctypes, _scalar(0.0).ctypes, out.ctypes, m.ctypes,
    )  # fmt: skip
