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
    factor_of_log_scale,
    log_scale_gradient,
    partial_correlations,
)

type Floats = NDArray[np.float64]
type Density = Callable[[Floats, Floats], tuple[float, Floats, Floats]]


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
        Covariance of (log sds, atanh partial correlations, coefficients of log sds).
    """

    log_sd: Floats
    atanh_correlation: Floats
    log_sigma: float
    cov: Floats


def scale_uncertainty(
    density: Density,
    L: Floats,
    rest: Floats,
    blocks: tuple[tuple[int, ...], ...],
    *,
    curvature: Floats | None = None,
) -> ScaleUncertainty:
    """Invert the negative Hessian of a log density of (L, rest) at its maximum.

    Parameters
    ----------
    density
        ``(L, rest) -> value, dL, drest``, user's units.
    L, rest, blocks
        The maximum: factor of G, unconstrained other parameters with log sigma first; and
        the columns that share a correlation matrix.
    curvature
        The negative Hessian in all of phi where it is known; else it is the difference of
        the gradient.
    """
    q, pairs = len(L), correlated_pairs(blocks)
    phi, free = _coordinates(L, rest, pairs)
    k = q + len(pairs)

    def negative(x: Floats) -> tuple[float, Floats]:
        full = phi.copy()
        full[free] = x
        factor, _ = factor_of_log_scale(full, q, pairs)
        value, d_L, d_rest = density(factor, full[k:])
        gradient = np.append(log_scale_gradient(factor, d_L, full, q, pairs), d_rest)
        return -value, -gradient[free]

    cov = np.full((len(phi), len(phi)), np.nan)
    within = np.ix_(free, free)
    cov[within] = _inverse(hessian(negative, phi[free]) if curvature is None else curvature[within])
    correlation = np.full((q, q), np.nan)
    for (i, j), error in zip(pairs, _atanh_errors(phi, cov, q, pairs), strict=True):
        correlation[i, j] = correlation[j, i] = error
    se = np.sqrt(np.diag(cov))
    return ScaleUncertainty(se[:q], correlation, float(se[k]), cov)


def _coordinates(
    L: Floats, rest: Floats, pairs: tuple[tuple[int, int], ...]
) -> tuple[Floats, NDArray[np.bool_]]:
    """phi with infinite entries on the boundary, and which entries are free."""
    sd = np.linalg.norm(L, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.nan_to_num(partial_correlations(L, pairs)) if pairs else np.zeros(0)
        z = np.where(np.abs(z) > 1 - 1e-12, np.sign(z), z)
        phi = np.concatenate([np.log(sd), np.arctanh(z), rest])
    meaningful = [bool(sd[i] > 0 and sd[j] > 0) for i, j in pairs]
    free = np.isfinite(phi) & np.array([*np.ones(len(sd), bool), *meaningful, *np.ones(len(rest), bool)])
    return phi, free


def _inverse(H: Floats) -> Floats:
    """Inverse of a positive definite H, NaN when it is not."""
    try:
        np.linalg.cholesky(H)
    except np.linalg.LinAlgError:
        return np.full(H.shape, np.nan)
    return np.asarray(np.linalg.inv(H))


def _atanh_errors(phi: Floats, cov: Floats, q: int, pairs: tuple[tuple[int, int], ...]) -> list[float]:
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
