"""Several grouping factors: the same likelihood as `laird.gaussian.grouped`, over a body of factors.

The body (nested: `laird.gaussian.tree`; else crossed: `laird.gaussian.crossed`) eliminates
the effects and gives S = σ²W'V⁻¹W and Σ log|A|; everything else is algebra on S, an
(m, m) matrix.  Covariance factors of all grouping factors stand in one block-diagonal
matrix, so that a model with several factors has the same interface as one with a single
factor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from laird.gaussian import crossed
from laird.gaussian.crossed import Crossed, cross
from laird.gaussian.crossed_products import alone
from laird.gaussian.grouped import LOG_2PI
from laird.gaussian.solution import Effects, Solution
from laird.gaussian.standardise import Standardisation, standardise
from laird.gaussian.tree import nest

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type Blocks = tuple[tuple[int, ...], ...]


class Body(Protocol):
    """Eliminates the effects of several factors; see `laird.gaussian.tree.Tree`."""

    def eliminate(self, factors: Sequence[Floats]) -> Any:
        """S and logdet at relative factors."""

    def sensitivities(self, factors: Sequence[Floats], done: Any, D: Floats) -> list[Floats]:
        """Derivatives of tr(DS) + logdet in every G."""

    def effects(
        self, factors: Sequence[Floats], done: Any, beta: Floats, cov: Floats
    ) -> list[tuple[Floats, Floats, Floats]]:
        """Conditional means and covariances of the effects."""

    def draw(
        self, factors: Sequence[Floats], done: Any, sigma: float, beta: Floats, rng: np.random.Generator
    ) -> list[Floats]:
        """One draw of the effects given β and σ."""


@dataclass(frozen=True, slots=True, eq=False)
class CrossedBody:
    """Crossed factors as a `Body`."""

    products: Crossed

    def eliminate(self, factors: Sequence[Floats]) -> crossed.Elimination:
        """See `laird.gaussian.crossed.eliminate`."""
        return crossed.eliminate(self.products, factors)

    def sensitivities(self, factors: Sequence[Floats], done: crossed.Elimination, D: Floats) -> list[Floats]:
        """See `laird.gaussian.crossed.sensitivities`."""
        return crossed.sensitivities(self.products, factors, done, D)

    def effects(
        self, factors: Sequence[Floats], done: crossed.Elimination, beta: Floats, cov: Floats
    ) -> list[tuple[Floats, Floats, Floats]]:
        """See `laird.gaussian.crossed.effects`."""
        return crossed.effects(self.products, factors, done, beta, cov)

    def draw(
        self,
        factors: Sequence[Floats],
        done: crossed.Elimination,
        sigma: float,
        beta: Floats,
        rng: np.random.Generator,
    ) -> list[Floats]:
        """See `laird.gaussian.crossed.draw`."""
        return crossed.draw(self.products, factors, done, sigma, beta, rng)


@dataclass(frozen=True, slots=True, eq=False)
class Composite:
    """A model with several grouping factors, reduced.

    Attributes
    ----------
    body
        Cross-products of the factors in `order`.
    order
        Position of each factor of the body among the model's factors.
    columns
        Columns of the concatenated Z by factor of the model.
    blocks
        Columns of the concatenated Z that share a correlation matrix.
    WW, n, scaling
        As in `laird.gaussian.crossproducts.Grouped`.
    """

    body: Body
    order: tuple[int, ...]
    columns: tuple[slice, ...]
    blocks: Blocks
    WW: Floats
    n: int
    scaling: Standardisation

    @property
    def p(self) -> int:
        """Number of fixed-effect columns."""
        return int(self.WW.shape[0]) - 1

    @property
    def q(self) -> int:
        """Number of random-effect columns of all factors."""
        return int(self.columns[-1].stop)

    def profiled(self, Lam: Floats, *, restricted: bool) -> tuple[float, Floats]:
        """Profiled deviance and its gradient in the block-diagonal relative factor Λ (q, q)."""
        factors, done = self.eliminated(Lam)
        found = gls(done.S)
        if found is None:
            return np.nan, np.zeros_like(Lam)
        beta, inverse, logdet_X, rss = found
        df = self.n - self.p if restricted else self.n
        value = done.logdet + df * (1.0 + LOG_2PI + np.log(rss / df)) + restricted * logdet_X
        D = rss_direction(beta, inverse if restricted else None, df / rss)
        return float(value), self.gradient(factors, done, D)

    def density(self, L: Floats, sigma: float, *, restricted: bool) -> tuple[float, Floats, float]:
        """(Restricted) log-likelihood at G = LL' and σ, and its gradient; user's units."""
        s = self.scaling
        T, sigma_star = np.linalg.inv(s.T), sigma / s.y_scale
        relative = T @ L / sigma
        factors, done = self.eliminated(relative)
        found = gls(done.S)
        if found is None:
            return -np.inf, np.zeros_like(L), 0.0
        beta, inverse, logdet_X, rss = found
        df = self.n - self.p if restricted else self.n
        D = rss_direction(beta, inverse if restricted else None, sigma_star**-2)
        d_relative = -0.5 * self.gradient(factors, done, D)
        value = done.logdet + df * (LOG_2PI + 2 * np.log(sigma)) + rss / sigma_star**2
        value += restricted * (logdet_X + 2 * np.sum(np.log(s.x_scale)))
        d_sigma = -df / sigma + rss / (sigma * sigma_star**2) - float(np.sum(d_relative * relative)) / sigma
        return float(-0.5 * value), T.T @ d_relative / sigma, float(d_sigma)

    def information(self, Lam: Floats) -> Floats:
        """S = σ²W'V⁻¹W at the relative factor Λ."""
        return np.asarray(self.eliminated(Lam)[1].S)

    def solve(self, L: Floats, sigma: float) -> Solution:
        """β̂, the effects and their joint conditional covariance; user's units."""
        s = self.scaling
        factors, done = self.eliminated(np.linalg.inv(s.T) @ L / sigma)
        found = gls(done.S)
        if found is None:
            raise np.linalg.LinAlgError("X'V⁻¹X is singular")
        return self.solution(factors, done, found[0], found[1], sigma / s.y_scale)

    def solution(
        self, factors: Sequence[Floats], done: Any, beta: Floats, cov: Floats, sigma: float
    ) -> Solution:
        """The effects given β of this mean (p,) and covariance over σ² (p, p); σ, β are starred."""
        s, scale = self.scaling, np.full((1, 1), sigma)
        found_effects = self.body.effects(factors, done, beta, cov)
        information = np.linalg.pinv(cov, hermitian=True)
        by_factor = [
            user_effects(s, self.columns[f], Lam, information, *own, scale=scale)
            for f, Lam, own in zip(self.order, factors, found_effects, strict=True)
        ]
        return Solution(
            beta=s.beta(beta),
            beta_cov=s.beta_cov(sigma**2 * cov),
            effects=tuple(by_factor[self.order.index(f)] for f in range(len(self.order))),
        )

    def alone(self) -> tuple[tuple[slice, Floats, Floats], ...] | None:
        """Columns, Z_j'Z_j and Z_j'W of every crossed factor as if it were the only one.

        None for nested factors, which need no such help.
        """
        if not isinstance(self.body, CrossedBody):
            return None
        places = (self.columns[f] for f in self.order)
        return tuple((place, *own) for place, own in zip(places, alone(self.body.products), strict=True))

    def eliminated(self, Lam: Floats) -> tuple[list[Floats], Any]:
        """Relative factors in the order of the body, and the body's elimination at them."""
        places = [self.columns[f] for f in self.order]
        factors = [np.ascontiguousarray(Lam[place, place]) for place in places]
        return factors, self.body.eliminate(factors)

    def gradient(self, factors: list[Floats], done: Any, D: Floats) -> Floats:
        """Derivative of tr(DS) + logdet in the relative factor Λ (q, q)."""
        gradient = np.zeros((self.q, self.q))
        sensitivities = self.body.sensitivities(factors, done, D)
        for f, H, Lam in zip(self.order, sensitivities, factors, strict=True):
            gradient[self.columns[f], self.columns[f]] = 2.0 * H @ Lam
        return gradient


