"""Random models of many shapes, and what the dense oracle needs to know of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from laird.gaussian.crossproducts import Grouped, group
from laird.gaussian.dense import marginal_covariance


@dataclass(frozen=True)
class Case:
    """Rows of a model with random columns of one factor, and random covariance parameters."""

    y: np.ndarray
    X: np.ndarray
    Z: np.ndarray
    ids: np.ndarray
    J: int
    blocks: tuple[tuple[int, ...], ...]
    L: np.ndarray
    sigma: float

    @property
    def grouped(self) -> Grouped:
        return group(self.y, self.X, self.Z, self.ids, self.J, self.blocks)

    @property
    def G(self) -> np.ndarray:
        return self.L @ self.L.T

    @property
    def V(self) -> np.ndarray:
        return self.covariance(self.L, self.sigma)

    def covariance(self, L, sigma) -> np.ndarray:
        return marginal_covariance(self.Z, self.ids, L @ L.T, np.full(len(self.y), sigma**2))


def case(q=2, p=3, *, blocks=None, intercept=True, offset=0.0, sizes=(1, 2, 3, 5, 8, 13), seed=0) -> Case:
    """Groups of unequal size, one of them of one row; columns with a mean of `offset` sds.

    The random columns are an intercept (unless `intercept` is False) and slopes; the rows are
    shuffled, so that groups are not contiguous.
    """
    rng = np.random.default_rng([seed, q, p])
    J, n = len(sizes), sum(sizes)
    ids = rng.permutation(np.repeat(np.arange(J), sizes))
    X = _columns(rng, n, p, offset, intercept)
    Z = _columns(rng, n, q, offset, intercept)
    L = block_factor(rng, blocks or (tuple(range(q)),), q)
    sigma = float(rng.uniform(0.5, 2.0))
    u = rng.standard_normal((J, q)) @ L.T
    y = X @ rng.normal(0, 2, p) + np.sum(Z * u[ids], axis=1) + sigma * rng.standard_normal(n)
    return Case(y, X, Z, ids, J, tuple(blocks or (tuple(range(q)),)), L, sigma)


def block_factor(rng, blocks, q) -> np.ndarray:
    """A random lower triangular factor with zeros between blocks."""
    L = np.zeros((q, q))
    for block in blocks:
        k = len(block)
        L[np.ix_(block, block)] = np.tril(rng.normal(0, 1, (k, k)), -1) + np.diag(rng.uniform(0.3, 2, k))
    return L


def _columns(rng, n, k, offset, intercept) -> np.ndarray:
    slopes = offset + rng.normal(0, 1, (n, k)) * rng.uniform(0.3, 3.0, k)
    if intercept and k:
        slopes[:, 0] = 1.0
    return slopes


SHAPES = {
    "random intercept": case(q=1, p=1),
    "intercept and slope": case(q=2, p=2, seed=1),
    "three correlated": case(q=3, p=4, seed=2, sizes=(1, 4, 7, 12, 20)),
    "five correlated": case(q=5, p=6, seed=3, sizes=(1, 6, 9, 14, 25)),
    "two independent": case(q=2, p=3, blocks=((0,), (1,)), seed=4),
    "blocks of two and one": case(q=3, p=2, blocks=((0, 1), (2,)), seed=5),
    "no intercepts": case(q=2, p=3, intercept=False, seed=6),
    "far from zero": case(q=2, p=3, offset=50.0, seed=7),
    "all groups of one row": case(q=1, p=2, sizes=(1,) * 30, seed=8),
    "one large group among singletons": case(q=2, p=2, sizes=(60, *(1,) * 20), seed=9),
}
"""The models on which fast structures are compared with the oracle."""


def cell_means(seed=0) -> Case:
    """X has one indicator for each of three cells: constants are in its span, without a column of ones."""
    base = case(q=1, p=1, seed=seed)
    cell = np.random.default_rng(seed).integers(0, 3, len(base.y))
    X = (cell[:, None] == np.arange(3)).astype(float)
    return Case(base.y + 40, X, base.Z, base.ids, base.J, base.blocks, base.L, base.sigma)


SHAPES["cell means"] = cell_means()


def central_difference(function, x: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """Gradient of a scalar function of an array."""
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        h = np.zeros_like(x)
        h[index] = step * max(abs(float(x[index])), 1.0)
        gradient[index] = (function(x + h) - function(x - h)) / (2 * h[index])
    return gradient


def centred(case: Case) -> np.ndarray:
    """X with its slopes' columns centred when it has a column of ones: the columns of γ."""
    ones = np.all(case.X == 1, axis=0)
    return np.where(ones, 1.0, case.X - case.X.mean(axis=0)) if ones.any() else case.X
