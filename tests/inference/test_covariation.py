"""Satterthwaite and Kenward-Roger against lmerTest and pbkrtest, and against themselves."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from tests.peers import peer_fits
from tests.test_structures import FORMULAS, peer, peer_frame

import laird as ld
from laird.fitting.satterthwaite import of_rows
from laird.inference.covariation import kenward_roger, satterthwaite

PEERS = [name for name, fit in peer_fits().items() if "df_satterthwaite" in fit.raw]
KENWARD_ROGER = [name for name in PEERS if "df_kr" in peer_fits()[name].raw]

# lme4's variance parameters are good to about 1e-5 (tests/test_peer_fits.py), degrees of freedom to no more;
# one fit on the boundary is approached by lme4, and reached by laird.
RELATIVE = 1e-5
ON_BOUNDARY = 1e-3


@pytest.fixture(scope="module")
def fitted():
    made = {}

    def fit(fit_id):
        if fit_id not in made:
            own = peer_fits()[fit_id]
            made[fit_id] = ld.model(own.formula, data=ld.load_data(own.data)).fit(own.method)
        return made[fit_id]

    return fit


def values(of_peer):
    return list(of_peer.values()) if isinstance(of_peer, dict) else of_peer


def degrees(covariation):
    return of_rows(np.eye(len(covariation.cov)), covariation)


def test_most_peers_have_degrees_of_freedom():
    assert (len(PEERS), len(KENWARD_ROGER)) == (45, 13)


@pytest.mark.parametrize("fit_id", PEERS)
def test_lmertest_agrees(fit_id, fitted):
    own = peer_fits()[fit_id]
    found = satterthwaite(fitted(fit_id))
    tolerance = ON_BOUNDARY if own.singular else RELATIVE
    np.testing.assert_allclose(degrees(found), values(own.raw["df_satterthwaite"]), rtol=tolerance)
    np.testing.assert_allclose(found.adjusted, fitted(fit_id).vcov, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("fit_id", KENWARD_ROGER)
def test_pbkrtest_agrees(fit_id, fitted):
    own, found = peer_fits()[fit_id], kenward_roger(fitted(fit_id))
    np.testing.assert_allclose(degrees(found), values(own.raw["df_kr"]), rtol=RELATIVE)
    np.testing.assert_allclose(np.sqrt(np.diag(found.adjusted)), values(own.raw["se_kr"]), rtol=RELATIVE)
    np.testing.assert_allclose(found.cov, fitted(fit_id).vcov, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["pastes-reml", "penicillin-reml"])
def test_nested_and_crossed_factors_agree_with_lmertest_and_pbkrtest(name):
    fit = ld.model(FORMULAS[name], data=peer_frame(name)).fit("reml")
    np.testing.assert_allclose(degrees(satterthwaite(fit)), peer(name)["df_satterthwaite"], rtol=RELATIVE)
    found = kenward_roger(fit)
    np.testing.assert_allclose(degrees(found), peer(name)["df_kr"], rtol=RELATIVE)
    np.testing.assert_allclose(np.sqrt(np.diag(found.adjusted)), peer(name)["se_kr"], rtol=RELATIVE)


@pytest.mark.parametrize("method", [satterthwaite, kenward_roger])
def test_units_and_offsets_do_not_matter(method, sleepstudy):
    moved = sleepstudy.assign(Days=1e6 + 24 * sleepstudy.Days, Reaction=1e-3 * sleepstudy.Reaction - 40)
    formula = "Reaction ~ Days + (Days | Subject)"
    here, there = (method(ld.model(formula, data=data).fit()) for data in (sleepstudy, moved))
    K = np.array([[0.0, 1.0]])
    assert of_rows(K, there) == pytest.approx(of_rows(K, here), rel=1e-6)
    assert there.adjusted[1, 1] == pytest.approx(here.adjusted[1, 1] * (1e-3 / 24) ** 2, rel=1e-7)


def test_a_balanced_analysis_of_variance_is_exact():
    """Groups in two treatments: the difference is one of group means, with J - 2 degrees of freedom."""
    rng = np.random.default_rng(4)
    g = np.repeat(np.arange(12), 5)
    y = rng.normal(0, 2, 12)[g] + (g % 2) + rng.normal(size=60)
    fit = ld.model("y ~ a + (1 | g)", data=pd.DataFrame({"y": y, "g": g, "a": g % 2})).fit("reml")
    for found in (satterthwaite(fit), kenward_roger(fit)):
        np.testing.assert_allclose(degrees(found), [10, 10], rtol=1e-6)
        np.testing.assert_allclose(found.adjusted, fit.vcov, rtol=1e-8)


def test_a_variance_of_zero_leaves_those_of_a_regression(dyestuff2):
    fit = ld.model("Yield ~ 1 + (1 | Batch)", data=dyestuff2).fit("reml")
    assert fit.status == "boundary"
    assert degrees(satterthwaite(fit)) == pytest.approx(29, rel=1e-8)


def test_without_groups_they_are_those_of_a_regression(hs):
    for method, df in (("reml", 1977 - 2), ("ml", 1977)):
        fit = ld.model("mathach ~ ses", data=hs).fit(method)
        np.testing.assert_allclose(degrees(satterthwaite(fit)), df, rtol=1e-8)
    found = kenward_roger(ld.model("mathach ~ ses", data=hs).fit("reml"))
    np.testing.assert_allclose(degrees(found), 1977 - 2, rtol=1e-10)


def test_unequal_variances_are_welchs_t():
    """Two samples with an sd each: Satterthwaite's (1946) problem, and Welch's test."""
    rng = np.random.default_rng(0)
    a = np.repeat(["u", "v"], [9, 14])
    y = np.where(a == "u", rng.normal(0, 1, 23), rng.normal(1, 4, 23))
    fit = ld.model("y ~ a", "sigma ~ a", data=pd.DataFrame({"y": y, "a": a})).fit("reml")
    welch = stats.ttest_ind(y[a == "v"], y[a == "u"], equal_var=False)
    found = satterthwaite(fit)
    assert degrees(found)[1] == pytest.approx(welch.df, rel=1e-6)  # the optimum is good to about 1e-8
    assert fit.fixef["a[v]"] / np.sqrt(found.adjusted[1, 1]) == pytest.approx(welch.statistic, rel=1e-6)


def test_group_sds_by_sector_are_welchs_t_of_group_means():
    """Balanced groups with an sd between and within for either sector: a t test of the group means."""
    rng = np.random.default_rng(1)
    J, n = 20, 5
    a = np.where(np.arange(J) < 8, "u", "v")
    between = rng.normal(0, 1, J) * np.where(a == "u", 1, 4)
    y = between[:, None] + rng.normal(0, 1, (J, n))
    frame = pd.DataFrame({"y": y.ravel(), "g": np.repeat(np.arange(J), n), "a": np.repeat(a, n)})
    fit = ld.model("y ~ a + (1 | g)", "sigma ~ a", "sd(g) ~ a", data=frame).fit("reml")
    means = y.mean(axis=1)
    welch = stats.ttest_ind(means[a == "v"], means[a == "u"], equal_var=False)
    assert degrees(satterthwaite(fit))[1] == pytest.approx(welch.df, rel=1e-5)


def test_known_variances_without_heterogeneity_leave_infinitely_many():
    """Eight studies that agree: sigma is zero, so that no parameter of the standard error is estimated."""
    frame = pd.DataFrame({"yi": [0.1, 0.3, 0.2, 0.25] * 2, "vi": [0.1, 0.2, 0.1, 0.3] * 2})
    fit = ld.model("yi ~ 1 + meta_V(vi)", data=frame).fit("reml")
    assert fit.status == "boundary"
    assert np.isinf(degrees(satterthwaite(fit))).all()


def test_kenward_roger_names_satterthwaite_for_other_structures(hs):
    fit = ld.model("mathach ~ ses + (1 | school)", "sigma ~ Sex", data=hs).fit("reml")
    with pytest.raises(ld.FitError, match=r"regressions of sds[\s\S]*satterthwaite"):
        kenward_roger(fit)


def test_draws_have_no_maximum(hs_fit):
    with pytest.raises(ld.FitError, match='this fit is by "eb"'):
        satterthwaite(hs_fit("eb"))


def test_many_rows_take_no_rows_by_rows_matrix():
    """45,861 rows and 1,500 groups: an n × n matrix would have 17 GB."""
    rng = np.random.default_rng(2)
    n = 45_861
    g, x = rng.integers(0, 1500, n), rng.normal(size=n)
    u = rng.normal(size=(1500, 2))
    data = pd.DataFrame({"y": x + u[g, 0] + u[g, 1] * x + rng.normal(size=n), "x": x, "g": g, "h": g // 10})
    for formula in ("y ~ x + (1 + x | g)", "y ~ x + (1 | h) + (1 + x | g)"):
        fit = ld.model(formula, data=data).fit("reml")
        ratio = np.diag(kenward_roger(fit).adjusted) / fit.se.to_numpy() ** 2
        assert np.all((ratio > 1 - 1e-9) & (ratio < 1.01))


def test_kenward_roger_is_for_reml(hs):
    fit = ld.model("mathach ~ 1 + (1 | school)", data=hs).fit("ml")
    with pytest.raises(ld.FitError, match=r"REML[\s\S]*satterthwaite"):
        kenward_roger(fit)


def test_the_arrays_cannot_be_changed(hs_fit):
    found = satterthwaite(hs_fit("reml"))
    assert not any(getattr(found, name).flags.writeable for name in ("cov", "gradient", "parameter_cov"))
