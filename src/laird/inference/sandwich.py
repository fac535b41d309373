"""Cluster-robust covariance CR2 of β̂ and its degrees of freedom, cluster by cluster.

With M = (X'Σ⁻¹X)⁻¹ and a working covariance Φ_j = Σ_j of cluster j = L_jL_j',
V = M Σ_j(X_j'Σ_j⁻¹A_je_j)(·)' M,  A_j = L_jB_j^(+½)L_j',  B_j = L_j'(Φ_j - X_jMX_j')L_j:
unbiased when the working covariance is right (Bell & McCaffrey 2002; Pustejovsky & Tipton 2018).
For a contrast c the degrees of freedom are Satterthwaite's, (tr Ω)²/tr(Ω²) with
Ω_jk = δ_jk a_j'Φ_ja_j - (X_j'a_j)'M(X_k'a_k), a_j = A_jΣ_j⁻¹X_jMc; several contrasts are tested
by the approximate Hotelling T² (Tipton & Pustejovsky 2015).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laird.fitting.frozen import freeze
from laird.inference.denominators import Denominator
from laird.inference.gls import Gls
from laird.inference.rowblocks import Layout

type Floats = NDArray[np.float64]

NULL = 1e-10
"""An eigenvalue of B_j below this share of its largest possible is zero: a cluster of its own coefficient."""


@dataclass(frozen=True, slots=True, eq=False)
class Sandwich:
    """The robust covariance, and what degrees of freedom need of every cluster.

    Attributes
    ----------
    cov
        Shape (p, p).
    M
        Covariance under the working model, shape (p, p).
    F, H
        X_j'Σ_j⁻¹A_jΦ_jA_j'Σ_j⁻¹X_j and X_j'A_jΣ_j⁻¹X_j of J clusters, shapes (J, p, p).
    name
        What a table says.
    """

    cov: Floats
    M: Floats
    F: Floats
    H: Floats
    name: str = "CR2"

    def __post_init__(self) -> None:
        freeze(self)

    def rows(self, K: Floats) -> Floats:
        """Satterthwaite's degrees of freedom of every row of K, shape (r,)."""
        return np.array([self._df(c) for c in K])

    def _df(self, c: Floats) -> float:
        x = self.M @ c
        d, b = np.einsum("p,jpr,r->j", x, self.F, x), self.H @ x
        own = np.einsum("jp,pr,jr->j", b, self.M, b)
        S = self.M @ (b.T @ b)
        return float((d.sum() - own.sum()) ** 2 / (d @ d - 2 * d @ own + np.sum(S * S.T)))

    def joint(self, K: Floats) -> Denominator:
        """Scale and denominator of the F test of all rows: the approximate Hotelling T²."""
        q = len(K)
        if q == 1:
            return Denominator(1.0, float(self.rows(K)[0]))
        eta = q * (q + 1) / self._total_variance(self.M @ K.T)
        return Denominator((eta - q + 1) / eta, eta - q + 1)

    def _total_variance(self, X: Floats) -> float:
        """Σ Var of the entries of the standardised K V K', for the columns of X = MK'."""
        expected = X.T @ (self.F.sum(axis=0) - np.einsum("jpr,ps,jst->rt", self.H, self.M, self.H)) @ X
        values, vectors = np.linalg.eigh((expected + expected.T) / 2)
        x = X @ (vectors / np.sqrt(values)) @ vectors.T
        F = np.einsum("ps,jpr,rt->jst", x, self.F, x)
        b = np.einsum("jpr,rs->jsp", self.H, x)
        bMb = np.einsum("jsp,pr,jtr->jst", b, self.M, b)
        S = np.einsum("pr,jsr,jtu->stpu", self.M, b, b)
        same = (
            np.einsum("jss,jtt->st", F, F)
            - np.einsum("jss,jtt->st", F, bMb)
            - np.einsum("jtt,jss->st", F, bMb)
            + np.einsum("stpu,tsup->st", S, S)
        )
        crossed = (
            np.einsum("jst,jst->st", F, F)
            - 2 * np.einsum("jst,jst->st", F, bMb)
            + np.einsum("stpu,stup->st", S, S)
        )
        return float(np.sum(same + crossed))


def cr2(X: Floats, found: Gls, where: Layout, Sigma: Sequence[Floats]) -> Sandwich:
    """The CR2 covariance of a generalised least-squares estimate.

    Parameters
    ----------
    X
        Shape (n, p).
    found
        The estimate at Σ.
    where, Sigma
        Rows by cluster, and Σ in this layout: zero between clusters.
    """
    M = found.cov
    meat, F, H = np.zeros_like(M), [], []
    for rows, Phi in zip(where.stacks, Sigma, strict=True):
        Xj = X[rows]
        L = np.linalg.cholesky(Phi)
        Lt = np.swapaxes(L, -1, -2)
        B = Lt @ (Phi - Xj @ M @ np.swapaxes(Xj, -1, -2)) @ L
        AWX = L @ (_inverse_root(B, Lt @ Phi @ L) @ np.linalg.solve(L, Xj))
        scores = np.einsum("js,jsp->jp", found.residual[rows], AWX)
        meat += scores.T @ scores
        F.append(np.swapaxes(AWX, -1, -2) @ Phi @ AWX)
        H.append(np.swapaxes(Xj, -1, -2) @ AWX)
    return Sandwich(M @ meat @ M, M, np.concatenate(F), np.concatenate(H))


def _inverse_root(B: Floats, whole: Floats) -> Floats:
    """B^(+½) of symmetric B (J, s, s), directions without variance left out."""
    values, vectors = np.linalg.eigh((B + np.swapaxes(B, -1, -2)) / 2)
    largest = np.trace(whole, axis1=-2, axis2=-1)[:, None]
    kept = values > NULL * largest
    root = np.where(kept, 1 / np.sqrt(np.where(kept, values, 1.0)), 0.0)
    return np.asarray((vectors * root[:, None, :]) @ np.swapaxes(vectors, -1, -2))