def user_effects(
    units: Standardisation,
    place: slice,
    Lam: Floats,
    XX: Floats,
    u: Floats,
    cov: Floats,
    cross: Floats,
    *,
    scale: Floats,
    stretch: Floats | None = None,
) -> Effects:
    """The effects of one factor in the user's units, from starred ones.

    Parameters
    ----------
    units, place
        Scaling, and the factor's columns in the concatenated Z.
    Lam, XX
        Relative factor of the factor's G, and X'V⁻¹X, whose inverse is the covariance of β.
    u, cov, cross
        Effects (J, q), covariance (J, q, q) and covariance with β (J, q, p), over scale².
    scale
        σ in starred units, shape (1, 1).
    stretch
        How many times larger the effects of each group are than those of Λ, shape (J, 1).
    """
    T, G = units.T[place, place], Lam @ Lam.T
    inverse = np.linalg.pinv(G, hermitian=True)
    given_beta = cov - cross @ XX @ cross.transpose(0, 2, 1)
    e = np.ones((len(u), 1)) if stretch is None else stretch
    size = (units.y_scale * scale)[..., None]
    return Effects(
        u=units.y_scale * e * (u @ T.T),
        cov=(size * e[..., None]) ** 2 * (T @ cov @ T.T),
        beta_cov=size**2 * e[..., None] * (T @ cross @ units.A.T),
        weights=T @ (G @ inverse - given_beta @ inverse) @ np.linalg.inv(T),
    )


