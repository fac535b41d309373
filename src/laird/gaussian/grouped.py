"""The grouped likelihood: every random term on one factor, constant sigma, V = 0.

With G = σ²ΛΛ', A_j = Λ'Z_j'Z_jΛ + I and W = [X y] (Laird & Ware 1982; Bates et al.
2015, section 3, written per group):

    log|V|/n-part  = Σ_j log|A_j|
    S = W'V⁻¹W·σ²  = W'W - Σ_j (Λ'Z_j'W_j)' A_j⁻¹ (Λ'Z_j'W_j)

and for the gradient, with M_j = ΛA_j⁻¹Λ',

    B   = Σ_j Z_j'V_j⁻¹Z_j        = Σ_j Z_j'Z_j - Z_j'Z_j M_j Z_j'Z_j
    P_j = Z_j'V_j⁻¹W_j            = Z_j'W_j - Z_j'Z_j M_j Z_j'W_j
    K   = Σ_j vec(P_j) vec(P_j)'

so that d log|V| = tr(B dG) and dS = -Σ_j P_j' dG P_j.  One pass over the groups gives
everything; the cost is O(J q²(q + p)).  Λ may be any q × q matrix.
"""

from __future__ import annotations

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from laird.gaussian.compiled import compiled, inner
from laird.gaussian.small import (
    MATRIX,
    PLACES,
    STACK,
    VECTOR,
    back_substitute,
    divided,
    factorise,
    forward_substitute,
    inner_product,
    invert_factored,
    log_determinant,
)
from laird.gaussian.sums import accumulate

type Floats = NDArray[np.float64]

LOG_2PI = float(np.log(2.0 * np.pi))

DATA = (STACK, STACK, MATRIX, types.int64, PLACES, PLACES, MATRIX, VECTOR, types.float64)
VALUE_AND_GRADIENT = types.Tuple((types.float64, types.float64[:, ::1]))  # type: ignore[no-untyped-call]
DENSITY = types.Tuple((types.float64, types.float64[:, ::1], types.float64, types.float64[::1]))  # type: ignore[no-untyped-call]


@inner()
def _mirror(M: Floats) -> None:
    for i in range(M.shape[0]):
        for j in range(i):
            M[j, i] = M[i, j]


@inner()
def _sensitivity(B: Floats, K: Floats, D: Floats) -> Floats:
    """Return H = B - Σ_j P_j D P_j' for a symmetric D (m, m): the derivative with respect to G."""
    q, m = B.shape[0], D.shape[0]
    H = B.copy()
    for k in range(q):
        for h in range(k + 1):
            total = 0.0
            for c in range(m):
                for d in range(m):
                    total += K[k * m + c, h * m + d] * D[c, d]
            H[k, h] -= total
    _mirror(H)
    return H


@compiled(types.float64[:, ::1](MATRIX, MATRIX), no_cpython_wrapper=True)
def _twice_product(H: Floats, Lam: Floats) -> Floats:
    q = H.shape[0]
    out = np.zeros((q, q))
    for a in range(q):
        for b in range(q):
            for k in range(q):
                out[a, b] += 2.0 * H[a, k] * Lam[k, b]
    return out


@compiled(VALUE_AND_GRADIENT(MATRIX, STACK, STACK, MATRIX, types.int64, types.boolean))
def profiled_deviance(
    Lam: Floats, ZZ: Floats, ZW: Floats, WW: Floats, n: int, restricted: bool
) -> tuple[float, Floats]:
    """-2 log L (ML) or -2 log L_R (REML), profiled over β and σ, and its gradient in Λ.

    Bates et al. (2015), equations 34 and 42, in the starred units.  Returns NaN when
    X'V⁻¹X or the residual sum of squares is not positive.
    """
    _, q, m = ZW.shape
    p = m - 1
    S, B, K = WW.copy(), np.zeros((q, q)), np.zeros((q * m, q * m))
    logdet = accumulate(Lam, ZZ, ZW, S, B, K)
    _mirror(S)
    _mirror(B)
    _mirror(K)
    R = S[:p, :p].copy()
    if not factorise(R):
        return np.nan, np.zeros((q, q))
    beta = S[:p, p:].copy()
    forward_substitute(R, beta)
    rss = S[p, p]
    for c in range(p):
        rss -= beta[c, 0] * beta[c, 0]
    if not rss > 0.0:
        return np.nan, np.zeros((q, q))
    back_substitute(R, beta)
    df = n - p if restricted else n
    D = np.zeros((m, m))
    if restricted:
        inverse = invert_factored(R)
        for c in range(p):
            for d in range(p):
                D[c, d] = inverse[c, d]
    for c in range(m):
        for d in range(m):
            left = 1.0 if c == p else -beta[c, 0]
            right = 1.0 if d == p else -beta[d, 0]
            D[c, d] += df / rss * left * right
    value = logdet + df * (1.0 + LOG_2PI + np.log(rss / df))
    if restricted:
        value += log_determinant(R)
    return value, _twice_product(_sensitivity(B, K, D), Lam)


