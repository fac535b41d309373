"""Which structure a model gets, and how many rows are kept."""

from dataclasses import replace

import numpy as np
import pytest
from tests.gaussian.hierarchies import CORRELATED, DIAGONAL, MODELS, OUTCOMES, weighted

from laird.errors import FitError
from laird.gaussian.cells import Cells
from laird.gaussian.connected import Connected
from laird.gaussian.nested import Nested

STRUCTURES = {
    "no groups": Nested,
    "nested": Nested,
    "three levels, in no order": Nested,
    "crossed": Cells,
    "crossed, three factors": Cells,
    "dense V": Nested,
    "blocks inside groups": Nested,
    "blocks inside nested groups": Nested,
    "blocks inside cells": Cells,
    "two outcomes, groups": Nested,
    "two outcomes, crossed": Cells,
    "blocks across groups": Connected,
    "blocks across inner groups": Connected,
    "blocks across crossed groups": Connected,
}


@pytest.mark.parametrize("name", STRUCTURES)
def test_structure_follows_from_the_rows(name):
    body = MODELS[name].data.body
    found = body if isinstance(body, Connected) else body.scheme
    assert isinstance(found, STRUCTURES[name])


def test_nested_factors_go_innermost_first():
    scheme = DIAGONAL["three levels, in no order"].data.body.scheme
    assert (scheme.order, scheme.counts) == ((2, 0, 1), (18, 6, 2))


@pytest.mark.parametrize("name", ["no groups, strata", "strata", "crossed, strata"])
def test_rows_of_equal_variance_and_groups_are_compressed(name):
    """At most as many rows as columns for each cell and stratum, however many rows there are."""
    base, times = MODELS[name], 10
    rng = np.random.default_rng(0)
    noise = base.noise
    tiled = {
        field: np.concatenate([getattr(noise, field)] * times)
        for field in ("W", "has_sigma", "variances", "which")
    }
    n = times * len(base.y)
    many = replace(
        base,
        y=rng.normal(size=n),
        X=np.tile(base.X, (times, 1)),
        Z=tuple(np.tile(z, (times, 1)) for z in base.Z),
        ids=tuple(np.tile(own, times) for own in base.ids),
        noise=replace(noise, **tiled, units=np.arange(n)),
    ).data
    body = many.body
    cells = len(np.unique(body.scheme.cell))
    strata = len(np.unique(noise.W, axis=0))
    assert many.n == body.layout.weight.sum() == n
    assert len(body.layout.weight) == strata
    assert len(body.rows) <= cells * strata * body.rows.shape[1]
    assert len(body.rows) < n / 2


def test_values_of_predictors_row_by_row_are_kept_apart():
    body = DIAGONAL["row by row"].data.body
    assert len(body.rows) == len(body.layout.weight) == len(DIAGONAL["row by row"].y)
    assert (np.diff(body.scheme.cell) >= 0).all()


@pytest.mark.parametrize("base", [DIAGONAL["strata"], CORRELATED["blocks"], OUTCOMES["two outcomes"]])
def test_weights_need_independent_rows(base):
    with pytest.raises(FitError, match="Weights multiply the log-likelihood") as raised:
        assert weighted(base).data
    assert "meta_V" in raised.value.remedy
