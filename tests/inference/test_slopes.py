"""Slopes against derivatives by hand."""

from __future__ import annotations

import numpy as np

import laird as ld


def test_of_functions_of_the_variable():
    rng = np.random.default_rng(2)
    x = rng.uniform(1, 5, 200)
    data = {"x": x, "g": np.repeat(np.arange(20), 10), "y": np.log(x) + x**2 + rng.normal(size=200)}
    fit = ld.model("y ~ log(x) + I(x ** 2) + (1 | g)", data=data).fit()
    found = ld.slopes(fit, "x", data, by=None, groups="existing")
    b = fit.fixef.to_numpy()
    np.testing.assert_allclose(found.estimate, b[1] / x + 2 * b[2] * x, rtol=1e-7)
    weights = np.stack([np.zeros(200), 1 / x, 2 * x], axis=1)
    se = np.sqrt(np.einsum("ip,pq,iq->i", weights, fit.vcov.to_numpy(), weights))
    np.testing.assert_allclose(found.se, se, rtol=1e-7)


def test_within_groups_when_their_means_are_in_the_model():
    hs = ld.load_data("hs")
    fit = ld.model("mathach ~ ses + cvar(ses, school) + (1 | school)", data=hs).fit()
    found = ld.slopes(fit, "ses", hs, groups="existing")
    np.testing.assert_allclose(found.estimate, fit.fixef["ses"], rtol=1e-9)


def test_whole_numbers_may_be_differentiated():
    data = ld.load_data("sleepstudy")
    fit = ld.model("Reaction ~ Days + (Days | Subject)", data=data.assign(Days=data.Days.astype(int))).fit()
    found = ld.slopes(fit, "Days", data.assign(Days=data.Days.astype(int)), groups="population")
    np.testing.assert_allclose(found.estimate, fit.fixef["Days"], rtol=1e-9)
