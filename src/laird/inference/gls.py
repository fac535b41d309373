"""Generalised least squares at a given Σ, and traces of P = Σ⁻¹ - Σ⁻¹X(X'Σ⁻¹X)⁻¹X'Σ⁻¹, block by block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.inference.rowblocks import Whitener

type Floats = NDArray[np.float64]


class Gls(NamedTuple):
    """β̂ = (X'Σ⁻¹X)⁻¹X'Σ⁻¹y and what goes with it.

    Attributes
    ----------
    beta, cov
        β̂ (p,) and C = (X'Σ⁻¹X)⁻¹ (p, p).
    residual
        y - Xβ̂, shape (n,).
    SX, Sr
        Σ⁻¹X (n, p) and Σ⁻¹(y - Xβ̂) = Py (n,).
    Q
        y'Py, the generalised Q statistic.
    n
        Number of rows, or the sum of their weights.
    """

    beta: Floats
    cov: Floats
    residual: Floats
    SX: Floats
    Sr: Floats
    Q: float
    n: float

    @property
    def df(self) -> float:
        """n - p."""
        return self.n - len(self.beta)


def gls(y: Floats, X: Floats, by: Whitener, weights: Floats | None = None) -> Gls:
    """Fit by generalised least squares.

    Parameters
    ----------
    y, X
        Shapes (n,), (n, p).
    by
        The factorised Σ.
    weights
        How many times each row counts, shape (n,): β̂, its covariance, Q and n are those of rows
        repeated so often.  For a diagonal Σ only.

    Examples
    --------
    >>> from laird.inference.rowblocks import layout
    >>> from laird.inference.rowblocks import whitener
    >>> by = whitener(layout(np.arange(2)), [np.array([[[1.0]], [[3.0]]])])
    >>> found = gls(np.array([1.0, 2.0]), np.ones((2, 1)), by)
    >>> found.beta, found.cov
    (array([1.25]), array([[0.75]]))
    """
    root_w = np.ones(len(y)) if weights is None else np.sqrt(weights)
    Xw, yw = by.whiten(root_w[:, None] * X), by.whiten(root_w * y)
    q, r = np.linalg.qr(Xw)
    root = np.linalg.inv(r)
    beta, cov = root @ (q.T @ yw), root @ root.T
    left = yw - q @ (q.T @ yw)
    residual = y - X @ beta
    n = len(y) if weights is None else float(weights.sum())
    return Gls(beta, cov, residual, by.solve(X), by.solve(residual), float(left @ left), n)


def trace_P(by: Whitener, found: Gls, weights: Floats | None = None) -> float:
    """tr(P), of rows repeated `weights` times."""
    w = np.ones(len(found.SX)) if weights is None else weights
    return float(w @ by.inverse_diagonal() - np.sum(found.cov * (found.SX.T @ (w[:, None] * found.SX))))


def trace_TT(by: Whitener, T: Sequence[Floats]) -> float:
    """tr(Σ⁻¹TΣ⁻¹T) for a symmetric T given by stack."""
    pairs = zip(by.inverse(), T, strict=True)
    products = (own @ level for own, level in pairs)
    return float(sum(np.sum(M * np.swapaxes(M, -1, -2)) for M in products))


def trace_PTPT(by: Whitener, found: Gls, T: Sequence[Floats]) -> float:
    """tr(PTPT) = tr(Σ⁻¹TΣ⁻¹T) - 2 tr(C A'TΣ⁻¹T A) + tr((C A'T A)²) with A = Σ⁻¹X."""
    TA = times(by, T, found.SX)
    M = found.cov @ (found.SX.T @ TA)
    once = np.sum(found.cov * (TA.T @ by.solve(TA)))
    return float(trace_TT(by, T) - 2 * once + np.sum(M * M.T))


def times(by: Whitener, T: Sequence[Floats], A: Floats) -> Floats:
    """TA in the order of the rows, for T given by stack; shape of A."""
    found = np.empty_like(A)
    columns = A.reshape(len(A), -1)
    for rows, own in zip(by.layout.stacks, T, strict=True):
        found[rows] = (own @ columns[rows]).reshape(*rows.shape, *A.shape[1:])
    return found
