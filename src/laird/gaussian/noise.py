"""Residual covariance R = φV + DCD of the rows, by blocks of rows that are correlated.

D = diag(σ_i) with log σ_i = w_i'α, V the known sampling covariance, C the correlations of
the outcomes of one observation unit (`laird.gaussian.outcomes`).  A block is a connected
component of V's pattern and of the units: nothing larger is ever formed.  Everything below
is in starred units; rows are in the order of `Layout`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.gaussian.frozen import freeze
from laird.gaussian.noise_kernels import (
    assemble,
    block_chain,
    block_forms,
    colour_blocks,
    diagonal,
    factorise_blocks,
    row_forms,
    scale_rows,
    whiten_blocks,
)
from laird.gaussian.outcomes import correlation_chain, correlations, pairs_of
from laird.gaussian.theta import Theta

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Noise:
    """What R depends on, row by row, in the user's units and order.

    Attributes
    ----------
    W
        Predictors of log σ, shape (n, k); zero in the rows of other outcomes.
    has_sigma
        Rows whose outcome has a σ, shape (n,); the others' is zero.
    variances
        Diagonal of V, shape (n,).
    covariances
        Rows (k,) and covariance (k, k) of every connected component of V with several rows.
    proportional
        Whether V is multiplied by an estimated φ.
    which, units
        Outcome and observation unit of every row, shapes (n,).
    rhos
        Pair of outcomes (first < second) and predictors (n, k) of its atanh (partial) correlation.
    weights
        Multipliers of the rows' log-likelihoods, shape (n,), or None.
    """

    W: Floats
    has_sigma: NDArray[np.bool_]
    variances: Floats
    which: Ids
    units: Ids
    covariances: tuple[tuple[Ids, Floats], ...] = ()
    proportional: bool = False
    rhos: tuple[tuple[tuple[int, int], Floats], ...] = ()
    weights: Floats | None = None

    @property
    def is_diagonal(self) -> bool:
        """Whether rows are independent given the group effects."""
        return not (self.covariances or self.rhos)


def residual(W: Floats, *, variances: Floats | None = None, weights: Floats | None = None) -> Noise:
    """The noise of one outcome: sds by the regression W, and known variances.

    Examples
    --------
    >>> noise = residual(np.ones((3, 1)), variances=np.array([0.1, 0.2, 0.3]))
    >>> noise.is_diagonal, noise.units
    (True, array([0, 1, 2]))
    """
    n, k = W.shape
    return Noise(
        W=W,
        has_sigma=np.full(n, k > 0),
        variances=np.zeros(n) if variances is None else variances,
        which=np.zeros(n, dtype=np.int64),
        units=np.arange(n),
        weights=weights,
    )


def blocks_of(noise: Noise) -> Ids:
    """Block of every row: connected components of V's pattern and of units, shape (n,)."""
    n = len(noise.W)
    if noise.is_diagonal:
        return np.arange(n)
    hubs = [(rows, np.full(len(rows), at)) for at, (rows, _) in enumerate(noise.covariances)]
    if noise.rhos:
        hubs.append((np.arange(n), len(noise.covariances) + noise.units))
    return components(n, *(np.concatenate(ends) for ends in zip(*hubs, strict=True)))


def components(n: int, rows: Ids, hubs: Ids) -> Ids:
    """Connected components of n rows that meet in hubs, shape (n,).

    Examples
    --------
    >>> components(4, np.array([0, 2, 3]), np.array([7, 7, 9]))
    array([0, 1, 0, 2])
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    _, hub = np.unique(hubs, return_inverse=True)
    size = n + len(rows)
    edges = coo_array((np.ones(len(rows)), (rows, n + hub.reshape(-1))), shape=(size, size))
    labels = connected_components(edges, directed=False)[1][:n]
    return np.unique(labels, return_inverse=True)[1].reshape(-1).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The noise of rows (or of strata of equal rows) in starred units, blocks contiguous.

    Attributes
    ----------
    W, log_unit, weight
        Predictors of log σ (c, k), log of the row's unit (∞ where σ is zero), number of rows
        (or sum of weights) of a stratum.
    known, proportional
        V by block, one after another; whether φ multiplies it.
    starts, offsets
        First row, and first entry of the matrix, of every block, and the ends.
    unit, which, cell
        Observation unit, outcome, and row of `P` of every row.
    P
        Predictors of the partial correlations by pair, (U, m(m - 1)/2, r).
    diagonal
        Whether all blocks have one row.
    """

    W: Floats
    log_unit: Floats
    weight: Floats
    known: Floats
    proportional: bool
    starts: Ids
    offsets: Ids
    unit: Ids
    which: Ids
    cell: Ids
    P: Floats
    outcomes: int
    diagonal: bool

    def __post_init__(self) -> None:
        freeze(self)

    @property
    def ids(self) -> tuple[Ids, Ids, Ids]:
        """Unit, outcome and predictors of the correlations of every row."""
        return self.unit, self.which, self.cell


