"""The coefficients of each group: its own least-squares line (BLUE), and the line of the fixed part.

The columns of X that lie in the span of Z within every group are *absorbed*: they move
the groups' coefficients, X_j,absorbed = Z_jA_j.  The other columns have slopes common to
all groups.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laird.gaussian.crossproducts import Grouped

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

ABSORBED = 1e-9
"""A column with less than this share of its length outside the span of Z is absorbed."""


@dataclass(frozen=True, slots=True, eq=False)
class GroupLines:
    """Least-squares coefficients by group, without pooling; NaN where a group cannot give them.

    Attributes
    ----------
    coefficients
        β̂_j = (Z_j'Z_j)⁻¹Z_j'(y_j - X_j,common δ̂), shape (J, q).
    cov
        Its covariance σ²(Z_j'Z_j)⁻¹ plus what the common slopes δ̂ add, shape (J, q, q).
    sigma
        Residual sd pooled over groups; NaN without residual degrees of freedom.
    """

    coefficients: Floats
    cov: Floats
    sigma: float


def absorbed_columns(data: Grouped) -> NDArray[np.bool_]:
    """Which columns of X lie in the span of Z within every group, shape (p,)."""
    within = np.diag(_within(data, _pseudo_inverses(data)[0]))[:-1]
    return within <= ABSORBED * np.maximum(np.diag(data.WW)[:-1], 1e-300)


def level2_weights(X: Floats, Z: Floats, ids: Ids, J: int, absorbed: NDArray[np.bool_]) -> Floats:
    """A_j with X_j,absorbed = Z_jA_j, zero for columns that are not absorbed; shape (J, q, p).

    A column x that is one column of Z times a variable constant within groups is
    recognised over all groups together, so that groups too small for a line of their own
    have their A_j too; any other absorbed column is solved for group by group (NaN where
    Z_j'Z_j is singular).
    """
    q = Z.shape[1]
    A = np.zeros((J, q, X.shape[1]))
    if not q:
        return A
    squares = np.stack([np.bincount(ids, z * z, J) for z in Z.T])
    for k in np.flatnonzero(absorbed):
        t, weights = _single_match(X[:, k], Z, ids, squares)
        if t is not None:
            A[:, t, k] = weights
        else:
            A[:, :, k] = _groupwise_coefficients(X[:, k], Z, ids, J)
    return A


def _single_match(x: Floats, Z: Floats, ids: Ids, squares: Floats) -> tuple[int | None, Floats]:
    for t, z in enumerate(Z.T):
        with np.errstate(invalid="ignore"):
            w = np.where(squares[t] > 0, np.bincount(ids, z * x, len(squares[t])) / squares[t], 0.0)
        if np.max(np.abs(x - z * w[ids])) <= ABSORBED * max(np.max(np.abs(x)), 1e-300):
            return t, w
    return None, np.zeros(0)


def _groupwise_coefficients(x: Floats, Z: Floats, ids: Ids, J: int) -> Floats:
    ZZ = np.stack([[np.bincount(ids, a * b, J) for a in Z.T] for b in Z.T]).transpose(2, 0, 1)
    Zx = np.stack([np.bincount(ids, z * x, J) for z in Z.T]).T
    inverse, full = _pseudo_inverse(ZZ)
    return np.where(full[:, None], (inverse @ Zx[..., None])[..., 0], np.nan)


def _pseudo_inverse(ZZ: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Pseudo-inverses of a stack of Gram matrices, scaled columnwise, and which have full rank."""
    size = np.sqrt(np.maximum(np.diagonal(ZZ, axis1=1, axis2=2), 1e-300))
    scaled = ZZ / (size[:, :, None] * size[:, None, :])
    w, V = np.linalg.eigh(scaled)
    sound = w > 1e-10
    inverse = (V * np.where(sound, 1.0 / np.where(sound, w, 1.0), 0.0)[:, None, :]) @ V.transpose(0, 2, 1)
    return inverse / (size[:, :, None] * size[:, None, :]), sound.all(axis=1)


def _pseudo_inverses(data: Grouped) -> tuple[Floats, NDArray[np.bool_]]:
    return _pseudo_inverse(data.ZZ)


def _within(data: Grouped, inverse: Floats) -> Floats:
    """W'(I - P_Z)W, the cross-products left after each group's own regression on Z."""
    left = data.ZW.transpose(0, 2, 1) @ inverse @ data.ZW
    return np.asarray(data.WW - left.sum(axis=0))


def within_residual(data: Grouped) -> float:
    """Residual sum of squares of the model with group-specific coefficients, over that of y*."""
    inverse, _ = _pseudo_inverses(data)
    within = _within(data, inverse)
    common = ~absorbed_columns(data)
    return _residual(within, np.flatnonzero(common)) / float(data.WW[-1, -1])


def pooled_residual(data: Grouped) -> float:
    """Residual sum of squares of ordinary least squares, over that of y*."""
    return _residual(data.WW, np.arange(data.p)) / float(data.WW[-1, -1])


def _residual(W: Floats, columns: Ids) -> float:
    if not len(columns):
        return float(W[-1, -1])
    delta = np.linalg.lstsq(W[np.ix_(columns, columns)], W[columns, -1], rcond=None)[0]
    return float(W[-1, -1] - W[-1, columns] @ delta)


def own_lines(data: Grouped) -> GroupLines:
    """Least squares in every group, with common slopes for the columns that are not absorbed."""
    s, q = data.scaling, data.q
    inverse, full = _pseudo_inverses(data)
    common = np.flatnonzero(~absorbed_columns(data))
    within = _within(data, inverse)
    information = np.linalg.inv(within[np.ix_(common, common)])
    delta = information @ within[common, -1]
    df = data.n - int(np.sum(_ranks(data))) - len(common)
    rss = within[-1, -1] - within[-1, common] @ delta
    variance = rss / df if df > 0 else np.nan
    own = (inverse @ (data.ZW[:, :, -1] - data.ZW[:, :, common] @ delta)[..., None])[..., 0]
    K = inverse @ data.ZW[:, :, common]
    cov = variance * (inverse + K @ information @ K.transpose(0, 2, 1))
    shift = np.zeros(q)
    shift[_ones_column(data)] = s.y_mean + _intercept_of_common(data, common, delta)
    coefficients = np.where(full[:, None], s.u(own) + shift, np.nan)
    cov = np.where(full[:, None, None], s.G(cov), np.nan)
    return GroupLines(coefficients, cov, float(np.sqrt(variance)) * s.y_scale)


def _ranks(data: Grouped) -> Ids:
    size = np.sqrt(np.maximum(np.diagonal(data.ZZ, axis1=1, axis2=2), 1e-300))
    w = np.linalg.eigvalsh(data.ZZ / (size[:, :, None] * size[:, None, :]))
    return np.sum(w > 1e-10, axis=1)


def _ones_column(data: Grouped) -> slice:
    """The intercept among the columns of Z: its starred column is not centred and has scale one."""
    sums = np.diagonal(data.ZZ, axis1=1, axis2=2) == data.counts[:, None]
    found = np.flatnonzero(sums.all(axis=0))
    return slice(int(found[0]), int(found[0]) + 1) if len(found) else slice(0, 0)


def _intercept_of_common(data: Grouped, common: Ids, delta: Floats) -> float:
    """What centring the common columns adds to the intercept: -Σ x̄_k δ̂_k."""
    s = data.scaling
    return -float(np.sum(s.x_mean[common] * delta * s.y_scale / s.x_scale[common]))
