"""Centre and scale inside, undo exactly outside.

Everything is computed from y* = (y - ȳ)/s, X* = XA and Z* = ZT, so that results are
equivariant under y → a + by and x → a + bx, whatever the units and offsets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import types
from numpy.typing import NDArray

from laird.gaussian.compiled import compiled, inner
from laird.gaussian.small import MATRIX, PLACES, VECTOR

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

BLOCK = 256
"""Rows summed before they are added to the total."""
MOMENTS = types.UniTuple(types.float64[::1], 2)  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True, eq=False)
class Standardisation:
    """Location and scale of y and of every column of X (p) and Z (q).

    Attributes
    ----------
    y_mean, y_scale
        y* = (y - y_mean)/y_scale; y_mean is 0 when constants are not in the span of X.
    x_mean, x_scale, z_mean, z_scale
        Column-wise, shapes (p,) and (q,); a mean is 0 where centring would change the model.
    A, T
        X* = XA, Z* = ZT, shapes (p, p) and (q, q).
    constant
        Coefficients c with Xc = 1, shape (p,); zeros when there are none.
    line
        Coefficients b of a line Xb that was subtracted from y before, shape (p,); zeros if none was.
    """

    y_mean: float
    y_scale: float
    x_mean: Floats
    x_scale: Floats
    z_mean: Floats
    z_scale: Floats
    A: Floats
    T: Floats
    constant: Floats
    line: Floats

    @property
    def shift(self) -> Floats:
        """β of β* = 0, shape (p,)."""
        return self.y_mean * self.constant + self.line

    @property
    def centred_shift(self) -> Floats:
        """The same for the centred coefficients γ, β = Aγ·x_scale, for which priors are stated."""
        return self.y_mean * self.constant + np.linalg.solve(self.A * self.x_scale, self.line)

    def beta(self, beta_star: Floats) -> Floats:
        """Coefficients on the original scale: β = s·Aβ* + ȳ·c + b; last axis has length p."""
        return self.y_scale * beta_star @ self.A.T + self.shift

    def beta_star(self, beta: Floats) -> Floats:
        """Inverse of :meth:`beta`."""
        return np.linalg.solve(self.A, (beta - self.shift).T).T / self.y_scale

    def beta_cov(self, cov_star: Floats) -> Floats:
        """Covariance of β from that of β*."""
        return self.y_scale**2 * self.A @ cov_star @ self.A.T

    def u(self, u_star: Floats) -> Floats:
        """Group effects on the original scale, u = s·Tu*; last axis has length q."""
        return self.y_scale * u_star @ self.T.T

    def G(self, G_star: Floats) -> Floats:
        """Covariance of u from that of u*, shape (..., q, q)."""
        return self.y_scale**2 * self.T @ G_star @ self.T.T


def column_moments(M: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation (divisor n) of every column, exact for large offsets."""
    rows = np.ascontiguousarray(M, dtype=float)
    mean, mean_square = rows[0].copy(), np.zeros(rows.shape[1])
    varying = np.flatnonzero(~_all_as_first(rows))
    mean[varying], mean_square[varying] = _moments(rows, varying)
    return mean, np.sqrt(mean_square)


def is_ones(M: Floats) -> NDArray[np.bool_]:
    """Which columns hold ones only, shape (k,)."""
    return np.asarray((M[0] == 1.0) & _all_as_first(np.ascontiguousarray(M, dtype=float)))


@inner(fastmath={"reassoc"})
def _plus(total: float, term: float) -> float:
    """A sum in any order, so that the processor need not wait for one addition to begin the next."""
    return total + term


@compiled(
    types.void(MATRIX, PLACES, types.int64, VECTOR, types.boolean, types.float64[::1]),
    no_cpython_wrapper=True,
)
def _add_sums(M: Floats, columns: Ids, start: int, centres: Floats, squared: bool, sums: Floats) -> None:
    """Add Σ (M_ic - M_0c) - centres_c, or its squares, over a block of rows: little is lost by block."""
    for k in range(len(columns)):
        c = columns[k]
        part, shift, centre = 0.0, M[0, c], centres[k]
        for i in range(start, min(start + BLOCK, M.shape[0])):
            deviation = (M[i, c] - shift) - centre
            part = _plus(part, deviation * deviation if squared else deviation)
        sums[k] += part


@compiled(MOMENTS(MATRIX, PLACES))
def _moments(M: Floats, columns: Ids) -> tuple[Floats, Floats]:
    """Means and mean squared deviations of some columns, both from deviations to the first row."""
    n, k = M.shape[0], len(columns)
    mean, square, zero = np.zeros(k), np.zeros(k), np.zeros(k)
    for start in range(0, n, BLOCK):
        _add_sums(M, columns, start, zero, False, mean)
    for c in range(k):
        mean[c] /= n
    for start in range(0, n, BLOCK):
        _add_sums(M, columns, start, mean, True, square)
    for c in range(k):
        square[c] /= n
        mean[c] += M[0, columns[c]]
    return mean, square


