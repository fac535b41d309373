"""Influence and leave-one-out against metafor, and for models that metafor's tools refuse."""

from __future__ import annotations

import numpy as np
import pytest
from tests import peers

import laird as ld

PEER = peers.golden("metafor_tests")
CLOSE = 2e-6
"""Relative: both REML searches stop about this far from the maximum; changes of estimates are smaller."""


@pytest.fixture(scope="module")
def bcg():
    return ld.load_data("bcg_rr")


@pytest.fixture(scope="module")
def fit(bcg):
    return ld.model("yi ~ 1 + meta_V(vi)", data=bcg).fit("reml")


@pytest.fixture(scope="module")
def exact(hs_fit):
    return ld.influence(hs_fit("reml"))


def test_all_measures_of_the_first_trial(fit):
    first, peer = ld.influence(fit).iloc[0], PEER["influence_reml_first"]
    names = {
        "rstudent": "rstudent",
        "dffits": "dffits",
        "cook": "cook_d",
        "cov_ratio": "cov_ratio",
        "Q": "QE",
    }
    for name, key in {**names, "hat": "hat", "dfbetas: Intercept": "dfbetas"}.items():
        np.testing.assert_allclose(first[name], peer[key], rtol=CLOSE, err_msg=name)
    np.testing.assert_allclose(first["sd_residual"] ** 2, peer["tau2"], rtol=CLOSE)


def test_hat_values_and_distances_with_a_moderator(bcg):
    found = ld.influence(ld.model("yi ~ ablat + meta_V(vi)", data=bcg).fit("reml"))
    np.testing.assert_allclose(found.hat, PEER["ablat_hat"], rtol=0, atol=6e-5)
    np.testing.assert_allclose(found.cook, PEER["ablat_cook"], rtol=0, atol=2e-4)
    assert found.hat.sum() == pytest.approx(2.0, rel=1e-12)


def test_several_rows_may_go_together(bcg):
    found = ld.influence(ld.model("yi ~ ablat + meta_V(vi)", data=bcg).fit("reml"), bcg.alloc)
    for name, cook in PEER["ablat_cook_by_alloc"].items():
        assert found.cook[name] == pytest.approx(cook, abs=6e-5)
    assert found.rstudent.isna().all()
    assert found.rows.sum() == 13


def test_leave_one_out_is_a_fit_without_the_study(fit, bcg):
    found = ld.leave_one_out(fit, bcg.trial, df="normal")
    assert found.left_out.tolist() == [str(trial) for trial in bcg.trial]
    peer = PEER["leave_one_out_first"]
    assert found.estimate[0] == pytest.approx(peer["estimate"], rel=CLOSE)
    assert found.se[0] == pytest.approx(peer["se"], rel=CLOSE)
    assert found.sd_residual[0] ** 2 == pytest.approx(peer["tau2"], rel=CLOSE)


def test_location_scale_and_levels_have_them_too():
    data = ld.load_data("konstantopoulos2011")
    formulas = ["yi ~ year + (1 | district) + meta_V(vi)", "sigma ~ year"]
    fit = ld.model(*formulas, data=data).fit("ml")
    found = ld.influence(fit)
    assert found.index.name == "district"
    alone = ld.model(*formulas, data=data[data.district != data.district[0]]).fit("ml")
    first = found.iloc[0]
    np.testing.assert_allclose(first.sd_district, np.sqrt(alone.varcorr.vcov[0]), rtol=1e-5)
    change = fit.fixef - alone.fixef
    cook = change @ np.linalg.solve(fit.vcov, change)
    assert first.cook == pytest.approx(cook, rel=1e-4)


def test_ordinary_multilevel_models_have_them(exact):
    assert len(exact) == 40
    assert exact.chi2.mean() == pytest.approx(exact.rows.mean(), rel=0.1)
    assert exact.Q.isna().all()


def test_another_method_may_refit(hs_fit):
    by_ml = ld.leave_one_out(hs_fit("eb"), method="ml")
    assert by_ml.estimate.notna().all()


def test_a_study_that_carries_a_coefficient_gives_nothing():
    rng = np.random.default_rng(0)
    data = {"y": rng.normal(size=12), "v": np.full(12, 0.1), "x": np.arange(12) == 3}
    data["x"] = data["x"].astype(float)
    found = ld.influence(ld.model("y ~ x + meta_V(v)", data=data).fit("reml"))
    assert found.cook.isna().tolist() == [row == 3 for row in range(12)]
    assert found.hat.notna().all()


def test_two_units_are_too_few(fit, bcg):
    with pytest.raises(ld.FitError, match="There are 2 units"):
        ld.influence(fit, bcg.year > 1970)


WAYS = {"one-step": 0.05, "held": 0.6}
"""Largest errors of Cook's distances, relative to the largest."""


