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
"""A column with less than this share of its squared length outside the span of Z is absorbed."""

EXACT = 1e-13
"""A residual sum of squares below this share of the outcome's is rounding, not variation."""

ROUNDING = 1e-13
"""The same for columns that are not centred: what rounding leaves of a column of Z."""


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
    """Which columns of X lie in the span of Z within every group, shape (p,).

    Where Z spans the constant, the centred columns decide, so that offsets do not matter.
    """
    return _absorbed(data, _within(data, _pseudo_inverse(data.ZZ)[0]))


def _absorbed(data: Grouped, left: Floats) -> NDArray[np.bool_]:
    """The same from W'(I - P_Z)W."""
    within, total = left[:-1, :-1], data.WW[:-1, :-1]
    absorbed = _within_share(within, total) <= ABSORBED
    if absorbed[data.scaling.constant != 0].all():
        return absorbed
    U = np.linalg.inv(data.scaling.A)
    return _within_share(U.T @ within @ U, U.T @ total @ U) <= ROUNDING


def _within_share(within: Floats, total: Floats) -> Floats:
    return np.asarray(np.diag(within) / np.maximum(np.diag(total), 1e-300))


def level2_weights(X: Floats, Z: Floats, ids: Ids, J: int, absorbed: NDArray[np.bool_]) -> Floats:
    """A_j with X_j,absorbed = Z_jA_j, zero for columns that are not absorbed; shape (J, q, p).

    A column that is the same combination of the columns of Z in every group, or one of
    them times a variable constant within groups, is recognised over all groups together,
    so that groups too small for a line of their own have their A_j too; any other
    absorbed column is solved for group by group.  NaN where a group's rows cannot tell.
    """
    q = Z.shape[1]
    A = np.zeros((J, q, X.shape[1]))
    if not q:
        return A
    between = _constant_columns(X, ids, J)
    for k in np.flatnonzero(absorbed):
        A[:, :, k] = _weights_of(X[:, k], Z, ids, J, between)
    return A


def _weights_of(x: Floats, Z: Floats, ids: Ids, J: int, between: Floats) -> Floats:
    """Coefficients a_j (J, q) with x_j = Z_ja_j."""
    common = np.linalg.lstsq(Z, x, rcond=None)[0]
    if _equal(x, Z @ common):
        return np.broadcast_to(common, (J, len(common)))
    for t, z in enumerate(Z.T):
        w = _ratios(x, z, ids, J)
        if _equal(x, z * np.nan_to_num(w)[ids]):
            return np.asarray(np.eye(Z.shape[1])[t] * _completed(w, between)[:, None])
    return _groupwise_coefficients(x, Z, ids, J)


def _equal(x: Floats, fitted: Floats) -> bool:
    return bool(np.max(np.abs(x - fitted)) <= ABSORBED * np.max(np.abs(x)))


def _ratios(x: Floats, z: Floats, ids: Ids, J: int) -> Floats:
    """w_j with x_j = z_jw_j, NaN where z_j is zero; shape (J,)."""
    squares = np.bincount(ids, z * z, J)
    with np.errstate(invalid="ignore"):
        return np.where(squares > 0, np.bincount(ids, z * x, J) / squares, np.nan)


def _constant_columns(X: Floats, ids: Ids, J: int) -> Floats:
    """Values by group of the columns of X that are constant within groups, shape (J, number)."""
    first = np.zeros(J, dtype=np.int64)
    first[ids[::-1]] = np.arange(len(ids))[::-1]
    values = X[first]
    return np.asarray(values[:, np.all(values[ids] == X, axis=0)])


def _completed(w: Floats, between: Floats) -> Floats:
    """Fill the gaps of w from the variable constant within groups that it equals elsewhere."""
    known = np.isfinite(w)
    for v in between.T:
        if not known.all() and _equal(w[known], v[known]):
            return np.where(known, w, v)
    return w


