"""Importance sampling from a mixture that grows where the posterior is underrated.

For posteriors far from any Gaussian of more parameters than a lattice can hold: the point of largest
weight and the points around it give another component of the mixture, again and again, until no
weight stands out (incremental mixture importance sampling: Raftery & Bao 2010, Biometrics 66,
1162-1173, with components of heavier tails).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from laird.fitting.laplace import (
    PROPOSALS_PER_DRAW,
    Approximation,
    Axes,
    Proposals,
    normalised,
    proposals,
    weighted,
    weighted_moments,
)
from laird.fitting.pareto import smoothed
from laird.posterior.density import Posterior

type Floats = NDArray[np.float64]

GOOD, SHARE = 0.5, 0.1
"""A mixture is good enough below this k̂, with which weights have a finite variance, when its points
are worth this share of as many independent draws."""

ROUNDS = 12
NEIGHBOURS, NEW = 0.1, 0.2
"""Points around the largest weight, and points of a new component, as shares of the first ones."""


def mixture(target: Posterior, axes: Axes, draws: int, rng: np.random.Generator) -> Approximation:
    """Approximate the posterior of phi by a growing mixture.

    Parameters
    ----------
    target
        Likelihood and priors.
    axes
        Its mode and the root of its covariance there: `laird.fitting.laplace.peak`.
    draws
        Number of draws to return.
    rng
        Source of randomness.
    """
    count = PROPOSALS_PER_DRAW * draws
    found = proposals(target, axes, count, rng)
    for _ in range(ROUNDS):
        log_weights, khat = smoothed(found.log_ratios())
        weights = normalised(log_weights)
        if khat < GOOD and SHARE * len(weights) * np.sum(weights**2) <= 1.0:
            break
        own = _underrated(found, weights, round(NEIGHBOURS * count))
        found = found.extended(target, own, round(NEW * count), rng)
    return weighted("mixture", found.phi, found.log_ratios(), draws, rng)


def _underrated(found: Proposals, weights: Floats, count: int) -> Axes:
    """A component around the point of largest weight, with the covariance of its neighbours.

    Distances are in sds of the posterior; neighbours count half by their weights, half alike.
    """
    centre = found.phi[np.argmax(weights)]
    _, spread = weighted_moments(found.phi, weights)
    distance = np.sum(np.linalg.solve(spread, (found.phi - centre).T) ** 2, axis=0)
    near = np.argpartition(distance, count)[:count]
    shares = weights[near] / weights[near].sum() + 1.0 / count
    around = found.phi[near] - centre
    cov = (0.5 * shares[:, None] * around).T @ around
    return Axes(centre, np.linalg.cholesky(cov + 1e-10 * np.diag(np.diag(cov))))
