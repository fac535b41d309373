"""Models with several factors and sds that depend on predictors, and their dense oracle; user's units."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.linalg import block_diag
from tests.gaussian.cases import block_factor
from tests.gaussian.crossed_cases import expand

from laird.gaussian import dense
from laird.gaussian.composite import Composite, compose, joined_blocks
from laird.gaussian.coordinates import lower_factor
from laird.gaussian.theta import Theta


@dataclass(frozen=True)
class Structure:
    """Rows, and random parameters: factor of G, α of log σ = Wα, δ of the log group sds."""

    y: np.ndarray
    X: np.ndarray
    Z: tuple[np.ndarray, ...]
    ids: tuple[np.ndarray, ...]
    counts: tuple[int, ...]
    blocks: tuple[tuple[tuple[int, ...], ...], ...]
    w: np.ndarray
    s: tuple[np.ndarray, ...]
    at: Theta

    @property
    def composite(self) -> Composite:
        return compose(self.y, self.X, self.Z, self.ids, self.counts, self.blocks)

    @property
    def sigma(self) -> float:
        """The residual sd of a model in which it is constant."""
        return float(np.exp(self.at.alpha[0]))

    @property
    def places(self) -> list[slice]:
        edges = np.cumsum([0, *(z.shape[1] for z in self.Z)]).tolist()
        return [slice(a, b) for a, b in pairwise(edges)]

    @property
    def wide(self) -> np.ndarray:
        """Z of all factors with a column for every effect."""
        parts = [expand(z, i, J) for z, i, J in zip(self.Z, self.ids, self.counts, strict=True)]
        return np.hstack(parts)

    def effect_covariance(self, at: Theta) -> np.ndarray:
        """Cov(u) of all effects: exp(2 s_j'δ) G in the block of group j."""
        G = at.L @ at.L.T
        scales = [np.exp(2 * s @ d) for s, d in zip(self.s, at.delta, strict=True)]
        blocks = [np.kron(np.diag(e), G[p, p]) for e, p in zip(scales, self.places, strict=True)]
        return block_diag(*blocks)

    def V(self, at: Theta) -> np.ndarray:
        return self.wide @ self.effect_covariance(at) @ self.wide.T + np.diag(np.exp(2 * self.w @ at.alpha))

    def log_likelihood(self, at: Theta, restricted: bool) -> float:
        return dense.log_likelihood(self.y, self.X, self.V(at), restricted=restricted)

    def solution(self) -> Oracle:
        """Henderson's (1975) joint conditional mean and covariance, from V directly."""
        V, B, G = self.V(self.at), self.wide, self.effect_covariance(self.at)
        beta, cov = dense.gls(self.y, self.X, V)
        Vi = np.linalg.inv(V)
        GZ = G @ B.T @ Vi
        given_beta = G - GZ @ B @ G
        cross = -GZ @ self.X @ cov
        joint = given_beta + GZ @ self.X @ cov @ self.X.T @ GZ.T
        return Oracle(self, beta, cov, GZ @ (self.y - self.X @ beta), joint, cross, given_beta)


@dataclass(frozen=True)
class Oracle:
    """β̂, Cov β̂; of all effects û, Cov(û - u), Cov(û - u, β̂) and Cov(u | y, β)."""

    structure: Structure
    beta: np.ndarray
    beta_cov: np.ndarray
    u: np.ndarray
    cov: np.ndarray
    cross: np.ndarray
    given_beta: np.ndarray

    def of(self, f: int, name: str) -> np.ndarray:
        """`name` of factor f, by group: (J, q), (J, q, p), or the diagonal blocks (J, q, q)."""
        counts, sizes = self.structure.counts, [z.shape[1] for z in self.structure.Z]
        first = sum(J * q for J, q in zip(counts[:f], sizes[:f], strict=True))
        q, values = sizes[f], getattr(self, name)
        starts = range(first, first + counts[f] * q, q)
        square = values.ndim == 2 and values.shape[0] == values.shape[1] and name != "cross"
        return np.stack([values[a : a + q, a : a + q] if square else values[a : a + q] for a in starts])


N = 72


def structure(
    ids, counts, sizes, *, p=3, offset=0.0, blocks=None, strata=None, delta=(), seed=0
) -> Structure:
    """Random columns, some with a mean of `offset` sds, and random parameters.

    `strata` is the number of values of a predictor of σ (0: it is continuous; None: σ is
    constant); `delta` are the factors whose log sd has a predictor.
    """
    rng = np.random.default_rng([seed, *counts])
    columns = [_columns(rng, size, offset) for size in (p, *sizes)]
    blocks = blocks or tuple((tuple(range(q)),) for q in sizes)
    L = block_diag(*[block_factor(rng, b, q) for b, q in zip(blocks, sizes, strict=True)])
    w = np.ones((N, 1))
    if strata is not None:
        x = rng.normal(size=N) if strata == 0 else rng.integers(0, strata, N).astype(float)
        w = np.column_stack([w, x])
    s = tuple(rng.normal(size=(J, 1 if f in delta else 0)) for f, J in enumerate(counts))
    alpha = np.append(rng.uniform(-0.5, 0.8), rng.normal(0, 0.4, w.shape[1] - 1))
    at = Theta(L, alpha, tuple(rng.normal(0, 0.5, own.shape[1]) for own in s))
    y = 10 * offset + rng.normal(0, 3, N)
    ids = tuple(np.asarray(i, dtype=np.int64) for i in ids)
    return Structure(y, columns[0], tuple(columns[1:]), ids, tuple(counts), blocks, w, s, at)


def _columns(rng, k, offset):
    slopes = offset + rng.normal(size=(N, k)) * rng.uniform(0.3, 3.0, k)
    slopes[:, :1] = 1.0
    return slopes


def with_factor(base: Structure, L) -> Structure:
    """The same rows with another factor of G."""
    return replace(base, at=base.at._replace(L=L))


ROWS = np.random.default_rng(5).permutation(N)
INNER, MIDDLE, OUTER = ROWS // 4, ROWS // 12, ROWS // 36
UNEVEN = np.minimum(ROWS // 2, 19)  # nineteen groups of two rows, one of the others
ONE_ROW = np.where(ROWS < 12, ROWS, 12 + ROWS // 12)


def of_fit(fit) -> Structure:
    """The rows of a fitted model and its estimates; L is at predictors of group sds of zero."""
    design = fit.problem.design
    scales = {(scale.parameter, scale.group): scale.W for scale in design.scales}
    w = scales.get(("sigma", ""), np.ones((len(design.y), 1)))
    s, delta = zip(*(_group_scale(fit, r, scales.get(("sd", r.group))) for r in design.random), strict=True)
    sizes = [len(r.names) for r in design.random]
    joined = joined_blocks(sizes, [r.blocks for r in design.random])[1]
    at_zero = [np.exp(fit.scale_of(r.group).iloc[0]) for r in design.random]
    first = fit.point.sd[np.cumsum([0, *sizes[:-1]])]
    L = lower_factor(fit.point.G, joined) * np.repeat(at_zero / first, sizes)
    return Structure(
        y=design.y,
        X=design.X,
        Z=tuple(r.Z for r in design.random),
        ids=tuple(r.ids for r in design.random),
        counts=tuple(len(r.levels) for r in design.random),
        blocks=tuple(r.blocks for r in design.random),
        w=w,
        s=s,
        at=Theta(L, fit.scale.to_numpy(), delta),
    )


def _group_scale(fit, random, W):
    """Predictors of a log group sd by group, without the constant, and their coefficients."""
    J = len(random.levels)
    if W is None:
        return np.zeros((J, 0)), np.zeros(0)
    by_group = np.zeros((J, W.shape[1]))
    by_group[random.ids] = W
    return by_group[:, 1:], fit.scale_of(random.group).to_numpy()[1:]


@dataclass(frozen=True)
class Coordinates:
    """Free coordinates of a structure: log sds, atanh correlations (of pairs), α, δ."""

    base: Structure

    @property
    def pairs(self) -> list[tuple[int, int]]:
        starts = [place.start for place in self.base.places]
        blocks = zip(starts, self.base.blocks, strict=True)
        return [(a + b[1], a + b[0]) for a, own in blocks for b in own if len(b) == 2]

    def pack(self, at: Theta) -> np.ndarray:
        G = at.L @ at.L.T
        sd = np.sqrt(np.diag(G))
        correlations = [G[i, j] / (sd[i] * sd[j]) for i, j in self.pairs]
        return np.concatenate([np.log(sd), np.arctanh(correlations), at.alpha, *at.delta])

    def unpack(self, theta) -> Theta:
        q, k, m = len(self.base.at.L), len(self.pairs), len(self.base.at.alpha)
        sd = np.exp(theta[:q])
        L = np.diag(sd)
        for (i, j), r in zip(self.pairs, np.tanh(theta[q : q + k]), strict=True):
            L[i, j], L[i, i] = sd[i] * r, sd[i] * np.sqrt(1 - r**2)
        sizes = np.cumsum([len(d) for d in self.base.at.delta])[:-1]
        return Theta(L, theta[q + k : q + k + m], tuple(np.split(theta[q + k + m :], sizes)))

    def log_likelihood(self, theta, restricted: bool) -> float:
        return self.base.log_likelihood(self.unpack(theta), restricted)
