"""Crossed factors: groups that do not nest, by a blocked Cholesky factor.

The *leading* factor has the most effects; its groups meet only through the other factors,
so their effects are integrated out one group at a time, as in `laird.gaussian.tree`: with
C = [Z_r W], Z_r the columns of all other factors and W = [X y] (the scheme of Bates's
MixedModels.jl),

    F = C'C - Σ_j (Z_j'C)' M_j Z_j'C,      M_j = ΛA_j⁻¹Λ',   A_j = Λ'Z_j'Z_jΛ + I.

The rest, r effects in all, goes by one dense Cholesky factor A = Λ_r'F_rrΛ_r + I = LL':

    S = F_ww - R'R,   R = L⁻¹Λ_r'F_rw,     log|V/σ²| = Σ_j log|A_j| + log|A|.

With M = Λ_rA⁻¹Λ_r' and K = MF_rw, the effects of the rest have mean K(y) - K(X)β and
covariance σ²M given β, and for the gradient

    Z_r'V⁻¹Z_r = F_rr - (L⁻¹Λ_r'F_rr)'(L⁻¹Λ_r'F_rr),       Z_r'V⁻¹W = F_rw - F_rrK,
    Z_j'V⁻¹Z_j = C_jZ_j'Z_j - C_jZ_j'Z_r M (C_jZ_j'Z_r)',   Z_j'V⁻¹W = C_j(Z_j'W - Z_j'Z_r K),

with C_j = I - Z_j'Z_jM_j.  Λ may be any q × q matrix, zero too.  Memory is three (r, r)
matrices; time is r³ and, per group of the leading factor, the square of the number of
other effects that it meets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laird.gaussian import crossed_lapack as lapack
from laird.gaussian.crossed_kernels import (
    congruence,
    eliminate_leading,
    leading_coefficients,
    leading_covariance,
    leading_sensitivity,
    times_blocks,
)
from laird.gaussian.crossed_products import Crossed, cross

__all__ = ["Crossed", "Elimination", "cross", "draw", "effects", "eliminate", "sensitivities"]

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

LEAST_SHARE = 0.01
"""A number above this, computed as one minus another, has lost two digits at most."""

PANEL = 2048
"""At most so many columns of the rest are solved for at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Elimination:
    """The blocked factor and what it leaves; NaN where the factor does not exist.

    Attributes
    ----------
    S, logdet
        σ²W'V⁻¹W (m, m) and log|V/σ²|.
    T
        T_j'T_j = M_j by group of the leading factor, (J, q, q).
    F, FW
        F_rr (r, r), its lower triangle, and F_rw (r, m).
    L
        Cholesky factor of Λ_r'F_rrΛ_r + I, in the lower triangle, (r, r).
    K
        MF_rw, the coefficients of the rest on W, (r, m).
    """

    S: Floats
    logdet: float
    T: Floats
    F: Floats
    FW: Floats
    L: Floats
    K: Floats

    def __post_init__(self) -> None:
        for array in (self.S, self.T, self.F, self.FW, self.L, self.K):
            array.flags.writeable = False


def eliminate(crossed: Crossed, factors: Sequence[Floats]) -> Elimination:
    """Integrate the effects out for relative factors Λ_f, in the caller's order.

    Examples
    --------
    Two observations of one group, each in a group of its own of the other factor, so that
    V/σ² = [[3, 1], [1, 3]]:

    >>> ids = [np.array([0, 0]), np.array([0, 1])]
    >>> crossed = cross(np.eye(2), [np.ones((2, 1))] * 2, ids, [1, 2])
    >>> found = eliminate(crossed, [np.eye(1), np.eye(1)])
    >>> found.S
    array([[ 0.375, -0.125], [-0.125,  0.375]])
    >>> print(round(np.exp(found.logdet), 12))
    8.0
    """
    r = len(crossed.rest_W)
    T, F, FW, S = np.empty_like(crossed.ZZ), np.zeros((r, r)), crossed.rest_W.copy(), crossed.WW.copy()
    F[*crossed.rest_at] = crossed.rest
    logdet = eliminate_leading(
        np.ascontiguousarray(factors[crossed.leading]),
        *(crossed.ZZ, crossed.ZW, *crossed.partners),
        *(T, F, FW, S),
    )
    L = F.copy()
    congruence(L, crossed.bounds, _columns_of(crossed, factors))
    L.flat[:: r + 1] += 1.0
    if not (lapack.factorise(L) and np.isfinite(logdet)):
        return Elimination(*(S * np.nan, np.nan, T, F, FW), *(L * np.nan, FW * np.nan))
    R = lapack.solve(L, _times(crossed, [Lam.T for Lam in factors], FW))
    K = _times(crossed, factors, lapack.solve(L, R, transposed=True))
    logdet += 2.0 * float(np.sum(np.log(np.diag(L))))
    return Elimination(S - R.T @ R, logdet, T, F, FW, L, K)


