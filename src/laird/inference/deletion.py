"""What is left of the likelihood without each of many units of rows, at given covariance parameters.

With W = [X y], F = Σ⁻¹W and Q_i = (Σ⁻¹)_ii of the rows of unit i, the rows left have

    W'Σ⁻¹W - F_i'Q_i⁻¹F_i    and    log|Σ| + log|Q_i|

in place of W'Σ⁻¹W and log|Σ|: exactly, whether or not other rows are correlated with the unit
(the likelihood of y_i given the others; Haslett & Dillane 2004).  Of a unit independent of the others the
two are its own W_i'Σ_i⁻¹W_i and -log|Σ_i|.  Nothing is fitted again, and all units are done at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.design import Design
from laird.fitting.problem import Problem
from laird.gaussian.crossproducts import Grouped
from laird.gaussian.theta import Theta
from laird.inference.dispersion import dispersion
from laird.inference.rowblocks import Layout, Whitener, layout
from laird.inference.rowcovariance import row_covariance, row_layout

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type Flags = NDArray[np.bool_]

DEPENDS = 1e-9
"""A direction of β of which the rows left hold less than this share of the information is lost."""


class Pieces(NamedTuple):
    """The likelihood of all rows, and what each unit adds to it given the others.

    Attributes
    ----------
    whole, log_determinant
        W'Σ⁻¹W (m, m), m = p + 1, and log|Σ|.
    removed, log_precision
        F_i'Q_i⁻¹F_i (U, m, m) and log|Q_i| (U,).
    own
        W_i'F_i, the terms of W'Σ⁻¹W with the rows of a unit, shape (U, m, m).
    """

    whole: Floats
    log_determinant: float
    removed: Floats
    log_precision: Floats
    own: Floats

    @property
    def leverage(self) -> Floats:
        """Sum of the diagonal of XCX'Σ⁻¹ over the rows of each unit, shape (U,); p over all."""
        C = np.linalg.inv(self.whole[:-1, :-1])
        return np.asarray(np.einsum("pr,upr->u", C, self.own[:, :-1, :-1]))

    def log_densities(self, v: Floats) -> Floats:
        """log p(y_i | other rows) at W-coefficients v = (-β, 1), but for -½n_i log 2π; shape (U,)."""
        return np.asarray(0.5 * (self.log_precision - np.einsum("c,ucd,d->u", v, self.removed, v)))


class Left(NamedTuple):
    """Estimates without each unit.

    Attributes
    ----------
    beta, information
        β̂_(i) (U, p), and the inverse of its covariance C_(i) (U, p, p).
    deviance
        -2 log-likelihood of the rows left, but for a constant, shape (U,).
    misfit
        By how much the unit raises y'Py: e_i'Cov(e_i)⁻¹e_i of its deleted residuals, shape (U,).
    """

    beta: Floats
    information: Floats
    deviance: Floats
    misfit: Floats


type Engine = Callable[[Theta], Pieces]


def left(pieces: Pieces, *, restricted: bool) -> Left:
    """Estimates without each unit at the θ of the pieces, for ML or REML (`restricted`).

    Examples
    --------
    >>> W = np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 6.0]])
    >>> rows = np.einsum("ia,ib->iab", W, W)
    >>> left(Pieces(rows.sum(axis=0), 0.0, rows, np.zeros(3), rows), restricted=False).beta.T
    array([[4. , 3.5, 1.5]])
    """
    S = pieces.whole - pieces.removed
    A, b = S[:, :-1, :-1], S[:, :-1, -1:]
    beta = np.linalg.solve(A, b)
    rest = S[:, -1, -1] - (np.swapaxes(b, 1, 2) @ beta)[:, 0, 0]
    deviance = pieces.log_determinant + pieces.log_precision + rest
    if restricted:
        deviance = deviance + np.linalg.slogdet(A)[1]
    own = pieces.whole[:-1, -1]
    total = pieces.whole[-1, -1] - own @ np.linalg.solve(pieces.whole[:-1, :-1], own)
    return Left(beta[..., 0], A, deviance, np.maximum(total - rest, 0.0))


def identified(pieces: Pieces) -> Flags:
    """Whether the rows left determine every coefficient, shape (U,)."""
    root = np.linalg.inv(np.linalg.cholesky(pieces.whole[:-1, :-1]))
    share = np.eye(len(root)) - root @ pieces.removed[:, :-1, :-1] @ root.T
    return np.asarray(np.linalg.eigvalsh(share)[:, 0] > DEPENDS)


