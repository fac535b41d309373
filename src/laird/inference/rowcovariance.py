"""Σ = φV + D C D + Σ_f Z_f G_f Z_f' of the rows of a design, and the share of every level in it.

The levels are where true effects differ: the rows themselves (``"residual"``), and the groups
of every grouping factor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.design import Design, RandomDesign
from laird.inference.rowblocks import Layout, Whitener, connected_rows, layout, whitener

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

RESIDUAL = "residual"


class Dispersion(NamedTuple):
    """Covariance parameters, user's units; all may have leading axes for draws.

    Attributes
    ----------
    G
        Covariance of the effects of each grouping factor, shapes (q, q).
    scale
        What each row's group sds are multiplied by, by factor, shapes (n,).
    sigma
        Residual sd of every row, shape (n,).
    C
        Residual correlations of the outcomes of every unit, shape (U, m, m), or None.
    phi
        Multiplier of V.
    """

    G: tuple[Floats, ...]
    scale: tuple[Floats, ...]
    sigma: Floats
    C: Floats | None
    phi: Floats


@dataclass(frozen=True, slots=True, eq=False)
class RowCovariance:
    """The parts of Σ by stack of `where`, shapes (..., m, s, s).

    Attributes
    ----------
    where
        Layout of the rows.
    V
        Sampling covariance φV; zero without ``meta_V``.
    names
        Names of the levels.
    levels
        Covariance of the true effects, level by level, then stack by stack.
    """

    where: Layout
    V: tuple[Floats, ...]
    names: tuple[str, ...]
    levels: tuple[tuple[Floats, ...], ...]

    def effects(self) -> tuple[Floats, ...]:
        """T, the covariance of the true effects, by stack."""
        return tuple(sum(parts[1:], parts[0]) for parts in zip(*self.levels, strict=True))

    def total(self) -> tuple[Floats, ...]:
        """Σ = V + T by stack."""
        return tuple(V + T for V, T in zip(self.V, self.effects(), strict=True))

    def whitener(self) -> Whitener:
        """Factorise Σ."""
        return whitener(self.where, self.total())

    def variances(self) -> Floats:
        """Variance of the true effect of every row at every level, shape (..., levels, n)."""
        return np.stack([diagonal(self.where, level) for level in self.levels], axis=-2)


def diagonal(where: Layout, stacks: tuple[Floats, ...]) -> Floats:
    """The diagonal in the order of the rows, shape (..., n)."""
    found = np.empty((*stacks[0].shape[:-3], where.n))
    for rows, own in zip(where.stacks, stacks, strict=True):
        found[..., rows] = np.diagonal(own, axis1=-2, axis2=-1)
    return found


def between(where: Layout, stacks: tuple[Floats, ...], rows: Ids) -> Floats:
    """The matrix of some rows, shape (r, r)."""
    found = np.zeros((len(rows), len(rows)))
    for kind, own in enumerate(stacks):
        here = np.flatnonzero(where.stack[rows] == kind)
        block, place = where.block[rows[here]], where.place[rows[here]]
        same = block[:, None] == block
        found[np.ix_(here, here)] = same * own[block[:, None], place[:, None], place]
    return found


def row_layout(design: Design) -> Layout:
    """The layout of the connected rows of a design."""
    return layout(connected_rows(design))


def row_covariance(design: Design, where: Layout, at: Dispersion) -> RowCovariance:
    """The parts of Σ at given covariance parameters.

    Examples
    --------
    >>> from laird.design import bind
    >>> from laird.spec import parse_spec
    >>> data = {"y": [1.0, 2.0, 4.0, 3.0, 1.0, 1.5], "g": list("aabbcc")}
    >>> _, design = bind(parse_spec("y ~ 1 + (1 | g)"), data)
    >>> where = row_layout(design)
    >>> at = Dispersion((np.array([[4.0]]),), (np.ones(6),), np.ones(6), None, np.array(1.0))
    >>> row_covariance(design, where, at).total()[0][0]
    array([[5., 4.],
           [4., 5.]])
    """
    levels = [_residual(design, where, at)]
    parameters = zip(design.random, at.G, at.scale, strict=True)
    levels += [tuple(_of_factor(rows, *own) for rows in where.stacks) for own in parameters]
    names = (RESIDUAL, *(random.group for random in design.random))
    return RowCovariance(where, sampling(design, where, at.phi), names, tuple(levels))


def sampling(design: Design, where: Layout, phi: Floats) -> tuple[Floats, ...]:
    """φV by stack; zeros without ``meta_V``."""
    if design.known is None:
        return where.spread((), np.zeros(where.n))
    blocks = [(own.rows, own.V) for own in design.known.blocks]
    V = where.spread(blocks, design.known.variances)
    return tuple(np.asarray(phi)[..., None, None, None] * own for own in V)


def _residual(design: Design, where: Layout, at: Dispersion) -> tuple[Floats, ...]:
    found = []
    for rows in where.stacks:
        sigma = at.sigma[..., rows]
        if at.C is None:
            R = np.eye(rows.shape[1])
        else:
            unit, which = design.units[rows], design.which[rows]
            same = unit[:, :, None] == unit[:, None, :]
            R = same * at.C[..., unit[:, :, None], which[:, :, None], which[:, None, :]]
        found.append(sigma[..., :, None] * R * sigma[..., None, :])
    return tuple(found)


def _of_factor(rows: Ids, random: RandomDesign, G: Floats, scale: Floats) -> Floats:
    """Covariance of the group effects in rows of one group, shape (..., m, s, s)."""
    ids = random.ids[rows]
    Z = random.Z[rows] * scale[..., rows][..., None]
    same = ids[:, :, None] == ids[:, None, :]
    return np.asarray(same * (Z @ G[..., None, :, :] @ np.swapaxes(Z, -1, -2)))