def sensitivities(
    crossed: Crossed, factors: Sequence[Floats], elimination: Elimination, D: Floats
) -> list[Floats]:
    """Derivatives H_f of tr(DS) + log|V/σ²| with respect to G_f = Λ_fΛ_f', by factor; D is (m, m)."""
    if np.isnan(elimination.logdet):
        return [np.full((q, q), np.nan) for q in crossed.sizes]
    found = [np.zeros((q, q)) for q in crossed.sizes]
    M = lapack.invert(elimination.L)
    P = elimination.FW - lapack.multiply(elimination.F, elimination.K)
    for f, span in crossed.spans.items():
        P_f = P[span].reshape(-1, crossed.sizes[f], len(D))
        found[f] += _information(crossed, factors, elimination, M, f) - _summed_products(P_f @ D, P_f)
    congruence(M, crossed.bounds, _columns_of(crossed, [Lam.T for Lam in factors]))
    leading_sensitivity(
        *(crossed.ZZ, crossed.ZW, *crossed.partners),
        *(elimination.T, M, elimination.K, np.ascontiguousarray(D), found[crossed.leading]),
    )
    return found


def _information(
    crossed: Crossed, factors: Sequence[Floats], elimination: Elimination, inverse: Floats, f: int
) -> Floats:
    """Σ Z_g'V⁻¹Z_g over the groups of a factor of the rest, from the lower triangle of A⁻¹.

    Λ'Z_g'V⁻¹Z_gΛ = I - (A⁻¹)_gg.  Where that is well above zero in every direction, Λ is
    invertible and division by it loses no digits in any direction; elsewhere the
    information comes from F.
    """
    q, span = crossed.sizes[f], crossed.spans[f]
    shares = np.eye(q) - _diagonal_blocks(inverse[span, span], q)
    certain = np.linalg.eigvalsh(shares)[:, 0] > LEAST_SHARE
    total = np.zeros((q, q))
    if certain.any():
        half = np.linalg.solve(factors[f].T, shares[certain].sum(axis=0))
        total += np.linalg.solve(factors[f].T, half.T)
    uncertain, step = np.flatnonzero(~certain), max(1, PANEL // q)
    for start in range(0, len(uncertain), step):
        total += _direct_information(crossed, factors, elimination, f, uncertain[start : start + step])
    return total


def _direct_information(
    crossed: Crossed, factors: Sequence[Floats], elimination: Elimination, f: int, groups: Ids
) -> Floats:
    """Σ Z_g'V⁻¹Z_g = Σ F_gg - (L⁻¹Λ_r'F_rg)'(L⁻¹Λ_r'F_rg) over some groups of a factor of the rest."""
    q, span, F = crossed.sizes[f], crossed.spans[f], elimination.F
    at = span.start + groups[:, None] * q + np.arange(q)
    scaled = np.empty((at.size, len(F)))
    times_blocks(F, crossed.bounds, _columns_of(crossed, factors), at.ravel(), scaled)
    whitened = lapack.solve(elimination.L, scaled.T, overwrite=True).T.reshape(len(groups), q, len(F))
    own = _diagonal_blocks(F[span, span], q)[groups].sum(axis=0)
    return np.asarray(own - _summed_products(whitened, whitened))


def rest_covariance(crossed: Crossed, factors: Sequence[Floats], elimination: Elimination) -> Floats:
    """M = Λ_rA⁻¹Λ_r', the covariance of the rest's effects given β over σ²; its lower triangle."""
    M = lapack.invert(elimination.L)
    congruence(M, crossed.bounds, _columns_of(crossed, [Lam.T for Lam in factors]))
    return M


def effects(
    crossed: Crossed, factors: Sequence[Floats], elimination: Elimination, beta: Floats, cov: Floats
) -> list[tuple[Floats, Floats, Floats]]:
    """Conditional means and covariances of the effects, by factor.

    Parameters
    ----------
    beta, cov
        β̂ (p,) and its covariance over σ², shape (p, p).

    Returns
    -------
    For every factor û (J, q), Cov(û_j - u_j)/σ² (J, q, q), Cov(û_j - u_j, β̂ - β)/σ² (J, q, p).
    """
    m, M = elimination.K.shape[1], rest_covariance(crossed, factors, elimination)
    parts = {
        f: (elimination.K[span].reshape(-1, q, m), _diagonal_blocks(M[span, span], q))
        for f, span in crossed.spans.items()
        for q in [crossed.sizes[f]]
    }
    parts[crossed.leading] = (
        leading_coefficients(crossed.ZW, *crossed.partners, elimination.T, elimination.K),
        leading_covariance(*crossed.partners, elimination.T, M),
    )
    return [_with_beta(*parts[f], beta, cov) for f in sorted(parts)]


def _with_beta(K: Floats, M: Floats, beta: Floats, cov: Floats) -> tuple[Floats, Floats, Floats]:
    """û = K(y) - K(X)β̂ and covariances from those given β, M (J, q, q)."""
    own = K[:, :, :-1]
    cross_cov = -own @ cov
    return K[:, :, -1] - own @ beta, M - cross_cov @ own.transpose(0, 2, 1), cross_cov


def draw(
    crossed: Crossed,
    factors: Sequence[Floats],
    elimination: Elimination,
    sigma: float,
    beta: Floats,
    rng: np.random.Generator,
) -> list[Floats]:
    """Draw the effects from their exact conditional given β and σ; (J, q) by factor."""
    residual = np.append(-beta, 1.0)
    noise = lapack.solve(elimination.L, rng.standard_normal((len(elimination.L), 1)), transposed=True)
    rest = elimination.K @ residual[:, None] + sigma * _times(crossed, factors, noise)
    found = {f: rest[span].reshape(-1, crossed.sizes[f]) for f, span in crossed.spans.items()}
    mean = leading_coefficients((crossed.ZW @ residual)[:, :, None], *crossed.partners, elimination.T, rest)[
        :, :, 0
    ]
    noise = rng.standard_normal(mean.shape)
    found[crossed.leading] = mean + sigma * np.einsum("jba,jb->ja", elimination.T, noise)
    return [found[f] for f in sorted(found)]


def _columns_of(crossed: Crossed, blocks: Sequence[Floats]) -> Floats:
    """The block-diagonal matrix of the rest by column, padded to the largest block, (r, max q)."""
    widest = max(crossed.sizes[f] for f in crossed.spans)
    columns = np.zeros((len(crossed.rest_W), widest))
    for f, span in crossed.spans.items():
        columns[span, : crossed.sizes[f]] = np.tile(blocks[f].T, (crossed.counts[f], 1))
    return columns


def _times(crossed: Crossed, blocks: Sequence[Floats], X: Floats) -> Floats:
    """The block-diagonal matrix of the rest times X (r, k)."""
    product = np.empty_like(X)
    for f, span in crossed.spans.items():
        product[span] = (blocks[f] @ X[span].reshape(-1, crossed.sizes[f], X.shape[1])).reshape(
            -1, X.shape[1]
        )
    return product


def _diagonal_blocks(F: Floats, q: int) -> Floats:
    """The (J, q, q) diagonal blocks of a symmetric matrix that holds its lower triangle."""
    J = len(F) // q
    each = np.arange(J)
    lower = np.tril(F.reshape(J, q, J, q)[each, :, each])
    return np.asarray(lower + np.tril(lower, -1).transpose(0, 2, 1))


def _summed_products(A: Floats, B: Floats) -> Floats:
    """Σ_j A_jB_j'."""
    return np.tensordot(A, B, axes=((0, 2), (0, 2)))
