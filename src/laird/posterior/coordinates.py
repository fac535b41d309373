"""The free vector phi of a posterior: where every parameter stands in it, and its prior.

    phi = (log sds, atanh partial correlations, α, δ, log φ, ζ, b)

in the order of `laird.gaussian.theta.Theta`, b the sampled coefficients.  Every element of
phi has a prior of its own: of an sd, of a multiplier (`LOG`), of a slope (`LINEAR`; α, δ and
ζ are those of predictors of sd 1), of a partial correlation (`ATANH`).  Sds may be signed
instead (`SIGNED`): sd = c|x|, with which a density is smooth where an sd is zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import lgamma, log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.gaussian.coordinates import (
    correlated_pairs,
    correlation_factor,
    log_scale_gradient,
    partial_correlations,
)
from laird.gaussian.theta import Theta
from laird.posterior import links, scalars
from laird.posterior.coefficients import GAUSSIAN
from laird.posterior.families import shape
from laird.posterior.lkj import beta_shapes
from laird.posterior.scalars import Shape
from laird.posterior.table import CORRELATIONS, SLOPES, PriorRow, PriorTable

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type Blocks = tuple[tuple[int, ...], ...]

HALVES = {"half_normal": "normal", "half_student_t": "student_t", "half_cauchy": "cauchy"}
"""Families that are the absolute value of a family symmetric about zero."""


class Places(NamedTuple):
    """How many elements of phi belong to each kind of parameter."""

    sds: int
    correlations: int
    alpha: int
    delta: tuple[int, ...]
    phi: int
    zeta: int
    b: int

    def slices(self) -> tuple[slice, ...]:
        """Places of sds, correlations, α, every δ, log φ, ζ and b."""
        widths = (*self[:3], *self.delta, *self[4:])
        ends = np.cumsum(widths, dtype=int).tolist()
        return tuple(slice(end - width, end) for width, end in zip(widths, ends, strict=True))


class Priors(NamedTuple):
    """Independent priors of the elements of phi; see `laird.posterior.links.log_priors`."""

    links: Ids
    scales: Floats
    codes: Ids
    numbers: Floats

    def __call__(self, phi: Floats, *, jacobian: bool = True) -> tuple[float, Floats]:
        """Log density at phi (k,), and its gradient."""
        gradient = np.empty(len(phi))
        value = links.log_priors(np.ascontiguousarray(phi), *self, jacobian, gradient)
        return float(value), gradient

    def each(self, phi: Floats) -> Floats:
        """Log densities at a stack of points (S, k), shape (S,)."""
        return np.asarray(links.log_priors_each(np.ascontiguousarray(phi), *self, True))

    def part(self, place: slice) -> Priors:
        """The priors of some elements."""
        return Priors(self.links[place], self.scales[place], self.codes[place], self.numbers[place])


@dataclass(frozen=True, slots=True, eq=False)
class Coordinates:
    """phi of a model.

    Attributes
    ----------
    blocks
        Random coefficients that share a correlation matrix.
    places
        How many elements each kind of parameter has.
    rows
        Prior row of every element but the correlations of random coefficients, None there.
    etas
        Shape of the LKJ prior of every element that is a correlation, else 1.
    priors
        The priors as arrays.
    """

    blocks: Blocks
    places: Places
    rows: tuple[PriorRow | None, ...]
    etas: Floats
    priors: Priors

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Places of the correlations of random coefficients."""
        return correlated_pairs(self.blocks)

    @property
    def pair_places(self) -> Ids:
        """`pairs` as an array, shape (k, 2)."""
        return np.array(self.pairs, dtype=np.int64).reshape(-1, 2)

    @property
    def size(self) -> int:
        """Length of phi."""
        return len(self.rows)

    def split(self, phi: Floats) -> tuple[Theta, Floats]:
        """θ and b at phi, or at a stack of phi (..., k)."""
        log_scale = self.unsigned(phi)
        sds, correlations, alpha, *delta, log_phi, zeta, b = (
            log_scale[..., own] for own in self.places.slices()
        )
        unit = correlation_factor(np.tanh(correlations), self.places.sds, self.pairs)
        with np.errstate(over="ignore"):
            theta = Theta(unit * np.exp(sds)[..., None], alpha, tuple(delta), log_phi, zeta)
        return theta, b

    def unsigned(self, phi: Floats) -> Floats:
        """phi (..., k) with the logarithm in place of every signed sd."""
        signed = np.flatnonzero(self.priors.links == links.SIGNED)
        if not signed.size:
            return phi
        phi = phi.copy()
        with np.errstate(divide="ignore"):
            phi[..., signed] = np.log(self.priors.scales[signed] * np.abs(phi[..., signed]))
        return phi

    def enter(self, log_scale: Floats) -> Floats:
        """Inverse of :meth:`unsigned` for one phi, with positive signs."""
        signed = np.flatnonzero(self.priors.links == links.SIGNED)
        phi = log_scale.copy()
        phi[signed] = np.exp(phi[signed]) / self.priors.scales[signed]
        return phi

    def gradient(self, phi: Floats, L: Floats, d_theta: Theta, d_b: Floats) -> Floats:
        """Chain rule: the derivative in phi (k,) from those in θ and b."""
        log_scale = self.unsigned(phi)
        covariance = log_scale_gradient(L, d_theta.L, log_scale, self.places.sds, self.pairs)
        found = np.concatenate(
            [covariance, d_theta.alpha, *d_theta.delta, d_theta.log_phi, d_theta.zeta, d_b]
        )
        signed = np.flatnonzero(self.priors.links == links.SIGNED)
        found[signed] = np.divide(
            found[signed], phi[signed], out=np.zeros(len(signed)), where=phi[signed] != 0
        )
        return found

    def join(self, theta: Theta, b: Floats) -> Floats:
        """phi (k,) of θ with positive sds; infinite for correlations of ±1.  No sd may be signed."""
        sd = np.linalg.norm(theta.L, axis=1)
        with np.errstate(divide="ignore"):
            z = np.arctanh(partial_correlations(theta.L, self.pairs))
        return np.concatenate([np.log(sd), z, theta.alpha, *theta.delta, theta.log_phi, theta.zeta, b])

    @property
    def matrix_priors(self) -> Priors:
        """Priors of the parameters, with densities of correlation matrices: LKJ(η) is |C|^(η-1).

        Up to a constant; flat priors are then constants in every element.
        """
        numbers = self.priors.numbers.copy()
        correlations = self.priors.links == links.ATANH
        numbers[correlations, 3] = self.etas[correlations] - 1.0
        return self.priors._replace(numbers=numbers)

    def signed(self, elements: Sequence[int]) -> Coordinates:
        """The same with some sds signed, in units of their prior's scale.

        Only those whose prior is half of a symmetric family.
        """
        own, scales = self.priors.links.copy(), self.priors.scales.copy()
        for k in elements:
            row = self.rows[k]
            if row is not None and row.family in HALVES:
                own[k], scales[k] = links.SIGNED, row.values[-1]
        return replace(self, priors=self.priors._replace(links=own, scales=scales))


