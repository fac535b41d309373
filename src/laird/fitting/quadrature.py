"""Quadrature over up to five covariance parameters: the posterior where no Gaussian is near it.

The density is evaluated on a lattice in the directions of the Hessian at its mode, as by Rue,
Martino & Chopin (2009, J. R. Stat. Soc. B 71, 319-392, section 3.1): from the mode to the next
points and on, wherever it is not negligible, so that the lattice has the shape of the posterior.
Where it needs too many points, or the posterior lies between a few, it begins again in the
directions of what was found.  Draws come from the multilinear interpolation of the lattice and,
a few, from a wide multivariate t; they are weighted by the exact density, so that the lattice's
coarseness is corrected, and k̂ says how well.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.fitting.laplace import (
    PROPOSALS_PER_DRAW,
    Approximation,
    Axes,
    log_t,
    normalised,
    student,
    systematic,
    weighted,
    weighted_moments,
)
from laird.posterior.density import Posterior

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

STEPS = (0.05, 0.2, 0.6, 1.0, 1.4)
"""Distance of the points in sds, by number of parameters: a normal density has about 2,000 of them."""

MOST_PARAMETERS = len(STEPS)

NEGLIGIBLE = (20.0, 15.0, 12.0, 11.0, 10.3)
"""Log densities so far below the largest are left out: of a normal density less than 0.1 % lies there."""

MOST = (1000, 8000, 8000, 12_000, 12_000)
"""A lattice of more points is given up for one in other directions."""

NARROW = 0.5
"""A posterior that has so many sds of the lattice, or fewer, in any direction is not resolved."""

BEGINNINGS = 8
WIDER = 1.7
LARGEST = 60.0
"""A posterior as wide as this in logarithms is improper, or may as well be."""

OUTSIDE, WIDE = 0.1, 1.5
"""Share of the draws from a t, and its width in sds of the posterior."""


class Lattice(NamedTuple):
    """Points of the lattice and their shares of the posterior.

    Attributes
    ----------
    axes
        Where the lattice has its origin, and the sds and directions of its axes.
    step
        Distance of the points along the axes.
    places
        Coordinates of the points in steps, shape (m, k), in the order of their `_codes`.
    weights
        Shapes (m,), adding up to one.
    """

    axes: Axes
    step: float
    places: Ids
    weights: Floats

    def moments(self) -> tuple[Floats, Floats]:
        """Mean, and Cholesky factor of the covariance, in sds of the axes, of the interpolation."""
        kernel = self.step**2 / 6.0 * np.eye(self.places.shape[1])
        return weighted_moments(_scaled(self.step, self.places), self.weights, kernel)


def quadrature(target: Posterior, axes: Axes, draws: int, rng: np.random.Generator) -> Approximation | None:
    """Approximate the posterior of phi on a lattice; None with too many parameters, or without an end.

    Parameters
    ----------
    target
        Likelihood and priors.
    axes
        Where the lattice begins, and its directions: the mode and the root of the inverse Hessian
        there, or any point and the identity.
    draws
        Number of draws to return.
    rng
        Source of randomness.
    """
    if len(axes.centre) > MOST_PARAMETERS:
        return None
    lattice = _settled(target, axes)
    if lattice is None:
        return None
    z, log_q = _drawn(lattice, PROPOSALS_PER_DRAW * draws, rng)
    phi = lattice.axes.at(z)
    return weighted("quadrature", phi, target.densities(phi) - log_q, draws, rng)


def _settled(target: Posterior, axes: Axes) -> Lattice | None:
    """A lattice that holds the posterior and resolves it."""
    for _ in range(BEGINNINGS):
        places, log_p, whole = _explored(target, axes)
        if not np.isfinite(log_p.max()):
            return None
        lattice = Lattice(axes, STEPS[len(axes.centre) - 1], places, normalised(log_p))
        spread = lattice.moments()[1]
        if whole and np.linalg.svd(spread, compute_uv=False).min() > NARROW:
            return lattice
        C = axes.C @ spread * (1.0 if whole else WIDER)
        if np.linalg.norm(C, 2) > LARGEST:
            return None
        axes = Axes(axes.at(_scaled(lattice.step, places[[np.argmax(log_p)]]))[0], C)
    return None


def _explored(target: Posterior, axes: Axes) -> tuple[Ids, Floats, bool]:
    """Points that are not negligible, their log densities, and whether that is all of them."""
    k = len(axes.centre)
    step, cut = STEPS[k - 1], NEGLIGIBLE[k - 1]
    around = np.concatenate([np.eye(k, dtype=np.int64), -np.eye(k, dtype=np.int64)])
    new = np.zeros((1, k), dtype=np.int64)
    places, log_p = np.zeros((0, k), dtype=np.int64), np.zeros(0)
    while len(new) and len(places) + len(new) <= MOST[k - 1]:
        found = target.densities(axes.at(_scaled(step, new)))
        places, log_p = np.concatenate([places, new]), np.append(log_p, found)
        kept = new[found > log_p.max() - cut]
        new = _unseen((kept[:, None] + around).reshape(-1, k), places)
    order = np.argsort(_codes(places))
    order = order[log_p[order] > log_p.max() - cut] if np.isfinite(log_p.max()) else order
    return places[order], log_p[order], len(new) == 0


def _scaled(step: float, places: Ids) -> Floats:
    """Places in sds of the axes."""
    return np.asarray(step * places, dtype=np.float64)


def _unseen(places: Ids, seen: Ids) -> Ids:
    """Places, each once, that were not seen."""
    codes, first = np.unique(_codes(places), return_index=True)
    return places[first[~np.isin(codes, _codes(seen))]]


def _codes(places: Ids) -> Ids:
    """One number for every place (m, k): its coordinates as digits, from -2⁶²ᐟᵏ/2 on."""
    k = places.shape[1]
    base = 2 ** (62 // k)
    return np.asarray((places + base // 2) @ base ** np.arange(k))


def _drawn(lattice: Lattice, count: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draws in sds of the axes, shape (count, k), and their log density.

    Interpolation is a mixture of products of triangles around the points.
    """
    k, outside = lattice.places.shape[1], round(OUTSIDE * count)
    place = lattice.places[systematic(lattice.weights, count - outside, rng)]
    inside = place + rng.random(place.shape) + rng.random(place.shape) - 1.0
    mean, spread = lattice.moments()
    z = np.concatenate([lattice.step * inside, student(mean, WIDE * spread, outside, rng)])
    with np.errstate(divide="ignore"):
        log_inside = np.log(_interpolated(lattice, z / lattice.step)) - k * np.log(lattice.step)
    parts = log_inside + np.log1p(-OUTSIDE), log_t(z, mean, WIDE * spread) + np.log(OUTSIDE)
    return z, np.asarray(np.logaddexp(*parts))


def _interpolated(lattice: Lattice, t: Floats) -> Floats:
    """Multilinear interpolation of the weights at t (S, k), in steps; zero outside."""
    low = np.floor(t).astype(np.int64)
    share, codes = t - low, _codes(lattice.places)
    total = np.zeros(len(t))
    for corner in product((0, 1), repeat=t.shape[1]):
        own = _codes(low + np.array(corner))
        at = np.searchsorted(codes, own).clip(max=len(codes) - 1)
        factor = np.prod(np.where(np.array(corner) == 1, share, 1.0 - share), axis=1)
        total += np.where(codes[at] == own, factor * lattice.weights[at], 0.0)
    return total
