"""Pictures of predictive checks."""

from __future__ import annotations

import numpy as np
import pytest

import laird as ld


@pytest.fixture
def check():
    fit = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff")).fit()
    return ld.predictive_check(fit, draws=200, random_seed=1)


def test_a_panel_for_every_statistic(check):
    drawn = ld.plots.predictive_check(check)
    assert len(drawn) == len(check.table)
    for ax, observed in zip(drawn, check.observed, strict=True):
        np.testing.assert_allclose(ax.lines[0].get_xdata(), observed)
    counts = [patch.get_height() for patch in drawn[0].patches]
    assert 190 <= sum(counts) <= 200


def test_of_priors():
    model = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff"))
    drawn = ld.plots.predictive_check(ld.prior_predictive(model, draws=200, random_seed=1))
    assert drawn[0].get_title(loc="left").startswith("mean\ndata")


def test_of_nothing_else():
    with pytest.raises(ld.FitError, match="predictive check"):
        ld.plots.predictive_check(3)
