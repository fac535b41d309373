"""Mean squared error of x'β + Σ_j z_j'u_j over several groups at once, given the covariance parameters.

Three ways to the same number, by what the structure allows: from the groups' own
conditional covariances, which are independent given β (one grouping factor); from the
structure's own elimination, where a target has one group per factor; and from the
covariance Σ of the connected rows, for everything else.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from laird.design import Design
from laird.fitting.problem import Problem
from laird.gaussian.crossproducts import Grouped
from laird.gaussian.prediction import prediction_variance
from laird.gaussian.solution import Effects, Solution
from laird.gaussian.theta import Theta
from laird.inference.dispersion import dispersion
from laird.inference.gls import gls
from laird.inference.predictions_rows import Shares
from laird.inference.rowcovariance import Dispersion, row_covariance, row_layout

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]


def joint_variance(
    problem: Problem, theta: Theta, found: Solution, X: Floats, known: Sequence[Shares]
) -> Floats:
    """Variance of X(β̂ - β) + Σ_f Σ_j z_j'(û_j - u_j), shape (r,).

    Parameters
    ----------
    problem, theta
        The model and its covariance parameters.
    found
        β̂ and û at θ.
    X, known
        Targets, shape (r, p), and the part of the fitted groups in them by factor.
    """
    if not any(len(own.cell) for own in known):
        return np.asarray(np.einsum("rp,ps,rs->r", X, found.beta_cov, X))
    if isinstance(problem.data, Grouped):
        return of_independent_groups(found.beta_cov, found.effects[0], X, known[0])
    if all(len(np.unique(own.cell)) == len(own.cell) for own in known):
        return _of_structure(problem, theta, X, known)
    return of_rows(problem.design, dispersion(problem, theta), X, known)


def of_independent_groups(C: Floats, effects: Effects, X: Floats, known: Shares) -> Floats:
    """One factor: û_j - u_j = e_j - K_j(β̂ - β) with e_j of covariance M_j, independent between groups.

    `effects` hold Cov(û_j - u_j) = M_j + K_jCK_j' and Cov(û_j - u_j, β̂ - β) = -K_jC, so that
    K_j = -Cov C⁻¹.
    """
    K = -np.linalg.solve(C, effects.beta_cov.transpose(0, 2, 1)).transpose(0, 2, 1)
    M = effects.cov - K @ C @ K.transpose(0, 2, 1)
    variance, slope = np.zeros(len(X)), np.array(X)
    np.add.at(variance, known.cell, np.einsum("kq,kqr,kr->k", known.Z, M[known.group], known.Z))
    np.subtract.at(slope, known.cell, np.einsum("kq,kqp->kp", known.Z, K[known.group]))
    total: Floats = variance + np.einsum("rp,ps,rs->r", slope, C, slope)
    return np.maximum(total, 0.0)


def _of_structure(problem: Problem, theta: Theta, X: Floats, known: Sequence[Shares]) -> Floats:
    """At most one group per factor and target; a factor without one has z = 0."""
    Z, ids = [], []
    for own in known:
        z, group = np.zeros((len(X), own.Z.shape[1])), np.zeros(len(X), dtype=np.int64)
        z[own.cell], group[own.cell] = own.Z, own.group
        Z.append(z)
        ids.append(group)
    return np.maximum(prediction_variance(problem.data, theta, X, Z, ids), 0.0)  # type: ignore[arg-type]


def of_rows(design: Design, at: Dispersion, X: Floats, known: Sequence[Shares]) -> Floats:
    """T - BΣ⁻¹B' + (X - BΣ⁻¹X_y)C(X - BΣ⁻¹X_y)' on the diagonal, with B the covariance of targets and y.

    Parameters
    ----------
    design, at
        The fitted rows y and their covariance parameters.
    X, known
        The targets; their prior covariance is T.
    """
    by = row_covariance(design, row_layout(design), at).whitener()
    C = gls(design.y, design.X, by, design.weights).cov
    B, variance = np.zeros((len(design.y), len(X))), np.zeros(len(X))
    for f, own in enumerate(known):
        random, G, scale = design.random[f], at.G[f], at.scale[f]
        of_group = np.zeros(len(random.levels))
        of_group[random.ids] = scale
        spread = of_group[own.group, None] * own.Z @ G
        B += _covariance(own, spread, scale[:, None] * random.Z, random.ids, len(X))
        np.add.at(variance, own.cell, np.einsum("kq,kq->k", of_group[own.group, None] * own.Z, spread))
    white = by.whiten(B)
    slope = X - white.T @ by.whiten(design.X)
    left: Floats = variance - np.sum(white**2, axis=0) + np.einsum("rp,ps,rs->r", slope, C, slope)
    return np.maximum(left, 0.0)


def _covariance(own: Shares, spread: Floats, Z: Floats, ids: Ids, count: int) -> Floats:
    """Covariance of one factor's part of the targets and the rows, shape (n, r)."""
    weights = own.matrix(count, own.group, spread)
    q = Z.shape[1]
    effects = np.zeros((max(weights.shape[1], q * (int(ids.max()) + 1)), count))
    effects[: weights.shape[1]] = weights.T.toarray()
    return np.asarray(np.einsum("iq,iqr->ir", Z, effects.reshape(-1, q, count)[ids]))
