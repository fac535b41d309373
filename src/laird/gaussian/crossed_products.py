"""Cross-products of crossed factors: all that the likelihood needs of the rows.

The *leading* factor has the most effects.  Its Z_j'Z_j are kept by group; its products with
the r columns of all other factors, the rest, are listed by group, for a group meets few of
them; so are the products among the rest.  Nothing here is rows × groups or groups × groups.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from laird.errors import FitError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

MAX_REST = 20_000
"""At most so many effects besides the largest factor's: three matrices of 3 GiB."""


@dataclass(frozen=True, slots=True, eq=False)
class Crossed:
    """Cross-products of crossed factors; read-only arrays.

    Attributes
    ----------
    sizes, counts
        Random-effect columns q and groups J by factor, in the caller's order.
    leading
        Position of the factor whose block is kept block-diagonal.
    ZZ, ZW
        Its Z_j'Z_j (J, q, q) and Z_j'W (J, q, m).
    starts, columns, values
        Its Z_j'Z_r by group: row k of `values` (N, q) belongs to column ``columns[k]`` of
        the rest, for k from ``starts[j]`` to ``starts[j + 1]``; columns ascend.
    rest_at, rest
        Lower triangle of Z_r'Z_r: positions (2, N), values (N,).
    rest_W, WW
        Z_r'W (r, m) and W'W (m, m).
    bounds
        First columns of the groups of the rest, and r; the other factors in the caller's order.
    """

    sizes: tuple[int, ...]
    counts: tuple[int, ...]
    leading: int
    ZZ: Floats
    ZW: Floats
    starts: Ids
    columns: Ids
    values: Floats
    rest_at: Ids
    rest: Floats
    rest_W: Floats
    WW: Floats
    bounds: Ids

    @property
    def partners(self) -> tuple[Ids, Ids, Floats]:
        """The lists of products with the rest: starts, columns, values."""
        return self.starts, self.columns, self.values

    @property
    def spans(self) -> dict[int, slice]:
        """Columns of the rest by factor, without the leading one."""
        return _spans(self.sizes, self.counts, self.leading)


def cross(W: Floats, Z: Sequence[Floats], ids: Sequence[Ids], counts: Sequence[int]) -> Crossed:
    """Reduce rows to the cross-products of crossed factors.

    Parameters
    ----------
    W
        [X y], shape (n, m).
    Z, ids, counts
        By factor, two factors or more: columns (n, q), group of each row (n,), number of groups.

    Raises
    ------
    FitError
        If the factors besides the largest have too many effects for a dense matrix.

    Examples
    --------
    >>> one = np.ones((4, 1)); ids = [np.array([0, 1, 2, 2]), np.array([0, 1, 0, 1])]
    >>> crossed = cross(one, [one, one], ids, [3, 2])
    >>> crossed.starts, crossed.columns
    (array([0, 1, 2, 4]), array([0, 1, 0, 1]))
    """
    sizes = tuple(z.shape[1] for z in Z)
    effects = [J * q for J, q in zip(counts, sizes, strict=True)]
    leading = int(np.argmax(effects))
    _refuse_large(effects, leading)
    q, J, r = sizes[leading], counts[leading], sum(effects) - effects[leading]
    own_at = ids[leading][:, None] * q + np.arange(q)
    own = (_sparse(own_at, Z[leading], J * q).T @ np.hstack([Z[leading], W])).reshape(J, q, -1)
    spans = _spans(sizes, counts, leading)
    columns = [span.start + ids[f][:, None] * sizes[f] + np.arange(sizes[f]) for f, span in spans.items()]
    at, entries = np.hstack(columns), np.hstack([Z[f] for f in spans])
    starts, partners, values = _partners(ids[leading], Z[leading], at, entries, (J, r))
    rest = _sparse(at, entries, r)
    rest_at, rest_values = _lower_triangle(rest)
    crossed = Crossed(
        sizes=sizes,
        counts=tuple(counts),
        leading=leading,
        ZZ=np.ascontiguousarray(own[:, :, :q]),
        ZW=np.ascontiguousarray(own[:, :, q:]),
        starts=starts,
        columns=partners,
        values=values,
        rest_at=rest_at,
        rest=rest_values,
        rest_W=rest.T @ W,
        WW=W.T @ W,
        bounds=_bounds(sizes, spans, r),
    )
    for array in (getattr(crossed, field.name) for field in fields(crossed)):
        if isinstance(array, np.ndarray):
            array.flags.writeable = False
    return crossed