def strata_layout(W: Floats, log_unit: Floats, weight: Floats, known: Floats, proportional: bool) -> Layout:
    """Independent rows: one entry by stratum."""
    c, none = len(W), np.zeros(len(W), dtype=np.int64)
    edges = np.arange(c + 1)
    return Layout(
        W=np.ascontiguousarray(W),
        log_unit=np.ascontiguousarray(log_unit),
        weight=np.asarray(weight, dtype=float),
        known=np.ascontiguousarray(known),
        proportional=proportional,
        starts=edges,
        offsets=edges,
        unit=edges[:-1],
        which=none,
        cell=none,
        P=np.zeros((1, 0, 0)),
        outcomes=1,
        diagonal=True,
    )


def block_layout(noise: Noise, order: Ids, block: Ids, scale: Floats) -> Layout:
    """Rows in `order`, in which those of a block follow each other; `scale` is the unit of each row."""
    n = len(order)
    starts = np.append(np.flatnonzero(np.diff(block[order], prepend=-1)), n).astype(np.int64)
    offsets = np.append(0, np.cumsum(np.diff(starts) ** 2))
    P, cell = _predictors(noise)
    return Layout(
        W=np.ascontiguousarray(noise.W[order]),
        log_unit=np.where(noise.has_sigma, np.log(scale), np.inf)[order],
        weight=np.ones(n),
        known=_packed(noise, order, starts, offsets, scale),
        proportional=noise.proportional,
        starts=starts,
        offsets=offsets,
        unit=np.ascontiguousarray(noise.units[order]),
        which=np.ascontiguousarray(noise.which[order]),
        cell=cell[order],
        P=P,
        outcomes=int(noise.which.max(initial=0)) + 1,
        diagonal=False,
    )


def _packed(noise: Noise, order: Ids, starts: Ids, offsets: Ids, scale: Floats) -> Floats:
    """V by block, one after another, starred."""
    n = len(order)
    known, sizes = np.zeros(offsets[-1]), np.diff(starts)
    block = np.repeat(np.arange(len(sizes)), sizes)
    local = np.arange(n) - starts[block]
    known[offsets[block] + local * (sizes[block] + 1)] = (noise.variances / scale**2)[order]
    place = np.empty(n, dtype=np.int64)
    place[order] = np.arange(n)
    for rows, V in noise.covariances:
        b, at = block[place[rows[0]]], local[place[rows]]
        own = known[offsets[b] : offsets[b + 1]].reshape(sizes[b], sizes[b])
        own[np.ix_(at, at)] = V / np.outer(scale[rows], scale[rows])
    return known


def _predictors(noise: Noise) -> tuple[Floats, Ids]:
    """Distinct predictors of the correlations (U, pairs, r), and which each row has."""
    n, m = len(noise.W), int(noise.which.max(initial=0)) + 1
    pairs = pairs_of(m)
    joined = np.hstack([np.zeros((n, 0)), *(own for _, own in noise.rhos)])
    values, cell = np.unique(joined, axis=0, return_inverse=True)
    P, start = np.zeros((len(values), len(pairs), joined.shape[1])), 0
    for (first, second), own in noise.rhos:
        stop = start + own.shape[1]
        P[:, pairs.index((second, first)), start:stop] = values[:, start:stop]
        start = stop
    return P, cell.reshape(-1).astype(np.int64)


class Covariance(NamedTuple):
    """R at some parameters.

    Attributes
    ----------
    sigma, phi, eta, C
        σ by row or stratum, φ, atanh partial correlations (U, pairs), correlations (U, m, m).
    R, root, logdet
        R by block, its Cholesky factors (1/√R where R is diagonal), Σ weight·log|R|: NaN
        where R is not positive definite.
    """

    sigma: Floats
    phi: float
    eta: Floats
    C: Floats
    R: Floats
    root: Floats
    logdet: float


_ONE = np.ones((1, 1, 1))
_NO_ETA = np.zeros((1, 0))


