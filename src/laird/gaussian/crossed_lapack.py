"""Large symmetric matrices by LAPACK.

Two threads that wait for each other gain a third of the time on an idle machine with two
cores, and lose a factor of ten where a core has other work; so matrices of ordinary size
have one thread, and only large ones as many as the BLAS library likes.

Matrices are C-ordered and hold their lower triangle: to LAPACK, whose matrices are
Fortran-ordered, the upper triangle of the transpose, so that none is copied.  SciPy is
imported on first use, for most models need none of it.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]

SHARED = 3000
"""Matrices of at least so many rows are worked on by several threads."""

SMALL = 100
"""Matrices of fewer rows are done before a thread could be told not to start."""


def factorise(A: Floats) -> bool:
    """Overwrite the lower triangle of A by its Cholesky factor; False if A is not positive definite."""
    from scipy.linalg import lapack

    with _threads(len(A)):
        _, failed = lapack.dpotrf(A.T, lower=0, clean=0, overwrite_a=1)
    return not failed and bool(np.isfinite(np.diag(A)).all())


def solve(L: Floats, B: Floats, *, transposed: bool = False, overwrite: bool = False) -> Floats:
    """L⁻¹B, or L⁻ᵀB; in the place of B where that may be overwritten and is Fortran-ordered."""
    from scipy.linalg import blas

    with _threads(len(L)):
        X = blas.dtrsm(1.0, L.T, B, lower=0, trans_a=not transposed, overwrite_b=overwrite)
    return np.asarray(X)


def invert(L: Floats) -> Floats:
    """(LL')⁻¹, in the lower triangle."""
    from scipy.linalg import lapack

    inverse = L.copy()
    with _threads(len(L)):
        lapack.dpotri(inverse.T, lower=0, overwrite_c=1)
    return inverse


def multiply(F: Floats, B: Floats) -> Floats:
    """FB for a symmetric F."""
    from scipy.linalg import blas

    with _threads(len(F)):
        return np.asarray(blas.dsymm(1.0, F.T, B, lower=0))


def _threads(rows: int) -> Any:
    """A context in which BLAS has one thread if the matrix is neither small nor large."""
    if rows < SMALL:
        return nullcontext()
    return _libraries().limit(limits=1 if rows < SHARED else None, user_api="blas")


def one_thread() -> Any:
    """A context in which BLAS has one thread, whatever the size of matrices."""
    return _libraries().limit(limits=1, user_api="blas")


@cache
def _libraries() -> Any:
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return ThreadpoolController()
