"""Point estimates of a fit as arrays: the same for every method."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laird.fitting.frozen import freeze
from laird.gaussian.coordinates import sds_and_correlations
from laird.gaussian.lines import GroupLines
from laird.gaussian.solution import Solution

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """Estimates and their covariances, in the user's units.

    Attributes
    ----------
    beta, beta_cov
        Fixed effects, shapes (p,), (p, p).
    G, sd, correlation
        Covariance of the group effects, shapes (q, q), (q,), (q, q).
    sigma
        Residual sd.
    u, u_cov, u_beta_cov
        Group effects (J, q), their covariance (J, q, q) and that with β (J, q, p).
    weights
        Weight matrices of the groups' own estimates, shape (J, q, q).
    """

    beta: Floats
    beta_cov: Floats
    G: Floats
    sd: Floats
    correlation: Floats
    sigma: float
    u: Floats
    u_cov: Floats
    u_beta_cov: Floats
    weights: Floats

    def __post_init__(self) -> None:
        freeze(self)


def conditional_point(solution: Solution, L: Floats, sigma: float) -> Point:
    """The estimates at given covariance parameters."""
    G = L @ L.T
    sd, correlation = sds_and_correlations(G)
    return Point(
        beta=solution.beta,
        beta_cov=solution.beta_cov,
        G=G,
        sd=sd,
        correlation=correlation,
        sigma=sigma,
        u=solution.u,
        u_cov=solution.u_cov,
        u_beta_cov=solution.u_beta_cov,
        weights=solution.weights,
    )


def posterior_point(beta: Floats, u: Floats, L: Floats, sigma: Floats, weights: Floats) -> Point:
    """Posterior means and covariances of draws, shapes (S, p), (S, J, q), (S, q, q), (S,)."""
    G = L @ L.transpose(0, 2, 1)
    sd, correlation = sds_and_correlations(G)
    centred_beta, centred_u = beta - beta.mean(axis=0), u - u.mean(axis=0)
    divisor = max(len(sigma) - 1, 1)
    return Point(
        beta=beta.mean(axis=0),
        beta_cov=centred_beta.T @ centred_beta / divisor,
        G=G.mean(axis=0),
        sd=sd.mean(axis=0),
        correlation=correlation.mean(axis=0),
        sigma=float(sigma.mean()),
        u=u.mean(axis=0),
        u_cov=np.einsum("sja,sjb->jab", centred_u, centred_u) / divisor,
        u_beta_cov=np.einsum("sja,sp->jap", centred_u, centred_beta) / divisor,
        weights=weights,
    )


def least_squares_point(beta: Floats, beta_cov: Floats, sigma: float, lines: GroupLines, A: Floats) -> Point:
    """Pooled least squares, with the groups' own lines as deviations from the fixed part's A_jβ̂.

    The covariances are those for which A_jβ + u_j, the group's own line, has its own
    covariance and none with β̂.
    """
    q = lines.coefficients.shape[1]
    u_beta_cov = -A @ beta_cov
    return Point(
        beta=beta,
        beta_cov=beta_cov,
        G=np.zeros((q, q)),
        sd=np.zeros(q),
        correlation=np.full((q, q), np.nan),
        sigma=sigma,
        u=lines.coefficients - A @ beta,
        u_cov=lines.cov - u_beta_cov @ A.transpose(0, 2, 1),
        u_beta_cov=u_beta_cov,
        weights=np.broadcast_to(np.eye(q), (len(A), q, q)),
    )
