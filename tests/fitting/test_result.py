"""`Fit`: what tests/test_contract.py does not say for all methods."""

import numpy as np
import pytest
from tests.fitting.problems import grouped_frame

import laird as ld


@pytest.fixture(scope="module")
def fit():
    return ld.model("y ~ x * w + (1 + x | g)", data=grouped_frame(J=14, seed=2)).fit("reml")


def test_group_coefficients_hold_level2_predictors(fit):
    frame, b = grouped_frame(J=14, seed=2), fit.fixef
    w, u = frame.groupby("g").w.first(), fit.ranef("g")
    coef = fit.group_coef("g")
    np.testing.assert_allclose(coef.Intercept, b["Intercept"] + b["w"] * w + u.Intercept, rtol=1e-10)
    np.testing.assert_allclose(coef.x, b["x"] + b["x:w"] * w + u.x, rtol=1e-10)


def test_their_sds_are_those_of_a_prediction(fit):
    """The line of a group at x = 0 is its prediction there."""
    frame = grouped_frame(J=14, seed=2)
    at_zero = frame.groupby("g").first().reset_index().assign(x=0.0)
    table = fit.predict(at_zero)
    np.testing.assert_allclose(fit.group_coef("g").Intercept, table.estimate, rtol=1e-10)
    np.testing.assert_allclose(fit.group_coef_sd("g").Intercept, table.se, rtol=1e-8)


def test_degrees_of_freedom_count_all_parameters(fit):
    assert fit.df_model == 4 + 3 + 1


def test_the_logarithm_of_a_group_sd(fit):
    np.testing.assert_allclose(np.exp(fit.scale_of("g")), fit.varcorr.sdcor[:2], rtol=1e-12)


def test_the_logarithm_of_no_variance(dyestuff2):
    fit = ld.model("Yield ~ 1 + (1 | Batch)", data=dyestuff2).fit("reml")
    assert fit.scale_of("Batch")["Intercept"] == -np.inf
    assert "The variance of `Intercept` between the groups of `Batch` is estimated as zero" in repr(fit)


def test_the_text_takes_a_probability(fit):
    assert "80 % interval" in fit.text(0.8)
    assert fit.text() == repr(fit)


def test_names_with_special_characters_show_in_html():
    frame = grouped_frame().rename(columns={"x": "a<b"})
    fit = ld.model("y ~ `a<b` + (1 | g)", data=frame).fit("reml")
    assert "a&lt;b" in fit._repr_html_()
    assert "a<b" not in fit._repr_html_()
