"""Effects that meet in common rows: where Z'Z falls into independent parts.

One grouping factor: every group is a part of its own.  Nested factors: every group of the outermost
factor with all groups inside it.  Crossed factors: whatever the rows connect.  Parts made up of the
same numbers of groups are kept in one stack.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from laird.errors import FitError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

LARGEST = 5000
"""At most so many effects in one part, whose Z'Z is held as a dense matrix: 3 GB at the most."""

AT_ONCE = 20_000
"""At most so many groups in one stack."""


@dataclass(frozen=True, slots=True, eq=False)
class Component:
    """S parts of r effects each, ordered by factor, then group.

    Attributes
    ----------
    ZZ, ZX
        Z'Z (S, r, r) and Z'X (S, r, p) of every part.
    groups
        How many groups of each factor a part has.
    """

    ZZ: Floats
    ZX: Floats
    groups: tuple[int, ...]

    def spread(self, by_factor: Sequence[Floats]) -> Floats:
        """The block-diagonal (r, r) matrix that repeats each factor's (q, q) for its groups.

        Examples
        --------
        >>> part = Component(np.eye(3)[None], np.ones((1, 3, 1)), (2, 1))
        >>> np.diag(part.spread([np.array([[5.0]]), np.array([[7.0]])]))
        array([5., 5., 7.])
        """
        out = np.zeros(self.ZZ.shape[1:])
        start = 0
        for own, groups in zip(by_factor, self.groups, strict=True):
            for _ in range(groups):
                place = slice(start, start + len(own))
                out[place, place] = own
                start += len(own)
        return out


def single(ZZ: Floats, ZX: Floats) -> Iterator[Component]:
    """The parts of one grouping factor, from its cross-products (J, q, q) and (J, q, p)."""
    for start in range(0, len(ZZ), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        yield Component(ZZ[part], ZX[part], (1,))


def connected(
    X: Floats, Z: Sequence[Floats], ids: Sequence[Ids], counts: Sequence[int]
) -> Iterator[Component]:
    """The parts of several grouping factors.

    Parameters
    ----------
    X
        Shape (n, p).
    Z, ids, counts
        By factor: columns (n, q), group of each row (n,), number of groups.

    Raises
    ------
    FitError
        A part with more than `LARGEST` effects.

    Examples
    --------
    >>> one = np.ones((4, 1)); inner, outer = np.array([0, 0, 1, 2]), np.array([0, 0, 0, 1])
    >>> [part.groups for part in connected(one, [one, one], [inner, outer], [3, 2])]
    [(1, 1), (2, 1)]
    """
    from scipy.sparse import hstack

    wide = hstack([_wide(*own) for own in zip(Z, ids, counts, strict=True)], format="csr")
    ZZ, ZX = (wide.T @ wide).tocoo(), np.asarray(wide.T @ X)
    part = _parts(ids, counts, [z.shape[1] for z in Z])
    factor = np.repeat(np.arange(len(Z)), [z.shape[1] * J for z, J in zip(Z, counts, strict=True)])
    make_ups, alike = _make_ups(part, factor, len(Z))
    place = _ranks(part)
    for kind, sizes in enumerate(make_ups):
        _refuse_large(int(sizes.sum()))
        slot = np.cumsum(alike == kind) - 1
        S, r = int(np.sum(alike == kind)), int(sizes.sum())
        blocks, products = np.zeros((S, r, r)), np.zeros((S, r, X.shape[1]))
        own = alike[part] == kind
        products[slot[part[own]], place[own]] = ZX[own]
        held = own[ZZ.row]
        row, column = ZZ.row[held], ZZ.col[held]
        blocks[slot[part[row]], place[row], place[column]] = ZZ.data[held]
        groups = tuple(int(size) // z.shape[1] for size, z in zip(sizes, Z, strict=True))
        yield Component(blocks, products, groups)


def _wide(Z: Floats, ids: Ids, J: int) -> csr_array:
    """Z with a column for every effect, group after group, shape (n, J q)."""
    from scipy.sparse import csr_array

    n, q = Z.shape
    columns = (ids[:, None] * q + np.arange(q)).ravel()
    return csr_array((Z.ravel(), columns, np.arange(0, n * q + 1, q)), shape=(n, J * q))


def _parts(ids: Sequence[Ids], counts: Sequence[int], sizes: Sequence[int]) -> Ids:
    """The part of every effect, numbered from 0."""
    from scipy.sparse import hstack
    from scipy.sparse.csgraph import connected_components

    member = [_wide(np.ones((len(own), 1)), own, J) for own, J in zip(ids, counts, strict=True)]
    groups = hstack(member, format="csr")
    label = connected_components(groups.T @ groups, directed=False)[1].astype(np.int64)
    return np.repeat(label, np.repeat(sizes, counts))


def _make_ups(part: Ids, factor: Ids, n_factors: int) -> tuple[Ids, Ids]:
    """Distinct numbers of effects by factor (m, n_factors), and which of them each part has."""
    table = np.zeros((int(part.max()) + 1, n_factors), dtype=np.int64)
    np.add.at(table, (part, factor), 1)
    make_ups, alike = np.unique(table, axis=0, return_inverse=True)
    return make_ups, alike.reshape(-1)


def _ranks(part: Ids) -> Ids:
    """The position of every effect within its part."""
    order = np.argsort(part, kind="stable")
    starts = np.searchsorted(part[order], part[order])
    rank = np.empty(len(part), dtype=np.int64)
    rank[order] = np.arange(len(part)) - starts
    return rank


def _refuse_large(effects: int) -> None:
    if effects > LARGEST:
        raise FitError(
            f"The Kenward-Roger method would need a dense matrix of {effects} group effects that the rows "
            "connect.",
            allowed=f"At most {LARGEST} effects may be connected.",
            remedy='Use `df="satterthwaite"`.',
        )
