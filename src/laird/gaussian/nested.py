"""Nested factors, row by row: `laird.gaussian.tree` for rows whose scale changes with the parameters.

Given its ancestors, a group's effects are u_j = K_j(y) - K_j a + noise, a what the group
carries (outer effects and β), noise of covariance M_j independent between groups.  Draws
pass down the tree by it, and so do variances of z'u + x'β, for any combination of groups:
a coefficient of u_j becomes one of its noise and, by -K_j, one of each ancestor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import types
from numpy.typing import NDArray

from laird.gaussian.body import Targets
from laird.gaussian.compiled import compiled
from laird.gaussian.frozen import freeze
from laird.gaussian.small import MATRIX, PLACES, STACK, multiply, posterior_root
from laird.gaussian.tree import Elimination, Tree, conditional, row_sensitivities
from laird.gaussian.tree import effects as tree_effects

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

_OUT3 = types.Array(types.float64, 3, "C")


@dataclass(frozen=True, slots=True, eq=False)
class Nested:
    """Rows of nested factors, or of none: the scheme of `laird.gaussian.whitened` for them.

    Attributes
    ----------
    ids, counts, sizes
        By factor, innermost first: group of each row, number of groups, number of columns.
    order
        Position of each factor among the model's factors.
    parents
        Parent of every group, by factor.
    cell
        Innermost group of each row.
    """

    ids: tuple[Ids, ...]
    counts: tuple[int, ...]
    sizes: tuple[int, ...]
    order: tuple[int, ...]
    parents: tuple[Ids, ...]
    cell: Ids

    def __post_init__(self) -> None:
        freeze(self)

    def reduce(self, rows: Floats) -> Tree:
        """Cross-products of rows [Z_0 … Z_F X y]."""
        if not self.sizes:
            return Tree((rows.T @ rows)[None], np.empty((0, 0, 0)), (), ())
        q, k = self.sizes[0], rows.shape[1]
        outer = self.counts[1] if len(self.counts) > 1 else 1
        leaf, base = np.zeros((self.counts[0], q, k)), np.zeros((outer, k - q, k - q))
        reduce_rows(rows, q, self.ids[0], self.parents[0], leaf, base)
        return Tree(leaf, base, self.parents, self.sizes)

    def eliminate(self, body: Tree, factors: Sequence[Floats]) -> Elimination:
        """See `laird.gaussian.tree.eliminate`."""
        return body.eliminate(factors)

    def sensitivities(
        self, body: Tree, factors: Sequence[Floats], done: Elimination, D: Floats
    ) -> tuple[list[Floats], Floats]:
        """See `laird.gaussian.tree.row_sensitivities`."""
        return row_sensitivities(body, factors, done, D)

    def effects(
        self, body: Tree, factors: Sequence[Floats], done: Elimination, beta: Floats, cov: Floats
    ) -> list[tuple[Floats, Floats, Floats]]:
        """See `laird.gaussian.tree.effects`."""
        return tree_effects(body, factors, done, beta, cov)

    def draw(
        self,
        body: Tree,
        factors: Sequence[Floats],
        done: Elimination,
        beta: Floats,
        rng: np.random.Generator,
    ) -> list[Floats]:
        """See `nested_draw`."""
        return nested_draw(body, factors, done, beta, rng)

    def variance(
        self, body: Tree, factors: Sequence[Floats], done: Elimination, cov: Floats, at: Targets
    ) -> Floats:
        """See `nested_variance`."""
        return nested_variance(body, factors, done, cov, at)


def nested(ids: Sequence[Ids], counts: Sequence[int], sizes: Sequence[int], order: Sequence[int]) -> Nested:
    """Arrange nested factors, innermost first; `order` is their position in the model.

    Examples
    --------
    >>> nested([np.array([0, 1, 2]), np.array([0, 0, 1])], [3, 2], [1, 1], [1, 0]).parents
    (array([0, 0, 1]), array([0, 0]))
    """
    n = len(ids[0])
    outer = [*ids[1:], np.zeros(n, dtype=np.int64)]
    parents = [np.zeros(count, dtype=np.int64) for count in counts]
    for parent, inner, out in zip(parents, ids, outer, strict=True):
        parent[inner] = out
    ids = tuple(np.ascontiguousarray(own) for own in ids)
    return Nested(ids, tuple(counts), tuple(sizes), tuple(order), tuple(parents), ids[0])


def no_factors(n: int) -> Nested:
    """Rows without group effects."""
    return Nested((), (), (), (), (), np.zeros(n, dtype=np.int64))


@compiled(types.void(MATRIX, types.int64, PLACES, PLACES, _OUT3, _OUT3))
def reduce_rows(rows: Floats, q: int, ids: Ids, parent: Ids, leaf: Floats, base: Floats) -> None:
    """Add [Z_0]'[Z_0 C] of every innermost group and C'C of every parent."""
    n, k = rows.shape
    for i in range(n):
        j = ids[i]
        above = parent[j]
        for a in range(q):
            for b in range(k):
                leaf[j, a, b] += rows[i, a] * rows[i, b]
        for a in range(q, k):
            for b in range(q, a + 1):
                base[above, a - q, b - q] += rows[i, a] * rows[i, b]
    for g in range(base.shape[0]):
        for a in range(k - q):
            for b in range(a):
                base[g, b, a] = base[g, a, b]


def nested_draw(
    tree: Tree, factors: Sequence[Floats], done: Elimination, beta: Floats, rng: np.random.Generator
) -> list[Floats]:
    """Draw the effects from their exact conditional given β, σ = 1; (J, q) by factor, innermost first."""
    residual, found = np.append(-beta, 1.0)[None], list[Floats]()
    for level in range(len(tree.sizes) - 1, -1, -1):
        F, parent = done.levels[level], tree.parents[level]
        u = rng.standard_normal((len(F), tree.sizes[level]))
        below = np.empty((len(F), F.shape[2]))
        draw_level(np.ascontiguousarray(factors[level]), F, parent, residual, u, below)
        found.insert(0, u)
        residual = below
    return found


@compiled(types.void(MATRIX, STACK, PLACES, MATRIX, *[types.Array(types.float64, 2, "C")] * 2))
def draw_level(Lam: Floats, F: Floats, parent: Ids, residual: Floats, u: Floats, below: Floats) -> None:
    """Overwrite standard normals u by T'(TZ'r + u), T'T = M; write (-u, r) for the level below."""
    q, c = u.shape[1], residual.shape[1]
    T, ZZ, Zr, half = np.empty((q, q)), np.empty((q, q)), np.empty((q, 1)), np.empty((q, 1))
    for j in range(F.shape[0]):
        for a in range(q):
            Zr[a, 0] = 0.0
            for b in range(q):
                ZZ[a, b] = F[j, a, b]
            for b in range(c):
                Zr[a, 0] += F[j, a, q + b] * residual[parent[j], b]
        posterior_root(Lam, ZZ, T)
        multiply(T, Zr, half)
        for a in range(q):
            half[a, 0] += u[j, a]
        for a in range(q):
            u[j, a] = 0.0
            for b in range(q):
                u[j, a] += T[b, a] * half[b, 0]
            below[j, a] = -u[j, a]
        for b in range(c):
            below[j, q + b] = residual[parent[j], b]


