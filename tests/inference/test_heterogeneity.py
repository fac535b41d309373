"""Heterogeneity of fits against metafor; the arithmetic is tested in test_qtests."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2
from tests import peers

import laird as ld

STOPS = 3e-5
"""metafor stops when τ² changes by less than 1e-5, which leaves it up to this far from the maximum."""


@pytest.fixture(scope="module")
def bcg():
    return ld.load_data("bcg_rr")


@pytest.mark.parametrize("case", ["bcg-reml", "bcg-ml", "bcg-ablat-year-reml", "bcg-ablat-year-ml"])
def test_what_metafor_reports(bcg, case):
    peer = peers.meta(case)
    found = ld.heterogeneity(ld.model(peer["formula"], data=bcg).fit(peer["method"]))
    total = found.table.iloc[-1]
    np.testing.assert_allclose([found.Q.Q, found.Q.p_value], [peer["QE"], peer["QEp"]], rtol=1e-9)
    assert total.tau2 == pytest.approx(peer["tau2"], abs=STOPS)
    s2 = found.typical_variance.iloc[0]
    moved = STOPS / (peer["tau2"] + s2) * (1 - peer["I2"] / 100)
    np.testing.assert_allclose(total.I2, peer["I2"], rtol=0, atol=100 * moved)
    if "R2" in peer:
        before = peers.meta("bcg-reml" if peer["method"] == "reml" else "bcg-ml")["tau2"]
        assert peer["R2"] == pytest.approx(total.R2, abs=100 * STOPS / before)
    else:
        np.testing.assert_allclose([total.H2, total.tau2_se], [peer["H2"], peer["se_tau2"]], rtol=1e-5)
        assert np.isnan(total.R2)


def test_limits_of_tau_I2_and_H2_are_those_of_tau2(bcg):
    """metafor prints them with four decimals for the DerSimonian-Laird estimate, which they do not use."""
    total = ld.heterogeneity(ld.model("yi ~ 1 + meta_V(vi)", data=bcg).fit("reml")).table.iloc[-1]
    peer = peers.golden("metafor_tests")["confint_dl"]
    ends = total[["tau_lower", "tau_upper"]].to_numpy(dtype=float)
    np.testing.assert_allclose(ends**2, peer["tau2"][1:], rtol=0, atol=1e-4)
    np.testing.assert_allclose(total[["I2_lower", "I2_upper"]].astype(float), peer["I2"][1:], atol=5e-3)
    np.testing.assert_allclose(total[["H2_lower", "H2_upper"]].astype(float), peer["H2"][1:], atol=5e-3)
    assert total.interval == "q-profile"


def test_levels_of_konstantopoulos_as_printed():
    """I² by level on the page of the analysis at metafor-project.org: 95.19, 63.32, 31.86 per cent."""
    data = ld.load_data("konstantopoulos2011")
    fit = ld.model("yi ~ 1 + (1 | district) + meta_V(vi)", data=data).fit("reml")
    table = ld.heterogeneity(fit, interval="none").table.set_index("level")
    np.testing.assert_allclose(table.I2[["total", "district", "residual"]], [95.19, 63.32, 31.86], atol=5e-3)
    assert table.tau2["total"] == pytest.approx(table.tau2["residual"] + table.tau2["district"], rel=1e-12)
    assert table.interval.tolist() == ["none"] * 3


def test_standard_errors_of_several_levels_are_those_of_log_sds():
    """se(sd²) = 2 sd² se(log sd), the delta method."""
    data = ld.load_data("konstantopoulos2011")
    fit = ld.model("yi ~ 1 + (1 | district) + meta_V(vi)", data=data).fit("reml")
    table = ld.heterogeneity(fit, interval="none").table.set_index("level")
    expected = 2 * table.tau2["district"] * fit.uncertainty.log_sd[0]
    assert table.tau2_se["district"] == pytest.approx(expected, rel=1e-6)


def test_a_location_scale_fit_has_everything():
    data = ld.load_data("restoration")
    model = ld.model("yi ~ habitat + duration + meta_V(vi)", "sigma ~ habitat", data=data)
    fit = model.fit("reml")
    table = ld.heterogeneity(fit).table
    total = table.iloc[-1]
    assert total.tau2 == pytest.approx(np.mean(fit.sigma**2), rel=1e-12)
    assert total.tau_lower < total.tau < total.tau_upper
    assert total.I2_lower < total.I2 < total.I2_upper
    assert total.interval == "profile"


def test_at_moderators_the_interval_is_that_of_the_coefficient():
    """log τ(grassland) is the intercept of the scale."""
    data = ld.load_data("restoration")
    fit = ld.model("yi ~ habitat + meta_V(vi)", "sigma ~ habitat", data=data).fit("ml")
    found = ld.heterogeneity_at(fit, {"habitat": ["grassland", "forest"]}, simulate=0)
    np.testing.assert_allclose(found.tau, np.exp([fit.scale.iloc[0], fit.scale.sum()]), rtol=1e-12)
    every = ld.heterogeneity_at(fit, simulate=0)
    assert sorted(every.tau) == pytest.approx(sorted(found.tau), rel=1e-12)
    from laird.inference.profiles import profile_limits, profile_of

    limits = profile_limits(
        profile_of(fit), lambda theta: float(fit.problem.codings[0].coefficients(theta)[0]), 0.95
    )
    np.testing.assert_allclose(
        found.loc[0, ["tau_lower", "tau_upper"]].astype(float), np.exp(limits), rtol=1e-5
    )


def test_explained_heterogeneity_can_be_compared_with_any_fit(bcg):
    small = ld.model("yi ~ ablat + meta_V(vi)", data=bcg).fit("reml")
    large = ld.model("yi ~ ablat + year + meta_V(vi)", data=bcg).fit("reml")
    found = ld.heterogeneity(large, null=small, simulate=0).table.R2.iloc[-1]
    assert found == pytest.approx(max(0.0, 100 * (1 - large.sigma**2 / small.sigma**2)), abs=1e-9)


def test_homogeneous_studies_have_zero_and_a_finite_interval():
    rng = np.random.default_rng(3)
    data = {"y": rng.normal(0.2, 0.1, 20), "v": np.full(20, 0.04)}
    found = ld.heterogeneity(ld.model("y ~ 1 + meta_V(v)", data=data).fit("reml"))
    total = found.table.iloc[-1]
    assert (total.tau2, total.I2, total.H2) == (0.0, 0.0, 1.0)
    assert total.tau_lower == pytest.approx(0.0, abs=1e-5)
    assert 0 < total.tau_upper < 0.2
    assert found.Q.p_value == pytest.approx(chi2.sf(found.Q.Q, 19), rel=1e-9)


@pytest.mark.parametrize("formula", ["yi ~ 1 + meta_V(vi)", 'yi ~ 1 + meta_V(vi, scale="proportional")'])
def test_a_heterogeneity_that_is_zero_by_assumption_has_no_interval(formula):
    model = ld.model(formula, "sigma ~ 0", data=ld.load_data("bcg_rr"))
    row = ld.heterogeneity(model.fit("reml"), simulate=0).table.iloc[0]
    assert (row.tau, row.I2, row.H2, row.interval) == (0.0, 0.0, 1.0, "none")
    assert np.isnan([row.tau_lower, row.tau_upper, row.tau2_se]).all()
    drawn = ld.heterogeneity(model.fit("eb", random_seed=1)).table.iloc[0]
    assert (drawn.tau_lower, drawn.tau_upper) == (0.0, 0.0)


def test_outcomes_have_their_own_rows():
    data = {"a": [1.0, 2.0, 4.0, 3.0, 2.5, 1.0], "b": [2.0, 1.0, 3.0, 5.0, 2.0, np.nan], "v": [0.1] * 6}
    model = ld.model("a ~ 1 + meta_V(v)", "b ~ 1 + meta_V(v)", "rho(a, b) ~ 0", data=data)
    found = ld.heterogeneity(model.fit("reml"))
    for outcome, n in (("a", 6), ("b", 5)):
        alone = {"y": data[outcome][:n], "v": [0.1] * n}
        single = ld.heterogeneity(ld.model("y ~ 1 + meta_V(v)", data=alone).fit("reml")).table.iloc[-1]
        own = found.table.set_index("outcome").loc[outcome]
        np.testing.assert_allclose([own.tau2, own.I2], [single.tau2, single.I2], rtol=1e-5)
        assert found.typical_variance[outcome] == pytest.approx(0.1)


def test_it_prints_q_and_the_table(bcg):
    found = ld.heterogeneity(ld.model("yi ~ 1 + meta_V(vi)", data=bcg).fit("reml"))
    assert repr(found).startswith("Q(12) = 152.23, p = 2e-26\nlevel")
    assert "<table" in found._repr_html_()


def test_input_that_is_refused(hs_fit):
    with pytest.raises(ld.FitError, match="no known sampling variances"):
        ld.heterogeneity(hs_fit("reml"))
    data = ld.load_data("konstantopoulos2011")
    fit = ld.model("yi ~ 1 + (1 | district) + meta_V(vi)", data=data).fit("reml")
    with pytest.raises(ld.FitError, match="models with one variance"):
        ld.heterogeneity(fit, interval="q-profile")
    with pytest.raises(ld.FitError, match="wald"):
        ld.heterogeneity(fit, interval="wald")


def test_a_sampling_variance_of_zero_is_named():
    data = {"y": [1.0, 2.0, 4.0, 3.0, 2.0, 3.0], "v": [0.1, 0.0, 0.2, 0.1, 0.1, 0.1]}
    fit = ld.model("y ~ 1 + meta_V(v)", data=data).fit("reml")
    with pytest.raises(ld.FitError, match=r"singular.*\n    rows 1 "):
        ld.heterogeneity(fit)


@pytest.mark.parametrize("method", ["eb", "nuts"])
def test_draws_give_posterior_intervals(method):
    data = ld.load_data("konstantopoulos2011")
    model = ld.model("yi ~ 1 + (1 | district) + meta_V(vi)", data=data)
    options = {"draws": 300, "tune": 300, "chains": 2} if method == "nuts" else {}
    fit = model.fit(method, random_seed=1, **options)
    table = ld.heterogeneity(fit, simulate=0).table
    assert set(table.interval) == {"posterior"}
    assert np.all((table.tau_lower < table.tau) & (table.tau < table.tau_upper))
    assert np.all((table.I2_lower < table.I2) & (table.I2_upper > table.I2))
    assert table.tau_upper.iloc[-1] < 1.0


@pytest.mark.parametrize("method", ["ml", "reml"])
def test_homogeneous_studies_with_a_scale_have_no_infinite_interval(method):
    """The mean of two variances is not above the larger one's limit by more than the other's."""
    y = np.random.default_rng(4).normal(0.2, 0.1, 20)
    data = {"y": y, "v": np.full(20, 0.04), "x": ["p", "q"] * 10}
    fit = ld.model("y ~ 1 + meta_V(v)", "sigma ~ x", data=data).fit(method)
    total, parts = ld.heterogeneity(fit, simulate=0).table.iloc[-1], ld.heterogeneity_at(fit, simulate=0)
    assert total.tau_lower == pytest.approx(0, abs=1e-6)
    assert 0 < total.tau_upper < parts.tau_upper.max()


def test_a_variance_that_may_be_zero_has_zero_for_its_limit():
    known = {"V": "vcov_cluster(vi, study, rho=0.6)"}
    formulas = ["yi ~ 1 + meta_V(V) + (1 | study)", "sigma ~ deltype"]
    fit = ld.model(*formulas, data=ld.load_data("assink2016"), known=known).fit("reml")
    found = ld.heterogeneity_at(fit, {"deltype": ["overt"]}, simulate=0)
    residual = found[found.level == "residual"].iloc[0]
    assert residual.tau_lower == pytest.approx(0, abs=1e-9)
    assert residual.tau < residual.tau_upper < 1


def test_weighted_rows_have_profile_intervals(bcg):
    fit = ld.model("yi ~ 1 + meta_V(vi)", data=bcg.assign(w=2.0), weights="w").fit("reml")
    assert ld.heterogeneity(fit).table.interval.tolist() == ["profile"]
    with pytest.raises(ld.FitError, match="no weights"):
        ld.heterogeneity(fit, interval="q-profile")
