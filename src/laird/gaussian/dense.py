"""The oracle: the same likelihood by n × n matrices, in plain NumPy, O(n³).

Only for tests: every fast structure must agree with it at random parameters.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]


def marginal_covariance(Z: Floats, ids: Ids, G: Floats, R: Floats) -> Floats:
    """Σ = Z G Z' + R with Z's rows belonging to groups `ids`; R is (n,) variances or (n, n)."""
    same_group = ids[:, None] == ids[None, :]
    return np.asarray(same_group * (Z @ G @ Z.T) + (np.diag(R) if R.ndim == 1 else R))


def log_likelihood(y: Floats, X: Floats, Sigma: Floats, *, restricted: bool) -> float:
    """log L profiled over β, or log L_R = -½[(n-p)log2π + log|Σ| + log|X'Σ⁻¹X| + r'Σ⁻¹r]."""
    n, p = X.shape
    beta, cov = gls(y, X, Sigma)
    r = y - X @ beta
    quadratic = r @ np.linalg.solve(Sigma, r)
    value = np.linalg.slogdet(Sigma)[1] + quadratic + n * np.log(2 * np.pi)
    if restricted:
        value += -np.linalg.slogdet(cov)[1] - p * np.log(2 * np.pi)
    return float(-0.5 * value)


def log_marginal(y: Floats, X: Floats, Sigma: Floats, mean: Floats, cov: Floats) -> float:
    """log N(y; Xm, Σ + X C X'): β ~ N(m, C) integrated out."""
    total = Sigma + X @ cov @ X.T
    r = y - X @ mean
    return float(
        -0.5 * (len(y) * np.log(2 * np.pi) + np.linalg.slogdet(total)[1] + r @ np.linalg.solve(total, r))
    )


def gls(y: Floats, X: Floats, Sigma: Floats) -> tuple[Floats, Floats]:
    """β̂ = (X'Σ⁻¹X)⁻¹X'Σ⁻¹y and its covariance."""
    SX = np.linalg.solve(Sigma, X)
    cov = np.linalg.inv(X.T @ SX)
    return cov @ (SX.T @ y), cov


def blup(
    y: Floats, X: Floats, Z: Floats, ids: Ids, J: int, G: Floats, R: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """β̂, û (J, q) and Henderson's joint covariance of (β̂ - β, û - u) from Σ directly.

    û = GZ'Σ⁻¹(y - Xβ̂); Henderson (1975): Cov(û - u) = G - GZ'PZG with
    P = Σ⁻¹ - Σ⁻¹X(X'Σ⁻¹X)⁻¹X'Σ⁻¹, and Cov(β̂, û - u) = -(X'Σ⁻¹X)⁻¹X'Σ⁻¹ZG.
    Returns β̂, û, Cov of u (Jq, Jq), Cov of β with u (p, Jq).
    """
    n, q = Z.shape
    big = np.zeros((n, J * q))
    for i in range(n):
        big[i, ids[i] * q : (ids[i] + 1) * q] = Z[i]
    GG = np.asarray(np.kron(np.eye(J), G), dtype=float)
    Sigma = big @ GG @ big.T + np.diag(R)
    beta, cov = gls(y, X, Sigma)
    Si: Floats = np.linalg.inv(Sigma)
    P: Floats = Si - Si @ X @ cov @ X.T @ Si
    u: Floats = GG @ big.T @ Si @ (y - X @ beta)
    return beta, u.reshape(J, q), GG - GG @ big.T @ P @ big @ GG, -cov @ X.T @ Si @ big @ GG


def residual_covariance(
    sigma: Floats, V: Floats, phi: float, which: Ids, units: Ids, partial: Floats
) -> Floats:
    """R = φV + DCD, shape (n, n).

    C_ik is the correlation of the outcomes of rows i and k of one unit, from the partial
    correlations of row i, shape (n, pairs), pairs (1, 0), (2, 0), (2, 1), …, by the recursion
    r_ij·K = r_ij·Kk √(1 - r_ik·K²)√(1 - r_jk·K²) + r_ik·K r_jk·K (Lewandowski, Kurowicka & Joe 2009).
    """
    n = len(sigma)
    C = np.eye(n)
    for i in range(n):
        for k in range(n):
            if units[i] == units[k] and which[i] > which[k]:
                C[i, k] = C[k, i] = _correlation(partial[i], int(which[i]), int(which[k]))
    return np.asarray(phi * V + sigma[:, None] * C * sigma)


def _correlation(partial: Floats, i: int, j: int) -> float:
    """Correlation of outcomes i > j from partial correlations given all earlier outcomes."""

    def given(a: int, b: int) -> float:
        return float(partial[max(a, b) * (max(a, b) - 1) // 2 + min(a, b)])

    r = given(i, j)
    for k in range(j - 1, -1, -1):
        r = r * np.sqrt((1 - given(i, k) ** 2) * (1 - given(j, k) ** 2)) + given(i, k) * given(j, k)
    return float(r)


def joint_covariance(
    Z: Sequence[Floats], ids: Sequence[Ids], sds: Sequence[Floats], G: Sequence[Floats], R: Floats
) -> Floats:
    """Σ = Σ_f Z_f u_f's covariance + R; the effects of group j have covariance sds[f][j]² G_f."""
    total = R.copy()
    for z, own, sd, g in zip(Z, ids, sds, G, strict=True):
        scaled = z * sd[own][:, None]
        total += (own[:, None] == own[None, :]) * (scaled @ g @ scaled.T)
    return total


def weighted_log_likelihood(
    y: Floats, X: Floats, variance: Floats, weights: Floats, *, restricted: bool
) -> float:
    """Σ w_i log N(y_i; x_i'β, v_i), maximised over β or with flat β integrated out."""
    precision = weights / variance
    information = X.T @ (precision[:, None] * X)
    r = y - X @ np.linalg.solve(information, X.T @ (precision * y))
    value = weights @ np.log(2 * np.pi * variance) + precision @ r**2
    if restricted:
        value += np.linalg.slogdet(information)[1] - X.shape[1] * np.log(2 * np.pi)
    return float(-0.5 * value)
