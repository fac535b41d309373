"""Refits of subsets against fits of the smaller data."""

from __future__ import annotations

import numpy as np
import pytest

import laird as ld
from laird.inference.refits import refit, subset


def check(formulas, data, keep, known=None, method="reml"):
    whole = ld.model(*formulas, data=data, known=known)
    part = ld.model(
        *formulas, data=data[keep], known=None if known is None else {"V": known["V"][np.ix_(keep, keep)]}
    )
    found, expected = refit(whole.fit(method), subset(whole.design, keep)), part.fit(method)
    np.testing.assert_allclose(found.loglik, expected.loglik, rtol=1e-10)
    np.testing.assert_allclose(found.fixef, expected.fixef, rtol=1e-7)


def test_groups_and_regressions_of_sds():
    data = ld.load_data("konstantopoulos2011")
    formulas = ["yi ~ year + (1 | district) + meta_V(vi)", "sigma ~ year"]
    check(formulas, data, (data.district != data.district[0]).to_numpy(), method="ml")


def test_a_dense_V_loses_rows_and_columns():
    data = ld.load_data("assink2016")
    V = ld.vcov_cluster(data.vi, data.study, rho=0.6).toarray()
    keep = np.random.default_rng(0).random(len(data)) < 0.7
    check(["yi ~ 1 + (1 | study) + meta_V(V)"], data, keep, known={"V": V})


def test_another_method_may_be_asked_for(hs_fit):
    fit = refit(hs_fit("eb"), hs_fit("eb").problem.design, "ml")
    assert fit.loglik == pytest.approx(hs_fit("ml").loglik, rel=1e-10)


@pytest.mark.parametrize("method", ["ols", "eb"])
def test_the_method_is_that_of_the_fit(hs_fit, method):
    fit = hs_fit(method)
    again = refit(fit, fit.problem.design)
    assert again.method == method
    np.testing.assert_allclose(again.fixef, fit.fixef, rtol=1e-8)
