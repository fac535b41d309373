"""Anything else: the matrix Σ = Z G Z' + R of every connected component of rows, by Cholesky.

Rows are connected that share a group or a block of R, for instance the estimates of a
study whose sampling errors are correlated across the groups of an inner factor.  Components
of one size are computed together; large ones go to LAPACK.  With Ω = Σ⁻¹ - Σ⁻¹WDW'Σ⁻¹ the
derivative of tr(DW'Σ⁻¹W) + log|Σ| is Ω in Σ, Σ_j Z_j'Ω_jjZ_j in G.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.errors import FitError
from laird.gaussian import crossed_lapack as lapack
from laird.gaussian.body import Derivatives, Stretch, Targets
from laird.gaussian.frozen import freeze
from laird.gaussian.noise import Covariance, Layout, coloured

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

MAX_ROWS = 6_000
"""At most so many connected rows: three matrices of 0.3 GB."""

SMALL = 48
"""Matrices up to this size are factorised many at a time, larger ones by LAPACK one by one."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """All components of m rows, B of them, which are consecutive rows of the layout.

    Attributes
    ----------
    first, count, size
        First row, B, m.
    entries, scatter
        Entries of the layout's packed R, and where they stand in the matrices (B, m, m).
    """

    first: int
    count: int
    size: int
    entries: slice
    scatter: Ids

    def __post_init__(self) -> None:
        freeze(self)

    @property
    def rows(self) -> slice:
        """Rows of the layout."""
        return slice(self.first, self.first + self.count * self.size)

    def stack[T: np.generic](self, values: NDArray[T]) -> NDArray[T]:
        """Values by row (n, …) as (B, m, …)."""
        return values[self.rows].reshape(self.count, self.size, *values.shape[1:])

    def placed(self, packed: Floats) -> Floats:
        """Matrices (B, m, m) of packed blocks."""
        out = np.zeros((self.count, self.size, self.size))
        out.ravel()[self.scatter] = packed[self.entries]
        return out


class Root(NamedTuple):
    """Of a batch: Cholesky factors, or their inverses where they are small; L⁻¹W; log|Σ|."""

    L: Floats
    half: Floats
    logdet: float


class State(NamedTuple):
    """An elimination; see `laird.gaussian.whitened.State`."""

    S: Floats
    logdet: float
    covariance: Covariance
    factors: Sequence[Floats]
    stretch: Stretch
    roots: Sequence[Root]


@dataclass(frozen=True, slots=True, eq=False)
class Connected:
    """Rows by connected component.

    Attributes
    ----------
    W, Z, ids
        [X y] (n, m), and by factor columns (n, q) and groups (n,); starred units, the
        layout's order.
    counts
        Number of groups by factor.
    layout, batches
        The noise of the rows, and their components by size.
    """

    W: Floats
    Z: tuple[Floats, ...]
    ids: tuple[Ids, ...]
    counts: tuple[int, ...]
    layout: Layout
    batches: tuple[Batch, ...]

    def __post_init__(self) -> None:
        freeze(self)

    def eliminate(self, covariance: Covariance, factors: Sequence[Floats], stretch: Stretch) -> State | None:
        """W'Σ⁻¹W and log|Σ| at absolute factors Λ_f; None where R or Σ is not positive definite."""
        if np.isnan(covariance.logdet):
            return None
        Z = self._stretched(stretch)
        roots = []
        for batch in self.batches:
            Sigma = batch.placed(covariance.R)
            for same, part, Lam in zip(self._same(batch), Z, factors, strict=True):
                A = batch.stack(part) @ Lam
                Sigma += same * (A @ A.transpose(0, 2, 1))
            root = _factorise(Sigma, batch.stack(self.W))
            if root is None:
                return None
            roots.append(root)
        S = np.asarray(sum(np.tensordot(root.half, root.half, axes=((0, 1), (0, 1))) for root in roots))
        return State(S, sum(root.logdet for root in roots), covariance, factors, stretch, roots)

    def derivatives(self, state: State, D: Floats) -> Derivatives:
        """Derivatives of tr(DS) + log|Σ|."""
        Z = self._stretched(state.stretch)
        H = [np.zeros((part.shape[1], part.shape[1])) for part in Z]
        forms, R = [np.zeros(len(self.W)) for _ in Z], np.empty_like(self.layout.known)
        for batch, root in zip(self.batches, state.roots, strict=True):
            inverse, solved = _inverse(root), _solve(root, root.half)
            Omega = inverse - solved @ D @ solved.transpose(0, 2, 1)
            R[batch.entries] = Omega.ravel()[batch.scatter]
            for f, same in enumerate(self._same(batch)):
                z = batch.stack(Z[f])
                product = (same * Omega) @ z
                H[f] += np.tensordot(z, product, axes=((0, 1), (0, 1)))
                G = state.factors[f] @ state.factors[f].T
                forms[f][batch.rows] = np.sum((product @ G) * z, axis=2).ravel()
        log_sd = [
            None if e is None else np.bincount(ids, form, count)
            for e, ids, form, count in zip(state.stretch, self.ids, forms, self.counts, strict=True)
        ]
        return Derivatives(H, log_sd, R)

    def effects(self, state: State, beta: Floats, cov: Floats) -> list[tuple[Floats, Floats, Floats]]:
        """Conditional means (J, q), covariances (J, q, q) and covariances with β (J, q, p), by factor."""
        return [self._effects_of(f, state, beta, cov) for f in range(len(self.Z))]

    def _effects_of(self, f: int, state: State, beta: Floats, cov: Floats) -> tuple[Floats, Floats, Floats]:
        """K_j = GZ_j'Σ⁻¹W and G - GZ_j'Σ⁻¹Z_jG, then as in `laird.gaussian.solution`."""
        z, ids, count = self._stretched(state.stretch)[f], self.ids[f], self.counts[f]
        q, m = z.shape[1], self.W.shape[1]
        G = state.factors[f] @ state.factors[f].T
        on_W, information = np.zeros((count, q, m)), np.zeros((count, q, q))
        for batch, root in zip(self.batches, state.roots, strict=True):
            same = list(self._same(batch))[f]
            own = z[batch.rows, :, None]
            solved, product = _solve(root, root.half), (same * _inverse(root)) @ batch.stack(z)
            np.add.at(on_W, ids[batch.rows], own * solved.reshape(-1, 1, m))
            np.add.at(information, ids[batch.rows], own * product.reshape(-1, 1, q))
        K, M = G @ on_W, G - G @ information @ G
        cross = -K[:, :, :-1] @ cov
        return K[:, :, -1] - K[:, :, :-1] @ beta, M - cross @ K[:, :, :-1].transpose(0, 2, 1), cross

    def draw(self, state: State, beta: Floats, rng: np.random.Generator) -> list[Floats]:
        """Draw the effects given β: u₀ + GZ'Σ⁻¹(y - Xβ - Zu₀ - e₀), (u₀, e₀) a draw without data."""
        Z = self._stretched(state.stretch)
        found = [
            rng.standard_normal((count, len(Lam))) @ Lam.T
            for count, Lam in zip(self.counts, state.factors, strict=True)
        ]
        residual = self.W[:, -1] - self.W[:, :-1] @ beta - coloured(self.layout, state.covariance, rng)
        for u, z, ids in zip(found, Z, self.ids, strict=True):
            residual -= np.sum(z * u[ids], axis=1)
        for batch, root in zip(self.batches, state.roots, strict=True):
            solved = _solve(root, _half(root, batch.stack(residual[:, None]))).reshape(-1, 1)
            for u, z, ids, Lam in zip(found, Z, self.ids, state.factors, strict=True):
                np.add.at(u, ids[batch.rows], (solved * z[batch.rows]) @ Lam @ Lam.T)
        return found

    def variance(self, state: State, cov: Floats, at: Targets) -> Floats:
        """Variance of linear predictors, given the covariance of β, shape (T,).

        With c = Cov(Σ z_f'u_f, y) it is Var(Σ z_f'u_f) - c'Σ⁻¹c + b'Cov(β)b, b = x - X'Σ⁻¹c.
        """
        found, slope = at.new_variance(state.factors), at.x.copy()
        weighted = [z @ Lam @ Lam.T for z, Lam in zip(at.known, state.factors, strict=True)]
        for z, Gz in zip(at.known, weighted, strict=True):
            found += np.sum(z * Gz, axis=1)
        Z, roots = self._stretched(state.stretch), self._single_roots(state)
        for component, targets in self._met(at):
            rows, root = roots[component]
            c = np.zeros((len(targets), root.half.shape[1]))
            for ids, own, Gz, z in zip(at.ids, self.ids, weighted, Z, strict=True):
                c += (ids[targets, None] == own[rows]) * (Gz[targets] @ z[rows].T)
            half = _half(root, c.T[None])[0]
            found[targets] -= np.sum(half**2, axis=0)
            slope[targets] -= half.T @ root.half[0, :, :-1]
        return np.asarray(found + np.sum((slope @ cov) * slope, axis=1))

    def _single_roots(self, state: State) -> list[tuple[slice, Root]]:
        """Rows and root of every component, in order."""
        return [
            (slice(first, first + batch.size), Root(root.L[b : b + 1], root.half[b : b + 1], 0.0))
            for batch, root in zip(self.batches, state.roots, strict=True)
            for b, first in enumerate(range(batch.rows.start, batch.rows.stop, batch.size))
        ]

    def _met(self, at: Targets) -> Iterator[tuple[int, Ids]]:
        """Components whose groups some linear predictors have, and which."""
        sizes = np.repeat([batch.size for batch in self.batches], [batch.count for batch in self.batches])
        component = np.repeat(np.arange(len(sizes)), sizes)
        pairs = np.zeros((0, 2), dtype=np.int64)
        for ids, own, count in zip(at.ids, self.ids, self.counts, strict=True):
            of_group = np.zeros(count, dtype=np.int64)
            of_group[own] = component
            targets = np.flatnonzero(ids >= 0)
            pairs = np.vstack([pairs, np.column_stack([of_group[ids[targets]], targets])])
        pairs = np.unique(pairs, axis=0)
        found, starts = np.unique(pairs[:, 0], return_index=True)
        yield from zip(found.tolist(), np.split(pairs[:, 1], starts[1:]), strict=True)

    def _stretched(self, stretch: Stretch) -> list[Floats]:
        return [
            z if e is None else z * e[ids][:, None]
            for z, e, ids in zip(self.Z, stretch, self.ids, strict=True)
        ]

    def _same(self, batch: Batch) -> Iterator[NDArray[np.bool_]]:
        """Which rows of a component share the group, by factor, (B, m, m)."""
        for ids in self.ids:
            own = batch.stack(ids)
            yield own[:, :, None] == own[:, None, :]