@pytest.mark.parametrize("how", WAYS)
def test_the_ways_have_the_same_columns_and_nearly_the_same_values(hs_fit, exact, how):
    found = ld.influence(hs_fit("reml"), how=how)
    assert list(found.columns) == list(exact.columns)
    np.testing.assert_allclose(found.cook, exact.cook, rtol=0, atol=WAYS[how] * exact.cook.max())
    np.testing.assert_allclose(found.hat, exact.hat, rtol=1e-9)
    if how != "held":
        np.testing.assert_allclose(found.chi2, exact.chi2, rtol=0.01)
        np.testing.assert_allclose(found["dfbetas: ses"], exact["dfbetas: ses"], atol=0.03)
        sds = ["sd(school, Intercept)", "sigma", "sd_residual"]
        np.testing.assert_allclose(found[sds], exact[sds], rtol=0.02)


def test_steps_that_do_not_reach_are_fitted_again(hs_fit, exact):
    found = ld.influence(hs_fit("reml"), how="one-step")
    again = found.how == "refit"
    assert 0 < again.sum() < 10
    columns = found.columns.drop("how")
    np.testing.assert_array_equal(found.loc[again, columns], exact.loc[again, columns])
    assert found.cook_variance[again].min() > found.cook_variance[~again].median()


def test_rows_within_groups_are_measured_given_the_other_rows(sleepstudy):
    """A deleted residual of a row is from its prediction by the rest of its subject too."""
    fit = ld.model("Reaction ~ Days + (Days | Subject)", data=sleepstudy).fit("reml")
    found = ld.influence(fit, np.arange(180), how="one-step")
    assert found.rstudent.std() == pytest.approx(1.0, abs=0.15)
    row = int(np.argmax(np.abs(found.rstudent)))
    refitted = ld.model("Reaction ~ Days + (Days | Subject)", data=sleepstudy.drop(index=row)).fit("reml")
    new = sleepstudy.loc[[row]]
    mean = refitted.predict(new)
    e = new.Reaction.iloc[0] - mean.estimate[0]
    expected = e / np.hypot(mean.se[0], refitted.sigma)
    assert found.rstudent.iloc[row] == pytest.approx(expected, rel=0.02)


def test_draws_are_weighted(hs_fit, exact):
    found = ld.influence(hs_fit("nuts"))
    assert set(found.how) == {"draws"}
    assert found.khat.max() < 0.9
    assert found.cook.idxmax() in set(exact.cook.nlargest(3).index)
    assert np.corrcoef(found["dfbetas: Intercept"], exact["dfbetas: Intercept"])[0, 1] > 0.97


@pytest.mark.parametrize(("method", "how"), [("nuts", "one-step"), ("reml", "draws"), ("ols", "draws")])
def test_ways_that_a_fit_does_not_have_are_refused(hs, hs_fit, method, how):
    with pytest.raises(ld.FitError, match="is not possible for this fit"):
        ld.influence(hs_fit(method), hs.school, how=how)


def test_many_units_are_left_out_in_one_step(hsfull):
    found = ld.influence(ld.model("mathach ~ ses + (1 | school)", data=hsfull).fit("reml"))
    assert len(found) == 160
    assert (found.how == "one-step").mean() > 0.9


@pytest.mark.parametrize("method", ["ml", "reml"])
def test_a_row_with_a_weight_is_that_many_rows_alike(bcg, method):
    weights = 1 + np.arange(len(bcg)) % 3
    formula = "yi ~ ablat + meta_V(vi)"
    weighted = ld.model(formula, data=bcg.assign(w=weights), weights="w").fit(method)
    repeated = bcg.loc[bcg.index.repeat(weights)]
    found = ld.influence(weighted, bcg.trial)
    expected = ld.influence(ld.model(formula, data=repeated).fit(method), repeated.trial, how="refit")
    same = found.columns.difference(["rows", "rstudent", "dffits", "how"])
    difference = (found.loc[expected.index, same] - expected[same]).abs()
    # 1e-5: both searches stop about this far from the maximum.
    assert (difference / (1 + expected[same].abs())).fillna(0).max(axis=None) < 1e-5
    assert found.loc[expected.index, same].isna().equals(expected[same].isna())
    single = weights == 1
    assert np.allclose(found.rstudent[single] ** 2, found.chi2[single], rtol=1e-12)
    with pytest.raises(ld.FitError, match='Allowed: "refit"'):
        ld.influence(weighted, how="one-step")


def test_a_row_without_weight_has_no_influence(bcg):
    w = np.where(np.arange(len(bcg)) == 3, 0.0, 1.0)
    fit = ld.model("yi ~ 1 + meta_V(vi)", data=bcg.assign(w=w), weights="w").fit("reml")
    row = ld.influence(fit).iloc[3]
    assert row[["cook", "hat", "chi2"]].tolist() == pytest.approx([0.0, 0.0, 0.0], abs=1e-12)
    assert row[["rstudent", "dffits"]].isna().all()
