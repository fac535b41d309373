"""Crossed factors, row by row: the joint covariance of the effects that meet in a cell.

A *cell* is a combination of groups, one of every factor.  With the leading factor's effects
u_j = M_jZ_j'(r - Z_r u_r) + noise (`laird.gaussian.crossed`), K_j = M_jZ_j'Z_r and M the
covariance of the rest given β,

    Cov(u_j) = M_j + K_jMK_j',     Cov(u_j, u_r) = -K_jM,

of which only the entries of the cells are computed.  Nothing is cells × cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import types
from numpy.typing import NDArray

from laird.gaussian import crossed
from laird.gaussian.body import Targets
from laird.gaussian.cell_products import Pattern
from laird.gaussian.compiled import compiled
from laird.gaussian.crossed import Crossed, rest_covariance
from laird.gaussian.crossed_kernels import leading_coefficients, leading_covariance
from laird.gaussian.frozen import freeze
from laird.gaussian.small import MATRIX, PLACES, STACK

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

_OUT3 = types.Array(types.float64, 3, "C")
_PLACES2 = types.Array(types.int64, 2, "C", readonly=True)


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Rows of crossed factors: the scheme of `laird.gaussian.whitened` for them.

    Attributes
    ----------
    ids, sizes
        By factor: group of each row, number of columns.
    cells, cell
        Groups of every cell, by factor, and the cell of each row.
    pattern
        Where the products of a row's columns go.
    """

    ids: tuple[Ids, ...]
    sizes: tuple[int, ...]
    cells: tuple[Ids, ...]
    cell: Ids
    pattern: Pattern

    def __post_init__(self) -> None:
        freeze(self)

    @property
    def order(self) -> tuple[int, ...]:
        """Position of each factor of the rows among the model's factors."""
        return tuple(range(len(self.ids)))

    def reduce(self, rows: Floats) -> Crossed:
        """Cross-products of rows [Z_0 … Z_F X y]."""
        return self.pattern.reduce(rows)

    def eliminate(self, body: Crossed, factors: Sequence[Floats]) -> crossed.Elimination:
        """See `laird.gaussian.crossed.eliminate`."""
        return crossed.eliminate(body, factors)

    def sensitivities(
        self, body: Crossed, factors: Sequence[Floats], done: crossed.Elimination, D: Floats
    ) -> tuple[list[Floats], Floats]:
        """Derivatives in every G, and in the cross-products of the rows of every cell."""
        M, K = joint(body, factors, done, self.cells)
        KD = K @ D
        above = np.concatenate([M + KD @ K.transpose(0, 2, 1), -KD], axis=2)
        below = np.concatenate([-KD.transpose(0, 2, 1), np.broadcast_to(D, (len(M), *D.shape))], axis=2)
        return crossed.sensitivities(body, factors, done, D), np.concatenate([above, below], axis=1)

    def effects(
        self, body: Crossed, factors: Sequence[Floats], done: crossed.Elimination, beta: Floats, cov: Floats
    ) -> list[tuple[Floats, Floats, Floats]]:
        """See `laird.gaussian.crossed.effects`."""
        return crossed.effects(body, factors, done, beta, cov)

    def draw(
        self,
        body: Crossed,
        factors: Sequence[Floats],
        done: crossed.Elimination,
        beta: Floats,
        rng: np.random.Generator,
    ) -> list[Floats]:
        """See `laird.gaussian.crossed.draw`."""
        return crossed.draw(body, factors, done, 1.0, beta, rng)

    def variance(
        self,
        body: Crossed,
        factors: Sequence[Floats],
        done: crossed.Elimination,
        cov: Floats,
        at: Targets,
    ) -> Floats:
        """See `crossed_variance`."""
        return crossed_variance(body, factors, done, cov, at)


def cells_of(ids: Sequence[Ids], counts: Sequence[int]) -> tuple[tuple[Ids, ...], Ids]:
    """Groups of every cell, by factor, and the cell of each row.

    Examples
    --------
    >>> cells, cell = cells_of([np.array([1, 0, 1]), np.array([0, 0, 0])], [2, 1])
    >>> cells, cell
    ((array([0, 1]), array([0, 0])), array([1, 0, 1]))
    """
    cell = np.zeros(len(ids[0]), dtype=np.int64)
    first = np.zeros(1, dtype=np.int64)
    for own, count in zip(ids, counts, strict=True):
        _, first, cell = np.unique(cell * count + own, return_index=True, return_inverse=True)
        cell = cell.reshape(-1).astype(np.int64)
    return tuple(np.ascontiguousarray(own[first]) for own in ids), cell


