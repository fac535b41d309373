"""The rows of a fit in centred columns, and Σ⁻¹ of every draw as far as leaving rows out needs it.

With W = [XT y - Xβ₀], β = Tγ + β₀ and W_b the rows of unit b, the data enter the density of the
units through W_b'Σ_b⁻¹W_b and log|Σ_b|; of single rows through Σ⁻¹W and the diagonal of Σ⁻¹.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting.frozen import freeze
from laird.fitting.problem import Problem
from laird.fitting.result import Fit
from laird.fitting.target import flat_likelihood
from laird.gaussian.composite import Composite
from laird.gaussian.crossproducts import Grouped
from laird.gaussian.standardise import Standardisation
from laird.gaussian.theta import Theta
from laird.inference.chunks import chunks
from laird.inference.dispersion import dispersion
from laird.inference.logo_woodbury import effects_of, inverse_rows
from laird.inference.rowcovariance import row_covariance, row_layout
from laird.inference.units import Units, units_of

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]


LARGEST = 4_000
"""Rows that depend on each other, at most: their covariance has 128 MB."""


class UnitProducts(NamedTuple):
    """log|Σ_b| (S, B) and W_b'Σ_b⁻¹W_b (S, B, m, m) of every unit."""

    logdet: Floats
    S: Floats


class RowProducts(NamedTuple):
    """Diagonal of Σ⁻¹ (S, n) and Σ⁻¹W (S, n, m)."""

    diagonal: Floats
    SW: Floats


@dataclass(frozen=True, slots=True, eq=False)
class CentredRows:
    """Rows in centred columns.

    Attributes
    ----------
    problem
        The model.
    W
        [XT y - Xβ₀], shape (n, p + 1).
    T, origin
        β = T(γ + origin), shapes (p, p), (p,).
    units
        Parts of the rows that are independent given the coefficients.
    """

    problem: Problem
    W: Floats
    T: Floats
    origin: Floats
    units: Units

    def __post_init__(self) -> None:
        freeze(self)

    @property
    def counts(self) -> Ids:
        """Rows by unit, shape (B,)."""
        return np.bincount(self.units.codes, minlength=len(self.units.labels))

    def unit_products(self, theta: Theta) -> Iterator[tuple[slice, UnitProducts]]:
        """Of a stack of θ, some draws at a time."""
        m = self.W.shape[1]
        if self._compressed:
            sums = self._sums()
            for part in chunks(len(theta.L), len(self.units.labels) * m * m):
                yield part, _compressed(theta.at(part), self.counts, *sums)
        else:
            for part in chunks(len(theta.L), self._width + len(self.units.labels) * m * m):
                yield part, self._by_block(theta.at(part))

    def row_products(self, theta: Theta) -> Iterator[tuple[slice, RowProducts]]:
        """Of a stack of θ, some draws at a time."""
        n, m = self.W.shape
        if self._compressed:
            Z, codes, sums = self.problem.design.random[0].Z, self.units.codes, self._sums()
            for part in chunks(len(theta.L), n * (m + Z.shape[1] ** 2)):
                yield part, _compressed_rows(theta.at(part), self.W, Z, codes, *sums[:2])
        elif isinstance(self.problem.data, Composite) and effects_of(self.problem.design.random) < n:
            random = self.problem.design.random
            for part in chunks(len(theta.L), n * (m + effects_of(random))):
                at = theta.at(part)
                yield part, RowProducts(*inverse_rows(random, at.L, np.exp(at.alpha[:, 0]), self.W))
        else:
            for part in chunks(len(theta.L), self._width + n * m):
                yield part, self._inverse_rows(theta.at(part))

    @property
    def _compressed(self) -> bool:
        return isinstance(self.problem.data, Grouped) and bool(self.problem.design.random)

    @property
    def _width(self) -> int:
        """Numbers in the covariance of the rows."""
        return sum(rows.size * rows.shape[1] for rows in row_layout(self.problem.design).stacks)

    def _sums(self) -> tuple[Floats, Floats, Floats]:
        """Z'Z, Z'W and W'W of every unit."""
        Z, order = self.problem.design.random[0].Z, np.argsort(self.units.codes, kind="stable")
        starts = np.searchsorted(self.units.codes[order], np.arange(len(self.units.labels)))

        def sums(A: Floats, B: Floats) -> Floats:
            return np.add.reduceat((A[:, :, None] * B[:, None, :])[order], starts, axis=0)

        return sums(Z, Z), sums(Z, self.W), sums(self.W, self.W)

    def _by_block(self, theta: Theta) -> UnitProducts:
        shape = (len(theta.L), len(self.units.labels))
        logdet, S = np.empty(shape), np.empty((*shape, *[self.W.shape[1]] * 2))
        for rows, factor in self._factors(theta):
            b = self.units.codes[rows[:, 0]]
            half = np.linalg.solve(factor, self.W[rows])
            logdet[:, b] = 2 * np.sum(np.log(np.diagonal(factor, axis1=-2, axis2=-1)), axis=-1)
            S[:, b] = np.swapaxes(half, -1, -2) @ half
        return UnitProducts(logdet, S)

    def _inverse_rows(self, theta: Theta) -> RowProducts:
        S, (n, m) = len(theta.L), self.W.shape
        diagonal, SW = np.empty((S, n)), np.empty((S, n, m))
        for rows, factor in self._factors(theta):
            root = np.linalg.inv(factor)
            diagonal[:, rows] = np.sum(root**2, axis=-2)
            SW[:, rows] = np.swapaxes(root, -1, -2) @ (root @ self.W[rows])
        return RowProducts(diagonal, SW)

    def _factors(self, theta: Theta) -> Iterator[tuple[Ids, Floats]]:
        """Rows of a stack of blocks (b, s), and the factors of their Σ (S, b, s, s)."""
        design = self.problem.design
        where = row_layout(design)
        _refuse_large(max(rows.shape[1] for rows in where.stacks))
        total = row_covariance(design, where, dispersion(self.problem, theta)).total()
        for rows, Sigma in zip(where.stacks, total, strict=True):
            try:
                yield rows, np.linalg.cholesky(Sigma)
            except np.linalg.LinAlgError as error:
                raise FitError(
                    "The covariance of some rows is singular in a draw.",
                    remedy="Leave out rows without sampling variance, or those that repeat others.",
                ) from error


