"""Prediction intervals against metafor and by their definition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t
from tests import peers

import laird as ld


@pytest.fixture(scope="module")
def bcg_fits():
    model = ld.model("yi ~ 1 + meta_V(vi)", data=ld.load_data("bcg_rr"))
    return {method: model.fit(method) for method in ("ml", "reml")}


@pytest.mark.parametrize("method", ["ml", "reml"])
def test_of_a_true_effect_as_metafor(bcg_fits, method):
    found = ld.prediction_interval(bcg_fits[method], df="normal")
    assert len(found) == 1
    peer = peers.meta(f"bcg-{method}")["prediction_interval"]
    np.testing.assert_allclose(found[["pi_lower", "pi_upper"]].iloc[0], peer, rtol=1e-5)


def test_an_estimate_is_wider_by_its_sampling_variance(bcg_fits):
    found = ld.prediction_interval(bcg_fits["reml"], v=[0.1]).iloc[0]
    quantile = t.ppf(0.975, 12)
    half = quantile * np.sqrt(found.se**2 + found.tau**2 + 0.1)
    assert found.estimate_upper - found.estimate == pytest.approx(half, rel=1e-12)
    assert found.upper - found.estimate == pytest.approx(quantile * found.se, rel=1e-12)


def test_moderators_move_mean_and_heterogeneity():
    data = ld.load_data("restoration")
    fit = ld.model("yi ~ habitat + duration + meta_V(vi)", "sigma ~ habitat", data=data).fit("ml")
    new = {"habitat": ["forest", "grassland"], "duration": [1.0, 0.0]}
    found = ld.prediction_interval(fit, new, prob=0.9)
    b, a = fit.fixef, fit.scale
    np.testing.assert_allclose(found.estimate, [b.sum(), b["Intercept"]], rtol=1e-12)
    np.testing.assert_allclose(found.tau, np.exp([a.sum(), a["Intercept"]]), rtol=1e-12)


def test_levels_add_up():
    data = ld.load_data("konstantopoulos2011")
    fit = ld.model("yi ~ 1 + (1 | district) + meta_V(vi)", data=data).fit("reml")
    variance = (fit.varcorr.sdcor**2).sum()
    assert ld.prediction_interval(fit).tau[0] == pytest.approx(np.sqrt(variance), rel=1e-12)


def test_input_that_is_refused(bcg_fits, hs_fit):
    with pytest.raises(ld.FitError, match="`v` does not fit the rows"):
        ld.prediction_interval(bcg_fits["ml"], v=[0.1, 0.2])
    with pytest.raises(ld.FitError, match="`v` does not fit the rows"):
        ld.prediction_interval(bcg_fits["ml"], v=-1.0)
    with pytest.raises(ld.FitError, match="no known sampling variances"):
        ld.prediction_interval(hs_fit("reml"))
    fit = ld.model("yi ~ habitat + meta_V(vi)", data=ld.load_data("restoration")).fit("ml")
    with pytest.raises(ld.DataError, match="habitat"):
        ld.prediction_interval(fit, {"habitat": ["desert"]})


def test_draws_have_the_posterior_predictive_distribution():
    """Near the normal interval of REML with a wider τ; the same seed gives the same interval."""
    model = ld.model("yi ~ 1 + meta_V(vi)", data=ld.load_data("bcg_rr"))
    fit = model.fit("eb", random_seed=1, draws=4000)
    found, again = (ld.prediction_interval(fit, v=0.1).iloc[0] for _ in range(2))
    assert found.equals(again)
    assert found.pi_lower < found.lower < found.estimate < found.upper < found.pi_upper
    assert found.estimate_lower < found.pi_lower
    likelihood = ld.prediction_interval(model.fit("reml")).iloc[0]
    assert found.pi_upper - found.pi_lower == pytest.approx(
        likelihood.pi_upper - likelihood.pi_lower, rel=0.2
    )
