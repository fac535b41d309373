"""Standard errors of the covariance parameters, from the Hessian in log sds and atanh correlations.

The Hessian is the central difference of the exact gradient; intervals are symmetric on
these scales, as nlme's ``intervals()``.  Parameters on the boundary (sd zero,
correlation ±1) are held there and have no standard error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laird.fitting.newton import hessian
from laird.gaussian.coordinates import (
    correlated_pairs,
    correlation_factor,
    log_scale_gradient,
    partial_correlations,
)
from laird.gaussian.theta import Theta

type Floats = NDArray[np.float64]
type Density = Callable[[Theta], tuple[float, Theta]]
type Pairs = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, eq=False)
class ScaleUncertainty:
    """Standard errors on the transformed scales; NaN on the boundary.

    Attributes
    ----------
    log_sd, atanh_correlation
        Shapes (q,), (q, q).
    log_sigma
        Standard error of log sigma; of its first coefficient when it has several.
    cov
        Covariance of φ = (log sds, atanh partial correlations, α, δ, log φ, ζ), shape (k, k).
    """

    log_sd: Floats
    atanh_correlation: Floats
    log_sigma: float
    cov: Floats


def scale_uncertainty(
    density: Density,
    theta: Theta,
    blocks: tuple[tuple[int, ...], ...],
    *,
    curvature: Floats | None = None,
) -> ScaleUncertainty:
    """Invert the negative Hessian of a log density of θ at its maximum.

    Parameters
    ----------
    density
        θ -> value and gradient in θ, user's units.
    theta, blocks
        The maximum, and the columns that share a correlation matrix.
    curvature
        The negative Hessian in all of phi where it is known; else it is the difference of
        the gradient.
    """
    q, pairs = len(theta.L), correlated_pairs(blocks)
    phi, free = log_scale(theta, pairs)

    def negative(x: Floats) -> tuple[float, Floats]:
        full = phi.copy()
        full[free] = x
        at = of_log_scale(full, theta, pairs)
        value, g = density(at)
        by_factor = log_scale_gradient(at.L, g.L, full, q, pairs)
        return -value, -np.concatenate([by_factor, *_rest(g)])[free]

    cov = np.full((len(phi), len(phi)), np.nan)
    within = np.ix_(free, free)
    cov[within] = _inverse(hessian(negative, phi[free]) if curvature is None else curvature[within])
    correlation = np.full((q, q), np.nan)
    for (i, j), error in zip(pairs, _atanh_errors(phi, cov, q, pairs), strict=True):
        correlation[i, j] = correlation[j, i] = error
    se = np.sqrt(np.diag(cov))
    first = q + len(pairs)
    return ScaleUncertainty(se[:q], correlation, float(se[first]) if len(theta.alpha) else np.nan, cov)


def joint_covariance(
    solve: Callable[[Theta], tuple[Floats, Floats]], theta: Theta, found: ScaleUncertainty, pairs: Pairs
) -> Floats:
    """Covariance of β̂ with that of θ̂ taken into account, shape (p, p).

    C + JAJ' with C = (X'V⁻¹X)⁻¹, J = dβ̂/dφ and A the covariance of φ: the block of β in the
    inverse Hessian of the joint log-likelihood (partitioned inverse), as drmTMB reports it.

    Parameters
    ----------
    solve
        θ -> β̂ and C.
    theta, found, pairs
        The maximum, its uncertainty, places of the correlations.
    """
    beta, C = solve(theta)
    phi = log_scale(theta, pairs)[0]
    free = np.isfinite(np.diag(found.cov))
    J = np.zeros((len(beta), len(phi)))
    for k in np.flatnonzero(free):
        step = np.zeros(len(phi))
        step[k] = np.cbrt(np.finfo(float).eps)
        ends = [solve(of_log_scale(phi + sign * step, theta, pairs))[0] for sign in (1, -1)]
        J[:, k] = (ends[0] - ends[1]) / (2 * step[k])
    A = found.cov[np.ix_(free, free)]
    return np.asarray(C + J[:, free] @ A @ J[:, free].T)


def log_scale(theta: Theta, pairs: Pairs) -> tuple[Floats, NDArray[np.bool_]]:
    """φ of θ, with infinite entries on the boundary, and which entries are free."""
    sd, rest = np.linalg.norm(theta.L, axis=1), np.concatenate(_rest(theta))
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.nan_to_num(partial_correlations(theta.L, pairs)) if pairs else np.zeros(0)
        z = np.where(np.abs(z) > 1 - 1e-12, np.sign(z), z)
        phi = np.concatenate([np.log(sd), np.arctanh(z), rest])
    free = np.isfinite(phi)
    meaningful = np.array([sd[i] > 0 and sd[j] > 0 for i, j in pairs], dtype=bool)
    free[len(sd) : len(sd) + len(pairs)] &= meaningful
    return phi, free


def of_log_scale(phi: Floats, like: Theta, pairs: Pairs) -> Theta:
    """θ of φ, with the shapes of another θ."""
    q = len(like.L)
    L = correlation_factor(np.tanh(phi[q : q + len(pairs)]), q, pairs) * np.exp(phi[:q, None])
    sizes = [len(part) for part in _rest(like)]
    alpha, *delta, log_phi, zeta = np.split(phi[q + len(pairs) :], np.cumsum(sizes)[:-1])
    return Theta(L, alpha, tuple(delta), log_phi, zeta)


def _rest(theta: Theta) -> tuple[Floats, ...]:
    return theta.alpha, *theta.delta, theta.log_phi, theta.zeta


def _inverse(H: Floats) -> Floats:
    """Inverse of a positive definite H, NaN when it is not."""
    try:
        np.linalg.cholesky(H)
    except np.linalg.LinAlgError:
        return np.full(H.shape, np.nan)
    return np.asarray(np.linalg.inv(H))


def _atanh_errors(phi: Floats, cov: Floats, q: int, pairs: Pairs) -> list[float]:
    """Delta method from atanh partial correlations to atanh correlations."""
    if not pairs:
        return []
    index = slice(q, q + len(pairs))

    def atanh(a: Floats) -> Floats:
        R = correlation_factor(np.tanh(a), q, pairs)
        with np.errstate(divide="ignore"):
            return np.array([np.arctanh(np.clip((R @ R.T)[i, j], -1, 1)) for i, j in pairs])

    steps = 1e-5 * np.eye(len(pairs))
    with np.errstate(invalid="ignore"):
        J = np.array([(atanh(phi[index] + h) - atanh(phi[index] - h)) / 2e-5 for h in steps]).T
        return [float(np.sqrt(row @ cov[index, index] @ row)) for row in J]