def alone(crossed: Crossed) -> list[tuple[Floats, Floats]]:
    """Z_j'Z_j (J, q, q) and Z_j'W (J, q, m) of every factor, as if it were the only one.

    Examples
    --------
    >>> one = np.ones((4, 1)); ids = [np.array([0, 1, 2, 2]), np.array([0, 1, 0, 1])]
    >>> [ZZ.ravel() for ZZ, _ in alone(cross(one, [one, one], ids, [3, 2]))]
    [array([1., 1., 2.]), array([2., 2.])]
    """
    found = {f: _alone_of_the_rest(crossed, f) for f in crossed.spans}
    found[crossed.leading] = crossed.ZZ, crossed.ZW
    return [found[f] for f in sorted(found)]


def _alone_of_the_rest(crossed: Crossed, f: int) -> tuple[Floats, Floats]:
    q, J, span = crossed.sizes[f], crossed.counts[f], crossed.spans[f]
    row, column = crossed.rest_at - span.start
    own = (column >= 0) & (row < q * J) & (row // q == column // q)
    j, a, b = row[own] // q, row[own] % q, column[own] % q
    ZZ = np.zeros((J, q, q))
    ZZ[j, a, b] = ZZ[j, b, a] = crossed.rest[own]
    return ZZ, np.ascontiguousarray(crossed.rest_W[span]).reshape(J, q, -1)


def _refuse_large(effects: Sequence[int], leading: int) -> None:
    rest = sum(effects) - effects[leading]
    if rest <= MAX_REST:
        return
    gigabytes = 3 * 8 * rest**2 / 1e9
    raise FitError(
        f"The crossed factors besides the largest have {rest:,} random effects: "
        f"their matrices would take {gigabytes:,.0f} GB.",
        where="Random effects by factor: " + ", ".join(f"{number:,}" for number in effects) + ".",
        allowed=f"Allowed: {MAX_REST:,} besides those of the largest factor.",
        remedy="Leave out a factor or a random slope, or analyse a part of the groups.",
    )


def _spans(sizes: Sequence[int], counts: Sequence[int], leading: int) -> dict[int, slice]:
    effects = [0 if f == leading else q * J for f, (q, J) in enumerate(zip(sizes, counts, strict=True))]
    stops = accumulate(effects)
    return {f: slice(stop - effects[f], stop) for f, stop in enumerate(stops) if f != leading}


def _bounds(sizes: Sequence[int], spans: Mapping[int, slice], r: int) -> Ids:
    firsts = [np.arange(span.start, span.stop, sizes[f]) for f, span in spans.items()]
    return np.concatenate([*firsts, [r]]).astype(np.int64)


def _sparse(at: Ids, entries: Floats, width: int) -> csr_array:
    """Rows with ``entries[i]`` in the columns ``at[i]``."""
    from scipy.sparse import csr_array

    n, filled = at.shape
    return csr_array((entries.ravel(), at.ravel(), np.arange(n + 1) * filled), shape=(n, width))


def _partners(
    ids: Ids, Z: Floats, at: Ids, entries: Floats, shape: tuple[int, int]
) -> tuple[Ids, Ids, Floats]:
    """Σ over the rows of a group of Z_i' × entry, by column: starts, columns and values of lists."""
    from scipy.sparse import coo_array

    group = np.repeat(ids, at.shape[1])
    sums = [
        coo_array(((z[:, None] * entries).ravel(), (group, at.ravel())), shape=shape).tocsr() for z in Z.T
    ]
    values = np.stack([by_group.data for by_group in sums], axis=1)
    return sums[0].indptr.astype(np.int64), sums[0].indices.astype(np.int64), values


def _lower_triangle(rest: csr_array) -> tuple[Ids, Floats]:
    products = (rest.T @ rest).tocoo()
    lower = products.row >= products.col
    return np.array([products.row[lower], products.col[lower]], dtype=np.int64), products.data[lower]