def joint(
    body: Crossed, factors: Sequence[Floats], done: crossed.Elimination, cells: Sequence[Ids]
) -> tuple[Floats, Floats]:
    """Covariance given β (U, Q, Q) of all effects of each cell, and coefficients on W (U, Q, m).

    Examples
    --------
    >>> ids = [np.array([0, 0]), np.array([0, 1])]
    >>> body = crossed.cross(np.eye(2), [np.ones((2, 1))] * 2, ids, [1, 2])
    >>> factors = [np.eye(1), np.eye(1)]
    >>> joint(body, factors, crossed.eliminate(body, factors), ids)[0][0]
    array([[ 0.5  , -0.25 ], [-0.25 , 0.625]])
    """
    M, lead = rest_covariance(body, factors, done), body.leading
    spans, sizes = body.spans, body.sizes
    at = [span.start + cells[f][:, None] * sizes[f] + np.arange(sizes[f]) for f, span in spans.items()]
    columns = np.ascontiguousarray(np.hstack(at))
    own = leading_covariance(*body.partners, done.T, M)
    leading = np.ascontiguousarray(cells[lead])
    found = joint_covariance(leading, columns, *body.partners, done.T, M, own)
    on_W = leading_coefficients(body.ZW, *body.partners, done.T, done.K)
    K = np.concatenate([on_W[leading], done.K[columns]], axis=1)
    place = caller_order(sizes, lead)
    return found[:, place[:, None], place], K[:, place]


def caller_order(sizes: Sequence[int], leading: int) -> NDArray[np.intp]:
    """Where the columns of the factors, in the caller's order, are in [leading, rest]."""
    order = [leading, *(f for f in range(len(sizes)) if f != leading)]
    owner = np.repeat(order, [sizes[f] for f in order])
    return np.argsort(owner, kind="stable")


@compiled(_OUT3(PLACES, _PLACES2, PLACES, PLACES, MATRIX, STACK, MATRIX, STACK))
def joint_covariance(
    leading: Ids,
    at: Ids,
    starts: Ids,
    columns: Ids,
    values: Floats,
    T: Floats,
    M: Floats,
    own: Floats,
) -> Floats:
    """Covariance given β of the effects of every cell, those of the leading factor first."""
    q, r = T.shape[1], at.shape[1]
    out = np.empty((len(leading), q + r, q + r))
    K = np.empty(q)
    for u in range(len(leading)):
        j = leading[u]
        for a in range(q):
            for b in range(q):
                out[u, a, b] = own[j, a, b]
            for c in range(r):
                out[u, a, q + c] = 0.0
        for h in range(starts[j], starts[j + 1]):
            for a in range(q):
                K[a] = 0.0
                for b in range(q):
                    half = 0.0
                    for g in range(q):
                        half += T[j, b, g] * values[h, g]
                    K[a] += T[j, b, a] * half
            for c in range(r):
                entry = M[max(columns[h], at[u, c]), min(columns[h], at[u, c])]
                for a in range(q):
                    out[u, a, q + c] -= K[a] * entry
        for c in range(r):
            for a in range(q):
                out[u, q + c, a] = out[u, a, q + c]
            for d in range(r):
                out[u, q + c, q + d] = M[max(at[u, c], at[u, d]), min(at[u, c], at[u, d])]
    return out


def crossed_variance(
    body: Crossed, factors: Sequence[Floats], done: crossed.Elimination, cov: Floats, at: Targets
) -> Floats:
    """Variance of linear predictors over σ², shape (T,); `cov` is that of β over σ² (p, p)."""
    M, K = joint(body, factors, done, at.places)
    known = np.hstack(at.known)
    given_beta = np.einsum("ta,tab,tb->t", known, M, known)
    slope = at.x - np.einsum("ta,tac->tc", known, K[:, :, :-1])
    return np.asarray(at.new_variance(factors) + given_beta + np.sum((slope @ cov) * slope, axis=1))