@compiled(types.boolean[::1](MATRIX))
def _all_as_first(M: Floats) -> NDArray[np.bool_]:
    same = np.empty(M.shape[1], dtype=np.bool_)
    for c in range(M.shape[1]):
        same[c] = True
        for i in range(M.shape[0]):
            if M[i, c] != M[0, c]:
                same[c] = False
                break
    return same


def constant_coefficients(X: Floats) -> Floats | None:
    """Return c with Xc = 1 (all rows), or None when constants are not in the span of X."""
    ones = np.flatnonzero(is_ones(X))
    if ones.size:
        return np.array(np.eye(X.shape[1])[ones[0]])
    c: Floats = np.linalg.lstsq(X, np.ones(len(X)), rcond=None)[0]
    return c if X.shape[1] and np.allclose(X @ c, 1.0, rtol=0, atol=1e-9) else None


def standardise(y: Floats, X: Floats, Z: Floats, blocks: Sequence[Sequence[int]]) -> Standardisation:
    """Choose the centring and scaling of a model's columns.

    A column of X is centred when X has a column of ones; a column of Z when its block
    (correlated coefficients) has one: then the model is the same before and after.
    """
    c = constant_coefficients(X)
    x_mean, x_scale, A = _centring(X, _whole_if_ones(X, c))
    z_mean, z_scale, T = _centring(Z, [tuple(block) for block in blocks])
    y_mean, y_sd = (float(m[0]) for m in column_moments(y[:, None]))
    return Standardisation(
        y_mean=y_mean if c is not None else 0.0,
        y_scale=(y_sd if c is not None else float(np.hypot(y_mean, y_sd))) or 1.0,
        x_mean=x_mean,
        x_scale=x_scale,
        z_mean=z_mean,
        z_scale=z_scale,
        A=A,
        T=T,
        constant=c if c is not None else np.zeros(X.shape[1]),
        line=np.zeros(X.shape[1]),
    )


def _whole_if_ones(X: Floats, c: Floats | None) -> list[tuple[int, ...]]:
    explicit = c is not None and np.count_nonzero(c) == 1
    return [tuple(range(X.shape[1]))] if explicit else [(k,) for k in range(X.shape[1])]


def _centring(M: Floats, blocks: list[tuple[int, ...]]) -> tuple[Floats, Floats, Floats]:
    """Means, scales and the matrix A with M* = MA; centred within blocks that have a column of ones."""
    k = M.shape[1]
    mean, scale, A = np.zeros(k), np.ones(k), np.eye(k)
    if not k:
        return mean, scale, A
    means, sds = column_moments(M)
    is_one = is_ones(M)
    for block in blocks:
        one = next((i for i in block if is_one[i]), None)
        for i in block:
            if is_one[i]:
                continue
            centred = one is not None and sds[i] > 0.0
            mean[i] = means[i] if centred else 0.0
            scale[i] = (sds[i] if centred else float(np.hypot(means[i], sds[i]))) or 1.0
            A[i, i] = 1.0 / scale[i]
            if centred:
                A[one, i] = -mean[i] / scale[i]
    return mean, scale, A


def standard_columns(W: Floats) -> tuple[Floats, Floats]:
    """Return V = [1, centred and scaled columns] with the span of W.

    The first column is constant; of a W without a column of ones, but with constants in
    its span (a full set of indicators), one column is left out.  Where constants are not
    in the span the columns are only scaled.

    Returns
    -------
    V (n, k) and A (k, k) with V = WA.

    Examples
    --------
    >>> V, A = standard_columns(np.array([[1.0, 2.0], [1.0, 4.0]]))
    >>> V
    array([[ 1., -1.], [ 1.,  1.]])
    """
    c = constant_coefficients(W)
    if c is None:
        scale = np.sqrt(np.mean(W**2, axis=0))
        return W / scale, np.diag(1.0 / scale)
    lead = int(np.argmax(np.abs(c)))
    others = [k for k in range(W.shape[1]) if k != lead]
    means, sds = column_moments(W)
    A = np.zeros((W.shape[1], W.shape[1]))
    A[:, 0] = c
    for place, k in enumerate(others, start=1):
        A[:, place] = -c * means[k] / sds[k]
        A[k, place] += 1.0 / sds[k]
    V = np.column_stack([np.ones(len(W)), *((W[:, k] - means[k]) / sds[k] for k in others)])
    return V, A
