"""Nested factors: groups within groups, to any depth, without a matrix across outer groups.

Level 0 is the innermost factor.  With carried columns C = [Z_1 … Z_{D-1} X y], a group of
level 0 enters only through its cross-products; integrating its effects out replaces the
cross-products of its parent by (Laird & Ware 1982, applied level by level)

    F_parent ← F_parent - (Z'C)' M Z'C,   M = ΛA⁻¹Λ',   A = Λ'Z'ZΛ + I,

after which the parent's own columns are the first of F and the step repeats.  At the
root F is S = σ²W'V⁻¹W with W = [X y], as in `laird.gaussian.grouped`.

The gradient runs the other way.  If D is the derivative of the value with respect to the
parent's F, then for a group, with K = M Z'C, P = Z'C - Z'Z K and B = Z'Z - Z'Z M Z'Z,

    dvalue/dG = B - P D P',     dvalue/dF = [[M + K D K', -K D], [-D K', D]],

which is also how conditional covariances pass down: D the covariance of what is carried.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from laird.gaussian.compiled import compiled
from laird.gaussian.small import MATRIX, PLACES, STACK, multiply, posterior_root

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type Effects = tuple[Floats, Floats, Floats]

_OUT3 = types.float64[:, :, ::1]


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """Cross-products of nested factors, innermost first; read-only arrays.

    Attributes
    ----------
    leaf
        [Z_0]'[Z_0 C] by innermost group, shape (J_0, q_0, q_0 + c_0).
    base
        C'C by group of the next factor (one group when there is none), (J_1, c_0, c_0).
    parents
        Parent of every group, by factor: (J_0,) integers in [0, J_1), and so on.
    sizes
        Random-effect columns by factor, (q_0, …, q_{D-1}).
    """

    leaf: Floats
    base: Floats
    parents: tuple[Ids, ...]
    sizes: tuple[int, ...]

    def eliminate(self, factors: Sequence[Floats]) -> Elimination:
        """See `eliminate`."""
        return eliminate(self, factors)

    def sensitivities(self, factors: Sequence[Floats], done: Elimination, D: Floats) -> list[Floats]:
        """See `sensitivities`."""
        return sensitivities(self, factors, done, D)

    def effects(
        self, factors: Sequence[Floats], done: Elimination, beta: Floats, cov: Floats
    ) -> list[Effects]:
        """See `effects`."""
        return effects(self, factors, done, beta, cov)

    def draw(
        self,
        factors: Sequence[Floats],
        done: Elimination,
        sigma: float,
        beta: Floats,
        rng: np.random.Generator,
    ) -> list[Floats]:
        """See `draw`."""
        return draw(self, factors, done, sigma, beta, rng)


@dataclass(frozen=True, slots=True, eq=False)
class Elimination:
    """What the upward pass leaves: F of every level, S at the root, and Σ log|A|."""

    levels: tuple[Floats, ...]
    S: Floats
    logdet: float


def nest(W: Floats, Z: Sequence[Floats], ids: Sequence[Ids], counts: Sequence[int]) -> Tree:
    """Reduce rows to the cross-products of nested factors, innermost first.

    Parameters
    ----------
    W
        [X y], shape (n, m).
    Z, ids, counts
        By factor: columns (n, q), group of each row (n,), number of groups.  Every group
        of a factor lies in one group of the next.

    Examples
    --------
    >>> one = np.ones((4, 1)); ids = [np.array([0, 1, 2, 2]), np.array([0, 0, 1, 1])]
    >>> nest(one, [one, one], ids, [3, 2]).parents
    (array([0, 0, 1]), array([0, 0]))
    """
    C = np.ascontiguousarray(np.hstack([*Z[1:], W]))
    outer = [*ids[1:], np.zeros(len(W), dtype=np.int64)]
    outer_counts = [*counts[1:], 1]
    leaf = np.zeros((counts[0], Z[0].shape[1], Z[0].shape[1] + C.shape[1]))
    base = np.zeros((outer_counts[0], C.shape[1], C.shape[1]))
    _cross(np.ascontiguousarray(Z[0]), C, ids[0], outer[0], leaf, base)
    parents = tuple(_parents(inner, out, J) for inner, out, J in zip(ids, outer, counts, strict=True))
    for array in (leaf, base, *parents):
        array.flags.writeable = False
    return Tree(leaf, base, parents, tuple(z.shape[1] for z in Z))


def _parents(ids: Ids, outer: Ids, J: int) -> Ids:
    parent = np.zeros(J, dtype=np.int64)
    parent[ids] = outer
    return parent


@compiled(types.void(MATRIX, MATRIX, PLACES, PLACES, _OUT3, _OUT3))
def _cross(Z: Floats, C: Floats, ids: Ids, outer: Ids, leaf: Floats, base: Floats) -> None:
    n, q = Z.shape
    c = C.shape[1]
    for i in range(n):
        j, k = ids[i], outer[i]
        for a in range(q):
            for b in range(q):
                leaf[j, a, b] += Z[i, a] * Z[i, b]
            for b in range(c):
                leaf[j, a, q + b] += Z[i, a] * C[i, b]
        for a in range(c):
            for b in range(c):
                base[k, a, b] += C[i, a] * C[i, b]


def eliminate(tree: Tree, factors: Sequence[Floats]) -> Elimination:
    """Integrate the effects out, innermost factor first, for relative factors Λ_0, …, Λ_{D-1}."""
    F: Floats = tree.leaf
    levels: list[Floats] = []
    logdet = 0.0
    above = tree.base.copy()
    for level, (q, Lam, parent) in enumerate(zip(tree.sizes, factors, tree.parents, strict=True)):
        levels.append(F)
        if level:
            c = F.shape[1] - q
            J = len(tree.parents[level + 1]) if level + 1 < len(tree.parents) else 1
            above = np.zeros((J, c, c))
            pass_rest(F, q, parent, above)
        logdet += eliminate_level(np.ascontiguousarray(Lam), F, q, parent, above)
        F = above
    return Elimination(tuple(levels), F[0], logdet)


@compiled(types.void(STACK, types.int64, PLACES, _OUT3))
def pass_rest(F: Floats, q: int, parent: Ids, above: Floats) -> None:
    """Add what every group carries beside its own columns to its parent's F."""
    for j in range(F.shape[0]):
        for a in range(F.shape[1] - q):
            for b in range(F.shape[2] - q):
                above[parent[j], a, b] += F[j, q + a, q + b]


