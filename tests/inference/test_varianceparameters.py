"""Covariance parameters by name, as the summary has them."""

import numpy as np
import pytest

import laird as ld
from laird.inference.varianceparameters import drawn_values, values_at, variance_names, variance_values

MODELS = {
    "hs": ["mathach ~ ses + (1 + ses | school)"],
    "restoration": ["yi ~ habitat + meta_V(vi)", "sigma ~ habitat"],
    "dyestuff": ["Yield ~ 1"],
}


@pytest.mark.parametrize("name", MODELS)
def test_values_are_those_of_the_summary(name):
    fit = ld.model(*MODELS[name], data=ld.load_data(name)).fit("reml")
    summary = fit.summary()
    expected = summary.estimate[summary.component != "fixed"]
    np.testing.assert_allclose(variance_values(fit), expected, rtol=1e-12)
    np.testing.assert_allclose(values_at(fit, fit.theta), expected, rtol=1e-10)
    assert len(variance_names(fit)) == len(expected)


def test_draws_have_the_means_of_the_summary(hs_fit):
    fit = hs_fit("nuts")
    summary = fit.summary()
    expected = summary.estimate[summary.component != "fixed"]
    np.testing.assert_allclose(drawn_values(fit).mean(axis=0), expected, rtol=1e-10)
