"""Tests of scale coefficients against metafor's anova() of a location-scale model."""

from __future__ import annotations

import numpy as np
import pytest
from tests import peers

import laird as ld

PEER = peers.golden("metafor_tests")["bangertdrowns_factor_grade"]
CLOSE = 2e-4
"""Relative, of test statistics: metafor's optimiser stops earlier."""


@pytest.fixture(scope="module")
def bangertdrowns():
    data = ld.load_data("bangertdrowns2004").dropna(subset=["meta"])
    data = data.assign(grade=data.grade.astype(str), meta=data.meta.astype(float), root=np.sqrt(data.ni))
    formulas = ["yi ~ grade + meta + root + meta_V(vi)", "sigma ~ grade + meta + root"]
    return ld.model(*formulas, data=data).fit("reml")


def test_joint_tests_of_scale_and_location_as_metafor(bangertdrowns):
    scale = ld.scale_tests(bangertdrowns, pattern="grade").joint
    assert (scale.chi2, scale.p_value) == (
        pytest.approx(PEER["QS_2_4"], rel=CLOSE),
        pytest.approx(PEER["QS_p"], rel=CLOSE),
    )
    ratio = ld.scale_tests(bangertdrowns, method="lr").joint
    assert (ratio.chi2, ratio.df) == (pytest.approx(PEER["LRT"], rel=CLOSE), 5)
    location = ld.wald(bangertdrowns, pattern="grade", df="normal").joint
    assert location.chi2 == pytest.approx(PEER["QM_2_4"], rel=CLOSE)


def test_rows_are_wald_t_or_likelihood_ratio(bangertdrowns):
    wald, t = (ld.scale_tests(bangertdrowns, method=method).rows for method in ("wald", "t"))
    np.testing.assert_allclose(wald.statistic[1:], (wald.estimate / wald.se)[1:], rtol=1e-12)
    assert np.isnan(wald.statistic[0])
    assert set(t.df) == {46 - 6}
    assert np.all(t.p_value[1:] > wald.p_value[1:])


def test_one_coefficient_at_a_time():
    data = ld.load_data("restoration")
    full = ld.model("yi ~ habitat + meta_V(vi)", "sigma ~ habitat", data=data).fit("reml")
    plain = ld.model("yi ~ habitat + meta_V(vi)", data=data).fit("reml")
    row = ld.scale_tests(full, method="lr").rows.iloc[1]
    assert row.statistic == pytest.approx(2 * (full.loglik - plain.loglik), rel=1e-7)
    assert row.lower < row.estimate < row.upper


def test_group_sds_have_groups_for_degrees_of_freedom():
    rng = np.random.default_rng(0)
    study = np.repeat(np.arange(30), 4)
    w = rng.normal(size=30)
    y = np.exp(0.5 * w[study]) * rng.normal(size=30)[study] + rng.normal(size=120)
    data = {"y": y, "study": study, "w": w[study], "v": rng.uniform(0.05, 0.2, 120)}
    fit = ld.model("y ~ 1 + (1 | study) + meta_V(v)", "sd(study) ~ w", data=data).fit("ml")
    rows = ld.scale_tests(fit, method="t").rows
    assert rows[["parameter", "group", "term"]].iloc[1].tolist() == ["sd", "study", "w"]
    assert rows.df.tolist() == [28.0, 28.0]
    ratio = ld.scale_tests(fit, method="lr", pattern="w").joint
    small = ld.model("y ~ 1 + (1 | study) + meta_V(v)", data=data).fit("ml")
    assert ratio.chi2 == pytest.approx(2 * (fit.loglik - small.loglik), abs=1e-6)


def test_draws_have_the_posterior():
    data = ld.load_data("restoration")
    fit = ld.model("yi ~ habitat + meta_V(vi)", "sigma ~ habitat", data=data).fit("eb", random_seed=1)
    found = ld.scale_tests(fit)
    assert found.joint is None
    assert found.rows.above[1] > 0.9
    assert found.rows.method.tolist() == ["posterior"] * 2


def test_a_scale_without_intercept_has_no_hypotheses():
    data = ld.load_data("restoration")
    fit = ld.model("yi ~ habitat + meta_V(vi)", "sigma ~ 0 + habitat", data=data).fit("ml")
    found = ld.scale_tests(fit)
    assert found.joint is None
    assert found.rows.p_value.isna().all()
    assert found.rows.lower.notna().all()


def test_input_that_is_refused(bangertdrowns, hs_fit):
    with pytest.raises(ld.FitError, match="no regression of an sd"):
        ld.scale_tests(hs_fit("reml"))
    with pytest.raises(ld.FitError, match="'duration' in its name"):
        ld.scale_tests(bangertdrowns, pattern="duration")
    with pytest.raises(ld.FitError, match="score"):
        ld.scale_tests(bangertdrowns, method="score")


def test_coefficients_that_the_data_do_not_determine_have_no_intervals():
    data = {"y": [0.21, 0.18, 0.22, 0.19, 0.2, 0.23, 0.17, 0.2], "v": [0.04] * 8, "x": ["a", "b"] * 4}
    fit = ld.model("y ~ 1 + meta_V(v)", "sigma ~ x", data=data).fit("ml")
    wald, ratio = ld.scale_tests(fit), ld.scale_tests(fit, method="lr")
    assert wald.rows[["se", "p_value", "lower", "upper"]].isna().all(axis=None)
    assert np.isnan(wald.joint.p_value)
    assert ratio.rows.loc[1, ["lower", "upper"]].isna().all()
    assert ratio.joint.p_value == pytest.approx(1, abs=1e-6)