def batches_of(component: Ids, layout: Layout) -> tuple[Batch, ...]:
    """Components by size; their rows are consecutive, and components of one size follow each other."""
    sizes = np.bincount(component)
    starts, ends, block_sizes = layout.starts[:-1], layout.starts[1:], np.diff(layout.starts)
    found, first = [], 0
    for size in np.unique(sizes).tolist():
        count = int(np.count_nonzero(sizes == size))
        blocks = np.flatnonzero((starts >= first) & (ends <= first + count * size))
        entries = slice(int(layout.offsets[blocks[0]]), int(layout.offsets[blocks[-1] + 1]))
        found.append(
            Batch(first, count, size, entries, _scatter(starts[blocks] - first, block_sizes[blocks], size))
        )
        first += count * size
    return tuple(found)


def _scatter(starts: Ids, sizes: Ids, size: int) -> Ids:
    """Where packed blocks of m² entries stand in matrices (B, size, size); starts count from the batch."""
    block = np.repeat(np.arange(len(sizes)), sizes**2)
    within = np.arange(len(block)) - np.repeat(np.cumsum(sizes**2) - sizes**2, sizes**2)
    i, k = within // sizes[block], within % sizes[block]
    component, local = starts[block] // size, starts[block] % size
    return np.asarray((component * size + local + i) * size + local + k)


