"""Means over rows are those of the tables."""

from __future__ import annotations

import numpy as np
import pytest
from tests.plots.meta_fits import assink, bcg, restoration

import laird as ld
from laird.plots.means import means
from laird.plots.moderators import varied


def one_mean(fit, **options):
    n = len(fit.problem.design.y)
    return means(fit, fit.problem.design, np.zeros(n, dtype=int), **options)


@pytest.mark.parametrize("fit", [bcg, assink, lambda: bcg("eb")], ids=["bcg", "assink", "eb"])
@pytest.mark.parametrize("prob", [0.95, 0.5])
def test_as_the_table_of_prediction_intervals(fit, prob):
    table = ld.prediction_interval(fit(), prob=prob).iloc[0]
    found = one_mean(fit(), prob=prob)
    for name in ("estimate", "lower", "upper", "tau", "pi_lower", "pi_upper"):
        assert getattr(found, name)[0] == pytest.approx(table[name], abs=1e-12)


def test_at_moderators_as_the_table():
    habitats = ["grassland", "forest"]
    rows, ids = varied(restoration(), np.arange(80) == 5, "habitat", habitats)
    found = means(restoration(), rows, ids)
    duration = ld.load_data("restoration")["duration"].iloc[5]
    new = {"habitat": habitats, "duration": [duration] * 2}
    table = ld.prediction_interval(restoration(), new)
    assert found.pi_upper == pytest.approx(table["pi_upper"].to_numpy())
    assert found.lower == pytest.approx(table["lower"].to_numpy())


def test_averages_of_means_and_variances():
    fit, design = restoration(), restoration().problem.design
    ids = (ld.load_data("restoration")["habitat"] == "forest").to_numpy(dtype=int)
    found = means(fit, design, ids)
    assert found.estimate[1] == pytest.approx((design.X @ fit.fixef.to_numpy())[ids == 1].mean())
    assert found.tau[1] == pytest.approx(np.sqrt(np.mean(fit.sigma[ids == 1] ** 2)))


def test_draws_are_kept_and_limits_are_smooth():
    fit = restoration("eb")
    grid = np.linspace(-1.0, 1.0, 21)
    found = means(fit, *varied(fit, np.arange(80) == 0, "duration", grid.tolist()))
    assert found.drawn.mean.shape == (400, 21)
    assert found.estimate == pytest.approx(found.drawn.mean.mean(axis=0), abs=0.02)  # the mode; 400 draws
    bends = np.abs(np.diff(found.pi_upper, 2))
    assert bends.max() < 0.2 * np.ptp(found.pi_upper)


def test_one_of_several():
    found = means(bcg("eb"), bcg("eb").problem.design, np.arange(13) % 2)
    assert found.of(1).upper.tolist() == [found.upper[1]]
    assert np.array_equal(found.of(1).drawn.tau[:, 0], found.drawn.tau[:, 1])
    assert one_mean(bcg()).of(0).drawn is None
