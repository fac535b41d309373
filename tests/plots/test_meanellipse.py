"""Confidence ellipses of the mean lines against the joint Wald test."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from laird.bound import model
from laird.inference.wald import wald
from laird.plots.meanellipse import mean_ellipses


def ellipses(fit, prob=0.95):
    return mean_ellipses(fit, fit.problem.design.random[0], (0, 1), prob)


def test_on_the_outline_the_joint_test_is_at_its_limit(hs_fit):
    fit = hs_fit("reml")
    K = np.array([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]])  # the Catholic line
    drawn = min(ellipses(fit, 0.9), key=lambda curve: abs(curve[0].mean() - fit.fixef["Intercept"]))
    for point in drawn.T[::45]:
        assert wald(fit, K, rhs=point).joint.p_value == pytest.approx(0.1)


def test_every_distinct_mean_has_one(hs_fit):
    fit = hs_fit("reml")
    b = fit.fixef.to_numpy()
    centres = sorted(((c.max(axis=1) + c.min(axis=1)) / 2).tolist() for c in ellipses(fit))
    expected = [[b[0] + b[2], b[1] + b[3]], [b[0], b[1]]]
    assert np.array(centres) == pytest.approx(np.array(expected), rel=1e-3)  # 181 points


def test_draws_have_the_covariance_of_the_posterior(hs_fit):
    fit = hs_fit("eb")
    drawn = min(ellipses(fit), key=lambda curve: abs(curve[0].mean() - fit.fixef["Intercept"]))
    half = np.sqrt(stats.chi2.ppf(0.95, 2) * np.diag(fit.vcov)[:2])
    assert np.ptp(drawn, axis=1) / 2 == pytest.approx(half, rel=2e-4)  # 181 points


def test_a_fit_at_the_boundary_has_one_too(hsfull):
    fit = model("mathach ~ ses * Sector + (ses | school)", data=hsfull).fit("reml")
    assert fit.status == "boundary"
    assert all(np.isfinite(curve).all() for curve in ellipses(fit))