def gls(S: Floats) -> tuple[Floats, Floats, float, float] | None:
    """β̂, (X'V⁻¹X)⁻¹, log|X'V⁻¹X| and the residual sum of squares from S; None when not positive."""
    p = len(S) - 1
    try:
        R = np.linalg.cholesky(S[:p, :p])
    except np.linalg.LinAlgError:
        return None
    root = np.linalg.inv(R)
    half = root @ S[:p, p]
    rss = float(S[p, p] - half @ half)
    return (root.T @ half, root.T @ root, float(2 * np.sum(np.log(np.diag(R)))), rss) if rss > 0 else None


def rss_direction(beta: Floats, inverse: Floats | None, weight: float) -> Floats:
    """Derivative of weight·rss (+ log|X'V⁻¹X|) with respect to S."""
    a = np.append(-beta, 1.0)
    D = weight * np.outer(a, a)
    if inverse is not None:
        D[:-1, :-1] += inverse
    return D


def compose(
    y: Floats,
    X: Floats,
    Z: Sequence[Floats],
    ids: Sequence[Ids],
    counts: Sequence[int],
    blocks: Sequence[Blocks],
) -> Composite:
    """Reduce the rows of a model with several grouping factors.

    Parameters
    ----------
    y, X
        Shapes (n,), (n, p).
    Z, ids, counts, blocks
        By factor: columns (n, q_f), group of each row, number of groups, and which
        columns share a correlation matrix.
    """
    columns, joined = joined_blocks([z.shape[1] for z in Z], blocks)
    s = standardise(y, X, np.hstack(Z), joined)
    W = np.column_stack([(X - s.x_mean) / s.x_scale, (y - s.y_mean) / s.y_scale])
    scaled = [(z - s.z_mean[c]) / s.z_scale[c] for z, c in zip(Z, columns, strict=True)]
    order = tuple(int(f) for f in np.argsort([-count for count in counts], kind="stable"))
    arguments = ([scaled[f] for f in order], [ids[f] for f in order], [counts[f] for f in order])
    body: Body = nest(W, *arguments) if is_nested(*arguments[1:]) else CrossedBody(cross(W, *arguments))
    WW = W.T @ W
    WW.flags.writeable = False
    return Composite(body, order, columns, joined, WW, len(y), s)


def joined_blocks(widths: Sequence[int], blocks: Sequence[Blocks]) -> tuple[tuple[slice, ...], Blocks]:
    """Places of the factors' columns when they stand side by side, and their blocks there.

    Examples
    --------
    >>> joined_blocks([2, 1], [((0, 1),), ((0,),)])
    ((slice(0, 2, None), slice(2, 3, None)), ((0, 1), (2,)))
    """
    starts = np.concatenate([[0], np.cumsum(widths)])
    columns = tuple(slice(int(a), int(b)) for a, b in pairwise(starts))
    joined = tuple(
        tuple(place.start + k for k in block)
        for place, own in zip(columns, blocks, strict=True)
        for block in own
    )
    return columns, joined


def is_nested(ids: Sequence[Ids], counts: Sequence[int]) -> bool:
    """Whether every group of a factor lies in one group of the next.

    Examples
    --------
    >>> is_nested([np.array([0, 1, 2, 3]), np.array([0, 0, 1, 1])], [4, 2])
    True
    """
    for inner, outer, count in zip(ids, ids[1:], counts, strict=False):
        parent = np.zeros(count, dtype=np.int64)
        parent[inner] = outer
        if not np.array_equal(parent[inner], outer):
            return False
    return True
