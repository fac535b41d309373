"""Σ⁻¹ of rows in several grouping factors with one residual sd, from a matrix of the size of the effects.

With A = ZΛ, Λ the factor of the covariance of the group effects over σ, Woodbury's identity is

    σ²Σ⁻¹ = I - A(I + A'A)⁻¹A' = I - H'H,    H = C⁻¹A',  CC' = I + A'A.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from laird.design import RandomDesign
from laird.posterior.structure import joined_columns

type Floats = NDArray[np.float64]


def effects_of(random: Sequence[RandomDesign]) -> int:
    """Number of group effects of all factors.

    Examples
    --------
    >>> one = RandomDesign("g", ("a", "b"), np.array([0, 1, 1]), np.ones((3, 1)), ("Intercept",), ((0,),))
    >>> effects_of([one])
    2
    """
    return sum(len(own.levels) * own.Z.shape[1] for own in random)


def scaled_columns(random: Sequence[RandomDesign], Lam: Floats) -> Floats:
    """A = ZΛ of a stack of Λ (S, q, q), shape (S, n, Q), the columns by factor, group and coefficient."""
    n, S = len(random[0].ids), len(Lam)
    A, first, rows = np.zeros((S, n, effects_of(random))), 0, np.arange(n)
    for own, place in zip(random, joined_columns(random), strict=True):
        q = own.Z.shape[1]
        values = own.Z @ Lam[:, place, place]
        for k in range(q):
            A[:, rows, first + own.ids * q + k] = values[..., k]
        first += len(own.levels) * q
    return A


def inverse_rows(
    random: Sequence[RandomDesign], L: Floats, sigma: Floats, W: Floats
) -> tuple[Floats, Floats]:
    """Diagonal of Σ⁻¹ (S, n), and Σ⁻¹W (S, n, m), of a stack of L (S, q, q) and σ (S,)."""
    A = scaled_columns(random, L / sigma[:, None, None])
    transposed = np.swapaxes(A, -1, -2)
    H = np.linalg.solve(np.linalg.cholesky(np.eye(A.shape[-1]) + transposed @ A), transposed)
    diagonal = 1.0 - np.sum(H**2, axis=-2)
    SW = W - np.swapaxes(H, -1, -2) @ (H @ W)
    return diagonal / sigma[:, None] ** 2, SW / sigma[:, None, None] ** 2
