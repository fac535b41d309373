"""Residual and group sds that depend on predictors: log σ_i = w_i'α, log sd_j = … + s_j'δ.

A row of residual sd σ_i is divided by σ_i; the random-effect columns of group j are
multiplied by exp(s_j'δ).  What is left is the homoscedastic likelihood with σ = 1, so the
tree of `laird.gaussian.tree` does the rest, and its adjoint at the rows gives the exact
gradient in α and δ.  Rows with equal groups and equal w are first compressed
(`laird.gaussian.compress`): `sigma ~ Sex` costs O(groups × strata).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.errors import FitError
from laird.gaussian.composite import Blocks, gls, is_nested, joined_blocks, rss_direction, user_effects
from laird.gaussian.compress import compress
from laird.gaussian.grouped import LOG_2PI
from laird.gaussian.solution import Solution
from laird.gaussian.standardise import Standardisation, standardise
from laird.gaussian.tree import Elimination, Tree, nest, row_sensitivities

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]


class Parameters(NamedTuple):
    """Covariance parameters: factor of G (q, q), α (k,), δ by grouping factor; user's units."""

    L: Floats
    alpha: Floats
    delta: tuple[Floats, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Scaled:
    """A model whose sds depend on predictors, reduced.

    Attributes
    ----------
    rows
        Compressed [Z_0 … Z_F X* y*], starred, in `order` of the factors, shape (r, k).
    ids, counts
        By factor in `order`: group of each compressed row, number of groups.
    order
        Position of each factor among the model's factors, innermost first.
    columns, blocks
        As in `laird.gaussian.composite.Composite`.
    w, cell, sizes
        Predictors of log σ by distinct value (c, k), the value of each compressed row, and
        how many rows of data have it.
    s
        Predictors of the log sd of each factor's groups, without a constant, (J, l).
    n, p, scaling
        Rows, fixed-effect columns, units.
    """

    rows: Floats
    ids: tuple[Ids, ...]
    counts: tuple[int, ...]
    order: tuple[int, ...]
    columns: tuple[slice, ...]
    blocks: Blocks
    w: Floats
    cell: Ids
    sizes: Ids
    s: tuple[Floats, ...]
    n: int
    p: int
    scaling: Standardisation

    @property
    def q(self) -> int:
        """Number of random-effect columns of all factors."""
        return int(self.columns[-1].stop) if self.columns else 0


class _State(NamedTuple):
    tree: Tree
    factors: list[Floats]
    done: Elimination
    scaled: Floats


def scale(
    y: Floats,
    X: Floats,
    Z: Sequence[Floats],
    ids: Sequence[Ids],
    counts: Sequence[int],
    blocks: Sequence[Blocks],
    w: Floats,
    s: Sequence[Floats],
) -> Scaled:
    """Reduce the rows of a model with regressions of log sds.

    Parameters
    ----------
    y, X, Z, ids, counts, blocks
        As in `laird.gaussian.composite.compose`; the factors must be nested.
    w
        Predictors of log σ, shape (n, k).
    s
        By factor, predictors of the log sd of its groups, shape (J, l); l may be 0.
    """
    columns, joined = joined_blocks([z.shape[1] for z in Z], blocks)
    units = standardise(y, X, np.hstack([np.zeros((len(y), 0)), *Z]), joined)
    order = tuple(int(f) for f in np.argsort([-count for count in counts], kind="stable"))
    if not is_nested([ids[f] for f in order], [counts[f] for f in order]):
        raise FitError(
            "Regressions of log sds are not available with crossed grouping factors.",
            remedy="Keep one factor or nested factors, or a constant sigma.",
        )
    rows = np.hstack(
        [
            *((Z[f] - units.z_mean[columns[f]]) / units.z_scale[columns[f]] for f in order),
            (X - units.x_mean) / units.x_scale,
            ((y - units.y_mean) / units.y_scale)[:, None],
        ]
    )
    values, cell = np.unique(w, axis=0, return_inverse=True)
    cell = cell.reshape(-1).astype(np.int64)
    innermost = ids[order[0]] if order else np.zeros(len(y), dtype=np.int64)
    pairs, place = np.unique(innermost * len(values) + cell, return_inverse=True)
    compressed, where = compress(rows, place.reshape(-1).astype(np.int64), len(pairs))
    first = np.zeros(len(pairs), dtype=np.int64)
    first[place.reshape(-1)] = np.arange(len(y))
    return Scaled(
        rows=compressed,
        ids=tuple(np.ascontiguousarray(ids[f][first[where]]) for f in order),
        counts=tuple(counts[f] for f in order),
        order=order,
        columns=columns,
        blocks=joined,
        w=values,
        cell=cell[first[where]],
        sizes=np.bincount(cell, minlength=len(values)),
        s=tuple(np.asarray(own, dtype=float) for own in s),
        n=len(y),
        p=X.shape[1],
        scaling=units,
    )


def density(data: Scaled, at: Parameters, *, restricted: bool) -> tuple[float, Parameters]:
    """(Restricted) log-likelihood, maximised over β, and its gradient; user's units."""
    units = data.scaling
    Tinv = np.linalg.inv(units.T)
    Lam = Tinv @ at.L / units.y_scale
    state = _eliminate(data, Lam, at)
    found = gls(state.done.S)
    zero = Parameters(np.zeros_like(Lam), np.zeros_like(at.alpha), tuple(np.zeros_like(d) for d in at.delta))
    if found is None:
        return -np.inf, zero
    beta, inverse, logdet_X, rss = found
    df = data.n - data.p if restricted else data.n
    log_sigma = data.w @ at.alpha - np.log(units.y_scale)
    value = 2 * np.sum(data.sizes * log_sigma) + state.done.logdet + rss + df * LOG_2PI
    value += 2 * df * np.log(units.y_scale)
    value += restricted * (logdet_X + 2 * np.sum(np.log(units.x_scale)))
    D = rss_direction(beta, inverse if restricted else None, 1.0)
    H, leaf = row_sensitivities(state.tree, state.factors, state.done, D)
    d_Lam = np.zeros_like(Lam)
    for f, own, factor in zip(data.order, H, state.factors, strict=True):
        d_Lam[data.columns[f], data.columns[f]] = 2.0 * own @ factor
    products = state.scaled * np.einsum("rab,rb->ra", leaf[data.ids[0]], state.scaled)
    gradient = Parameters(
        Tinv.T @ (-0.5 * d_Lam) / units.y_scale,
        -data.w.T @ (data.sizes - np.bincount(data.cell, products.sum(axis=1), len(data.w))),
        _delta_gradient(data, products),
    )
    return float(-0.5 * value), gradient


def _delta_gradient(data: Scaled, products: Floats) -> tuple[Floats, ...]:
    """Derivative in every δ_f: the factor's columns of the rows, summed by group."""
    found = [np.zeros(own.shape[1]) for own in data.s]
    start = 0
    for f, ids, count in zip(data.order, data.ids, data.counts, strict=True):
        stop = start + data.columns[f].stop - data.columns[f].start
        by_group = np.bincount(ids, products[:, start:stop].sum(axis=1), count)
        found[f] = -data.s[f].T @ by_group
        start = stop
    return tuple(found)


def _eliminate(data: Scaled, Lam: Floats, at: Parameters) -> _State:
    weight = np.exp(-(data.w @ at.alpha)) * data.scaling.y_scale
    scaled = data.rows * weight[data.cell][:, None]
    parts: list[Floats] = []
    start = 0
    for f, ids in zip(data.order, data.ids, strict=True):
        stop = start + data.columns[f].stop - data.columns[f].start
        scaled[:, start:stop] *= np.exp(data.s[f] @ at.delta[f])[ids][:, None]
        parts.append(np.ascontiguousarray(scaled[:, start:stop]))
        start = stop
    factors = [np.ascontiguousarray(Lam[data.columns[f], data.columns[f]]) for f in data.order]
    tree = nest(np.ascontiguousarray(scaled[:, start:]), parts, data.ids, data.counts)
    return _State(tree, factors, tree.eliminate(factors), scaled)


def solve(data: Scaled, at: Parameters) -> Solution:
    """β̂, the effects and their joint conditional covariance; user's units."""
    units = data.scaling
    state = _eliminate(data, np.linalg.inv(units.T) @ at.L / units.y_scale, at)
    found = gls(state.done.S)
    if found is None:
        raise np.linalg.LinAlgError("X'V⁻¹X is singular")
    beta, inverse, _, _ = found
    effects = state.tree.effects(state.factors, state.done, beta, inverse)
    XX, one = state.done.S[: data.p, : data.p], np.ones((1, 1))
    own = [
        user_effects(
            *(units, data.columns[f], Lam, XX, *found_effects),
            scale=one,
            stretch=np.exp(data.s[f] @ at.delta[f])[:, None],
        )
        for f, Lam, found_effects in zip(data.order, state.factors, effects, strict=True)
    ]
    return Solution(
        units.beta(beta),
        units.beta_cov(inverse),
        tuple(own[data.order.index(f)] for f in range(len(data.order)) if own[data.order.index(f)].u.size),
    )