@compiled(DENSITY(MATRIX, types.float64, VECTOR, *DATA, types.boolean, types.boolean))
def gaussian_density(
    Lam: Floats,
    sigma: float,
    b: Floats,
    ZZ: Floats,
    ZW: Floats,
    WW: Floats,
    n: int,
    sampled: NDArray[np.int64],
    integrated: NDArray[np.int64],
    P: Floats,
    Pm: Floats,
    constant: float,
    restricted: bool,
    want_gradient: bool,
) -> tuple[float, Floats, float, Floats]:
    """Log marginal likelihood with u and the integrated β integrated out, and its gradient.

    Parameters
    ----------
    Lam
        Any factor of G*: G* = ΛΛ' (absolute, not relative to σ), shape (q, q).
    sigma
        Residual sd in starred units.
    b
        Values of the sampled coefficients, shape (len(sampled),).
    ZZ, ZW, WW, n
        Cross-products, see `laird.gaussian.crossproducts.Grouped`.
    sampled, integrated
        Positions of the coefficients that are given and of those integrated out.
    P, Pm
        Prior precision of the integrated coefficients and P times their prior mean;
        zeros for flat ones.
    constant
        What does not depend on the parameters; see `laird.gaussian.marginal`.
    restricted
        False: maximise over the integrated coefficients (no log|Q|) instead.
    want_gradient
        False: return zeros for the gradient, in less time.

    Returns
    -------
    value, gradient in Λ (q, q), in σ, in b.

    With Q = X_i'V⁻¹X_i + P and r = y - X_s b:
    -2 value = n log σ² + Σ_j log|A_j| + log|Q| + r'V⁻¹r - (X_i'V⁻¹r + Pm)'Q⁻¹(X_i'V⁻¹r + Pm) + constant.
    """
    _, q, m = ZW.shape
    p, ns, ni = m - 1, len(sampled), len(integrated)
    size = q * m if want_gradient else 0
    relative = divided(Lam, sigma)
    S, B, K = WW.copy(), np.zeros((q, q)), np.zeros((size, size))
    logdet = accumulate(relative, ZZ, ZW, S, B, K)
    _mirror(S)
    s2 = sigma * sigma
    a = np.zeros(m)
    a[p] = 1.0
    for c in range(ns):
        a[sampled[c]] = -b[c]
    Sa = np.zeros(m)
    for c in range(m):
        for d in range(m):
            Sa[c] += S[c, d] * a[d] / s2
    Q = np.empty((ni, ni))
    t = np.empty((ni, 1))
    for c in range(ni):
        t[c, 0] = Sa[integrated[c]] + Pm[c]
        for d in range(ni):
            Q[c, d] = S[integrated[c], integrated[d]] / s2 + P[c, d]
    if not factorise(Q):
        return -np.inf, np.zeros((q, q)), 0.0, np.zeros(ns)
    forward_substitute(Q, t)
    quadratic = 0.0
    for c in range(m):
        quadratic += a[c] * Sa[c]
    for c in range(ni):
        quadratic -= t[c, 0] * t[c, 0]
    value = n * np.log(s2) + logdet + quadratic + constant
    if restricted:
        value += log_determinant(Q)
    if not want_gradient:
        return -0.5 * value, np.zeros((q, q)), 0.0, np.zeros(ns)
    back_substitute(Q, t)
    D = np.zeros((m, m))
    if restricted:
        inverse = invert_factored(Q)
        for c in range(ni):
            for d in range(ni):
                D[integrated[c], integrated[d]] = inverse[c, d] / s2
    for c in range(ni):
        a[integrated[c]] = -t[c, 0]
    for c in range(m):
        for d in range(m):
            D[c, d] += a[c] * a[d] / s2
    _mirror(B)
    _mirror(K)
    d_relative = _twice_product(_sensitivity(B, K, D), relative)
    trace = inner_product(D, S)
    d_sigma = -0.5 * (2.0 * n - 2.0 * trace - inner_product(d_relative, relative)) / sigma
    d_b = np.zeros(ns)
    for i in range(ns):
        for d in range(m):
            d_b[i] += S[sampled[i], d] * a[d] / s2
    return -0.5 * value, divided(d_relative, -2.0 * sigma), d_sigma, d_b


@njit(cache=True, error_model="numpy")
def cross_information(Lam: Floats, ZZ: Floats, ZW: Floats, WW: Floats) -> Floats:
    """Return S = σ²·W'V⁻¹W, shape (p + 1, p + 1), for the relative factor Λ."""
    S = WW.copy()
    accumulate(Lam, ZZ, ZW, S, np.zeros((0, 0)), np.zeros((0, 0)))
    _mirror(S)
    return S


@njit(cache=True, error_model="numpy")
def posterior_factors(Lam: Floats, ZZ: Floats) -> Floats:
    """Return F_j with F_jF_j' = M_j = ΛA_j⁻¹Λ', the covariance of u_j given β over σ²; (J, q, q)."""
    J, q = ZZ.shape[0], ZZ.shape[1]
    F, A, transposed = np.empty((J, q, q)), np.empty((q, q)), np.empty((q, q))
    for j in range(J):
        for a in range(q):
            for b in range(q):
                A[a, b] = 1.0 if a == b else 0.0
                transposed[a, b] = Lam[b, a]
                for k in range(q):
                    for h in range(q):
                        A[a, b] += Lam[k, a] * ZZ[j, k, h] * Lam[h, b]
        factorise(A)
        forward_substitute(A, transposed)
        for a in range(q):
            for k in range(q):
                F[j, k, a] = transposed[a, k]
    return F
