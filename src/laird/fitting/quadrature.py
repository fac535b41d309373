"""Quadrature over up to five covariance parameters: the posterior where no Gaussian is near it.

The density of phi is evaluated on a grid in the directions of its covariance, which is
moved and scaled until it holds all the mass.  Draws come from the multilinear
interpolation of the grid and are weighted by the exact density, so that the grid's
coarseness is corrected, and k̂ says how well.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from laird.fitting.laplace import PROPOSALS_PER_DRAW, Approximation, normalised, weighted, weighted_moments
from laird.posterior.density import Posterior

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

POINTS = (401, 61, 25, 13, 9)
"""Points along each axis, by number of parameters."""

REACH = 6.0
"""Half the width of the grid, in posterior sds."""

EDGE = 1e-3
"""A grid with more mass than this in its outermost layer of any axis is too narrow."""

MOVES = 12
LARGEST = 60.0
"""A posterior as wide as this in logarithms is improper, or may as well be."""


def quadrature(
    target: Posterior, centre: Floats, draws: int, rng: np.random.Generator
) -> Approximation | None:
    """Approximate the posterior of phi on a grid; None with too many parameters, or without an end.

    Parameters
    ----------
    target
        Likelihood and priors.
    centre
        phi where the grid begins, shape (k,).
    draws
        Number of draws to return.
    rng
        Source of randomness.
    """
    k = len(centre)
    if k > len(POINTS):
        return None
    found = _settled(target, centre)
    if found is None:
        return None
    centre, C, nodes, weights = found
    z, log_q = _drawn(nodes, weights, PROPOSALS_PER_DRAW * draws, rng)
    phi = centre + z @ C.T
    return weighted("quadrature", phi, target.densities(phi) - log_q, draws, rng)


def _settled(target: Posterior, centre: Floats) -> tuple[Floats, Floats, Floats, Floats] | None:
    """Centre, axes, nodes along each axis and weights of a grid that holds the posterior."""
    k = len(centre)
    nodes = np.linspace(-REACH, REACH, POINTS[k - 1])
    C = np.eye(k)
    z = np.array(list(product(nodes, repeat=k)))
    triangle = (nodes[1] - nodes[0]) ** 2 / 6.0
    for _ in range(MOVES):
        phi = centre + z @ C.T
        log_p = target.densities(phi)
        if not np.isfinite(log_p.max()):
            return None
        weights = normalised(log_p).reshape((len(nodes),) * k)
        mean, spread = weighted_moments(phi, weights.ravel(), triangle * C @ C.T)
        if np.linalg.norm(spread, 2) > LARGEST:
            return None
        lower, upper = _edges(weights)
        if max(lower.max(), upper.max()) < EDGE and _fits(C, spread):
            return centre, C, nodes, weights
        centre, C = mean, 1.05 * spread if max(lower.max(), upper.max()) < EDGE else 1.7 * spread
    return None


def _edges(weights: Floats) -> tuple[Floats, Floats]:
    """Mass in the first and in the last layer of each axis."""
    others = [tuple(j for j in range(weights.ndim) if j != axis) for axis in range(weights.ndim)]
    marginal = [weights.sum(axis=other) for other in others]
    return np.array([m[0] for m in marginal]), np.array([m[-1] for m in marginal])


def _fits(C: Floats, spread: Floats) -> bool:
    """Whether the grid is neither much wider nor narrower than the posterior in any direction."""
    sizes = np.linalg.svd(np.linalg.solve(C, spread), compute_uv=False)
    return bool(sizes.max() < 1.5 and sizes.min() > 0.5)


def _drawn(nodes: Floats, weights: Floats, count: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draws of the multilinear interpolation, shape (count, k), and its log density up to a constant.

    Interpolation is a mixture of products of triangles around the nodes.
    """
    k, step = weights.ndim, nodes[1] - nodes[0]
    flat = rng.choice(weights.size, size=count, p=weights.ravel())
    place = np.stack(np.unravel_index(flat, weights.shape), axis=1)
    t = place + rng.random((count, k)) + rng.random((count, k)) - 1.0
    return nodes[0] + step * t, np.log(_interpolated(weights, t))


def _interpolated(weights: Floats, t: Floats) -> Floats:
    """Multilinear interpolation of `weights` at places t (S, k), zero outside."""
    k, last = weights.ndim, weights.shape[0] - 1
    low = np.floor(t).astype(np.int64)
    share = t - low
    total = np.zeros(len(t))
    for corner in product((0, 1), repeat=k):
        at = low + np.array(corner)
        inside = np.all((at >= 0) & (at <= last), axis=1)
        factor = np.prod(np.where(np.array(corner) == 1, share, 1.0 - share), axis=1)
        total += np.where(inside, factor * weights[tuple(np.clip(at, 0, last).T)], 0.0)
    return total
