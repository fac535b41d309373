"""Kenward & Roger's (1997) adjusted covariance of β̂, exact, from cross-products of the groups.

For Σ = σ²(γ_0 I + Σ_i γ_i Z E_i Z'), linear in its parameters γ (γ_0 = 1 at the estimate), V = Σ/σ²,
D_i = ∂V/∂γ_i and Φ = (X'V⁻¹X)⁻¹ (Halekoh & Højsgaard 2014, section 3):

    H_i = X'V⁻¹D_iV⁻¹X,     Q_ik = X'V⁻¹D_iV⁻¹D_kV⁻¹X,     K_ik = tr(V⁻¹D_iV⁻¹D_k),
    W = 2[K_ik - 2 tr(ΦQ_ik) + tr(ΦH_iΦH_k)]⁻¹,            ∂Φ/∂γ_i = ΦH_iΦ,
    Φ_A = Φ + 2Φ[Σ_ik W_ik(Q_ik - H_iΦH_k)]Φ.

Nothing is rows × rows.  With N = Z'Z, A = Λ'NΛ + I, M = ΛA⁻¹Λ' and R = I - NM of the effects that
meet in common rows,

    Z'V⁻¹X = R Z'X,   Z'V⁻¹Z = RN,   Z'V⁻²X = R²Z'X,   X'V⁻ᵏ⁻¹X = X'V⁻ᵏX - (Z'X)'M Z'V⁻ᵏX,

and tr V⁻² = n + Σ tr(A⁻² - I).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.gaussian.components import Component

type Floats = NDArray[np.float64]
type Blocks = Sequence[Sequence[int]]


class Adjustment(NamedTuple):
    """What Kenward and Roger's method needs of a model, k covariance parameters, p coefficients.

    Attributes
    ----------
    cov
        Φ, shape (p, p).
    gradient
        ∂Φ/∂γ, shape (k, p, p).
    parameter_cov
        W, the covariance of γ from the expected information, shape (k, k).
    adjusted
        Φ_A, shape (p, p).
    """

    cov: Floats
    gradient: Floats
    parameter_cov: Floats
    adjusted: Floats


class Sums(NamedTuple):
    """Sums over the groups; parameters of G first, the residual variance last."""

    XVX: Floats
    H: Floats
    Q: Floats
    K: Floats

    def __add__(self, other: object) -> Sums:
        if not isinstance(other, Sums):
            return NotImplemented
        return Sums(*(a + b for a, b in zip(self, other, strict=True)))


def adjust(
    XX: Floats,
    n: int,
    components: Iterable[Component],
    factors: Sequence[Floats],
    blocks: Sequence[Blocks],
) -> Adjustment:
    """Adjust the covariance of β̂ for the estimation of the covariance parameters, over σ².

    Parameters
    ----------
    XX, n
        X'X (p, p) and the number of rows.
    components
        Effects that meet in common rows; see `laird.gaussian.components`.
    factors, blocks
        By grouping factor: relative factor Λ (q, q), and columns that share a correlation.

    Examples
    --------
    Without groups the covariance is σ²(X'X)⁻¹ and needs no adjustment:

    >>> adjust(np.array([[4.0]]), 4, [], [], []).adjusted
    array([[0.25]])
    """
    total = _rows_alone(XX, n, sum(len(_pairs(own)) for own in blocks))
    for component in components:
        total += _sums(component, factors, blocks)
    return _adjustment(total)


def _rows_alone(XX: Floats, n: int, k: int) -> Sums:
    """The sums for V = I, from which every component takes its share away."""
    p = len(XX)
    H, Q, K = np.zeros((k + 1, p, p)), np.zeros((k + 1, k + 1, p, p)), np.zeros((k + 1, k + 1))
    H[k], Q[k, k], K[k, k] = XX, XX, n
    return Sums(XX, H, Q, K)


def _sums(component: Component, factors: Sequence[Floats], blocks: Sequence[Blocks]) -> Sums:
    """What a stack of components adds to the sums for V = I."""
    N, ZX = component.ZZ, component.ZX
    Lam, one = component.spread(factors), np.eye(N.shape[1])
    inverse = np.linalg.inv(Lam.T @ N @ Lam + one)
    M = Lam @ inverse @ Lam.T
    R = one - N @ M
    P, B, MZX = R @ ZX, R @ N, M @ ZX
    RP = R @ P
    D = [component.spread(own) for own in _directions(blocks)]
    k = len(D)
    total = _rows_alone(-_inner(MZX, ZX), 0, k)
    total.H[k] -= _inner(MZX, P)
    total.Q[k, k] -= _inner(MZX, P) + _inner(MZX, RP)
    total.K[k, k] = _trace(inverse, inverse) - N.shape[0] * N.shape[1]
    BD, DP = [B @ E for E in D], [E @ P for E in D]
    right, RB = [*(B @ own for own in DP), RP], R @ B
    for i, E in enumerate(D):
        total.H[i] = _inner(P, DP[i])
        total.K[i] = [*(_trace(BD[i], own) for own in BD), _trace(RB, E[None])]
        total.K[k, i] = total.K[i, k]
        for j, own in enumerate(right):
            total.Q[i, j] = _inner(DP[i], own)
        total.Q[k, i] = total.Q[i, k].T
    return total


def _inner(A: Floats, B: Floats) -> Floats:
    """Σ_s A_s'B_s of stacks (S, r, a) and (S, r, b)."""
    return np.tensordot(A, B, axes=([0, 1], [0, 1]))


def _trace(A: Floats, B: Floats) -> float:
    """Σ_s tr(A_sB_s)."""
    return float(np.sum(A * B.transpose(0, 2, 1)))


def _pairs(blocks: Blocks) -> list[tuple[int, int]]:
    return [(a, b) for block in blocks for i, a in enumerate(block) for b in block[: i + 1]]


def _directions(blocks: Sequence[Blocks]) -> Iterator[list[Floats]]:
    """∂G/∂γ by factor for every variance and covariance."""
    sizes = [1 + max((k for block in own for k in block), default=-1) for own in blocks]
    for f, own in enumerate(blocks):
        for a, b in _pairs(own):
            direction = [np.zeros((q, q)) for q in sizes]
            direction[f][a, b] = direction[f][b, a] = 1.0
            yield direction


def _adjustment(sums: Sums) -> Adjustment:
    cov = np.linalg.inv(sums.XVX)
    cov = (cov + cov.T) / 2
    gradient = cov @ sums.H @ cov
    HCH = np.einsum("ipr,krs->ikps", sums.H @ cov, sums.H)
    information = sums.K - np.einsum("pr,ikrp->ik", cov, 2.0 * sums.Q - HCH)
    W = 2.0 * _inverse((information + information.T) / 2)
    U = np.einsum("ik,ikpr->pr", W, sums.Q - HCH)
    return Adjustment(cov, gradient, W, cov + cov @ (U + U.T) @ cov)


def _inverse(information: Floats) -> Floats:
    """Inverse of a positive semidefinite matrix, generalised where it is singular, in unit-free steps."""
    size = np.sqrt(np.maximum(np.diag(information), 0.0))
    unit = np.divide(1.0, size, out=np.zeros_like(size), where=size > 0)
    scaled = np.linalg.pinv(information * np.outer(unit, unit), rcond=1e-12, hermitian=True)
    return np.asarray(scaled * np.outer(unit, unit))
