"""One pass over the rows: per-group cross-products, all that the grouped likelihood needs.

With C_j = [Z*_j X*_j y*_j], the data of group j enter the likelihood only through
C_j'C_j (design note, structure "grouped"); after this pass nothing costs O(rows).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import types
from numpy.typing import NDArray

from laird.gaussian.compiled import compiled
from laird.gaussian.small import MATRIX, PLACES, VECTOR
from laird.gaussian.standardise import Standardisation, standardise

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

STACKS = types.float64[:, :, ::1]
CROSS_PRODUCTS = types.Tuple((STACKS, STACKS, types.float64[:, ::1]))  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True, eq=False)
class Grouped:
    """Cross-products of a model with one grouping factor; read-only arrays.

    Attributes
    ----------
    ZZ
        Z*_j'Z*_j, shape (J, q, q).
    ZW
        Z*_j'[X*_j y*_j], shape (J, q, p + 1).
    WW
        [X* y*]'[X* y*] over all rows, shape (p + 1, p + 1).
    counts
        Rows by group, shape (J,).
    n
        Number of rows.
    blocks
        Columns of Z that share a correlation matrix.
    scaling
        How the starred quantities came from the data.
    """

    ZZ: Floats
    ZW: Floats
    WW: Floats
    counts: Ids
    n: int
    blocks: tuple[tuple[int, ...], ...]
    scaling: Standardisation

    @property
    def p(self) -> int:
        """Number of fixed-effect columns."""
        return int(self.WW.shape[0]) - 1

    @property
    def q(self) -> int:
        """Number of random-effect columns."""
        return int(self.ZZ.shape[1])

    @property
    def J(self) -> int:
        """Number of groups."""
        return int(self.ZZ.shape[0])


def group(y: Floats, X: Floats, Z: Floats, ids: Ids, J: int, blocks: Sequence[Sequence[int]]) -> Grouped:
    """Reduce the rows (y, X, Z) of groups `ids` in [0, J) to cross-products.

    Examples
    --------
    >>> y = np.array([1.0, 2.0, 4.0, 7.0]); one = np.ones((4, 1))
    >>> group(y, one, one, np.array([0, 0, 1, 1]), 2, [(0,)]).ZZ[:, 0, 0]
    array([2., 2.])
    """
    s = standardise(y, X, Z, blocks)
    ZZ, ZW, WW = _accumulate(
        np.ascontiguousarray(y, dtype=float),
        np.ascontiguousarray(X, dtype=float),
        np.ascontiguousarray(Z, dtype=float),
        np.ascontiguousarray(ids, dtype=np.int64),
        J,
        np.append(s.x_mean, s.y_mean),
        1.0 / np.append(s.x_scale, s.y_scale),
        s.z_mean,
        1.0 / s.z_scale,
    )
    counts = np.bincount(ids, minlength=J).astype(np.int64)
    for array in (ZZ, ZW, WW, counts):
        array.flags.writeable = False
    return Grouped(ZZ, ZW, WW, counts, len(y), tuple(tuple(b) for b in blocks), s)


@compiled(CROSS_PRODUCTS(VECTOR, MATRIX, MATRIX, PLACES, types.int64, VECTOR, VECTOR, VECTOR, VECTOR))
def _accumulate(
    y: Floats,
    X: Floats,
    Z: Floats,
    ids: Ids,
    J: int,
    w_mean: Floats,
    w_inverse_scale: Floats,
    z_mean: Floats,
    z_inverse_scale: Floats,
) -> tuple[Floats, Floats, Floats]:
    n, p = X.shape
    q = Z.shape[1]
    m = p + 1
    ZZ, ZW, WW = np.zeros((J, q, q)), np.zeros((J, q, m)), np.zeros((m, m))
    w, z = np.empty(m), np.empty(q)
    for i in range(n):
        for c in range(p):
            w[c] = (X[i, c] - w_mean[c]) * w_inverse_scale[c]
        w[p] = (y[i] - w_mean[p]) * w_inverse_scale[p]
        for k in range(q):
            z[k] = (Z[i, k] - z_mean[k]) * z_inverse_scale[k]
        for a in range(m):
            for b in range(a + 1):
                WW[a, b] += w[a] * w[b]
        j = ids[i]
        for k in range(q):
            for c in range(m):
                ZW[j, k, c] += z[k] * w[c]
            for h in range(k + 1):
                ZZ[j, k, h] += z[k] * z[h]
    for a in range(m):
        for b in range(a):
            WW[b, a] = WW[a, b]
    for j in range(J):
        for k in range(q):
            for h in range(k):
                ZZ[j, h, k] = ZZ[j, k, h]
    return ZZ, ZW, WW
