"""Rows by connected block: the parts into which a covariance of rows falls, blocks of one size in a stack.

A stack holds m blocks of s rows; matrices of a stack have shape (..., m, s, s), with leading
axes for draws.  Nothing is ever rows by rows, unless all rows are connected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.design import Design
from laird.errors import FitError
from laird.fitting.frozen import freeze
from laird.gaussian.noise import components

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

LARGEST = 6000
"""At most so many rows in one block, whose covariance is held as a dense matrix."""


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Where the rows are.

    Attributes
    ----------
    n
        Number of rows.
    stacks
        Rows of every block, blocks of one size together, shapes (m, s).
    stack, block, place
        Of every row: its stack, its block in the stack, its place in the block; shapes (n,).
    """

    n: int
    stacks: tuple[Ids, ...]
    stack: Ids
    block: Ids
    place: Ids

    def __post_init__(self) -> None:
        freeze(self)

    def spread(self, blocks: Sequence[tuple[Ids, Floats]], diagonal: Floats) -> tuple[Floats, ...]:
        """A symmetric matrix of rows given by its diagonal (n,) and by blocks (rows, values), per stack."""
        found = tuple(_diagonal(diagonal[rows]) for rows in self.stacks)
        for rows, values in blocks:
            own = found[self.stack[rows[0]]][self.block[rows[0]]]
            own[np.ix_(self.place[rows], self.place[rows])] = values
        return found


def layout(labels: Ids) -> Layout:
    """The layout of rows with the same label in one block.

    Raises
    ------
    FitError
        A block with more than `LARGEST` rows.

    Examples
    --------
    >>> layout(np.array([0, 1, 0, 2])).stacks
    (array([[1], [3]]), array([[0, 2]]))
    """
    _, codes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    _refuse_large(int(sizes.max(initial=0)))
    order = np.argsort(codes, kind="stable")
    starts = np.cumsum(sizes) - sizes
    stack, block, place = (np.empty(len(codes), dtype=np.int64) for _ in range(3))
    stacks: list[Ids] = []
    for size in np.unique(sizes):
        members = np.flatnonzero(sizes == size)
        rows = order[starts[members][:, None] + np.arange(size)]
        stack[rows], block[rows], place[rows] = len(stacks), np.arange(len(members))[:, None], np.arange(size)
        stacks.append(rows)
    return Layout(len(codes), tuple(stacks), stack, block, place)


def connected_rows(design: Design) -> Ids:
    """Labels of the parts of the rows that no group, unit or block of V connects, shape (n,)."""
    n = len(design.X)
    links = [random.ids for random in design.random]
    if len(design.units):
        links.append(design.units)
    if design.known is not None and design.known.blocks:
        links.append(_block_of_row(design))
    if not links:
        return np.arange(n, dtype=np.int64)
    starts = np.cumsum([0, *(int(link.max(initial=-1)) + 1 for link in links[:-1])])
    hubs = np.concatenate([link + start for link, start in zip(links, starts, strict=True)])
    return components(n, np.tile(np.arange(n), len(links)), hubs)


def _block_of_row(design: Design) -> Ids:
    """A number for every block of V, and one for every row outside."""
    found = np.arange(len(design.X), dtype=np.int64)
    for own in design.known.blocks if design.known is not None else ():
        found[own.rows] = own.rows[0]
    return found


def _refuse_large(rows: int) -> None:
    if rows > LARGEST:
        raise FitError(
            f"This would need the dense covariance of {rows} rows that groups or sampling errors connect.",
            allowed=f"At most {LARGEST} rows may be connected.",
        )


def _diagonal(values: Floats) -> Floats:
    """Diagonal matrices (m, s, s) of (m, s)."""
    return values[..., None] * np.eye(values.shape[-1])


class Whitener(NamedTuple):
    """W with W Σ W' = I for every block.

    Attributes
    ----------
    layout
        Where the rows are.
    W
        Lower triangular, by stack, shapes (m, s, s).
    log_determinant
        log|Σ|.
    """

    layout: Layout
    W: tuple[Floats, ...]
    log_determinant: float

    def whiten(self, A: Floats) -> Floats:
        """WA in the order of the rows, shape of A (n,) or (n, c)."""
        return self._times(A, transposed=False)

    def solve(self, A: Floats) -> Floats:
        """Σ⁻¹A = W'WA, shape of A."""
        return self._times(self._times(A, transposed=False), transposed=True)

    def _times(self, A: Floats, *, transposed: bool) -> Floats:
        found = np.empty_like(A, dtype=float)
        columns = A.reshape(len(A), -1)
        for rows, W in zip(self.layout.stacks, self.W, strict=True):
            own = np.swapaxes(W, -1, -2) if transposed else W
            found[rows] = (own @ columns[rows]).reshape(*rows.shape, *A.shape[1:])
        return found

    def inverse_diagonal(self) -> Floats:
        """Diagonal of Σ⁻¹, shape (n,)."""
        found = np.empty(self.layout.n)
        for rows, W in zip(self.layout.stacks, self.W, strict=True):
            found[rows] = np.sum(W**2, axis=-2)
        return found

    def inverse(self) -> tuple[Floats, ...]:
        """Σ⁻¹ by stack, shapes (m, s, s)."""
        return tuple(np.swapaxes(W, -1, -2) @ W for W in self.W)


def whitener(where: Layout, Sigma: Sequence[Floats]) -> Whitener:
    """Factorise a covariance of rows given by stack, shapes (m, s, s).

    Raises
    ------
    FitError
        A block is not positive definite.

    Examples
    --------
    >>> where = layout(np.array([0, 0]))
    >>> whitener(where, [np.array([[[4.0, 0.0], [0.0, 9.0]]])]).whiten(np.array([2.0, 3.0]))
    array([1., 1.])
    """
    found, total = [], 0.0
    for rows, own in zip(where.stacks, Sigma, strict=True):
        try:
            factor = np.linalg.cholesky(own)
        except np.linalg.LinAlgError as error:
            raise _not_definite(rows, own) from error
        total += 2.0 * float(np.sum(np.log(np.diagonal(factor, axis1=-2, axis2=-1))))
        found.append(np.linalg.inv(factor))
    return Whitener(where, tuple(found), total)


def _not_definite(rows: Ids, Sigma: Floats) -> FitError:
    worst = int(np.argmin(np.linalg.eigvalsh(Sigma)[:, 0]))
    shown = ", ".join(map(str, rows[worst][:5].tolist()))
    return FitError(
        "The covariance of some rows is singular: sampling variances of zero, or correlations of one.",
        where=f"    rows {shown}{', …' if rows.shape[1] > 5 else ''} (counted from 0)",
        remedy="Leave out the rows without sampling variance, or what repeats another row.",
    )


def regroup(where: Layout, stacks: Sequence[Floats], target: Layout) -> tuple[Floats, ...]:
    """A block-diagonal matrix in a layout of larger blocks, zero between the smaller ones.

    Examples
    --------
    >>> small, large = layout(np.arange(2)), layout(np.zeros(2, dtype=int))
    >>> regroup(small, [np.array([[[1.0]], [[2.0]]])], large)[0][0]
    array([[1., 0.],
           [0., 2.]])
    """
    found = tuple(np.zeros((len(rows), rows.shape[1], rows.shape[1])) for rows in target.stacks)
    for rows, values in zip(where.stacks, stacks, strict=True):
        kind, block, place = target.stack[rows[:, 0]], target.block[rows[:, 0]], target.place[rows]
        for k, own in enumerate(found):
            here = kind == k
            p = place[here]
            own[block[here][:, None, None], p[:, :, None], p[:, None, :]] = values[here]
    return found
