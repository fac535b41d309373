"""Weighted sums of linear predictors: what predictions, comparisons and slopes are about.

The target of a cell c is t_c = Σ_i w_i (x_i'β + Σ_f z_if'u_f,j(i)) over its rows i.  It is kept as x_c
= Σ w_i x_i and, by grouping factor, as one z_cj = Σ w_i z_i for every group j that takes part in
the cell, so that rows of one group share its effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from laird.design import Design, RandomDesign
from laird.fitting.frozen import freeze

if TYPE_CHECKING:
    from scipy.sparse import csr_array

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """To which cell each row belongs, and with what weight.

    Attributes
    ----------
    cell, weight
        Shapes (m,); cells are counted from 0.
    count
        Number of cells.
    """

    cell: Ids
    weight: Floats
    count: int

    def __post_init__(self) -> None:
        freeze(self)

    @property
    def matrix(self) -> csr_array:
        """Weights as a matrix, cells by rows."""
        from scipy.sparse import csr_array

        places = (self.cell, np.arange(len(self.cell)))
        return csr_array((self.weight, places), shape=(self.count, len(self.cell)))


def each_row(m: int) -> Cells:
    """Every row a cell of its own."""
    return Cells(np.arange(m, dtype=np.int64), np.ones(m), m)


def averages(cell: Ids) -> Cells:
    """The average of the rows of every cell.

    Examples
    --------
    >>> averages(np.array([0, 1, 1])).weight
    array([1. , 0.5, 0.5])
    """
    sizes = np.bincount(cell)
    return Cells(cell, 1.0 / sizes[cell], len(sizes))


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """How the groups of one factor take part in cells: a row for every cell and group that meet.

    Attributes
    ----------
    cell, group
        Shapes (k,); groups from J = `fitted` on are new ones.
    row
        A row of the design that is in the group, shape (k,).
    Z
        Weighted sums of the rows' z, shape (k, q).
    fitted
        Number of fitted groups.
    """

    cell: Ids
    group: Ids
    row: Ids
    Z: Floats
    fitted: int

    def __post_init__(self) -> None:
        freeze(self)

    def known(self) -> Shares:
        """The part of the fitted groups."""
        return self.where(self.group < self.fitted)

    def new(self) -> Shares:
        """The part of the new groups."""
        return self.where(self.group >= self.fitted)

    def where(self, keep: Flags) -> Shares:
        """A selection of rows."""
        return Shares(self.cell[keep], self.group[keep], self.row[keep], self.Z[keep], self.fitted)

    def matrix(self, count: int, groups: Ids, Z: Floats) -> csr_array:
        """Weights of stacked effects (groups, q), as a matrix with `count` rows.

        Parameters
        ----------
        count
            Number of cells.
        groups
            Position of every row's group among the stacked effects, shape (k,).
        Z
            Weights, shape (k, q).
        """
        from scipy.sparse import csr_array

        q = Z.shape[1]
        columns = (groups[:, None] * q + np.arange(q)).ravel()
        size = int(groups.max(initial=-1)) + 1
        return csr_array((Z.ravel(), (np.repeat(self.cell, q), columns)), shape=(count, size * q))


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """Sums of linear predictors of the rows of a design.

    Attributes
    ----------
    design
        The rows, with ids of new groups from J on.
    cells
        Cells of the rows.
    X
        x_c, shape (r, p).
    shares
        By grouping factor; empty factors take no part.
    noise
        Whether residuals are part of the target: it is an average of single outcomes.
    """

    design: Design
    cells: Cells
    X: Floats
    shares: tuple[Shares, ...]
    noise: bool

    @property
    def fixed(self) -> bool:
        """Whether targets depend on the fixed effects only."""
        return not self.noise and not any(len(own.cell) for own in self.shares)


def targets_of(design: Design, cells: Cells, *, new_groups: bool, noise: bool) -> Targets:
    """Sum the rows of a design by cell.

    Parameters
    ----------
    design
        Rows, with ids of new groups from J on.
    cells
        Their cells.
    new_groups
        Whether effects of new groups count; else they stand at their mean, zero.
    noise
        Whether residuals count.
    """
    shares = (_shares(random, cells) for random in design.random)
    kept = tuple(own if new_groups else own.known() for own in shares)
    return Targets(design, cells, np.asarray(cells.matrix @ design.X), kept, noise)


def _shares(random: RandomDesign, cells: Cells) -> Shares:
    groups = int(random.ids.max(initial=0)) + 1
    keys, row, place = np.unique(cells.cell * groups + random.ids, return_index=True, return_inverse=True)
    Z = np.zeros((len(keys), random.Z.shape[1]))
    np.add.at(Z, place, cells.weight[:, None] * random.Z)
    found = Shares(keys // groups, keys % groups, row.astype(np.int64), Z, len(random.levels))
    return found.where(np.any(Z != 0.0, axis=1))
