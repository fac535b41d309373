"""Models with anything a formula can say, and their dense oracle; user's units."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.linalg import block_diag
from tests.gaussian.cases import block_factor
from tests.gaussian.crossed_cases import expand

from laird.gaussian import dense
from laird.gaussian.hierarchy import Hierarchy, arrange
from laird.gaussian.noise import Noise
from laird.gaussian.theta import Theta


@dataclass(frozen=True)
class Model:
    """Rows, the full V of the sampling errors, and random covariance parameters `at`."""

    y: np.ndarray
    X: np.ndarray
    Z: tuple[np.ndarray, ...]
    ids: tuple[np.ndarray, ...]
    counts: tuple[int, ...]
    blocks: tuple[tuple[tuple[int, ...], ...], ...]
    s: tuple[np.ndarray, ...]
    noise: Noise
    V: np.ndarray
    at: Theta

    @property
    def data(self) -> Hierarchy:
        return arrange(self.y, self.X, self.Z, self.ids, self.counts, self.blocks, self.s, self.noise)

    @property
    def places(self) -> list[slice]:
        edges = np.cumsum([0, *(z.shape[1] for z in self.Z)]).tolist()
        return [slice(a, b) for a, b in pairwise(edges)]

    def sigma(self, at: Theta) -> np.ndarray:
        noise = self.noise
        log_sigma = np.where(noise.W != 0, noise.W * np.where(noise.W != 0, at.alpha, 0), 0).sum(axis=1)
        return np.where(noise.has_sigma, np.exp(log_sigma), 0.0)

    def R(self, at: Theta) -> np.ndarray:
        noise, phi = self.noise, np.exp(at.log_phi[0]) if self.noise.proportional else 1.0
        m = int(noise.which.max()) + 1
        eta, start = np.zeros((len(self.y), m * (m - 1) // 2)), 0
        for (first, second), W in noise.rhos:
            stop = start + W.shape[1]
            eta[:, second * (second - 1) // 2 + first] = W @ at.zeta[start:stop]
            start = stop
        return dense.residual_covariance(
            self.sigma(at), self.V, float(phi), noise.which, noise.units, np.tanh(eta)
        )

    def group_sds(self, at: Theta) -> list[np.ndarray]:
        return [np.exp(s @ d) for s, d in zip(self.s, at.delta, strict=True)]

    def Sigma(self, at: Theta) -> np.ndarray:
        G = at.L @ at.L.T
        parts = [G[place, place] for place in self.places]
        return dense.joint_covariance(self.Z, self.ids, self.group_sds(at), parts, self.R(at))

    def log_likelihood(self, at: Theta, restricted: bool) -> float:
        if self.noise.weights is not None:
            variance = np.diag(self.R(at))
            return dense.weighted_log_likelihood(
                self.y, self.X, variance, self.noise.weights, restricted=restricted
            )
        return dense.log_likelihood(self.y, self.X, self.Sigma(at), restricted=restricted)

    @property
    def wide(self) -> np.ndarray:
        """Z of all factors with a column for every effect."""
        parts = [expand(z, i, J) for z, i, J in zip(self.Z, self.ids, self.counts, strict=True)]
        return np.hstack([np.zeros((len(self.y), 0)), *parts])

    def effect_covariance(self, at: Theta) -> np.ndarray:
        """Cov(u) of all effects."""
        G = at.L @ at.L.T
        sds = zip(self.group_sds(at), self.places, strict=True)
        return block_diag(*[np.kron(np.diag(e**2), G[p, p]) for e, p in sds], np.zeros((0, 0)))

    def posterior(self, at: Theta) -> tuple[np.ndarray, np.ndarray]:
        """Mean of (β, all effects) and their joint covariance, flat β (Henderson 1975)."""
        precision = np.linalg.inv(self.Sigma(at))
        if self.noise.weights is not None:
            precision = np.diag(self.noise.weights / np.diag(self.R(at)))
        B, G = self.wide, self.effect_covariance(at)
        GZ = G @ B.T @ precision
        cov = np.linalg.inv(self.X.T @ precision @ self.X)
        beta = cov @ self.X.T @ precision @ self.y
        cross = -GZ @ self.X @ cov
        joint = G - GZ @ B @ G - cross @ (GZ @ self.X).T
        mean = np.concatenate([beta, GZ @ (self.y - self.X @ beta)])
        return mean, np.block([[cov, cross.T], [cross, joint]])

    def rows_of(self, f: int) -> slice:
        """Where the effects of factor f are in the posterior."""
        sizes = [J * z.shape[1] for J, z in zip(self.counts, self.Z, strict=True)]
        start = self.X.shape[1] + sum(sizes[:f])
        return slice(start, start + sizes[f])


N = 72
ROWS = np.random.default_rng(5).permutation(N)
INNER, MIDDLE, OUTER = ROWS // 4, ROWS // 12, ROWS // 36


def model(
    factors=(),
    *,
    p=3,
    strata=None,
    delta=(),
    variances=False,
    blocks=None,
    sigma=True,
    proportional=False,
    offset=0.0,
    seed=0,
) -> Model:
    """A model of one outcome.

    Parameters
    ----------
    factors
        Pairs of ids and number of random columns.
    strata
        Number of values of a predictor of σ; 0: continuous; None: σ is constant.
    delta
        Positions of factors whose log sd has a predictor.
    variances, blocks
        Whether sampling variances are known, and ids of the blocks of V, if it has any.
    sigma, proportional
        Whether there is a σ; whether V is known up to a factor.
    offset
        Mean of the columns in sds.
    """
    rng = np.random.default_rng([seed, len(factors), p])
    W = np.ones((N, int(sigma)))
    if strata is not None:
        x = rng.normal(size=N) if strata == 0 else rng.integers(0, strata, N).astype(float)
        W = np.column_stack([W, x])
    V, covariances = known(rng, blocks, variances)
    noise = Noise(
        W=W,
        has_sigma=np.full(N, sigma),
        variances=np.diag(V).copy(),
        which=np.zeros(N, dtype=np.int64),
        units=np.arange(N),
        covariances=covariances,
        proportional=proportional,
    )
    y = 10 * offset + rng.normal(0, 3, N)
    X = columns(rng, p, offset)
    Z = tuple(columns(rng, q, offset) for _, q in factors)
    return finish(rng, y, X, Z, factors, noise, V, delta)


def finish(rng, y, X, Z, factors, noise, V, delta=(), blocks=None) -> Model:
    """Random parameters for rows."""
    ids = tuple(np.asarray(own, dtype=np.int64) for own, _ in factors)
    counts = tuple(int(own.max()) + 1 for own in ids)
    blocks = blocks or tuple((tuple(range(z.shape[1])),) for z in Z)
    L = block_diag(
        *[block_factor(rng, b, z.shape[1]) for b, z in zip(blocks, Z, strict=True)], np.zeros((0, 0))
    )
    s = tuple(rng.normal(size=(J, int(f in delta))) for f, J in enumerate(counts))
    at = Theta(
        L=L,
        alpha=rng.normal(0.2, 0.4, noise.W.shape[1]),
        delta=tuple(rng.normal(0, 0.5, own.shape[1]) for own in s),
        log_phi=rng.normal(0, 0.5, int(noise.proportional)),
        zeta=rng.normal(0.3, 0.5, sum(own.shape[1] for _, own in noise.rhos)),
    )
    return Model(y, X, Z, ids, counts, blocks, s, noise, V, at)


def columns(rng, k, offset=0.0) -> np.ndarray:
    slopes = offset + rng.normal(size=(N, k)) * rng.uniform(0.3, 3.0, k)
    slopes[:, :1] = 1.0
    return slopes


def known(rng, blocks, variances):
    """V (n, n), and its blocks of several rows as rows and matrices."""
    v = rng.uniform(0.2, 2.0, N) if variances or blocks is not None else np.zeros(N)
    V, parts = np.diag(v), []
    for label in np.unique(blocks) if blocks is not None else ():
        rows = np.flatnonzero(blocks == label)
        if len(rows) > 1:
            root = rng.normal(size=(len(rows), len(rows)))
            own = root @ root.T / len(rows) + 0.3 * np.eye(len(rows))
            V[np.ix_(rows, rows)] = own
            parts.append((rows, own))
    return V, tuple(parts)


def outcomes(
    m=2, factors=(), *, rho=1, scale=None, missing=True, variances=False, blocks=False, sigma=None, seed=0
) -> Model:
    """A model of m outcomes of 72/m units, some missing, each with its own columns.

    Parameters
    ----------
    factors
        Pairs of ids by unit and whether each outcome has a random intercept, correlated.
    rho
        Columns of the regression of every correlation; 0: none.
    scale
        Standard deviation of every outcome.
    variances, blocks
        Known variances; with correlations between the outcomes of a unit.
    sigma
        Which outcomes have a σ.
    """
    rng = np.random.default_rng([seed, m, len(factors)])
    units, which = np.repeat(np.arange(N // m), m), np.tile(np.arange(m), N // m)
    kept = rng.permutation(N)[:56] if missing else rng.permutation(N)
    units, which = units[kept], which[kept]
    own = np.eye(m)[which]
    x = rng.normal(size=len(kept))
    scale = np.ones(m) if scale is None else np.asarray(scale)
    X = np.hstack([own, own * x[:, None]])[:, np.arange(2 * m).reshape(2, m).T.ravel()]
    by_unit = np.column_stack([np.ones(N // m), rng.normal(size=N // m)])[units]
    has_sigma = np.ones(m, dtype=bool) if sigma is None else np.asarray(sigma)
    W = np.hstack([own[:, has_sigma], (own * x[:, None])[:, has_sigma][:, :1]])
    pairs = [(a, b) for b in range(m) for a in range(b)] if rho else []
    V, covariances = known_outcomes(rng, units, scale[which], variances or blocks, blocks)
    noise = Noise(
        W=W,
        has_sigma=has_sigma[which],
        variances=np.diag(V).copy(),
        which=which,
        units=units,
        covariances=covariances,
        rhos=tuple((pair, by_unit[:, :rho]) for pair in pairs),
    )
    y = (own @ rng.normal(0, 3, m) + rng.normal(0, 2, len(kept))) * scale[which]
    Z = tuple(own.copy() for _ in factors)
    found = finish(rng, y, X, Z, [(ids[units], m) for ids, _ in factors], noise, V)
    log_scale = np.log(scale)[has_sigma]
    alpha = found.at.alpha + np.append(log_scale, np.zeros(W.shape[1] - len(log_scale)))
    L = np.diag(np.tile(scale, len(factors))) @ found.at.L
    return replace(found, at=found.at._replace(alpha=alpha, L=L))


def known_outcomes(rng, units, scale, variances, blocks):
    n = len(units)
    v = rng.uniform(0.2, 2.0, n) * scale**2 if variances else np.zeros(n)
    V, parts = np.diag(v), []
    for unit in np.unique(units) if blocks else ():
        rows = np.flatnonzero(units == unit)
        if len(rows) > 1:
            own = np.sqrt(np.outer(v[rows], v[rows])) * (0.4 + 0.6 * np.eye(len(rows)))
            V[np.ix_(rows, rows)] = own
            parts.append((rows, own))
    return V, tuple(parts)


CROSSED = [(ROWS % 11, 1), (ROWS // 12, 1)]
SLOPES = [(ROWS % 7, 2), (ROWS // 12, 2)]
THREE = [(MIDDLE, 1), (OUTER, 1), (INNER, 2)]
UNITS = np.arange(N)

DIAGONAL = {
    "no groups": model(strata=0, seed=1),
    "no groups, strata": model(strata=3, seed=2),
    "no groups, known variances": model(strata=0, variances=True, seed=3),
    "fixed effects, known variances": model(sigma=False, variances=True, seed=4),
    "proportional variances": model(variances=True, proportional=True, seed=5),
    "proportional variances, no sigma": model(sigma=False, variances=True, proportional=True, seed=6),
    "strata": model([(INNER, 2)], strata=2, seed=7),
    "row by row": model([(INNER, 2)], strata=0, seed=8),
    "group sds": model([(INNER, 2)], strata=0, delta=(0,), seed=9),
    "nested": model([(INNER, 2), (MIDDLE, 1)], strata=3, delta=(0, 1), seed=10),
    "nested, known variances": model([(INNER, 1), (MIDDLE, 1)], variances=True, strata=0, seed=11),
    "three levels, in no order": model(THREE, strata=0, delta=(0, 2), seed=12),
    "one row per group": model([(ROWS, 1), (INNER, 1)], variances=True, sigma=False, seed=13),
    "crossed": model(CROSSED, strata=0, seed=14),
    "crossed, strata": model(CROSSED, strata=2, delta=(0,), seed=15),
    "crossed slopes": model(SLOPES, strata=0, delta=(0, 1), seed=16),
    "crossed, three factors": model(
        [*SLOPES, (ROWS % 5, 1)], strata=0, delta=(1, 2), variances=True, seed=17
    ),
    "far from zero": model([(INNER, 2), (MIDDLE, 1)], strata=2, delta=(0,), offset=50.0, seed=18),
}

CORRELATED = {
    "blocks": model(blocks=INNER, strata=0, seed=21),
    "dense V": model(blocks=0 * ROWS, strata=0, seed=22),
    "proportional blocks": model([(MIDDLE, 1)], blocks=INNER, proportional=True, seed=23),
    "blocks inside groups": model([(MIDDLE, 2)], blocks=ROWS // 6, strata=0, delta=(0,), seed=24),
    "blocks inside nested groups": model([(INNER, 1), (OUTER, 2)], blocks=ROWS // 2, strata=2, seed=25),
    "blocks inside cells": model([(ROWS // 24, 1), (ROWS // 2 % 4, 2)], blocks=ROWS // 2, strata=0, seed=26),
    "blocks across groups": model([(INNER, 2)], blocks=MIDDLE, strata=0, delta=(0,), seed=27),
    "blocks across inner groups": model([(ROWS // 2, 1), (MIDDLE, 1)], blocks=INNER, seed=28),
    "blocks of rows anywhere": model([(INNER, 1)], blocks=ROWS % 30, strata=2, seed=29),
    "blocks across crossed groups": model(CROSSED, blocks=INNER, strata=0, delta=(1,), seed=30),
    "blocks, no sigma": model([(MIDDLE, 1)], blocks=ROWS % 20, sigma=False, proportional=True, seed=31),
}

OUTCOMES = {
    "two outcomes": outcomes(rho=1, seed=41),
    "two outcomes, rho by predictor": outcomes(rho=2, seed=42),
    "two outcomes, uncorrelated": outcomes(rho=0, seed=43),
    "two outcomes, known covariances": outcomes(rho=2, blocks=True, seed=44),
    "two outcomes, one sigma": outcomes(rho=0, variances=True, sigma=[True, False], seed=45),
    "two outcomes, groups": outcomes(2, [(UNITS // 6, 2)], rho=2, blocks=True, seed=46),
    "two outcomes, crossed": outcomes(2, [(UNITS // 9, 2), (UNITS % 3, 2)], rho=1, blocks=True, seed=47),
    "one group per unit": outcomes(2, [(UNITS, 2)], rho=0, blocks=True, seed=48),
    "three outcomes": outcomes(3, rho=1, seed=49),
    "three outcomes, all of it": outcomes(3, [(UNITS // 4, 3)], rho=2, blocks=True, seed=50),
    "scales of their own": outcomes(2, [(UNITS // 6, 2)], rho=1, blocks=True, scale=[1e-3, 50], seed=51),
}


def weighted(base: Model, seed=0) -> Model:
    weights = np.random.default_rng(seed).uniform(0, 3, len(base.y))
    return replace(base, noise=replace(base.noise, weights=weights))


def with_at(base: Model, **changes) -> Model:
    return replace(base, at=base.at._replace(**changes))


WEIGHTED = {
    "weights": weighted(DIAGONAL["no groups"]),
    "weights, strata": weighted(DIAGONAL["no groups, strata"]),
    "weights, known variances": weighted(DIAGONAL["no groups, known variances"]),
}

NESTED, SPANNING = DIAGONAL["nested"], CORRELATED["blocks across groups"]
BOUNDARY = {
    "one vanished direction": with_at(NESTED, L=NESTED.at.L * [1, 0, 1]),
    "no group variance": with_at(NESTED, L=0 * NESTED.at.L),
    "no group variance, crossed": with_at(DIAGONAL["crossed slopes"], L=0 * DIAGONAL["crossed slopes"].at.L),
    "no group variance, blocks": with_at(SPANNING, L=0 * SPANNING.at.L),
    "sigma of zero": with_at(model([(INNER, 1)], variances=True, seed=61), alpha=np.array([-np.inf])),
    "sigma of zero, blocks": with_at(model([(INNER, 1)], blocks=MIDDLE, seed=62), alpha=np.array([-np.inf])),
    "one sigma of zero": with_at(
        replace(
            (two := outcomes(2, rho=1, blocks=True, seed=63)),
            noise=replace(two.noise, W=two.noise.W[:, :2]),
        ),
        alpha=np.array([-np.inf, 0.3]),
    ),
}

MODELS = DIAGONAL | CORRELATED | OUTCOMES | WEIGHTED | BOUNDARY
