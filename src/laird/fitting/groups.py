"""Arithmetic of group effects: their lines, covariances, and how much of them the data resolve."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from laird.fitting.summaries import EffectSummary
from laird.gaussian.solution import Effects

type Floats = NDArray[np.float64]


def line_sds(A: Floats, beta_cov: Floats, own: Effects | EffectSummary) -> Floats:
    """Sds of A_jβ + u_j given the data, from the joint covariance of β and u, shape (J, q)."""
    cross = A @ own.beta_cov.transpose(0, 2, 1)
    cov = A @ beta_cov @ A.transpose(0, 2, 1) + own.cov + cross + cross.transpose(0, 2, 1)
    return np.sqrt(np.maximum(np.diagonal(cov, axis1=1, axis2=2), 0.0))


def resolved_shares(own: Effects, G: Floats) -> Floats:
    """Share of each coefficient's variance G_kk that the group's own data resolve, shape (J, q).

    (W_jG)_kk / G_kk in [0, 1] with the weights W_j = G(G + V_j)⁻¹; 0 for a variance of zero.
    """
    variance = np.diag(G)
    resolved = np.diagonal(own.weights @ G, axis1=1, axis2=2)
    shares = np.divide(resolved, variance, out=np.zeros_like(own.u), where=variance > 0)
    return np.clip(shares, 0.0, 1.0)
