"""A sampling covariance as the user gives it -> checked variances and connected blocks.

A vector, a dense or sparse matrix, or a list of blocks becomes its entries other than zero;
nothing of the size of all rows by all rows is ever made of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from laird.arrays import KnownBlock, read_only
from laird.data.column import Mask
from laird.errors import DataError

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

SYMMETRIC = 1e-8
"""V_ij and V_ji may differ by this share of the root of V_ii V_jj: rounding of what was printed."""

SEMIDEFINITE = 1e-8
"""The smallest eigenvalue of a block's correlation matrix may be this far below zero."""

SINGULAR = 1e-10
"""Below this one a block counts as singular."""

_FILL = 'Correct them, or leave their rows out: missing="drop" drops rows for missing columns only.'
_SQUARE = "Correct them: a sampling variance is the square of a standard error."
_CORRELATION = "Correct them: no correlation is beyond 1."

ALLOWED = "Allowed: a vector of variances, a dense or SciPy-sparse matrix, or a list of square blocks."


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """The entries of a square matrix that are not zero.

    Attributes
    ----------
    name
        What ``meta_V(...)`` calls it.
    size
        Number of rows.
    rows, columns, values
        Places, counted from 0, and values, shapes (e,).
    places
        Row of the user's matrix that each row was, shape (size,).
    is_vector
        The user gave variances alone.
    """

    name: str
    size: int
    rows: Ids
    columns: Ids
    values: Floats
    places: Ids
    is_vector: bool = False

    def subset(self, keep: Ids) -> Entries:
        """Return the rows and columns `keep`, ascending."""
        position = np.full(self.size, -1)
        position[keep] = np.arange(len(keep))
        rows, columns = position[self.rows], position[self.columns]
        kept = (rows >= 0) & (columns >= 0)
        return replace(
            self,
            size=len(keep),
            rows=rows[kept],
            columns=columns[kept],
            values=self.values[kept],
            places=self.places[keep],
        )

    def diagonal(self) -> Floats:
        """Return the variances, shape (size,)."""
        own = self.rows == self.columns
        variances = np.zeros(self.size)
        variances[self.rows[own]] = self.values[own]
        return variances


def of_vector(name: str, variances: Floats, places: Ids) -> Entries:
    """Return a diagonal matrix."""
    ids = np.arange(len(variances))
    return Entries(name, len(ids), ids, ids, variances, places, is_vector=True)


def read_covariance(name: str, given: Any) -> Entries:
    """Read a vector, a dense or sparse matrix, or a list of blocks.

    Raises
    ------
    DataError
        It is none of these, or not square, or not of numbers.

    Examples
    --------
    >>> entries = read_covariance("V", [[[0.2, 0.1], [0.1, 0.2]], [[0.3]]])
    >>> entries.size, entries.rows, entries.columns, entries.values
    (3, array([0, 0, 1, 1, 2]), array([0, 1, 0, 1, 2]), array([0.2, 0.1, 0.1, 0.2, 0.3]))
    """
    from scipy import sparse

    if sparse.issparse(given):
        return _of_sparse(name, given)
    if _is_list_of_blocks(given):
        return _of_blocks(name, [_numbers(name, block) for block in given])
    array = _numbers(name, given)
    if array.ndim == 0:
        what, is_number = f"`known` gives `{name}` as one number.", bool(np.isfinite(array))
        raise DataError(
            what if is_number else f"`known` gives nothing for `{name}`.",
            allowed=ALLOWED,
            remedy=f"For equal variances of n rows pass numpy.full(n, {float(array):g})." * is_number,
        )
    if array.ndim == 1:
        return of_vector(name, array, np.arange(len(array)))
    _check_square(name, array.shape)
    rows, columns = np.nonzero(array)
    return _entries(name, len(array), rows, columns, array[rows, columns])


def _of_sparse(name: str, matrix: Any) -> Entries:
    _check_square(name, matrix.shape)
    found = matrix.tocsr().tocoo()  # sums entries that are given twice
    return _entries(name, matrix.shape[0], found.row, found.col, _numbers(name, found.data))


def _entries(name: str, size: int, rows: NDArray[Any], columns: NDArray[Any], values: Floats) -> Entries:
    return Entries(
        name, size, rows.astype(np.int64), columns.astype(np.int64), values, np.arange(size, dtype=np.int64)
    )


def _is_list_of_blocks(given: Any) -> bool:
    if isinstance(given, np.ndarray):
        return given.ndim == 3
    return isinstance(given, list | tuple) and any(_depth(block) == 2 for block in given)