def coordinates(table: PriorTable, blocks: Blocks) -> Coordinates:
    """Lay out the parameters of a prior table.

    Parameters
    ----------
    table
        Priors of all parameters of a model.
    blocks
        Columns of the random coefficients of all grouping factors that share a correlation matrix.

    Examples
    --------
    >>> row = PriorRow("sigma", "sigma", "", 0, "exponential", (1.0,), "given")
    >>> only_sigma = coordinates(PriorTable((row,), "y"), ())
    >>> only_sigma.priors(np.array([0.0]))
    (-1.0, array([0.]))
    """
    sds = table.of("sd")
    by_block = [_eta(table, sds[block[0]].group) for block in blocks]
    groups = dict.fromkeys(row.group for row in sds)
    slopes = [table.of("log_sd", group=group) for group in groups]
    sampled = tuple(row for row in table.coefficients if row.family not in GAUSSIAN)
    alpha, phi = table.of("sigma", "log_sigma"), table.of("phi")
    zeta = table.of("rho", "atanh_rho")
    partials = [
        _partial(a) for block, eta in zip(blocks, by_block, strict=True) for a in beta_shapes(eta, len(block))
    ]
    after = [*alpha, *(row for own in slopes for row in own), *phi, *zeta, *sampled]
    places = Places(
        *(len(sds), len(partials), len(alpha), tuple(map(len, slopes)), len(phi), len(zeta), len(sampled))
    )
    found = [*map(_prior, sds), *partials, *map(_prior, after)]
    rows = (*sds, *(None for _ in partials), *after)
    etas = [1.0 if row is None else row.eta for row in rows]
    etas[len(sds) : len(sds) + len(partials)] = [
        eta
        for block, eta in zip(blocks, by_block, strict=True)
        for _ in range(len(block) * (len(block) - 1) // 2)
    ]
    return Coordinates(blocks, places, rows, np.array(etas), _stacked(found))


def _stacked(found: Sequence[tuple[int, float, Shape]]) -> Priors:
    return Priors(
        np.array([link for link, _, _ in found], dtype=np.int64),
        np.array([scale for _, scale, _ in found], dtype=float),
        np.array([own.code for _, _, own in found], dtype=np.int64),
        np.array([own.numbers for _, _, own in found], dtype=float).reshape(-1, 6),
    )


def _eta(table: PriorTable, group: str) -> float:
    row = table.cor(group)
    return row.eta if row else 1.0


def _prior(row: PriorRow) -> tuple[int, float, Shape]:
    """Link, scale and density of a parameter."""
    if row.kind in CORRELATIONS:
        return _partial(row.eta + (row.size - 2 - row.index) / 2)
    link, scale = links.LOG, 1.0
    if row.kind in SLOPES:
        link, scale = links.LINEAR, 1.0 / row.unit
    elif row.kind == "coefficient":
        link = links.LINEAR
    return link, scale, shape(row.family, *row.values)


def _partial(a: float) -> tuple[int, float, Shape]:
    """A partial correlation 2 Beta(a, a) - 1."""
    constant = lgamma(2 * a) - 2 * lgamma(a) - (2 * a - 1) * log(2)
    return links.ATANH, 1.0, Shape(scalars.PARTIAL, (-1.0, 1.0, constant, a - 1, 0.0, 0.0))