def _groupwise_coefficients(x: Floats, Z: Floats, ids: Ids, J: int) -> Floats:
    ZZ = np.stack([[np.bincount(ids, a * b, J) for a in Z.T] for b in Z.T]).transpose(2, 0, 1)
    Zx = np.stack([np.bincount(ids, z * x, J) for z in Z.T]).T
    inverse, full = _pseudo_inverse(ZZ)
    return np.where(full[:, None], (inverse @ Zx[..., None])[..., 0], np.nan)


def _pseudo_inverse(ZZ: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Pseudo-inverses of a stack of Gram matrices, scaled columnwise, and which have full rank."""
    size = np.sqrt(np.maximum(np.diagonal(ZZ, axis1=1, axis2=2), 1e-300))
    scaled = ZZ / (size[:, :, None] * size[:, None, :])
    w, V = _eigen(scaled)
    sound = w > 1e-10
    inverse = (V * np.where(sound, 1.0 / np.where(sound, w, 1.0), 0.0)[:, None, :]) @ V.transpose(0, 2, 1)
    return inverse / (size[:, :, None] * size[:, None, :]), sound.all(axis=1)


def _eigen(S: Floats) -> tuple[Floats, Floats]:
    """Eigenvalues and vectors of a stack of matrices with ones, or zero rows, along their diagonals."""
    q = S.shape[1]
    if q > 2:
        return np.linalg.eigh(S)
    diagonal, V = np.diagonal(S, axis1=1, axis2=2), np.broadcast_to(np.eye(q), S.shape)
    if q < 2:
        return diagonal, V
    r, full = S[:, 0, 1], (diagonal > 0.5).all(axis=1)
    w = np.where(full[:, None], np.column_stack([1.0 + r, 1.0 - r]), diagonal)
    return w, np.where(full[:, None, None], np.array([[1.0, 1.0], [1.0, -1.0]]) / np.sqrt(2.0), V)


def _within(data: Grouped, inverse: Floats) -> Floats:
    """W'(I - P_Z)W, the cross-products left after each group's own regression on Z."""
    m = data.p + 1
    return np.asarray(data.WW - data.ZW.reshape(-1, m).T @ (inverse @ data.ZW).reshape(-1, m))


def within_residual(data: Grouped) -> float:
    """Residual sum of squares of the model with group-specific coefficients, over that of y* (0 of 0)."""
    within = _within(data, _pseudo_inverse(data.ZZ)[0])
    common = ~_absorbed(data, within)
    return _residual(within, np.flatnonzero(common)) / (float(data.WW[-1, -1]) or 1.0)


def within_df(data: Grouped) -> int:
    """Rows less the coefficients of every group and the slopes common to all."""
    within = _within(data, _pseudo_inverse(data.ZZ)[0])
    common = np.flatnonzero(~_absorbed(data, within))
    w = np.linalg.eigvalsh(within[np.ix_(common, common)])
    return data.n - int(np.sum(_ranks(data))) - int(np.count_nonzero(w > ABSORBED * data.n))


def rounding_share(data: Grouped, y: Floats) -> float:
    """`EXACT`, or what y (n,) lost as floating-point numbers when it is large beside what is left of it."""
    return max(EXACT, float(np.finfo(float).eps * np.abs(y).max() / data.scaling.y_scale) ** 2)


def pooled_slopes(data: Grouped) -> Floats:
    """Coefficients β* of ordinary least squares, starred units, shape (p,)."""
    p = data.p
    return np.asarray(np.linalg.lstsq(data.WW[:p, :p], data.WW[:p, p], rcond=None)[0])


def pooled_residual(data: Grouped) -> float:
    """Residual sum of squares of ordinary least squares, over that of y* (0 of 0)."""
    return _residual(data.WW, np.arange(data.p)) / (float(data.WW[-1, -1]) or 1.0)


def _residual(W: Floats, columns: Ids) -> float:
    if not len(columns):
        return float(W[-1, -1])
    delta = np.linalg.lstsq(W[np.ix_(columns, columns)], W[columns, -1], rcond=None)[0]
    return float(W[-1, -1] - W[-1, columns] @ delta)


def own_lines(data: Grouped, variance: float | None = None) -> GroupLines:
    """Least squares in every group, with common slopes for the columns that are not absorbed.

    The residual variance is pooled over groups, unless rows of a known `variance` are given.

    In starred units, the coefficients of group j at the origin of the predictors are
    (Z_j'Z_j)⁻¹Z_j'y_j - K_jδ̂ + h_j, where K_j and h_j are the coefficients on Z_j of the
    uncentred common columns and of the absorbed part of what was subtracted from y.
    """
    s = data.scaling
    inverse, full = _pseudo_inverse(data.ZZ)
    within = _within(data, inverse)
    absorbed = _absorbed(data, within)
    common = np.flatnonzero(~absorbed)
    delta, information, rank = _common_slopes(data, within, common)
    df = data.n - int(np.sum(_ranks(data))) - rank
    rss = within[-1, -1] - within[-1, common] @ delta
    found = rss / df if df > 0 else np.nan
    variance = found if variance is None else variance / s.y_scale**2
    ZX = inverse @ data.ZW[:, :, :-1]
    one = ZX @ np.linalg.solve(s.A, s.constant * absorbed)
    offset = s.x_mean[common] / s.x_scale[common]
    K = inverse @ data.ZW[:, :, common] + one[:, :, None] * offset
    level = ZX @ np.linalg.solve(s.A, s.shift * absorbed) / s.y_scale
    own = (inverse @ data.ZW[:, :, -1:])[..., 0] - K @ delta + level
    cov = variance * (inverse + K @ information @ K.transpose(0, 2, 1))
    return GroupLines(
        coefficients=np.where(full[:, None], s.u(own), np.nan),
        cov=np.where(full[:, None, None], s.G(cov), np.nan),
        sigma=float(np.sqrt(variance)) * s.y_scale,
    )


def _common_slopes(data: Grouped, within: Floats, common: Ids) -> tuple[Floats, Floats, int]:
    """Slopes common to all groups δ̂, their covariance over σ², and the rank of their columns.

    A combination of the columns that the groups' own coefficients can replace (the level
    of cell means with a random intercept) is estimated by pooled least squares, so that
    the own coefficients are deviations from it.
    """
    W = within[np.ix_(common, common)]
    w, V = np.linalg.eigh(W)
    sound = w > ABSORBED * data.n
    information = (V[:, sound] / w[sound]) @ V[:, sound].T
    delta, N = information @ within[common, -1], V[:, ~sound]
    pooled = data.WW[np.ix_(common, common)]
    level = np.linalg.solve(N.T @ pooled @ N, N.T @ (data.WW[common, -1] - pooled @ delta))
    return delta + N @ level, information, int(np.count_nonzero(sound))


def _ranks(data: Grouped) -> Ids:
    size = np.sqrt(np.maximum(np.diagonal(data.ZZ, axis1=1, axis2=2), 1e-300))
    w = np.linalg.eigvalsh(data.ZZ / (size[:, :, None] * size[:, None, :]))
    return np.asarray(np.sum(w > 1e-10, axis=1))


def unexplained_share(data: Grouped) -> Floats:
    """Share of the length of every random coefficient's columns that X leaves unexplained, shape (q,).

    Σ_j |(I - P_X)z_jk|² / Σ_j |z_jk|², where z_jk is column k of Z in group j and 0 elsewhere.
    """
    U, p = np.linalg.inv(data.scaling.T), data.p
    ZX = data.ZW[:, :, :p]
    total = data.ZZ.sum(axis=0)
    explained = np.einsum("jkc,cd,jhd->kh", ZX, np.linalg.inv(data.WW[:p, :p]), ZX, optimize=True)
    return np.asarray(np.diag(U.T @ (total - explained) @ U) / np.diag(U.T @ total @ U))
