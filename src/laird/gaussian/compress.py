"""Fewer rows with the same cross-products: an orthogonal reduction of each cell of equal rows.

Rows that share their groups and their residual sd enter the likelihood only through C'C
of the cell, so R with R'R = C'C (Givens rotations, row by row: stable, no squares are
formed) may stand in for them: at most as many rows as columns.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]


def compress(C: Floats, cells: Ids, count: int) -> tuple[Floats, Ids]:
    """Return rows with the same C'C in every cell, and their cells.

    Parameters
    ----------
    C, cells, count
        Rows (n, m), the cell of each in [0, count), number of cells.

    Examples
    --------
    >>> C = np.arange(12.0).reshape(6, 2); rows, cells = compress(C, np.zeros(6, dtype=np.int64), 1)
    >>> len(rows), bool(np.allclose(rows.T @ rows, C.T @ C))
    (2, True)
    """
    R = np.zeros((count, C.shape[1], C.shape[1]))
    _rotate(np.ascontiguousarray(C), cells, R)
    kept = R.any(axis=2)
    return R[kept], np.nonzero(kept)[0]


@njit(cache=True, error_model="numpy")
def _rotate(C: Floats, cells: Ids, R: Floats) -> None:
    n, m = C.shape
    row = np.empty(m)
    for i in range(n):
        top = R[cells[i]]
        for k in range(m):
            row[k] = C[i, k]
        for k in range(m):
            length = np.hypot(top[k, k], row[k])
            if row[k] == 0.0 or length == 0.0:
                continue
            c, s = top[k, k] / length, row[k] / length
            for h in range(k, m):
                above, below = top[k, h], row[h]
                top[k, h] = c * above + s * below
                row[h] = c * below - s * above
