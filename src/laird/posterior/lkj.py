"""Correlation matrices by canonical partial correlations, and the LKJ density on them.

For a q x q correlation matrix C = L L' the partial correlations z_ij (i > j, in (-1, 1))
build the rows of the Cholesky factor,

    L_ij = z_ij sqrt(prod_{k<j} (1 - z_ik^2)),    L_ii = sqrt(prod_{k<i} (1 - z_ik^2)),

and C ~ LKJ(eta), density proportional to det(C)^(eta - 1), is the same as independent

    z_ij ~ 2 Beta(a_j, a_j) - 1,    a_j = eta + (q - 2 - j) / 2,    j = 0, 1, ...

(Lewandowski, Kurowicka and Joe 2009, J. Multivariate Anal. 100, C-vine).  LKJ(1) is the
flat density on the space of correlation matrices.  Partial correlations are listed row by
row: z_10, z_20, z_21, ...  The unconstrained coordinate used for sampling is
log((1 + z) / (1 - z)).
"""

from __future__ import annotations

from math import isqrt, lgamma, log
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

type Floats = NDArray[np.float64]
type Rows = tuple[tuple[Any, ...], ...]


def size_of(count: int) -> int:
    """Return q, the size of the matrix with `count` = q (q - 1) / 2 correlations.

    Examples
    --------
    >>> size_of(0), size_of(1), size_of(3)
    (1, 2, 3)
    """
    return (1 + isqrt(1 + 8 * count)) // 2


def pairs(q: int) -> tuple[tuple[int, int], ...]:
    """Return the places (i, j), i > j, of the correlations, row by row.

    Examples
    --------
    >>> pairs(3)
    ((1, 0), (2, 0), (2, 1))
    """
    return tuple((i, j) for i in range(q) for j in range(i))


def cholesky_rows(partials: Any) -> Rows:
    """Return the rows of L, each up to its diagonal, from partial correlations.

    Only operators are used, so the elements may be floats, arrays of draws, or symbols.

    Examples
    --------
    >>> cholesky_rows([0.6])
    ((1.0,), (0.6, 0.8))
    """
    rows, start = [], 0
    for i in range(size_of(len(partials))):
        rows.append(_row(partials[start : start + i]))
        start += i
    return tuple(rows)


def _row(partials: Any) -> tuple[Any, ...]:
    elements, left = [], 1.0
    for z in partials:
        elements.append(z * left)
        left = left * ((1 - z) * (1 + z)) ** 0.5
    return (*elements, left)


def correlations(rows: Rows) -> tuple[Any, ...]:
    """Return the correlations C_ij, i > j, row by row, of C = L L'.

    Examples
    --------
    >>> correlations(cholesky_rows([0.6]))
    (0.6,)
    """
    return tuple(sum(a * b for a, b in zip(rows[i], rows[j], strict=False)) for i, j in pairs(len(rows)))


def beta_shapes(eta: float, q: int) -> Floats:
    """Return a_j of every partial correlation of LKJ(eta), row by row.

    Examples
    --------
    >>> beta_shapes(2.0, 3).tolist()
    [2.5, 2.5, 2.0]
    """
    return np.array([eta + (q - 2 - j) / 2 for _, j in pairs(q)], dtype=float)


def logpdf(partials: ArrayLike, eta: float) -> Floats:
    """Return the log density of partial correlations, shape (..., q (q - 1) / 2), under LKJ(eta).

    Examples
    --------
    >>> float(logpdf([0.3], 1.0).round(6))
    -0.693147
    """
    z = np.asarray(partials, dtype=float)
    a = beta_shapes(eta, size_of(z.shape[-1]))
    constant = sum(lgamma(2 * s) - 2 * lgamma(s) - (2 * s - 1) * log(2) for s in a)
    with np.errstate(divide="ignore", invalid="ignore"):
        kernel = np.where(a == 1, 0.0, (a - 1) * np.log1p(-(z**2)))
    return np.asarray(constant + np.where(np.abs(z) <= 1, kernel, -np.inf).sum(axis=-1))


def derivative(partials: ArrayLike, eta: float) -> Floats:
    """Return the gradient of `logpdf` with respect to the partial correlations.

    Examples
    --------
    >>> derivative([0.5], 2.0).round(4).tolist()
    [-1.3333]
    """
    z = np.asarray(partials, dtype=float)
    a = beta_shapes(eta, size_of(z.shape[-1]))
    with np.errstate(divide="ignore"):
        return np.asarray(-2 * (a - 1) * z / ((1 - z) * (1 + z)))


def quantile(p: ArrayLike, eta: float, q: int = 2) -> Floats:
    """Return quantiles of one correlation of a q x q matrix: 2 Beta(a, a) - 1, a = eta + (q - 2) / 2.

    Examples
    --------
    >>> quantile([0.05, 0.95], 1.0).round(6).tolist()
    [-0.9, 0.9]
    """
    from scipy.special import betaincinv

    a = eta + (q - 2) / 2
    return np.asarray(2 * betaincinv(a, a, np.asarray(p, dtype=float)) - 1)
