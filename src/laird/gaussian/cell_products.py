"""Cross-products of crossed factors again and again: which sums a row enters is found once.

When rows are divided by a σ that depends on parameters, their cross-products change with
every evaluation, but not their pattern (`laird.gaussian.crossed_products`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numba import types
from numpy.typing import NDArray

from laird.gaussian.compiled import compiled
from laird.gaussian.crossed import Crossed, cross
from laird.gaussian.frozen import freeze
from laird.gaussian.small import MATRIX, PLACES

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

_PLACES2 = types.Array(types.int64, 2, "C", readonly=True)
_OUT1, _OUT2, _OUT3 = (types.Array(types.float64, ndim, "C") for ndim in (1, 2, 3))


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """Where the products of a row's columns go.

    Attributes
    ----------
    template
        The cross-products of columns of ones: sizes and lists.
    order
        Columns of the rows: those of the leading factor, of the rest, and of W.
    group, at
        Leading group (n,) and columns of the rest (n, R) of each row.
    partner, pair
        Place of its products of leading and rest (n, R), and among the rest's (n, R(R + 1)/2).
    """

    template: Crossed
    order: Ids
    group: Ids
    at: Ids
    partner: Ids
    pair: Ids

    def __post_init__(self) -> None:
        freeze(self)

    def reduce(self, rows: Floats) -> Crossed:
        """Cross-products of rows [Z_0 … Z_F X y], shape (n, k)."""
        like, q, r = self.template, self.template.ZZ.shape[1], len(self.template.rest_W)
        m = rows.shape[1] - q - self.at.shape[1]
        ZZ, ZW = np.zeros_like(like.ZZ), np.zeros((len(like.ZZ), q, m))
        values, rest = np.zeros_like(like.values), np.zeros_like(like.rest)
        rest_W, WW = np.zeros((r, m)), np.zeros((m, m))
        reduce_rows(
            *(rows, self.order, self.group, self.at, self.partner, self.pair),
            *(ZZ, ZW, values, rest, rest_W, WW),
        )
        return replace(like, ZZ=ZZ, ZW=ZW, values=values, rest=rest, rest_W=rest_W, WW=WW)


def pattern_of(ids: Sequence[Ids], counts: Sequence[int], sizes: Sequence[int], m: int) -> Pattern:
    """Find where the products of each row go, for m columns of W.

    Examples
    --------
    >>> ids = [np.array([0, 1, 2, 2]), np.array([0, 1, 0, 1])]
    >>> pattern = pattern_of(ids, [3, 2], [1, 1], 1)
    >>> pattern.reduce(np.arange(12.0).reshape(4, 3)).ZZ.ravel()
    array([ 0.,  9., 117.])
    """
    n = len(ids[0])
    template = cross(np.ones((n, 1)), [np.ones((n, q)) for q in sizes], ids, counts)
    lead, spans, r = template.leading, template.spans, len(template.rest_W)
    columns = [span.start + ids[f][:, None] * sizes[f] + np.arange(sizes[f]) for f, span in spans.items()]
    at = np.ascontiguousarray(np.hstack(columns))
    listed = np.repeat(np.arange(counts[lead]), np.diff(template.starts)) * r + template.columns
    first, second = np.tril_indices(at.shape[1])
    high, low = np.maximum(at[:, first], at[:, second]), np.minimum(at[:, first], at[:, second])
    edges = np.cumsum([0, *sizes])
    places = [np.arange(edges[f], edges[f + 1]) for f in (lead, *spans)]
    return Pattern(
        template=template,
        order=np.concatenate([*places, edges[-1] + np.arange(m)]).astype(np.int64),
        group=np.ascontiguousarray(ids[lead]),
        at=at,
        partner=_found(listed, ids[lead][:, None] * r + at),
        pair=_found(template.rest_at[0] * r + template.rest_at[1], high * r + low),
    )


def _found(keys: Ids, wanted: Ids) -> Ids:
    """Positions of `wanted` in the distinct `keys`."""
    order = np.argsort(keys)
    return np.ascontiguousarray(order[np.searchsorted(keys, wanted, sorter=order)])


@compiled(types.void(MATRIX, PLACES, PLACES, *[_PLACES2] * 3, _OUT3, _OUT3, _OUT2, _OUT1, _OUT2, _OUT2))
def reduce_rows(
    rows: Floats,
    order: Ids,
    group: Ids,
    at: Ids,
    partner: Ids,
    pair: Ids,
    ZZ: Floats,
    ZW: Floats,
    values: Floats,
    rest: Floats,
    rest_W: Floats,
    WW: Floats,
) -> None:
    """Add the products of every row's columns to their places."""
    q, r, m = ZZ.shape[1], at.shape[1], WW.shape[0]
    x = np.empty(len(order))
    for i in range(rows.shape[0]):
        j = group[i]
        for c in range(len(order)):
            x[c] = rows[i, order[c]]
        for a in range(q):
            for b in range(q):
                ZZ[j, a, b] += x[a] * x[b]
            for c in range(r):
                values[partner[i, c], a] += x[a] * x[q + c]
            for c in range(m):
                ZW[j, a, c] += x[a] * x[q + r + c]
        k = 0
        for c in range(r):
            for d in range(c + 1):
                rest[pair[i, k]] += x[q + c] * x[q + d]
                k += 1
            for d in range(m):
                rest_W[at[i, c], d] += x[q + c] * x[q + r + d]
        for c in range(m):
            for d in range(m):
                WW[c, d] += x[q + r + c] * x[q + r + d]