@compiled(types.float64(MATRIX, STACK, types.int64, PLACES, _OUT3))
def eliminate_level(Lam: Floats, F: Floats, q: int, parent: Ids, above: Floats) -> float:
    """Subtract (Z'C)'MZ'C of every group from its parent's F; return Σ log|A|."""
    c = F.shape[2] - q
    T, R = np.empty((q, q)), np.empty((q, c))
    logdet = 0.0
    for j in range(F.shape[0]):
        logdet += posterior_root(Lam, F[j, :q, :q], T)
        multiply(T, F[j, :q, q:], R)
        target = above[parent[j]]
        for a in range(c):
            for b in range(c):
                for k in range(q):
                    target[a, b] -= R[k, a] * R[k, b]
    return logdet


def sensitivities(tree: Tree, factors: Sequence[Floats], elimination: Elimination, D: Floats) -> list[Floats]:
    """Derivatives H_l of tr(DS) + Σ log|A| with respect to G_l = Λ_lΛ_l', by factor; D is (m, m)."""
    return _descend(tree, factors, elimination, D, to_rows=False)[0]


def row_sensitivities(
    tree: Tree, factors: Sequence[Floats], elimination: Elimination, D: Floats
) -> tuple[list[Floats], Floats]:
    """`sensitivities`, and the derivative with respect to [Z_0 C]'[Z_0 C] of every innermost group.

    The second has shape (J_0, k, k), k = q_0 + c_0: a row x = (z_0, c) of group j adds
    x'F_jx to the value's derivative in the log of a factor common to the row, twice.
    """
    return _descend(tree, factors, elimination, D, to_rows=True)


def _descend(
    tree: Tree, factors: Sequence[Floats], elimination: Elimination, D: Floats, *, to_rows: bool
) -> tuple[list[Floats], Floats]:
    above = np.ascontiguousarray(D[None])
    gradients: list[Floats] = [np.zeros((q, q)) for q in tree.sizes]
    for level in range(len(tree.sizes) - 1, -1, -1):
        q, F = tree.sizes[level], elimination.levels[level]
        wanted = level > 0 or to_rows
        below = np.empty((len(F), F.shape[2], F.shape[2]) if wanted else (0, 0, 0))
        Lam = np.ascontiguousarray(factors[level])
        sensitivity_level(Lam, F, q, tree.parents[level], above, gradients[level], below)
        above = below
    return gradients, above


