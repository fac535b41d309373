"""The arrays of models with crossed factors, for `laird.gaussian.fused_crossed`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.gaussian.cell_products import Pattern
from laird.gaussian.cells import Cells, caller_order
from laird.gaussian.coefficients import Coefficients
from laird.gaussian.composite import Composite
from laird.gaussian.crossed_products import Crossed
from laird.gaussian.fused import CoefficientData, FactorData, coefficient_data, factor_data, read_only
from laird.gaussian.fused_nested import constant_noise
from laird.gaussian.fused_noise import NoiseData, noise_data
from laird.gaussian.grouped import LOG_2PI
from laird.gaussian.hierarchy import Hierarchy
from laird.gaussian.whitened import Whitened

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]


class Products(NamedTuple):
    """Cross-products of crossed factors, by their names in `laird.gaussian.crossed_products.Crossed`."""

    ZZ: Floats
    ZW: Floats
    values: Floats
    rest: Floats
    rest_W: Floats
    WW: Floats


class RowData(NamedTuple):
    """Rows, and where their products go: `laird.gaussian.cell_products.Pattern` and its `Cells`.

    Attributes
    ----------
    rows, cell, place
        [Z_0 … Z_F X y] (r, k), cell and stratum of each row.
    order, group, at, partner, pair
        See `Pattern`.
    leading, rest
        By cell: group of the leading factor (U,), and columns of the rest (U, R).
    caller
        Where the effects of a cell are in [leading, rest] when factors stand in the caller's order.
    """

    rows: Floats
    cell: Ids
    place: Ids
    order: Ids
    group: Ids
    at: Ids
    partner: Ids
    pair: Ids
    leading: Ids
    rest: Ids
    caller: Ids


class CrossedModel(NamedTuple):
    """All that the density needs beside the parameters, starred units; arrays are read-only.

    Attributes
    ----------
    noise, factors, coefficients
        R of the rows; factors in the caller's order; priors of the coefficients.
    products
        Cross-products, or zeros in their shapes.
    data
        The rows, none where cross-products are given.
    starts, columns, rest_at, bounds
        See `laird.gaussian.crossed_products.Crossed`.
    lead, owner
        The leading factor, and the factor of every group of the rest.
    given
        Whether cross-products are given.
    constant
        Parameter-free part of -2 log density.
    """

    noise: NoiseData
    factors: FactorData
    coefficients: CoefficientData
    products: Products
    data: RowData
    starts: Ids
    columns: Ids
    rest_at: Ids
    bounds: Ids
    lead: int
    owner: Ids
    given: bool
    constant: float


def crossed_products(data: Composite, crossed: Crossed, prior: Coefficients) -> CrossedModel:
    """The model of given cross-products: constant σ, independent rows."""
    units, order = data.scaling, data.order
    no_ids = [np.zeros(0, dtype=np.int64)] * len(order)
    none: list[Floats] = [np.zeros((0, 0))] * len(order)
    for f, count in zip(order, crossed.counts, strict=True):
        none[f] = np.zeros((count, 0))
    to_starred = np.linalg.inv(units.T) / units.y_scale
    return CrossedModel(
        noise_data(constant_noise(data.n, units.y_scale)),
        factor_data(order, data.columns, crossed.counts, no_ids, none, to_starred),
        coefficient_data(prior),
        _products(crossed),
        _no_rows(),
        *_arrangement(crossed),
        given=True,
        constant=data.n * (LOG_2PI + 2.0 * np.log(units.y_scale)) + prior.constant,
    )


def crossed_rows(data: Hierarchy, body: Whitened, scheme: Cells, prior: Coefficients) -> CrossedModel:
    """The model of rows that are divided by the root of R."""
    crossed = scheme.pattern.template
    return CrossedModel(
        noise_data(body.layout),
        factor_data(scheme.order, data.columns, crossed.counts, scheme.ids, data.s, data.to_starred),
        coefficient_data(prior),
        _products(crossed, body.rows.shape[1] - sum(scheme.sizes)),
        _rows(body, scheme, scheme.pattern),
        *_arrangement(crossed),
        given=False,
        constant=data.constant + prior.constant,
    )


def _products(crossed: Crossed, width: int | None = None) -> Products:
    """Cross-products; only their shapes count where W has another `width`."""
    own = crossed
    arrays = [own.ZZ, own.ZW, own.values, own.rest, own.rest_W, own.WW]
    if width is not None:
        arrays[1] = np.zeros((*own.ZW.shape[:2], width))
        arrays[4], arrays[5] = np.zeros((len(own.rest_W), width)), np.zeros((width, width))
    return Products._make(map(read_only, arrays))


def _arrangement(crossed: Crossed) -> tuple[Ids, Ids, Ids, Ids, int, Ids]:
    owner = np.repeat(np.array(list(crossed.spans)), [crossed.counts[f] for f in crossed.spans])
    own = (crossed.starts, crossed.columns, crossed.rest_at, crossed.bounds)
    starts, columns, rest_at, bounds = map(read_only, own)
    return starts, columns, rest_at, bounds, crossed.leading, read_only(owner.astype(np.int64))


def _rows(body: Whitened, scheme: Cells, pattern: Pattern) -> RowData:
    lead, spans, sizes = pattern.template.leading, pattern.template.spans, scheme.sizes
    rest = [
        span.start + scheme.cells[f][:, None] * sizes[f] + np.arange(sizes[f]) for f, span in spans.items()
    ]
    arrays = (
        *(body.rows, scheme.cell, body.place),
        *(pattern.order, pattern.group, pattern.at, pattern.partner, pattern.pair),
        *(scheme.cells[lead], np.hstack(rest), caller_order(sizes, lead)),
    )
    return RowData._make(map(read_only, arrays))


def _no_rows() -> RowData:
    none, wide = read_only(np.zeros(0, dtype=np.int64)), read_only(np.zeros((0, 0), dtype=np.int64))
    rows = read_only(np.zeros((0, 0)))
    return RowData(rows, none, none, none, none, wide, wide, wide, none, wide, none)
