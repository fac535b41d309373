"""Nested factors, one factor, or none: a density that is one compiled function.

The equations and the loops are those of `laird.gaussian.tree`, with cross-products that are
given (constant σ, independent rows) or those of rows divided by the root of R
(`laird.gaussian.whitened`), joined without Python between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from laird.gaussian import nested
from laird.gaussian.coefficients import Coefficients
from laird.gaussian.compiled import inlined
from laird.gaussian.composite import Composite
from laird.gaussian.fused import (
    CoefficientData,
    FactorData,
    Left,
    add_coefficient_gradient,
    add_stretch_gradient,
    chain_factors,
    coefficient_data,
    constant_gradient,
    factor_block,
    factor_data,
    leave,
    put_block,
    read_only,
    starred_factors,
    stretch_rows,
)
from laird.gaussian.fused_noise import (
    NoiseAt,
    NoiseData,
    add_noise_gradient,
    noise_at,
    noise_data,
    noise_forms,
    whitened,
)
from laird.gaussian.grouped import LOG_2PI
from laird.gaussian.hierarchy import Hierarchy
from laird.gaussian.nested import Nested
from laird.gaussian.noise import Layout, strata_layout
from laird.gaussian.small import divided
from laird.gaussian.tree import Tree, eliminate_level, pass_rest, sensitivity_level
from laird.gaussian.whitened import Whitened

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

_reduce_rows = inlined(nested.reduce_rows)


class NestedModel(NamedTuple):
    """All that the density needs beside the parameters, starred units; arrays are read-only.

    Attributes
    ----------
    noise, factors, coefficients
        R of the rows; factors, innermost first; priors of the coefficients.
    rows, cell, place
        [Z_0 … Z_F X y] (r, k), innermost group and stratum of each row; none where
        cross-products are given.
    parent
        Parent of every group, factor after factor.
    leaf, base
        Given cross-products, see `laird.gaussian.tree.Tree`, or zeros in their shapes.
    given
        Whether they are.
    constant
        Parameter-free part of -2 log density.
    """

    noise: NoiseData
    factors: FactorData
    coefficients: CoefficientData
    rows: Floats
    cell: Ids
    place: Ids
    parent: Ids
    leaf: Floats
    base: Floats
    given: bool
    constant: float


class NestedAt(NamedTuple):
    """A log density, and what its derivatives are made of.

    Attributes
    ----------
    value
        -∞ where R or X'Σ⁻¹X is not positive definite.
    sigma
        What Λ is relative to: σ where cross-products are given, else 1.
    Lam
        Factors of the covariance of the effects, (q, q).
    rows
        Whitened rows (r, k).
    levels, at
        F of every level and S, one after another, and where each begins.
    """

    value: float
    noise: NoiseAt
    sigma: float
    Lam: Floats
    rows: Floats
    levels: Floats
    at: Ids
    left: Left


def nested_rows(data: Hierarchy, body: Whitened, scheme: Nested, prior: Coefficients) -> NestedModel:
    """The model of rows that are divided by the root of R."""
    k, scheme_ids = body.rows.shape[1], scheme.ids
    q = scheme.sizes[0] if scheme.sizes else 0
    counts = (*scheme.counts, 1)
    return NestedModel(
        noise=noise_data(body.layout),
        factors=factor_data(scheme.order, data.columns, scheme.counts, scheme_ids, data.s, data.to_starred),
        coefficients=coefficient_data(prior),
        rows=read_only(body.rows),
        cell=read_only(scheme.cell),
        place=read_only(body.place),
        parent=_joined(scheme.parents),
        leaf=read_only(np.zeros((counts[0] if scheme.sizes else 0, q, k))),
        base=read_only(np.zeros((counts[1] if scheme.sizes else 1, k - q, k - q))),
        given=False,
        constant=data.constant + prior.constant,
    )


def nested_products(data: Composite, tree: Tree, prior: Coefficients) -> NestedModel:
    """The model of given cross-products: constant σ, independent rows."""
    units = data.scaling
    counts = [len(parent) for parent in tree.parents]
    no_ids = [np.zeros(0, dtype=np.int64)] * len(counts)
    none = [np.zeros((count, 0)) for count in counts]
    to_starred = np.linalg.inv(units.T) / units.y_scale
    return NestedModel(
        noise=noise_data(constant_noise(data.n, units.y_scale)),
        factors=factor_data(
            data.order, data.columns, counts, no_ids, [none[data.order.index(f)] for f in range(len(none))],
            to_starred,
        ),
        coefficients=coefficient_data(prior),
        rows=read_only(np.zeros((0, tree.leaf.shape[2]))),
        cell=read_only(np.zeros(0, dtype=np.int64)),
        place=read_only(np.zeros(0, dtype=np.int64)),
        parent=_joined(tree.parents),
        leaf=read_only(tree.leaf),
        base=read_only(tree.base),
        given=True,
        constant=data.n * (LOG_2PI + 2.0 * np.log(units.y_scale)) + prior.constant,
    )  # fmt: skip


def constant_noise(n: int, y_scale: float) -> Layout:
    """One σ for n rows."""
    one = np.ones(1)
    return strata_layout(one[:, None], np.log(y_scale) * one, n * one, 0.0 * one, False)


def _joined(parents: Sequence[Ids]) -> Ids:
    return read_only(np.concatenate([np.zeros(0, dtype=np.int64), *parents]))


@njit(cache=True, error_model="numpy")
def nested_at(
    m: NestedModel, L: Floats, alpha: Floats, delta: Floats, log_phi: Floats, zeta: Floats, b: Floats
) -> NestedAt:
    """The log density, -∞ where it does not exist.

    Parameters
    ----------
    m
        Data and priors of the coefficients.
    L, alpha, delta, log_phi, zeta, b
        Parameters as in `laird.gaussian.theta.Theta`, those of δ joined; sampled coefficients.
    """
    noise = noise_at(m.noise, alpha, log_phi, zeta)
    sigma = noise.sigma[0] if m.given else 1.0
    Lam = starred_factors(m.factors, L, sigma)
    at = _places(m.factors, m.rows.shape[1])
    levels, rows = np.zeros(at[-1]), m.rows
    if m.given:
        _copy(m.leaf.ravel(), levels[at[0] : at[1]])
        _copy(m.base.ravel(), levels[at[1] :])
    else:
        rows = whitened(m.noise, noise, m.rows, m.place)
        stretch_rows(m.factors, delta, rows)
        _reduce(m, rows, levels, at)
    logdet = noise.logdet + _eliminate(m, Lam, levels, at)
    S = level_of(m.factors, levels, at, len(m.factors.sizes), m.rows.shape[1])[0]
    left = leave(m.coefficients, divided(S, sigma * sigma), b)
    value = -0.5 * (logdet + left.value + m.constant)
    return NestedAt(value if np.isfinite(value) else -np.inf, noise, sigma, Lam, rows, levels, at, left)


@njit(cache=True, error_model="numpy")
def add_nested_gradient(
    m: NestedModel,
    found: NestedAt,
    d_L: Floats,
    d_alpha: Floats,
    d_delta: Floats,
    d_log_phi: Floats,
    d_zeta: Floats,
    d_b: Floats,
) -> None:
    """Add the derivatives of a finite log density in all parameters; that in L is overwritten."""
    add_coefficient_gradient(m.coefficients, found.left, d_b)
    D = found.left.D / (found.sigma * found.sigma)
    H, F = _descend(m, found, D)
    slope = chain_factors(m.factors, H, found.Lam, found.sigma, d_L)
    if m.given:
        S = level_of(m.factors, found.levels, found.at, len(m.factors.sizes), m.rows.shape[1])[0]
        d_alpha[0] += constant_gradient(slope, D, S, m.noise.weight[0])
        return
    width = len(H) if len(d_delta) else 0
    B, products = noise_forms(m.noise, found.noise, found.rows, F, m.cell, m.place, width)
    add_noise_gradient(m.noise, found.noise, B, d_alpha, d_log_phi, d_zeta)
    add_stretch_gradient(m.factors, products, d_delta)


@njit(cache=True, error_model="numpy")
def _places(d: FactorData, k: int) -> Ids:
    """Where F of every level, and S, begin in `levels`, and its length; k columns in all."""
    depth, width = len(d.sizes), k
    at = np.zeros(depth + 2, dtype=np.int64)
    for f in range(depth):
        at[f + 1] = at[f] + (d.first[f + 1] - d.first[f]) * (d.sizes[0] if f == 0 else width) * width
        width -= d.sizes[f]
    at[depth + 1] = at[depth] + width * width
    return at


@njit(cache=True, error_model="numpy")
def level_of(d: FactorData, levels: Floats, at: Ids, f: int, k: int) -> Floats:
    """F of a level, (J, rows, width); of the last, S, (1, m, m)."""
    width = k
    for h in range(f):
        width -= d.sizes[h]
    J = d.first[f + 1] - d.first[f] if f < len(d.sizes) else 1
    height = d.sizes[0] if f == 0 and len(d.sizes) else width
    return levels[at[f] : at[f + 1]].reshape(J, height, width)


@njit(cache=True, error_model="numpy")
def _copy(source: Floats, target: Floats) -> None:
    for i in range(len(source)):
        target[i] = source[i]


@njit(cache=True, error_model="numpy")
def _reduce(m: NestedModel, rows: Floats, levels: Floats, at: Ids) -> None:
    """Cross-products of whitened rows, at the first level and the next."""
    k, depth = rows.shape[1], len(m.factors.sizes)
    above = level_of(m.factors, levels, at, min(1, depth), k)
    if depth:
        leaf = level_of(m.factors, levels, at, 0, k)
        _reduce_rows(rows, m.factors.sizes[0], m.cell, m.parent, leaf, above)
    else:
        _reduce_rows(rows, 0, m.cell, np.zeros(1, dtype=np.int64), np.zeros((1, 0, k)), above)


@njit(cache=True, error_model="numpy")
def _eliminate(m: NestedModel, Lam: Floats, levels: Floats, at: Ids) -> float:
    """Integrate the effects out, innermost factor first; return Σ log|A|."""
    d, k, logdet = m.factors, m.rows.shape[1], 0.0
    for f in range(len(d.sizes)):
        q, parent = d.sizes[f], m.parent[d.first[f] : d.first[f + 1]]
        F, above = level_of(d, levels, at, f, k), level_of(d, levels, at, f + 1, k)
        if f > 0:
            pass_rest(F, q, parent, above)
        logdet += eliminate_level(factor_block(d, Lam, f), F, q, parent, above)
    return logdet


@njit(cache=True, error_model="numpy")
def _descend(m: NestedModel, found: NestedAt, D: Floats) -> tuple[Floats, Floats]:
    """Derivatives in G, block-diagonal (q, q), and in the cross-products of every innermost group."""
    d, k, H = m.factors, m.rows.shape[1], np.zeros(found.Lam.shape)
    above = D.copy().reshape(1, len(D), len(D))
    for f in range(len(d.sizes) - 1, -1, -1):
        q, F = d.sizes[f], level_of(d, found.levels, found.at, f, k)
        width = F.shape[2] if f > 0 or not m.given else 0
        below, own = np.empty((len(F) if width else 0, width, width)), np.zeros((q, q))
        parent = m.parent[d.first[f] : d.first[f + 1]]
        sensitivity_level(factor_block(d, found.Lam, f), F, q, parent, above, own, below)
        put_block(d, own, f, H)
        above = below
    return H, above
