"""Covariance parameters of one grouping factor, written out element by element.

No matrix products and no batched factorisations: each costs seconds of compilation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf, lgamma, log
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray
from pymc.distributions.transforms import Interval

from laird.design import RandomDesign
from laird.gaussian.coordinates import correlated_pairs
from laird.graph.priors import exchangeable, vector
from laird.posterior.lkj import beta_shapes, cholesky_rows, correlations
from laird.posterior.names import group_names
from laird.posterior.table import PriorTable

type Tensor = Any
type Row = Mapping[int, Tensor]


HALVES: Mapping[str, str] = {
    "half_normal": "normal",
    "half_student_t": "student_t",
    "half_cauchy": "cauchy",
}
"""Families that are the absolute value of a family symmetric about zero."""


def covariance(
    random: RandomDesign, table: PriorTable, *, signed: bool = False
) -> tuple[Tensor, tuple[Row, ...]]:
    """Add sds and correlations to the model in context; return sds and rows of the unit factor.

    Row i maps a column j to L_ij, where L L' is the correlation matrix; zeros are left out.
    With `signed`, sds are absolute values of free variables where their priors allow it.
    """
    names = group_names(random)
    sd = _signed_sds(random, table) if signed else None
    if sd is None:
        sd = vector(names.sd, table.sds(random.group), names.term, random.names)
    prior = table.cor(random.group)
    if prior is None:
        return sd, unit_rows(random.blocks, ())
    shapes = np.concatenate([beta_shapes(prior.eta, len(block)) for block in random.blocks])
    partial = partial_correlations(names.partial, shapes, names.pair)
    partials = [partial[k] for k in range(len(correlated_pairs(random.blocks)))]
    triangles = _triangles(random.blocks, partials)
    elements = [element for triangle in triangles for element in correlations(triangle)]
    pm.Deterministic(names.cor, pt.stack(elements), dims=names.pair)
    return sd, unit_rows(random.blocks, partials)


def _signed_sds(random: RandomDesign, table: PriorTable) -> Tensor | None:
    """Sds as |z| times the prior's scale, z symmetric about zero; None for other priors.

    The density of z is smooth at zero, where log sd has a long tail that samples slowly.
    """
    names, rows = group_names(random), table.sds(random.group)
    if any(row.family not in HALVES for row in rows):
        return None
    unit = [
        replace(row, kind="coefficient", family=HALVES[row.family], values=(*row.values[:-1], 0.0, 1.0))
        for row in rows
    ]
    z = vector(f"signed_{names.sd}", unit, names.term, random.names)
    scale = exchangeable(f"{names.sd}_scales", [row.values[-1] for row in rows])
    return pm.Deterministic(names.sd, abs(z) * scale, dims=names.term)


def unit_rows(blocks: Sequence[Sequence[int]], partials: Sequence[Tensor]) -> tuple[Row, ...]:
    """Return the rows of the factor of the correlation matrix, in the order of the columns.

    Examples
    --------
    >>> unit_rows([(0, 1), (2,)], [0.6])
    ({0: 1.0}, {0: 0.6, 1: 0.8}, {2: 1.0})
    """
    rows: dict[int, Row] = {}
    for block, triangle in zip(blocks, _triangles(blocks, partials), strict=True):
        rows |= {i: dict(zip(block, row, strict=False)) for i, row in zip(block, triangle, strict=True)}
    return tuple(rows[i] for i in sorted(rows))


def factor_entries(sd: Tensor, rows: Sequence[Row]) -> list[Tensor]:
    """Return the entries of the factor D L of the covariance matrix, row by row.

    Examples
    --------
    >>> factor_entries([2.0, 10.0], unit_rows([(0, 1)], [0.6]))
    [2.0, 0.0, 6.0, 8.0]
    """
    q = len(rows)
    return [sd[i] * row[j] if j in row else 0.0 for i, row in enumerate(rows) for j in range(q)]


def _triangles(blocks: Sequence[Sequence[int]], partials: Sequence[Tensor]) -> list[tuple[Any, ...]]:
    triangles, start = [], 0
    for block in blocks:
        stop = start + len(block) * (len(block) - 1) // 2
        triangles.append(cholesky_rows(partials[start:stop]))
        start = stop
    return triangles


def partial_correlations(name: str, shapes: NDArray[np.float64], dim: str | None = None) -> Tensor:
    """Add partial correlations of LKJ, each 2 Beta(a, a) - 1 (see `laird.posterior.lkj`)."""
    constants = np.array(
        [lgamma(2 * a) - 2 * lgamma(a) - (2 * a - 1) * log(2) for a in shapes.ravel()]
    ).reshape(shapes.shape)

    def logp(z: Tensor, shape: Tensor) -> Tensor:
        return pt.switch(abs(z) < 1, (shape - 1) * pt.log1p(-(z**2)) + constants, -inf)

    def draw(shape: Tensor, size: Tensor) -> Tensor:
        return 2 * pm.Beta.dist(shape, shape, size=size) - 1

    return pm.CustomDist(name, shapes, dist=draw, logp=logp, default_transform=Interval(-1, 1), dims=dim)