def refuse_large(component: Ids) -> None:
    """FitError when a component has too many rows for a dense matrix."""
    sizes = np.bincount(component)
    if sizes.max() <= MAX_ROWS:
        return
    raise FitError(
        f"{sizes.max():,} rows are connected by groups and correlated sampling errors: "
        f"their covariance matrix would take {8 * float(sizes.max()) ** 2 / 1e9:,.1f} GB.",
        allowed=f"Allowed: {MAX_ROWS:,} connected rows.",
        remedy="Leave out the outermost or a crossed grouping factor, or correlations between its groups.",
    )


def _factorise(Sigma: Floats, W: Floats) -> Root | None:
    """Cholesky factors of matrices (B, m, m), small ones inverted."""
    if Sigma.shape[1] <= SMALL:
        try:
            L = np.linalg.cholesky(Sigma)
        except np.linalg.LinAlgError:
            return None
        inverse = np.linalg.inv(L)
        logdet = 2.0 * float(np.sum(np.log(np.diagonal(L, axis1=1, axis2=2))))
        return Root(inverse, inverse @ W, logdet)
    if not all(lapack.factorise(own) for own in Sigma):
        return None
    logdet = 2.0 * float(np.sum(np.log(np.diagonal(Sigma, axis1=1, axis2=2))))
    return Root(Sigma, _solve_each(Sigma, W), logdet)


def _half(root: Root, B: Floats) -> Floats:
    """L⁻¹B, shapes (B, m, k)."""
    return root.L @ B if root.L.shape[1] <= SMALL else _solve_each(root.L, B)


def _solve(root: Root, half: Floats) -> Floats:
    """L⁻ᵀB, shapes (B, m, k)."""
    if root.L.shape[1] <= SMALL:
        return root.L.transpose(0, 2, 1) @ half
    return _solve_each(root.L, half, transposed=True)


def _solve_each(L: Floats, B: Floats, *, transposed: bool = False) -> Floats:
    return np.stack([lapack.solve(own, b, transposed=transposed) for own, b in zip(L, B, strict=True)])


def _inverse(root: Root) -> Floats:
    """Σ⁻¹, shape (B, m, m)."""
    if root.L.shape[1] <= SMALL:
        return root.L.transpose(0, 2, 1) @ root.L
    lower = np.stack([np.tril(lapack.invert(own)) for own in root.L])
    return lower + np.tril(lower, -1).transpose(0, 2, 1)
