"""β̂, û and their joint conditional covariance at given covariance parameters (Henderson 1975).

With Q = X'V⁻¹X + P and K_j = M_jZ_j'X_j (M_j as in `laird.gaussian.grouped`):
β | y ~ N(β̂, Q⁻¹), and û_j = M_jZ_j'(y_j - X_jβ̂), u_j | β, y has covariance σ²M_j, so that
Cov(û_j - u_j) = σ²M_j + K_jQ⁻¹K_j' and Cov(û_j - u_j, β̂ - β) = -K_jQ⁻¹.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from laird.gaussian.grouped import cross_information, posterior_factors
from laird.gaussian.marginal import Marginal
from laird.gaussian.small import (
    back_substitute,
    factorise,
    forward_substitute,
)
from laird.gaussian.sums import accumulate

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Effects:
    """Conditional mean and covariance of the effects of one grouping factor, user's units.

    Attributes
    ----------
    u, cov
        Shapes (J, q), (J, q, q): includes the uncertainty of β.
    beta_cov
        Cov(u_j, β), shape (J, q, p).
    weights
        G(G + V_j)⁻¹ with V_j = σ²(Z_j'Z_j)⁻¹, the weight of a group's own least-squares
        estimate (slides p. 169), written M_jZ_j'Z_j so that it exists for every group;
        shape (J, q, q).
    """

    u: Floats
    cov: Floats
    beta_cov: Floats
    weights: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Conditional mean and covariance of (β, u) given (G, σ), user's units.

    Attributes
    ----------
    beta, beta_cov
        Shapes (p,), (p, p).
    effects
        By grouping factor.
    """

    beta: Floats
    beta_cov: Floats
    effects: tuple[Effects, ...]


def starred_factor(problem: Marginal, L: Floats) -> Floats:
    """Factor of G* of a factor of G: Λ* = T⁻¹L/s."""
    return np.ascontiguousarray(problem.Tinv @ L / problem.data.scaling.y_scale)


def solve(problem: Marginal, L: Floats, sigma: float, b: Floats | None = None) -> Solution:
    """Solve for β and u at G = LL' and σ.

    Parameters
    ----------
    problem
        Data and coefficient priors.
    L, sigma
        Factor of G (q, q) and residual sd, user's units.
    b
        Sampled (centred) coefficients, if any.
    """
    data, s = problem.data, problem.data.scaling
    sigma_star = sigma / s.y_scale
    Lam = starred_factor(problem, L) / sigma_star
    S = cross_information(Lam, data.ZZ, data.ZW, data.WW) / sigma_star**2
    beta, cov = _coefficients(problem, S, np.zeros(0) if b is None else b)
    F = posterior_factors(Lam, data.ZZ)
    M = F @ F.transpose(0, 2, 1)
    p = data.p
    K = M @ data.ZW[:, :, :p]
    u = (M @ data.ZW[:, :, p:])[..., 0] - K @ beta
    u_cov = sigma_star**2 * M + K @ cov @ K.transpose(0, 2, 1)
    T, scale = s.T, s.y_scale
    effects = Effects(
        u=s.u(u),
        cov=scale**2 * T @ u_cov @ T.T,
        beta_cov=-(scale**2) * T @ K @ cov @ s.A.T,
        weights=T @ (M @ data.ZZ) @ np.linalg.inv(T),
    )
    return Solution(s.beta(beta), s.beta_cov(cov), (effects,) if data.q else ())


def _coefficients(problem: Marginal, S: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Mean and covariance of β* (p,), (p, p) from S = W'V⁻¹W; sampled ones are fixed at b."""
    p, i, given = problem.data.p, problem.integrated, problem.sampled
    beta, cov = np.zeros(p), np.zeros((p, p))
    beta[given] = problem.unit * (b - problem.shift)
    Q = S[np.ix_(i, i)] + problem.P
    inverse = np.linalg.inv(Q)
    beta[i] = inverse @ (S[i, p] - S[np.ix_(i, given)] @ beta[given] + problem.Pm)
    cov[np.ix_(i, i)] = (inverse + inverse.T) / 2
    return beta, cov


def draw(
    problem: Marginal,
    L: Floats,
    sigma: Floats,
    b: Floats,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Draw β and u from their exact conditional, one for each draw of (L, σ, b).

    Parameters
    ----------
    problem
        Data and coefficient priors.
    L, sigma, b
        Draws of the factor (S, q, q), of the residual sd (S,), and of the sampled
        coefficients (S, k), user's units.
    rng
        Source of randomness.

    Returns
    -------
    beta (S, p) and u (S, J, q), user's units.
    """
    data, s = problem.data, problem.data.scaling
    draws = len(sigma)
    sigma_star = np.ascontiguousarray(sigma / s.y_scale)
    Lam = np.ascontiguousarray(problem.Tinv @ L / s.y_scale)
    given = np.ascontiguousarray(problem.unit * (b.reshape(draws, -1) - problem.shift))
    e_beta = rng.standard_normal((draws, len(problem.integrated)))
    u = rng.standard_normal((draws, data.J, data.q))
    beta = _draw(
        *(Lam, sigma_star, given, e_beta, u, data.ZZ, data.ZW, data.WW),
        *(problem.sampled, problem.integrated, problem.P, problem.Pm),
    )
    return s.beta(beta), s.u(u)


@njit(cache=True, error_model="numpy")
def _draw(
    Lam: Floats,
    sigma: Floats,
    given: Floats,
    e_beta: Floats,
    u: Floats,
    ZZ: Floats,
    ZW: Floats,
    WW: Floats,
    sampled: NDArray[np.int64],
    integrated: NDArray[np.int64],
    P: Floats,
    Pm: Floats,
) -> Floats:
    """Return β* (S, p); overwrite the standard normals u (S, J, q) by draws of u*."""
    J, q, m = ZW.shape
    p, ni, ns = m - 1, len(integrated), len(sampled)
    beta = np.zeros((len(sigma), p))
    Q, t = np.empty((ni, ni)), np.empty((ni, 1))
    right = np.empty((q, 1))
    for s in range(len(sigma)):
        variance = sigma[s] * sigma[s]
        relative = Lam[s] / sigma[s]
        S = WW.copy()
        accumulate(relative, ZZ, ZW, S, np.zeros((0, 0)), np.zeros((0, 0)))
        for c in range(m):
            for d in range(c):
                S[d, c] = S[c, d]
        for c in range(ns):
            beta[s, sampled[c]] = given[s, c]
        for c in range(ni):
            t[c, 0] = S[integrated[c], p] / variance + Pm[c]
            for d in range(ns):
                t[c, 0] -= S[integrated[c], sampled[d]] / variance * given[s, d]
            for d in range(ni):
                Q[c, d] = S[integrated[c], integrated[d]] / variance + P[c, d]
        factorise(Q)
        forward_substitute(Q, t)
        for c in range(ni):
            t[c, 0] += e_beta[s, c]
        back_substitute(Q, t)
        for c in range(ni):
            beta[s, integrated[c]] = t[c, 0]
        A = np.empty((q, q))
        for j in range(J):
            for a in range(q):
                for c in range(a + 1):
                    total = 1.0 if a == c else 0.0
                    for k in range(q):
                        for h in range(q):
                            total += relative[k, a] * ZZ[j, k, h] * relative[h, c]
                    A[a, c] = total
                right[a, 0] = 0.0
                for k in range(q):
                    residual = ZW[j, k, p]
                    for c in range(p):
                        residual -= ZW[j, k, c] * beta[s, c]
                    right[a, 0] += relative[k, a] * residual
            factorise(A)
            forward_substitute(A, right)
            for a in range(q):
                right[a, 0] += sigma[s] * u[s, j, a]
            back_substitute(A, right)
            for k in range(q):
                u[s, j, k] = 0.0
                for a in range(q):
                    u[s, j, k] += relative[k, a] * right[a, 0]
    return beta
