"""Choose the structure of a model from its rows, and put the rows in its order.

Rows of one block of R that share their groups: `laird.gaussian.whitened`.  Else, and where
a block is large: `laird.gaussian.connected`.  Independent rows that also share their
variance are compressed (`laird.gaussian.compress`): `sigma ~ Sex` costs O(groups × strata).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.errors import FitError
from laird.gaussian.cell_products import pattern_of
from laird.gaussian.cells import Cells, cells_of
from laird.gaussian.composite import is_nested
from laird.gaussian.compress import compress
from laird.gaussian.connected import MAX_ROWS, Connected, batches_of, refuse_large
from laird.gaussian.nested import nested, no_factors
from laird.gaussian.noise import Noise, block_layout, blocks_of, components, strata_layout
from laird.gaussian.whitened import Scheme, Whitened

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

LARGE_BLOCK = 100
"""Larger blocks of R go to LAPACK with their component, where that is not too large."""


class Rows(NamedTuple):
    """Starred rows of a model, in the user's order.

    Attributes
    ----------
    W
        [X y], shape (n, m).
    scale
        What the outcome of each row was divided by, shape (n,).
    Z, ids, counts
        By factor: columns (n, q), group of each row, number of groups.
    """

    W: Floats
    scale: Floats
    Z: Sequence[Floats]
    ids: Sequence[Ids]
    counts: Sequence[int]

    @property
    def cell(self) -> Ids:
        """Cell of each row: rows of a cell share all groups."""
        return cells_of(self.ids, self.counts)[1] if self.ids else np.zeros(len(self.W), dtype=np.int64)

    @property
    def order(self) -> tuple[int, ...]:
        """Nested factors innermost first, crossed ones as they are."""
        order = tuple(int(f) for f in np.argsort([-count for count in self.counts], kind="stable"))
        return order if self._is_nested(order) else tuple(range(len(self.ids)))

    def _is_nested(self, order: Sequence[int]) -> bool:
        return is_nested([self.ids[f] for f in order], [self.counts[f] for f in order])

    def scheme(self, at: Ids) -> Scheme:
        """Nested or crossed factors of the rows `at`."""
        if not self.ids:
            return no_factors(len(at))
        order = self.order
        ids = tuple(np.ascontiguousarray(self.ids[f][at]) for f in order)
        counts, sizes = [self.counts[f] for f in order], tuple(self.Z[f].shape[1] for f in order)
        if self._is_nested(order):
            return nested(ids, counts, sizes, order)
        pattern = pattern_of(ids, counts, sizes, self.W.shape[1])
        return Cells(ids, sizes, *cells_of(ids, counts), pattern)

    @property
    def stacked(self) -> Floats:
        """[Z_0 … Z_F X y], factors in `order`."""
        return np.hstack([*(self.Z[f] for f in self.order), self.W])


def body_of(rows: Rows, noise: Noise) -> Whitened | Connected:
    """Choose a structure and arrange the rows in it."""
    refuse_weights(rows, noise)
    if noise.is_diagonal:
        return _independent(rows, noise)
    n, block, cell = len(rows.W), blocks_of(noise), rows.cell
    component = _connected_rows(block, rows.ids)
    large = np.bincount(block).max() > LARGE_BLOCK and np.bincount(component).max() <= MAX_ROWS
    if large or not is_nested([block, cell], [n, n]):
        refuse_large(component)
        return _connected(rows, noise, block, component)
    order = np.lexsort((block, cell))
    layout = block_layout(noise, order, block, rows.scale)
    return Whitened(rows.scheme(order), rows.stacked[order], np.arange(n), layout)


def refuse_weights(rows: Rows, noise: Noise) -> None:
    """FitError for weighted rows that are not independent."""
    if noise.weights is None or (noise.is_diagonal and not rows.ids):
        return
    raise FitError(
        "Weights multiply the log-likelihood of a row, which exists only where rows are independent.",
        allowed="Allowed: no group effects, no correlated sampling errors, no correlated outcomes.",
        remedy="Known sampling variances belong in `meta_V(...)`; repeat rows that stand for several.",
    )


def _connected_rows(block: Ids, ids: Sequence[Ids]) -> Ids:
    """Connected component of each row: rows meet in blocks of R and in groups."""
    n = len(block)
    hubs = [
        np.unique(own, return_inverse=True)[1].reshape(-1) + n * at for at, own in enumerate((block, *ids))
    ]
    return components(n, np.tile(np.arange(n), len(hubs)), np.concatenate(hubs))


def _connected(rows: Rows, noise: Noise, block: Ids, component: Ids) -> Connected:
    order = np.lexsort((block, component, np.bincount(component)[component]))
    layout = block_layout(noise, order, block, rows.scale)
    return Connected(
        W=rows.W[order],
        Z=tuple(np.ascontiguousarray(z[order]) for z in rows.Z),
        ids=tuple(np.ascontiguousarray(own[order]) for own in rows.ids),
        counts=tuple(rows.counts),
        layout=layout,
        batches=batches_of(component, layout),
    )


def _independent(rows: Rows, noise: Noise) -> Whitened:
    """Rows by stratum of equal variance, compressed where several share their groups too."""
    cell, n = rows.cell, len(rows.W)
    weights = np.ones(n) if noise.weights is None else noise.weights
    log_unit = np.where(noise.has_sigma, np.log(rows.scale), np.inf)
    values, stratum = _strata(np.column_stack([noise.W, log_unit, noise.variances / rows.scale**2]))
    _, first, pair = np.unique(cell * len(values) + stratum, return_index=True, return_inverse=True)
    at = np.argsort(cell, kind="stable")
    stacked = rows.stacked * np.sqrt(weights)[:, None]
    if 2 * len(first) <= n:
        stacked, where = compress(stacked, pair.reshape(-1).astype(np.int64), len(first))
        at = first[where]
    else:
        stacked = stacked[at]
    W, log_unit, known = np.split(values, [-2, -1], axis=1)
    layout = strata_layout(
        *(W, log_unit[:, 0], np.bincount(stratum, weights, len(values)), known[:, 0], noise.proportional)
    )
    return Whitened(rows.scheme(at), stacked, np.ascontiguousarray(stratum[at]), layout)


def _strata(described: Floats) -> tuple[Floats, Ids]:
    """Distinct rows, and which of them each row is; all rows where most are distinct."""
    n = len(described)
    if any(2 * len(np.unique(column)) > n for column in described.T):
        return described, np.arange(n)
    values, stratum = np.unique(described, axis=0, return_inverse=True)
    return values, stratum.reshape(-1).astype(np.int64)