def _depth(block: Any) -> int:
    try:
        return np.ndim(block)
    except ValueError:  # lists of unequal lengths
        return 0


def _of_blocks(name: str, blocks: Sequence[Floats]) -> Entries:
    squares = [block.reshape(1, 1) if block.ndim == 0 else block for block in blocks]
    for number, block in enumerate(squares, start=1):
        _check_square(f"{name}, block {number}", block.shape)
    sizes = [len(block) for block in squares]
    starts = np.cumsum([0, *sizes])
    places = [np.nonzero(block) for block in squares]
    rows = [own + start for (own, _), start in zip(places, starts, strict=False)]
    columns = [own + start for (_, own), start in zip(places, starts, strict=False)]
    values = [block[own] for block, own in zip(squares, places, strict=True)]
    return _entries(name, sum(sizes), *map(np.concatenate, (rows, columns, values)))


def _numbers(name: str, given: Any) -> Floats:
    try:
        array = np.ma.filled(given, np.nan) if np.ma.isMaskedArray(given) else np.asarray(given)
        if array.dtype.kind in "iufO":
            return array.astype(np.float64)
    except (TypeError, ValueError):
        pass
    raise DataError(
        f"`known` gives `{name}` values that are not numbers, or rows of unequal lengths.", allowed=ALLOWED
    )


def _check_square(name: str, shape: tuple[int, ...]) -> None:
    if len(shape) != 2 or shape[0] != shape[1]:
        said = " × ".join(map(str, shape)) if len(shape) > 1 else f"a vector of {shape[0]}"
        raise DataError(f"`{name}` is not square: it is {said}.", allowed=ALLOWED)


def check_covariance(V: Entries, label: Callable[[int], str]) -> None:
    """Refuse what is no covariance matrix; `label` describes a row for the message.

    Raises
    ------
    DataError
        An entry is not finite, a variance is negative, V is not symmetric, or a
        covariance is larger than its variances allow.
    """
    _refuse(V, ~np.isfinite(V.values), "has values that are missing or infinite", _FILL, label)
    _refuse(V, (V.rows == V.columns) & (V.values < 0), "has negative variances", _SQUARE, label)
    root = np.sqrt(V.diagonal())
    _check_symmetric(V, root, label)
    limit = root[V.rows] * root[V.columns]
    beyond = np.abs(V.values) > limit * (1 + SYMMETRIC)
    beyond &= V.rows != V.columns
    _refuse(V, beyond, "has covariances above √(V_ii V_jj) in size", _CORRELATION, label)


def _refuse(V: Entries, wrong: Mask, what: str, remedy: str, label: Callable[[int], str]) -> None:
    if wrong.any():
        places = np.flatnonzero(wrong)
        raise DataError(
            f"`{V.name}` {what}: {len(places)} of {len(V.values)} entries.",
            where="\n".join(_entry_lines(V, places[0], label)),
            remedy=remedy,
        )


def _entry_lines(V: Entries, place: int, label: Callable[[int], str]) -> Iterator[str]:
    i, j, value = int(V.rows[place]), int(V.columns[place]), V.values[place]
    numbers = [int(V.places[k]) + 1 for k in (i, j)]
    entry = numbers[0] if V.is_vector else f"({numbers[0]}, {numbers[1]})"
    yield f"    entry {entry} of {V.name}, counted from 1, is {value:g}"
    yield from _label_lines(V, dict.fromkeys((i, j)), label)


def _label_lines(V: Entries, rows: Any, label: Callable[[int], str]) -> Iterator[str]:
    for k in rows:
        yield f"    {V.places[k] + 1}: {label(int(k))}"


def _check_symmetric(V: Entries, root: Floats, label: Callable[[int], str]) -> None:
    """Compare V with its transpose; both triangles are there, so they are sorted alike."""
    from scipy import sparse

    A = sparse.csr_array((V.values, (V.rows, V.columns)), shape=(V.size, V.size))
    gap = (A - A.T).tocoo()
    wrong = np.flatnonzero(np.abs(gap.data) > SYMMETRIC * root[gap.row] * root[gap.col])
    if not len(wrong):
        return
    i, j = int(gap.row[wrong[0]]), int(gap.col[wrong[0]])
    first, second = V.places[i] + 1, V.places[j] + 1
    raise DataError(
        f"`{V.name}` is not symmetric: {len(wrong) // 2} pairs of entries differ.",
        where="\n".join(
            [
                f"    entry ({first}, {second}) of {V.name}, counted from 1, is {A[i, j]:g},"
                f" entry ({second}, {first}) is {A[j, i]:g}",
                *_label_lines(V, (i, j), label),
            ]
        ),
        allowed=f"They may differ by {SYMMETRIC:g} of √(V_ii V_jj).",
        remedy="Correct them; laird does not choose one of two.",
    )


