"""Two ways to write the covariance parameters as a free vector.

*Factors*: the entries of a lower triangular factor within each block; a variance of zero
or a correlation of one is an ordinary point, so optimisers work here.
*Log-scale*: log sds, atanh of partial correlations, log sigma; unconstrained, so
approximations of a posterior work here.  Partial correlations z follow Lewandowski,
Kurowicka & Joe (2009): row i of the Cholesky factor of a correlation matrix is
L_ij = z_ij Π_{k<j} √(1 - z_ik²), L_ii = Π_{k<i} √(1 - z_ik²).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]
type Ids = NDArray[np.intp]
type Blocks = Sequence[Sequence[int]]


def factor_entries(blocks: Blocks) -> tuple[Ids, Ids]:
    """Rows and columns of the free entries of the factor: lower triangles of the blocks.

    Examples
    --------
    >>> factor_entries([(0, 1), (2,)])
    (array([0, 1, 1, 2]), array([0, 0, 1, 2]))
    """
    pairs = [(i, j) for block in blocks for a, i in enumerate(block) for j in block[: a + 1]]
    rows, columns = zip(*pairs, strict=True) if pairs else ((), ())
    return np.array(rows, dtype=np.intp), np.array(columns, dtype=np.intp)


def correlated_pairs(blocks: Blocks) -> tuple[tuple[int, int], ...]:
    """Pairs (i, j), i > j, of columns that share a correlation."""
    return tuple((i, j) for block in blocks for a, i in enumerate(block) for j in block[:a])


def lower_factor(G: Floats, blocks: Blocks) -> Floats:
    """Lower triangular L with LL' = G, block by block; G may be singular.

    Column by column with zero pivots allowed; a negative pivot within rounding is zero.
    """
    L = np.zeros_like(G)
    for block in blocks:
        for a, j in enumerate(block):
            done = list(block[:a])
            pivot = G[j, j] - L[j, done] @ L[j, done]
            if pivot <= 1e-14 * max(G[j, j], 0.0):
                continue
            L[j, j] = np.sqrt(pivot)
            for i in block[a + 1 :]:
                L[i, j] = (G[i, j] - L[i, done] @ L[j, done]) / L[j, j]
    return L


def sds_and_correlations(G: Floats) -> tuple[Floats, Floats]:
    """Standard deviations (q,) and correlation matrix (q, q); NaN where an sd is zero.

    Works on stacks: G may have leading axes.
    """
    sd = np.sqrt(np.maximum(np.diagonal(G, axis1=-2, axis2=-1), 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = G / (sd[..., :, None] * sd[..., None, :])
    return sd, np.where(np.isfinite(correlation), np.clip(correlation, -1.0, 1.0), np.nan)


def correlation_factor(z: Floats, q: int, pairs: Sequence[tuple[int, int]]) -> Floats:
    """Cholesky factors of correlation matrices from partial correlations z (..., len(pairs)).

    Pairs are ordered by row, then column.  Returns shape (..., q, q).
    """
    L = np.zeros((*z.shape[:-1], q, q))
    remaining = np.ones((*z.shape[:-1], q))
    for k, (i, j) in enumerate(pairs):
        L[..., i, j] = z[..., k] * remaining[..., i]
        remaining[..., i] *= np.sqrt(1.0 - z[..., k] ** 2)
    index = np.arange(q)
    L[..., index, index] = remaining
    return L


def partial_correlations(L: Floats, pairs: Sequence[tuple[int, int]]) -> Floats:
    """Inverse of `correlation_factor` for one factor with rows of any positive length."""
    rows = L / np.linalg.norm(L, axis=-1, keepdims=True)
    remaining = np.ones(L.shape[0])
    z = np.empty(len(pairs))
    for k, (i, j) in enumerate(pairs):
        z[k] = rows[i, j] / remaining[i]
        remaining[i] *= np.sqrt(max(1.0 - z[k] ** 2, 0.0))
    return z


def factor_of_log_scale(phi: Floats, q: int, pairs: Sequence[tuple[int, int]]) -> tuple[Floats, Floats]:
    """L (..., q, q) and sigma (...) of phi = (log sds, atanh partials, log sigma, ...)."""
    k = q + len(pairs)
    L = correlation_factor(np.tanh(phi[..., q:k]), q, pairs) * np.exp(phi[..., :q, None])
    return L, np.exp(phi[..., k])


def log_scale_of_factor(L: Floats, sigma: float, pairs: Sequence[tuple[int, int]]) -> Floats:
    """phi of one factor with positive sds and partial correlations inside (-1, 1)."""
    sd = np.linalg.norm(L, axis=-1)
    return np.concatenate([np.log(sd), np.arctanh(partial_correlations(L, pairs)), [np.log(sigma)]])


def log_scale_gradient(
    L: Floats, d_L: Floats, phi: Floats, q: int, pairs: Sequence[tuple[int, int]]
) -> Floats:
    """Chain rule: derivative in (log sds, atanh partials) from that in L, shape (q + len(pairs),)."""
    z = np.tanh(phi[q : q + len(pairs)])
    product = L * d_L
    gradient = np.concatenate([product.sum(axis=1), np.empty(len(pairs))])
    remaining = np.exp(phi[:q]).copy()
    for k, (i, j) in enumerate(pairs):
        later = [*(c for r, c in pairs if r == i and c > j), i]
        gradient[q + k] = remaining[i] * (1 - z[k] ** 2) * d_L[i, j] - z[k] * product[i, later].sum()
        remaining[i] *= np.sqrt(1.0 - z[k] ** 2)
    return gradient