def nested_variance(
    tree: Tree, factors: Sequence[Floats], done: Elimination, cov: Floats, at: Targets
) -> Floats:
    """Variance of linear predictors over σ², shape (T,); `cov` is that of β over σ² (p, p).

    Factors stand innermost first.
    """
    variance = at.new_variance(factors)
    groups, slopes = list[Ids](), list[Floats]()
    for level, (q, Lam) in enumerate(zip(tree.sizes, factors, strict=True)):
        K, M = conditional(np.ascontiguousarray(Lam), done.levels[level], q)
        carried = np.zeros((len(at.x), K.shape[2] - 1))
        groups.append(at.places[level])
        slopes.append(np.hstack([at.known[level], carried]))
        variance += _noise_variance(M, groups, [slope[:, :q] for slope in slopes])
        slopes = [
            slope[:, q:] - np.einsum("ta,tac->tc", slope[:, :q], K[group, :, :-1])
            for group, slope in zip(groups, slopes, strict=True)
        ]
        groups = [tree.parents[level][group] for group in groups]
    total = sum(slopes, start=at.x)
    return np.asarray(variance + np.sum((total @ cov) * total, axis=1))


def _noise_variance(M: Floats, groups: Sequence[Ids], slopes: Sequence[Floats]) -> Floats:
    """Variance of Σ s'e_g over chains; the noise e_g of a group, covariance M_g, is shared."""
    variance = np.zeros(len(groups[0]))
    for group, slope in zip(groups, slopes, strict=True):
        weighted = np.einsum("ta,tab->tb", slope, M[group])
        for other, its in zip(groups, slopes, strict=True):
            variance += np.where(group == other, np.sum(weighted * its, axis=1), 0.0)
    return variance
