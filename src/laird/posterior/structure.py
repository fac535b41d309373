"""What the rows of a design reduce to: the structure that its likelihood is computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from laird.design import Design, RandomDesign
from laird.gaussian.composite import Blocks, Composite, compose
from laird.gaussian.crossproducts import Grouped, group
from laird.gaussian.hierarchy import Hierarchy, arrange
from laird.gaussian.lines import pooled_residual, pooled_slopes
from laird.gaussian.noise import Noise
from laird.posterior.codings import codings, group_predictors, rho_predictors, sigma_predictors

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

NEAR = 1e-8
"""A share of squares left by least squares below which what is left is analysed, not y."""

LEVELLINGS = 2
"""How often at most a line is taken away."""


def structure(design: Design) -> Grouped | Composite | Hierarchy:
    """Reduce the rows: cross-products where sds are constant and rows independent, else the rows.

    Examples
    --------
    >>> y = np.array([1.0, 2.0, 4.0])
    >>> type(structure(Design("y", y, np.ones((3, 1)), ("Intercept",), (), np.arange(3)))).__name__
    'Grouped'
    """
    if is_plain(design) and len(design.random) < 2:
        return grouped(design, design.random[0] if design.random else None)
    level, line = _levelled(design, _products(design, None))
    if is_plain(design):
        return _with_line(compose(level.y, level.X, *_factors(level)), line)
    return _with_line(_general(level), line)


def is_plain(design: Design) -> bool:
    """Constant sds of one outcome without known variances: cross-products suffice."""
    found = codings(design)
    only_sigma = len(found) == 1 and found[0].parameter == "sigma" and found[0].constant
    return only_sigma and design.known is None and not design.outcomes and design.weights is None


def grouped(design: Design, random: RandomDesign | None) -> Grouped:
    """Cross-products of one grouping factor, or of a model without."""
    data = _products(design, random)
    level, line = _levelled(design, data)
    return data if level is design else _with_line(_products(level, random), line)


def _levelled(design: Design, data: Grouped) -> tuple[Design, Floats]:
    """The design with what is left of y by least squares, where that is little, and the line taken away.

    Cross-products hold sums of squares to 16 digits: of a residual that is 10⁻⁶ of y they would
    hold four.  All results are equivariant under y → y - Xb, which moves β by b only.
    """
    line = np.zeros(data.p)
    for _ in range(LEVELLINGS):
        if pooled_residual(data) >= NEAR:
            break
        s, beta = data.scaling, pooled_slopes(data)
        starred = (design.X - s.x_mean) / s.x_scale
        design = replace(design, y=design.y - s.y_scale * (starred @ beta))
        line += s.y_scale * s.A @ beta
        data = _products(design, None)
    return design, line


def _with_line[Data: (Grouped, Composite, Hierarchy)](data: Data, line: Floats) -> Data:
    return replace(data, scaling=replace(data.scaling, line=line))


def _products(design: Design, random: RandomDesign | None) -> Grouped:
    n = len(design.y)
    if random is None:
        return group(design.y, design.X, np.zeros((n, 0)), np.zeros(n, dtype=np.int64), 1, ())
    return group(design.y, design.X, random.Z, random.ids, len(random.levels), random.blocks)


def joined_columns(random: Sequence[RandomDesign]) -> tuple[slice, ...]:
    """Places of the factors' columns among the random coefficients of all factors."""
    starts = np.concatenate([[0], np.cumsum([len(r.names) for r in random])]).astype(int)
    return tuple(slice(int(a), int(b)) for a, b in pairwise(starts))


def _factors(design: Design) -> tuple[list[Floats], list[Ids], list[int], list[Blocks]]:
    random = design.random
    ids, counts = [r.ids for r in random], [len(r.levels) for r in random]
    return [r.Z for r in random], ids, counts, [r.blocks for r in random]


def _general(design: Design) -> Hierarchy:
    return arrange(design.y, design.X, *_factors(design), group_predictors(design), noise(design))


def noise(design: Design) -> Noise:
    """What the residual covariance of the rows depends on, in standardised predictors."""
    W, has_sigma = sigma_predictors(design)
    known = design.known
    n, several = len(design.y), bool(design.outcomes)
    return Noise(
        W=W,
        has_sigma=has_sigma,
        variances=np.zeros(n) if known is None else known.variances,
        which=design.which if several else np.zeros(n, dtype=np.int64),
        units=design.units if several else np.arange(n),
        covariances=() if known is None else tuple((block.rows, block.V) for block in known.blocks),
        proportional=known is not None and known.proportional,
        rhos=rho_predictors(design),
        weights=design.weights,
    )