@compiled(types.void(MATRIX, STACK, types.int64, PLACES, STACK, types.float64[:, ::1], _OUT3))
def sensitivity_level(
    Lam: Floats, F: Floats, q: int, parent: Ids, above: Floats, H: Floats, below: Floats
) -> None:
    """Add dvalue/dG to H from the derivative in the parents' F, `above`; fill that in F, if there is room."""
    c = F.shape[2] - q
    T, M, K, KD = np.empty((q, q)), np.empty((q, q)), np.empty((q, c)), np.empty((q, c))
    R, P, ZM = np.empty((q, c)), np.empty((q, c)), np.empty((q, q))
    for j in range(F.shape[0]):
        zz, zc, D = F[j, :q, :q], F[j, :q, q:], above[parent[j]]
        posterior_root(Lam, zz, T)
        multiply(T, zc, R)
        multiply(T.T, R, K)
        multiply(T.T, T, M)
        multiply(zz, M, ZM)
        multiply(zz, K, P)
        for a in range(q):
            for b in range(c):
                P[a, b] = zc[a, b] - P[a, b]
        multiply(P, D, KD)
        for a in range(q):
            for b in range(q):
                total = zz[a, b]
                for k in range(q):
                    total -= ZM[a, k] * zz[k, b]
                for k in range(c):
                    total -= KD[a, k] * P[b, k]
                H[a, b] += total
        if below.shape[0]:
            multiply(K, D, KD)
            fill_below(below[j], M, K, KD, D, q, c)


@njit(cache=True, error_model="numpy")
def fill_below(out: Floats, M: Floats, K: Floats, KD: Floats, D: Floats, q: int, c: int) -> None:
    """Write [[M + KDK', -KD], [-(KD)', D]]."""
    for a in range(q):
        for b in range(q):
            total = M[a, b]
            for k in range(c):
                total += KD[a, k] * K[b, k]
            out[a, b] = total
        for b in range(c):
            out[a, q + b] = -KD[a, b]
            out[q + b, a] = -KD[a, b]
    for a in range(c):
        for b in range(c):
            out[q + a, q + b] = D[a, b]


def effects(
    tree: Tree, factors: Sequence[Floats], elimination: Elimination, beta: Floats, cov: Floats
) -> list[Effects]:
    """Conditional means and covariances of the effects, by factor, innermost first.

    Parameters
    ----------
    beta, cov
        β̂ (p,) and its covariance over σ², shape (p, p).

    Returns
    -------
    For every factor û (J, q), Cov(û_j - u_j)/σ² (J, q, q), Cov(û_j - u_j, β̂ - β)/σ² (J, q, p).
    """
    mean, spread, p = beta[None], cov[None], len(beta)
    found: list[Effects] = []
    for level in range(len(tree.sizes) - 1, -1, -1):
        q, F, parent = tree.sizes[level], elimination.levels[level], tree.parents[level]
        K, M = conditional(np.ascontiguousarray(factors[level]), F, q)
        own, D = K[:, :, :-1], spread[parent]
        u = K[:, :, -1] - np.einsum("jac,jc->ja", own, mean[parent])
        cross = -own @ D
        covariance = M - cross @ own.transpose(0, 2, 1)
        found.insert(0, (u, covariance, cross[:, :, cross.shape[2] - p :]))
        mean = np.concatenate([u, mean[parent]], axis=1)
        spread = np.concatenate(
            [
                np.concatenate([covariance, cross], axis=2),
                np.concatenate([cross.transpose(0, 2, 1), D], axis=2),
            ],
            axis=1,
        )
    return found


def draw(
    tree: Tree,
    factors: Sequence[Floats],
    elimination: Elimination,
    sigma: float,
    beta: Floats,
    rng: np.random.Generator,
) -> list[Floats]:
    """Draw the effects from their exact conditional given β and σ; (J, q) by factor."""
    carried, found = beta[None], list[Floats]()
    for level in range(len(tree.sizes) - 1, -1, -1):
        q, F, parent = tree.sizes[level], elimination.levels[level], tree.parents[level]
        K, M = conditional(np.ascontiguousarray(factors[level]), F, q)
        noise = _root(M) @ rng.standard_normal((len(F), q, 1))
        u = K[:, :, -1] - np.einsum("jac,jc->ja", K[:, :, :-1], carried[parent]) + sigma * noise[..., 0]
        found.insert(0, u)
        carried = np.concatenate([u, carried[parent]], axis=1)
    return found


def _root(M: Floats) -> Floats:
    """Symmetric square roots of positive semidefinite matrices, shape (J, q, q)."""
    w, V = np.linalg.eigh(M)
    return np.asarray((V * np.sqrt(np.maximum(w, 0.0))[:, None, :]) @ V.transpose(0, 2, 1))


@compiled(types.UniTuple(_OUT3, 2)(MATRIX, STACK, types.int64))  # type: ignore[no-untyped-call]
def conditional(Lam: Floats, F: Floats, q: int) -> tuple[Floats, Floats]:
    """K_j = M_jZ_j'C_j (J, q, c) and M_j (J, q, q) of one level."""
    J, c = F.shape[0], F.shape[2] - q
    K, M = np.empty((J, q, c)), np.empty((J, q, q))
    T, R = np.empty((q, q)), np.empty((q, c))
    for j in range(J):
        posterior_root(Lam, F[j, :q, :q], T)
        multiply(T, F[j, :q, q:], R)
        multiply(T.T, R, K[j])
        multiply(T.T, T, M[j])
    return K, M
