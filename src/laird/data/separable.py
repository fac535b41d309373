"""Can the data tell variances apart?  Checks on arrays, before anything is fitted.

The covariance of the rows of a group is Z_j G Z_j' plus what is known and the residual
part.  Where some symmetric C has Z_j C Z_j' = diag(t_j) in every group j, a residual part
diag(t) is a random part in disguise: their sum is all that the data know.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from laird.data.column import Mask
from laird.errors import DataError

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type Blocks = Sequence[Sequence[int]]

_LAGS = 16
"""Rows of a group are compared with as many rows after them: more cannot change the answer."""

_SAME = 1e-8

_REMEDIES = {"φ": 'Leave out scale="proportional": the sampling variances are then known.'}


def spans_diagonal(Z: Floats, ids: Ids, blocks: Blocks, target: Floats) -> bool:
    """Tell whether Z_j C Z_j' = diag(target) in every group j, for some C with these blocks.

    Parameters
    ----------
    Z, ids, blocks
        Random-effect columns (n, q), the group of each row, columns that share a
        covariance matrix.
    target
        Variances, shape (n,), not all zero.

    Examples
    --------
    >>> one = np.ones((3, 1))
    >>> spans_diagonal(one, np.array([0, 1, 2]), ((0,),), np.ones(3))
    True
    >>> spans_diagonal(one, np.array([0, 0, 1]), ((0,),), np.ones(3))
    False
    """
    if np.bincount(ids, weights=target != 0).max() > Z.shape[1]:
        return False
    products, same_row, rows = _products(Z, ids, blocks)
    wanted = np.where(same_row, target[rows], 0.0)
    solution = np.linalg.lstsq(products, wanted, rcond=None)[0]
    return bool(np.abs(products @ solution - wanted).max() <= _SAME * np.abs(wanted).max())


def are_distinct(Z: Floats, ids: Ids, blocks: Blocks) -> bool:
    """Tell whether different covariance matrices of the random coefficients are different for the rows.

    Examples
    --------
    >>> x = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 0.0]])
    >>> are_distinct(x, np.array([0, 1, 2]), ((0, 1),)), are_distinct(x, np.array([0, 0, 1]), ((0, 1),))
    (False, True)
    """
    largest = Z[ids == np.bincount(ids).argmax()]
    q = Z.shape[1]
    if np.linalg.matrix_rank(largest / _largest(Z)) == q:
        return True
    products, _, _ = _products(Z, ids, blocks)
    return bool(np.linalg.matrix_rank(products) == products.shape[1])


def _largest(Z: Floats) -> Floats:
    return np.asarray(np.maximum(np.abs(Z).max(axis=0), np.finfo(float).tiny))


def _products(Z: Floats, ids: Ids, blocks: Blocks) -> tuple[Floats, Mask, Ids]:
    """Coefficients of C in the covariances of two rows of a group (m, k), where they are one, the first."""
    order = np.argsort(ids, kind="stable")
    scaled = (Z / _largest(Z))[order]
    pairs = [(a, b) for block in blocks for a in block for b in block if a <= b]
    found, same, rows = [], [], []
    for lag in range(min(_LAGS, int(np.bincount(ids).max()))):
        i = np.arange(len(ids) - lag)
        i = i[ids[order][i] == ids[order][i + lag]]
        z, w = scaled[i], scaled[i + lag]
        found.append(np.stack([z[:, a] * w[:, b] + (a != b) * z[:, b] * w[:, a] for a, b in pairs], axis=1))
        same.append(np.full(len(i), lag == 0))
        rows.append(order[i])
    return np.concatenate(found), np.concatenate(same), np.concatenate(rows)


def check_residual(
    group: str, names: Sequence[str], Z: Floats, ids: Ids, blocks: Blocks, target: Floats, what: str
) -> None:
    """Refuse residual variances, `target` times what is estimated, that the random coefficients describe.

    Raises
    ------
    DataError
        `spans_diagonal`; the message calls them `what`, such as ``sigma``.
    """
    if spans_diagonal(Z, ids, blocks, target):
        raise DataError(
            f"The sds of `{group}` and {what} cannot be told apart: no group of `{group}` has more rows than"
            " random coefficients.",
            where=f"    random coefficients of {group}: {', '.join(names)}",
            remedy=_REMEDIES.get(what, f"Write {what} ~ 0: `{group}` then has all heterogeneity."),
        )


def check_coefficients(group: str, names: Sequence[str], Z: Floats, ids: Ids, blocks: Blocks) -> None:
    """Refuse random coefficients whose variances and correlations the rows do not tell apart.

    Raises
    ------
    DataError
        Not `are_distinct`.
    """
    if not are_distinct(Z, ids, blocks):
        raise DataError(
            f"The data cannot tell the variances and correlations of the random coefficients of `{group}`"
            " apart: too few groups have rows of different kinds.",
            where=f"    random coefficients of {group}: {', '.join(names)}",
            remedy=f"Leave coefficients out, or make them independent: (… || {group}).",
        )


def check_proportional(name: str, variances: Floats, W: Floats, sigma: str) -> None:
    """Refuse φ and sigma together where the known variances do not vary beyond what sigma describes.

    Parameters
    ----------
    name, sigma
        What ``meta_V`` names, and the sigma that is estimated too.
    variances
        Known variances of the rows, shape (n,).
    W
        Predictors of log sigma, shape (n, k).

    Raises
    ------
    DataError
        The variances are equal within 1e-8, in all rows or in every setting of the
        predictors where these have a sigma each.
    """
    cells, ids = np.unique(W, axis=0, return_inverse=True)
    saturated = len(cells) == W.shape[1]
    if _is_flat(variances, ids.reshape(-1)) if saturated else _is_flat(variances, np.zeros_like(ids)):
        within = " within each setting of its predictors" if len(cells) > 1 and saturated else ""
        raise DataError(
            f"The sampling variances `{name}` have no spread{within}, so their factor φ and `{sigma}` cannot"
            " be told apart: only the sum φ·v + sigma² is known.",
            where=f"    {name}: {variances.min():g} to {variances.max():g}",
            remedy=f'Write {sigma} ~ 0, or leave out scale="proportional".',
        )


def _is_flat(values: Floats, ids: Ids) -> bool:
    low, high = np.full((2, int(ids.max()) + 1), [[np.inf], [-np.inf]])
    np.minimum.at(low, ids, values)
    np.maximum.at(high, ids, values)
    return bool((high - low <= _SAME * high).all())
