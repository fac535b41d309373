"""Large symmetric matrices by LAPACK, which the operating system's cores share.

Matrices are C-ordered and hold their lower triangle: to LAPACK, whose matrices are
Fortran-ordered, the upper triangle of the transpose, so that none is copied.  SciPy is
imported on first use, for most models need none of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]


def factorise(A: Floats) -> bool:
    """Overwrite the lower triangle of A by its Cholesky factor; False if A is not positive definite."""
    from scipy.linalg import lapack

    _, failed = lapack.dpotrf(A.T, lower=0, clean=0, overwrite_a=1)
    return not failed and bool(np.isfinite(np.diag(A)).all())


def solve(L: Floats, B: Floats, *, transposed: bool = False, overwrite: bool = False) -> Floats:
    """L⁻¹B, or L⁻ᵀB; in the place of B where that may be overwritten and is Fortran-ordered."""
    from scipy.linalg import blas

    return np.asarray(blas.dtrsm(1.0, L.T, B, lower=0, trans_a=not transposed, overwrite_b=overwrite))


def invert(L: Floats) -> Floats:
    """(LL')⁻¹, in the lower triangle."""
    from scipy.linalg import lapack

    inverse = L.copy()
    lapack.dpotri(inverse.T, lower=0, overwrite_c=1)
    return inverse


def multiply(F: Floats, B: Floats) -> Floats:
    """FB for a symmetric F."""
    from scipy.linalg import blas

    return np.asarray(blas.dsymm(1.0, F.T, B, lower=0))