def covariance(layout: Layout, at: Theta) -> Covariance:
    """R, its factor and its determinant at α, φ and ζ."""
    phi = float(np.exp(at.log_phi[0])) if layout.proportional else 1.0
    log_sigma = _log_sigma(layout.W, at.alpha)
    if layout.diagonal:
        sigma, R, root = np.empty((3, len(layout.W)))
        logdet = diagonal(log_sigma, layout.log_unit, layout.known, phi, layout.weight, sigma, R, root)
        return Covariance(sigma, phi, _NO_ETA, _ONE, R, root, logdet)
    sigma, R = np.exp(log_sigma - layout.log_unit), np.empty_like(layout.known)
    eta = layout.P @ at.zeta
    C = correlations(eta, layout.outcomes)
    assemble(layout.starts, layout.offsets, sigma, *layout.ids, C, layout.known, phi, R)
    root = R.copy()
    return Covariance(sigma, phi, eta, C, R, root, factorise_blocks(layout.starts, layout.offsets, root))


def _log_sigma(W: Floats, alpha: Floats) -> Floats:
    """Wα, where α may hold the -∞ of a constant σ that is zero."""
    infinite = np.isinf(alpha)
    if not infinite.any():
        return W @ alpha
    return np.where(W[:, infinite].any(axis=1), -np.inf, W[:, ~infinite] @ alpha[~infinite])


def whiten(layout: Layout, at: Covariance, rows: Floats, place: Ids) -> Floats:
    """K⁻¹ times rows (r, k), R = KK'; `place` is the stratum of each row where R is diagonal."""
    out = np.empty_like(rows)
    if layout.diagonal:
        scale_rows(rows, place, at.root, out)
    else:
        whiten_blocks(layout.starts, layout.offsets, at.root, rows, out)
    return out


def forms(
    layout: Layout, at: Covariance, rows: Floats, F: Floats, cell: Ids, place: Ids, width: int
) -> tuple[Floats, Floats]:
    """Derivative B of the deviance in R, by block, and x_a(Fx)_a of the first columns by row.

    Parameters
    ----------
    rows
        Whitened rows x, shape (r, k).
    F, cell
        Derivative in Σ xx' by cell (U, k, k), and the cell of each row; a block lies in one cell.
    place
        Stratum of each row.
    width
        Number of columns a.

    Returns
    -------
    B packed like `Layout.known`, products (r, width).
    """
    products = np.empty((len(rows), width))
    if layout.diagonal:
        totals = np.zeros(len(layout.weight))
        row_forms(rows, F, cell, place, totals, products)
        return (layout.weight - totals) / at.R, products
    B = np.empty_like(at.R)
    block_forms(layout.starts, layout.offsets, at.root, rows, F, cell, B, products)
    return B, products


def chain(layout: Layout, at: Covariance, B: Floats) -> tuple[Floats, Floats, Floats]:
    """Derivatives in α, log φ and ζ from the symmetric B = d/dR, packed like `Layout.known`."""
    if layout.diagonal:
        d_log_sigma, d_phi = 2.0 * B * at.sigma**2, float(B @ layout.known)
        d_zeta = np.zeros(0)
    else:
        d_log_sigma, d_C = np.empty_like(at.sigma), np.zeros_like(at.C)
        d_phi = block_chain(
            *(layout.starts, layout.offsets, B, at.sigma, *layout.ids, at.C),
            *(layout.known, d_log_sigma, d_C),
        )
        d_eta = correlation_chain(at.eta, layout.outcomes, d_C)
        d_zeta = np.einsum("up,upr->r", d_eta, layout.P)
    d_log_phi = np.array([at.phi * d_phi]) if layout.proportional else np.zeros(0)
    return d_log_sigma @ layout.W, d_log_phi, d_zeta


def variance_slopes(layout: Layout, B: Floats) -> Floats:
    """Derivative in a σ² common to the rows of each column of W, from B = d/dR; shape (k,)."""
    sizes = np.diff(layout.starts)
    local = np.arange(sizes.sum()) - np.repeat(layout.starts[:-1], sizes)
    at = np.repeat(layout.offsets[:-1], sizes) + local * (np.repeat(sizes, sizes) + 1)
    per_row = np.where(np.isfinite(layout.log_unit), B[at] * np.exp(-2.0 * layout.log_unit), 0.0)
    return np.asarray(per_row @ (layout.W != 0))


def coloured(layout: Layout, at: Covariance, rng: np.random.Generator) -> Floats:
    """A draw of the residuals, N(0, R), shape (c,)."""
    noise = rng.standard_normal(len(at.sigma))
    if layout.diagonal:
        return noise / at.root
    colour_blocks(layout.starts, layout.offsets, at.root, noise)
    return noise