def _refuse_large(size: int) -> None:
    if size > LARGEST:
        raise FitError(
            f"{size:,} rows depend on each other: leaving out each of them needs a matrix of that size for"
            " every draw.",
            remedy="Compare models by groups that hold them all, or refit without some: laird.leave_one_out.",
        )


def centred_rows(fit: Fit, *, by_row: bool = False) -> CentredRows:
    """The rows of a fit.

    Parameters
    ----------
    fit
        A fit by any method.
    by_row
        Rows will be left out one by one: they need not fall into independent units.

    Raises
    ------
    FitError
        No part of the rows is independent of the others, or the rows are weighted.
    """
    design = fit.problem.design
    if design.weights is not None:
        raise FitError("Weighted rows have no density.", remedy="Leave `weights` out.")
    T = centring(flat_likelihood(fit.problem).scaling)
    W = np.column_stack([design.X @ T, design.y - design.X @ fit.point.beta])
    origin = np.linalg.solve(T, fit.point.beta)
    return CentredRows(fit.problem, W, T, origin, _units(fit, by_row=by_row))


def centring(units: Standardisation) -> Floats:
    """T with β = Tγ, γ the coefficients of centred columns, for which priors are stated."""
    return np.asarray(units.A * units.x_scale)


def _units(fit: Fit, *, by_row: bool) -> Units:
    try:
        return units_of(fit)
    except FitError as error:
        if not by_row:
            raise FitError(
                "No groups can be left out: groups cross, so that all rows depend on each other.",
                remedy='Leave out rows: unit="row".',
            ) from error
    one = np.zeros(len(fit.problem.design.y), dtype=np.int64)
    return Units("all", one, ("all",))


def _relative(theta: Theta, ZZ: Floats) -> tuple[Floats, Floats, Floats]:
    """σ² (S, 1, 1, 1), Λ = L/σ (S, 1, q, q), and the factor of I + Λ'Z'ZΛ (S, B, q, q)."""
    sigma = np.exp(theta.alpha[:, 0])[:, None, None, None]
    Lam = theta.L[:, None] / sigma
    A = np.eye(ZZ.shape[-1]) + np.swapaxes(Lam, -1, -2) @ ZZ @ Lam
    return sigma**2, Lam, np.linalg.cholesky(A)


def _compressed(theta: Theta, counts: Ids, ZZ: Floats, ZW: Floats, WW: Floats) -> UnitProducts:
    """One grouping factor: Σ_b⁻¹ = (I - ZΛ(I + Λ'Z'ZΛ)⁻¹Λ'Z')/σ² (Woodbury)."""
    variance, Lam, factor = _relative(theta, ZZ)
    half = np.linalg.solve(factor, np.swapaxes(Lam, -1, -2) @ ZW)
    logdet = 2 * np.sum(np.log(np.diagonal(factor, axis1=-2, axis2=-1)), axis=-1)
    logdet += counts * np.log(variance[:, :, 0, 0])
    return UnitProducts(logdet, (WW - np.swapaxes(half, -1, -2) @ half) / variance)


def _compressed_rows(theta: Theta, W: Floats, Z: Floats, codes: Ids, ZZ: Floats, ZW: Floats) -> RowProducts:
    variance, Lam, factor = _relative(theta, ZZ)
    half = np.linalg.solve(factor, np.swapaxes(Lam, -1, -2) + np.zeros_like(ZZ))
    D = np.swapaxes(half, -1, -2) @ half
    DW = D @ ZW
    diagonal, SW = np.ones((len(D), len(Z))), np.array(np.broadcast_to(W, (len(D), *W.shape)))
    for k in range(Z.shape[1]):
        SW -= Z[:, [k]] * DW[:, codes, k]
        for h in range(Z.shape[1]):
            diagonal -= Z[:, k] * Z[:, h] * D[:, codes, k, h]
    return RowProducts(diagonal / variance[:, :, 0, 0], SW / variance[:, :, 0])