def connected_blocks(V: Entries, label: Callable[[int], str]) -> tuple[KnownBlock, ...]:
    """Return the connected components of V with more than one row, by their first rows.

    Raises
    ------
    DataError
        A block is not positive semidefinite.

    Examples
    --------
    >>> V = read_covariance("V", [[0.2, 0.0, 0.1], [0.0, 0.3, 0.0], [0.1, 0.0, 0.2]])
    >>> [(block.rows, block.V[0, 1]) for block in connected_blocks(V, str)]
    [(array([0, 2]), np.float64(0.1))]
    """
    off = V.rows != V.columns
    if not off.any():
        return ()
    component = _components(V)
    sizes = np.bincount(component)
    members = np.argsort(component, kind="stable")
    found = [
        block
        for size in np.unique(sizes[sizes > 1])
        for block in _blocks_of_size(V, int(size), component, sizes, members, label)
    ]
    return tuple(sorted(found, key=lambda block: int(block.rows[0])))


def _components(V: Entries) -> Ids:
    from scipy import sparse
    from scipy.sparse.csgraph import connected_components

    links = sparse.csr_array((np.ones(len(V.rows)), (V.rows, V.columns)), shape=(V.size, V.size))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)


def _blocks_of_size(
    V: Entries, size: int, component: Ids, sizes: Ids, members: Ids, label: Callable[[int], str]
) -> Iterator[KnownBlock]:
    """The blocks of one size as one array (b, size, size): (V + V') / 2, which differ by rounding."""
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    place = np.empty(V.size, dtype=np.int64)
    place[members] = np.arange(V.size) - starts[component[members]]
    number = np.cumsum(sizes == size) - 1
    own = sizes[component[V.rows]] == size
    at = number[component[V.rows[own]]], place[V.rows[own]], place[V.columns[own]]
    stack = np.zeros((int(number[-1]) + 1, size, size))
    stack[at] = V.values[own]
    stack = (stack + stack.transpose(0, 2, 1)) / 2
    rows = members[starts[sizes == size][:, np.newaxis] + np.arange(size)]
    _check_semidefinite(V, stack, rows, label)
    for ids, block in zip(rows, stack, strict=True):
        yield KnownBlock(read_only(ids), read_only(block))


def _check_semidefinite(V: Entries, stack: Floats, rows: Ids, label: Callable[[int], str]) -> None:
    if _surely_semidefinite(stack):
        return
    smallest = smallest_eigenvalues(stack)
    wrong = np.flatnonzero(smallest < -SEMIDEFINITE)
    if not len(wrong):
        return
    ids = rows[wrong[0]]
    raise DataError(
        f"`{V.name}` is not positive semidefinite: no sampling errors have these covariances.",
        where="\n".join(
            [
                f"    {len(wrong)} of {len(rows)} blocks of {len(ids)} rows; the correlations of the first"
                f" have the eigenvalue {smallest[wrong[0]]:.3g}; its rows, counted from 1:",
                *_label_lines(V, ids[:5], label),
            ]
        ),
        remedy="Correct the covariances; laird does not repair them.",
    )


def smallest_eigenvalues(blocks: Floats) -> Floats:
    """Return the smallest eigenvalue of the correlations of each block (b, k, k).

    Examples
    --------
    >>> smallest_eigenvalues(np.array([[[4.0, 2.0], [2.0, 1.0]]])).round(12)
    array([0.])
    """
    return np.asarray(np.linalg.eigvalsh(_correlations(blocks))[:, 0])


def _correlations(blocks: Floats) -> Floats:
    root = np.sqrt(np.einsum("bii->bi", blocks))
    root = np.where(root > 0, root, 1.0)
    return np.asarray(blocks / root[:, :, np.newaxis] / root[:, np.newaxis, :])


def _surely_semidefinite(blocks: Floats) -> bool:
    """Tell whether the correlations of all blocks have a Cholesky factor, which is cheaper."""
    try:
        np.linalg.cholesky(_correlations(blocks))
    except np.linalg.LinAlgError:
        return False
    return True
