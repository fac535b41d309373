"""Profile-likelihood intervals against metafor's, and against their definition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2
from tests import peers

import laird as ld
from laird.inference.profiles import profile_limits, profile_of


def tau2(theta):
    return float(np.exp(2 * theta.alpha[0]))


@pytest.mark.parametrize("method", ["ml", "reml"])
def test_the_likelihood_falls_by_half_a_chi_square_quantile(method):
    fit = ld.model("yi ~ 1 + meta_V(vi)", data=ld.load_data("bcg_rr")).fit(method)
    profile = profile_of(fit)
    for limit in profile_limits(profile, tau2, 0.9):
        at = fit.theta._replace(alpha=np.array([0.5 * np.log(limit)]))
        drop = 2 * (profile.value - profile.loglik(profile.coordinates.x(at))[0])
        assert drop == pytest.approx(chi2.ppf(0.9, 1), abs=1e-6)


def test_the_profiled_value_is_the_log_likelihood_of_the_fit():
    data = ld.load_data("konstantopoulos2011")
    fit = ld.model("yi ~ 1 + (1 | district) + meta_V(vi)", data=data).fit("reml")
    assert profile_of(fit).value == pytest.approx(fit.loglik, rel=1e-10)


def test_coefficients_of_a_location_scale_fit_as_metafor_profiles_them():
    """Of log variances, as metafor has them; its numbers have five decimals."""
    data = ld.load_data("bangertdrowns2004")
    fit = ld.model("yi ~ 1 + meta_V(vi)", "sigma ~ grade", data=data).fit("reml")
    peer = peers.golden("metafor_tests")["bangertdrowns_scale_grade"]
    np.testing.assert_allclose(2 * fit.scale, peer["alpha"], rtol=1e-4)
    coding, profile = fit.problem.codings.of("sigma"), profile_of(fit)
    found = [profile_limits(profile, lambda t, k=k: 2 * coding.coefficients(t)[k], 0.95) for k in (0, 1)]
    np.testing.assert_allclose(found, peer["profile"], rtol=0, atol=1e-4)


def test_levels_as_metafor_profiles_them():
    """confint() of rma.mv for Konstantopoulos (2011), as printed on the page of the analysis."""
    data = ld.load_data("konstantopoulos2011")
    profile = profile_of(ld.model("yi ~ 1 + (1 | district) + meta_V(vi)", data=data).fit("reml"))
    district = profile_limits(profile, lambda t: float(t.L[0, 0] ** 2), 0.95)
    np.testing.assert_allclose(district, [0.0222, 0.2072], rtol=0, atol=6e-5)
    np.testing.assert_allclose(profile_limits(profile, tau2, 0.95), [0.0163, 0.0628], rtol=0, atol=6e-5)


def test_at_the_boundary_the_interval_starts_at_zero_and_is_finite():
    rng = np.random.default_rng(3)
    data = {"y": rng.normal(0.2, 0.1, 20), "v": np.full(20, 0.04)}
    fit = ld.model("y ~ 1 + meta_V(v)", data=data).fit("reml")
    lower, upper = profile_limits(profile_of(fit), tau2, 0.95)
    assert fit.sigma == 0.0
    assert lower == pytest.approx(0.0, abs=1e-12)
    assert 0 < upper < 0.04


def test_other_fits_are_refused(hs_fit):
    with pytest.raises(ld.FitError, match="not available for this fit"):
        profile_of(hs_fit("reml"))


def test_an_sd_of_zero_has_a_log_without_lower_limit():
    """One level has no heterogeneity at all: its log sd may be anything below the upper limit."""
    rng = np.random.default_rng(0)
    effect = np.where(np.arange(40) % 2, 1.0, 0.0) * rng.normal(size=40)
    data = {"y": effect + 0.1 * rng.normal(size=40), "v": np.full(40, 0.04), "odd": list("ab") * 20}
    fit = ld.model("y ~ 1 + meta_V(v)", "sigma ~ odd", data=data).fit("reml")
    coding = fit.problem.codings.of("sigma")
    lower, upper = profile_limits(profile_of(fit), lambda t: float(coding.coefficients(t)[0]), 0.95)
    assert lower == -np.inf
    assert np.log(0.05) < upper < np.log(0.5)
    found = ld.heterogeneity_at(fit, {"odd": ["a", "b"]}, simulate=0)
    assert found.tau_lower[0] == pytest.approx(0.0, abs=1e-6)
    assert np.isfinite(found.tau_upper).all()
