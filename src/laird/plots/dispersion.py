"""How the groups' true coefficients, their own estimates and their predictors vary.

With M_j = Z_j'Z_j/σ² the information of group j and V_j = M_j⁻¹ (slides, p. 138):

    Var(β_j) = G,   Var(β̂_j) = G + V_j  (BLUE),
    Var(β̃_j) = G - (G⁻¹ + M_j)⁻¹ = (I + GM_j)⁻¹ GM_jG  (BLUP).

The last form needs no inverse of G and none of M_j.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.plots.geometry import far_out

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]


class Dispersion(NamedTuple):
    """Covariances of the groups' coefficients, shapes (q, q); averages over groups.

    Attributes
    ----------
    G
        Of the true coefficients.
    blue
        Of the groups' own estimates: G + V_j, over groups whose V_j exists and is not far out.
    blup
        Of the predictors.
    """

    G: Floats
    blue: Floats
    blup: Floats


def information(Z: Floats, ids: Ids, J: int, sigma: float) -> Floats:
    """Return M_j = Z_j'Z_j/σ² of every group, shape (J, q, q)."""
    q = Z.shape[1]
    products = [np.bincount(ids, Z[:, a] * Z[:, b], J) for a in range(q) for b in range(q)]
    return np.stack(products, axis=-1).reshape(J, q, q) / sigma**2


def predictor_cov(G: Floats, M: Floats) -> Floats:
    """Return Var(β̃_j) of every group, shape (J, q, q), zero where G is."""
    product = G @ M
    return np.asarray(np.linalg.solve(np.eye(len(G)) + product, product @ G))


def dispersion(G: Floats, Z: Floats, ids: Ids, J: int, sigma: float) -> Dispersion:
    """Return the covariances of a fit's group coefficients.

    Examples
    --------
    >>> Z, ids = np.ones((6, 1)), np.array([0, 0, 0, 1, 1, 1])
    >>> spread = dispersion(np.array([[2.0]]), Z, ids, 2, sigma=3.0)
    >>> float(spread.blue[0, 0]), round(float(spread.blup[0, 0]), 3)
    (5.0, 0.8)
    """
    M = information(Z, ids, J, sigma)
    return Dispersion(G, G + _typical_inverse(M), predictor_cov(G, M).mean(axis=0))


def _typical_inverse(M: Floats) -> Floats:
    """Mean of the inverses, without those that do not exist or are far out."""
    size = np.sqrt(np.maximum(np.diagonal(M, axis1=1, axis2=2), 1e-300))
    scaled = M / (size[:, :, None] * size[:, None, :])
    V = np.linalg.inv(M[np.linalg.eigvalsh(scaled)[:, 0] > 1e-10])
    if not len(V):
        return np.full(M.shape[1:], np.nan)
    wild = np.apply_along_axis(far_out, 0, np.diagonal(V, axis1=1, axis2=2)).any(axis=1)
    return np.asarray(V[~wild].mean(axis=0))
