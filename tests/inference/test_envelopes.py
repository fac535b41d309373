"""Envelopes: their level under the model, and what they find."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import laird as ld
from laird.inference.envelopes import MOST_POINTS, banded, envelope, order_numbers


@pytest.fixture(scope="module")
def sleep(sleepstudy):
    return ld.model("Reaction ~ Days + (Days | Subject)", data=sleepstudy).fit("reml")


def test_the_outliers_of_the_sleep_study_leave_it(sleep):
    found = envelope(sleep, draws=99, random_seed=1)
    outside = found.table[found.table.outside]
    assert {56, 59} <= set(outside.label)
    assert found.p_value == pytest.approx(0.01)
    assert "180 outside the 95 % global envelope of 99 simulations; p = 0.01" in repr(found)


def test_normal_effects_stay_within(sleep):
    found = envelope(sleep, 2, term="Days", draws=99, random_seed=1)
    assert not found.table.outside.any()
    assert found.p_value > 0.2
    assert found.what == "Effects of Subject on Days, standardised"


def test_the_same_seed_gives_the_same_band(sleep):
    one, two = (envelope(sleep, 2, draws=39, random_seed=5).table for _ in range(2))
    pd.testing.assert_frame_equal(one, two)


def test_a_global_band_holds_all_of_a_share_of_the_curves():
    rng = np.random.default_rng(0)
    curves = np.sort(rng.normal(size=(400, 30)), axis=1)
    for prob in (0.8, 0.95):
        found = banded(curves[0], curves, prob, "global")
        within = np.all((curves >= found.lower) & (curves <= found.upper), axis=1).mean()
        assert within == pytest.approx(prob, abs=1.01 / 400)


def test_a_pointwise_band_is_narrower():
    rng = np.random.default_rng(0)
    curves = np.sort(rng.normal(size=(400, 30)), axis=1)
    wide, narrow = (banded(curves[0], curves, 0.95, band) for band in ("global", "pointwise"))
    assert np.all(wide.upper > narrow.upper)
    assert np.all(wide.lower < narrow.lower)
    np.testing.assert_allclose(narrow.upper, np.quantile(curves, 0.975, axis=0))


def test_p_values_are_uniform_under_the_model():
    """Of curves that are exchangeable, the rank of any of them is: expected exactly, checked by the mean."""
    rng = np.random.default_rng(2)
    curves = np.sort(rng.normal(size=(200, 20)), axis=1)
    p = [banded(curves[i], np.delete(curves, i, axis=0), 0.95, "global").p_value for i in range(100)]
    assert np.mean(p) == pytest.approx(0.5, abs=0.1)  # three standard errors of the mean of 100
    assert min(p) >= 1 / 200


def test_refitting_changes_little(dyestuff):
    fit = ld.model("Yield ~ 1 + (1 | Batch)", data=dyestuff).fit("reml")
    held, refitted = (envelope(fit, draws=99, refit=own, random_seed=1).table for own in (False, True))
    np.testing.assert_allclose(held["median"], refitted["median"], atol=0.15)


@pytest.mark.parametrize("method", ["ols", "eb", "nuts"])
def test_every_method_has_one(hs_fit, method):
    found = envelope(hs_fit(method), draws=39, random_seed=1)
    assert len(found.table) <= MOST_POINTS
    assert np.isfinite(found.table["upper"]).all()


def test_location_scale_and_known_variances(restoration):
    fit = ld.model("yi ~ habitat + meta_V(vi)", "sigma ~ habitat", data=restoration).fit("ml")
    assert envelope(fit, draws=39, random_seed=1).p_value > 0.02


def test_many_residuals_are_thinned_with_both_ends():
    numbers = order_numbers(50_000)
    assert len(numbers) <= MOST_POINTS
    assert (numbers[0], numbers[-1]) == (0, 49_999)
    assert np.all(np.diff(numbers) > 0)


def test_what_cannot_be_is_refused(sleep, hs_fit, dyestuff2):
    with pytest.raises(ld.FitError, match="no coefficient `Day`"):
        envelope(sleep, 2, term="Day")
    with pytest.raises(ld.FitError, match="draws = 10 is not usable"):
        envelope(sleep, draws=10)
    with pytest.raises(ld.FitError, match="band = 'both' is not possible"):
        envelope(sleep, band="both")
    with pytest.raises(ld.FitError, match='not fitted again by "nuts"'):
        envelope(hs_fit("nuts"), refit=True)
    with pytest.raises(ld.FitError, match="no variance"):
        envelope(ld.model("Yield ~ 1 + (1 | Batch)", data=dyestuff2).fit("reml"), 2)
