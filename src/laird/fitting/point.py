"""Point estimates of a fit as arrays: the same for every method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from laird.fitting.frozen import freeze
from laird.gaussian.coordinates import sds_and_correlations
from laird.gaussian.lines import GroupLines
from laird.gaussian.solution import Effects, Solution

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """Estimates and their covariances, in the user's units.

    Attributes
    ----------
    beta, beta_cov
        Fixed effects, shapes (p,), (p, p).
    G, sd, correlation
        Covariance of the group effects, shapes (q, q), (q,), (q, q); with several grouping
        factors block-diagonal, factor after factor.
    sigma
        Residual sd.
    effects
        Group effects, their covariances and weights, by grouping factor.
    """

    beta: Floats
    beta_cov: Floats
    G: Floats
    sd: Floats
    correlation: Floats
    sigma: float
    effects: tuple[Effects, ...]

    def __post_init__(self) -> None:
        freeze(self)
        for own in self.effects:
            freeze(own)

    def with_beta_cov(self, beta_cov: Floats) -> Point:
        """The same estimates with another covariance of the fixed effects."""
        return replace(self, beta_cov=beta_cov)


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
        effects=solution.effects,
    )


def posterior_point(beta: Floats, L: Floats, sigma: float, effects: tuple[Effects, ...]) -> Point:
    """Posterior means and covariances of draws, shapes (S, p), (S, q, q); `effects` have theirs."""
    G = L @ L.transpose(0, 2, 1)
    sd, correlation = sds_and_correlations(G)
    centred = beta - beta.mean(axis=0)
    return Point(
        beta=beta.mean(axis=0),
        beta_cov=centred.T @ centred / max(len(beta) - 1, 1),
        G=G.mean(axis=0),
        sd=sd.mean(axis=0),
        correlation=correlation.mean(axis=0),
        sigma=sigma,
        effects=effects,
    )


def least_squares_point(
    beta: Floats, beta_cov: Floats, sigma: float, lines: Sequence[GroupLines], weights: Sequence[Floats]
) -> Point:
    """Pooled least squares, with the groups' own lines as deviations from the fixed part's A_jβ̂.

    The covariances are those for which A_jβ + u_j, the group's own line, has its own
    covariance and none with β̂.  `weights` are the A_j, by grouping factor.
    """
    q = sum(own.coefficients.shape[1] for own in lines)
    return Point(
        beta=beta,
        beta_cov=beta_cov,
        G=np.zeros((q, q)),
        sd=np.zeros(q),
        correlation=np.full((q, q), np.nan),
        sigma=sigma,
        effects=tuple(_own_effects(beta, beta_cov, own, A) for own, A in zip(lines, weights, strict=True)),
    )


def _own_effects(beta: Floats, beta_cov: Floats, own: GroupLines, A: Floats) -> Effects:
    q = own.coefficients.shape[1]
    u_beta_cov = -A @ beta_cov
    return Effects(
        u=own.coefficients - A @ beta,
        cov=own.cov - u_beta_cov @ A.transpose(0, 2, 1),
        beta_cov=u_beta_cov,
        weights=np.broadcast_to(np.eye(q), (len(A), q, q)),
    )