def engine(problem: Problem, codes: Ids, W: Floats) -> Engine:
    """What computes the pieces at any θ.

    Parameters
    ----------
    problem
        The model and its data.
    codes
        Unit of each row, shape (n,), integers from 0 without gaps.
    W
        Any basis of X, and the outcome, shape (n, p + 1).

    Groups of the only grouping factor are eliminated by their cross-products; all else is done by
    blocks of connected rows.

    Raises
    ------
    FitError
        Too many connected rows.
    """
    data, design = problem.data, problem.design
    if isinstance(data, Grouped) and len(design.random) == 1 and _are_groups(codes, design):
        return _by_groups(problem, data, codes, W)
    return _by_rows(problem, codes, W)


def _are_groups(codes: Ids, design: Design) -> bool:
    pairs = np.unique(np.column_stack([codes, design.random[0].ids]), axis=0)
    return len(pairs) == len(design.random[0].levels) == int(codes.max()) + 1


def _by_groups(problem: Problem, data: Grouped, codes: Ids, W: Floats) -> Engine:
    """Σ_j = Z_jGZ_j' + σ²I: by Woodbury's identity nothing is larger than q (Laird & Ware 1982)."""
    s = data.scaling
    Z = (problem.design.random[0].Z - s.z_mean) / s.z_scale
    ZZ, ZW, WW = (cross_products(*pair, codes) for pair in ((Z, Z), (Z, W), (W, W)))
    counts = np.bincount(codes)
    to_starred = np.linalg.inv(s.T)

    def pieces(theta: Theta) -> Pieces:
        sigma2 = float(np.exp(2.0 * theta.alpha[0]))
        Lam = to_starred @ theta.L / np.sqrt(sigma2)
        A, B = np.eye(len(Lam)) + Lam.T @ ZZ @ Lam, Lam.T @ ZW
        own = (WW - np.swapaxes(B, 1, 2) @ np.linalg.solve(A, B)) / sigma2
        log_precision = -(counts * np.log(sigma2) + np.linalg.slogdet(A)[1])
        return Pieces(own.sum(axis=0), -float(log_precision.sum()), own, log_precision, own)

    return pieces


def cross_products(A: Floats, B: Floats, codes: Ids) -> Floats:
    """A_i'B_i of every unit, shape (U, a, b)."""
    sums = [np.bincount(codes, a * b) for a in A.T for b in B.T]
    return np.stack(sums, axis=-1).reshape(-1, A.shape[1], B.shape[1])


def _by_rows(problem: Problem, codes: Ids, W: Floats) -> Engine:
    design, where, units = problem.design, row_layout(problem.design), layout(codes)

    def pieces(theta: Theta) -> Pieces:
        by = row_covariance(design, where, dispersion(problem, theta)).whitener()
        F = by.solve(W)
        return Pieces(W.T @ F, by.log_determinant, *_removed(by, units, codes, W, F))

    return pieces


def _removed(by: Whitener, units: Layout, codes: Ids, W: Floats, F: Floats) -> tuple[Floats, Floats, Floats]:
    count, m = int(codes.max()) + 1, F.shape[1]
    removed, own, log_precision = np.empty((count, m, m)), np.empty((count, m, m)), np.empty(count)
    for rows, Q in zip(units.stacks, precisions(by, units), strict=True):
        unit = codes[rows[:, 0]]
        removed[unit] = np.swapaxes(F[rows], 1, 2) @ np.linalg.solve(Q, F[rows])
        own[unit] = np.swapaxes(W[rows], 1, 2) @ F[rows]
        log_precision[unit] = np.linalg.slogdet(Q)[1]
    return removed, log_precision, own


def precisions(by: Whitener, units: Layout) -> tuple[Floats, ...]:
    """(Σ⁻¹)_ii of every unit of rows, whatever the blocks of Σ, by stack of `units`, shapes (m, s, s).

    Examples
    --------
    >>> from laird.inference.rowblocks import whitener
    >>> by = whitener(layout(np.array([0, 0])), [np.array([[[2.0, 1.0], [1.0, 2.0]]])])
    >>> precisions(by, layout(np.array([0, 1])))[0].round(3).ravel()
    array([0.667, 0.667])
    """
    where, inverse = by.layout, by.inverse()
    found = []
    for rows in units.stacks:
        kind, block, place = where.stack[rows], where.block[rows], where.place[rows]
        Q = np.zeros((*rows.shape, rows.shape[1]))
        for k, own in enumerate(inverse):
            here = kind == k
            u, i, j = np.nonzero(
                here[:, :, None] & here[:, None, :] & (block[:, :, None] == block[:, None, :])
            )
            Q[u, i, j] = own[block[u, i], place[u, i], place[u, j]]
        found.append(Q)
    return tuple(found)
