"""One contract for the results of all fitters: names, types, shapes, labels, immutability, display."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

import laird as ld
from laird.bound import METHODS, OPTIONS

TERMS = ["Intercept", "ses", "Sector[Public]", "ses:Sector[Public]"]
RANDOM = ["Intercept", "ses"]
WITH_DRAWS = ["eb", "nuts"]


@pytest.fixture(params=METHODS)
def fit(request, hs_fit):
    return hs_fit(request.param)


@pytest.fixture
def schools(hs):
    return sorted(hs.school.astype(str).unique())


def test_it_says_how_it_was_made(fit):
    assert fit.method in METHODS
    assert isinstance(fit, ld.Fit)
    assert fit.spec.formula == "mathach ~ 1 + ses + Sector + ses:Sector + (1 + ses | school)"
    assert len(fit.origin.spec_hash) == len(fit.origin.data_hash) == 64
    assert fit.origin.seconds > 0


@pytest.mark.parametrize("name", ["fixef", "se"])
def test_series_of_fixed_effects(fit, name):
    values = getattr(fit, name)
    assert isinstance(values, pd.Series)
    assert values.dtype == float
    assert list(values.index) == TERMS
    assert np.isfinite(values).all()


def test_covariance_of_fixed_effects(fit):
    assert list(fit.vcov.index) == list(fit.vcov.columns) == TERMS
    np.testing.assert_allclose(np.sqrt(np.diag(fit.vcov)), fit.se, rtol=1e-12)
    np.testing.assert_allclose(fit.vcov, fit.vcov.T, rtol=0, atol=1e-12)
    assert np.linalg.eigvalsh(fit.vcov)[0] > 0


def test_table_of_variances_and_correlations(fit):
    table = fit.varcorr
    assert list(table.columns) == ["group", "term1", "term2", "sdcor", "vcov"]
    groups = [("school", "Intercept", ""), ("school", "ses", ""), ("school", "Intercept", "ses")]
    labels = [("residual", "", "")] if fit.method == "ols" else [*groups, ("residual", "", "")]
    assert list(table[["group", "term1", "term2"]].itertuples(index=False, name=None)) == labels
    assert table.sdcor.iloc[-1] == fit.sigma
    assert table.vcov.iloc[-1] == pytest.approx(fit.sigma**2, rel=1e-12)
    assert (table.sdcor[table.term2 == ""] >= 0).all()
    assert table.sdcor[table.term2 != ""].between(-1, 1).all()


def test_table_of_variances_is_consistent(fit):
    """vcov is sdcor squared, or the covariance; posterior means of both need not agree."""
    if fit.method in ("ols", "nuts"):
        assert len(fit.varcorr) == (1 if fit.method == "ols" else 4)
        return
    a, b, ab = fit.varcorr.sdcor[:3]
    np.testing.assert_allclose(fit.varcorr.vcov[:3], [a**2, b**2, a * b * ab], rtol=1e-12)


def test_residual_sd_and_its_logarithm(fit):
    assert isinstance(fit.sigma, float)
    assert fit.sigma > 0
    assert list(fit.scale.index) == list(fit.scale_se.index) == ["Intercept"]
    assert fit.scale["Intercept"] == pytest.approx(np.log(fit.sigma), rel=1e-12)
    assert 0 < fit.scale_se["Intercept"] < 0.1
    assert list(fit.scale_of("school").index) == RANDOM
    assert len(fit.rho) == 0


def test_log_likelihood_and_criteria(fit):
    assert isinstance(fit.loglik, float)
    df = len(fit.summary())
    assert fit.aic == pytest.approx(-2 * fit.loglik + 2 * df, rel=1e-12)
    assert fit.bic == pytest.approx(-2 * fit.loglik + np.log(1977) * df, rel=1e-12)
    assert (fit.nobs, fit.ngroups) == (1977, {"school": 40})


@pytest.mark.parametrize("name", ["ranef", "ranef_sd", "coef", "group_coef", "group_coef_sd", "fixed_lines"])
def test_frames_of_groups(fit, name, schools):
    frame = getattr(fit, name)("school")
    assert list(frame.index) == schools
    assert all(isinstance(label, str) for label in frame.index)
    assert frame.index.name == "school"
    assert list(frame.columns) == (TERMS if name == "coef" else RANDOM)
    assert np.isfinite(frame.to_numpy()).all()


def test_coefficients_of_groups_are_fixed_plus_random(fit):
    coef, ranef = fit.coef("school"), fit.ranef("school")
    np.testing.assert_allclose(coef[RANDOM], fit.fixef[RANDOM].to_numpy() + ranef, rtol=1e-12)
    np.testing.assert_allclose(coef[TERMS[2:]], np.tile(fit.fixef[TERMS[2:]], (40, 1)), rtol=1e-12)
    expected = fit.fixed_lines("school") + ranef
    np.testing.assert_allclose(fit.group_coef("school"), expected, rtol=1e-12)


def test_fitted_values_and_residuals(fit, hs):
    np.testing.assert_allclose(fit.fitted() + fit.residuals(), hs.mathach, rtol=1e-12)
    expected = fit.problem.design.X @ fit.fixef.to_numpy()
    np.testing.assert_allclose(fit.fitted(level="population"), expected, rtol=1e-12)
    np.testing.assert_allclose(fit.residuals(standardized=True) * fit.sigma, fit.residuals(), rtol=1e-12)


def test_verdict_and_checks(fit):
    assert fit.status in ("ok", "boundary", "not_converged")
    table = fit.check()
    assert list(table.columns) == ["check", "status", "value", "message", "remedy"]
    assert (table.message != "").all()
    assert (table.remedy[table.status.isin(["warning", "boundary", "not_converged"])] != "").all()


def test_summary_is_tidy_and_numeric(fit):
    table = fit.summary()
    columns = ["component", "group", "term", "estimate", "se", "lower", "upper"]
    diagnostics = ["ess_bulk", "ess_tail", "rhat"] if fit.method in WITH_DRAWS else []
    assert list(table.columns) == columns + diagnostics
    assert all(table[name].dtype == float for name in table.columns[3:])
    scale = [] if fit.method == "ols" else ["sd", "sd", "cor"]
    assert list(table.component) == ["fixed"] * 4 + scale + ["sigma"]
    np.testing.assert_allclose(table.estimate[:4], fit.fixef, rtol=1e-12)
    np.testing.assert_allclose(table.se[:4], fit.se, rtol=1e-12)
    np.testing.assert_allclose(table.estimate[4:], fit.varcorr.sdcor, rtol=1e-12)
    assert (table.lower < table.upper)[interior(table)].all()


def interior(table):
    """Rows with an interval: all but correlations estimated as ±1, by ML on these data."""
    assert table.component[table.lower.isna()].isin(["cor"]).all()
    assert table.estimate[table.lower.isna()].abs().eq(1).all()
    return table.lower.notna()


def test_intervals_nest(fit):
    wide, narrow = fit.summary(0.95), fit.summary(0.5)
    assert (wide.lower < narrow.lower)[interior(wide)].all()
    assert (narrow.upper < wide.upper)[interior(wide)].all()


@pytest.mark.parametrize("prob", [0, 1, -0.5, 95, float("nan")])
def test_an_impossible_probability_is_refused(fit, prob):
    with pytest.raises(ld.FitError, match="is not a probability"):
        fit.summary(prob)


def test_predictions_of_the_fitted_rows(fit):
    table = fit.predict()
    assert list(table.columns) == ["estimate", "se", "lower", "upper"]
    assert len(table) == 1977
    np.testing.assert_allclose(table.estimate, fit.fitted(), rtol=1e-10)
    assert ((table.lower < table.estimate) & (table.estimate < table.upper)).all()


def test_draws_become_arviz_data(fit, schools):
    if fit.method not in WITH_DRAWS:
        with pytest.raises(ld.FitError, match="needs draws") as caught:
            fit.to_datatree()
        assert 'Fit with "eb" or "nuts"' in caught.value.remedy
        return
    tree = fit.to_datatree()
    assert {"posterior", "sample_stats", "observed_data", "constant_data"} <= set(tree.children)
    posterior = tree["posterior"].to_dataset()
    assert posterior["beta"].dims == ("chain", "draw", "term")
    assert posterior["u_school"].dims == ("chain", "draw", "school", "school_term")
    assert list(posterior["school"].values) == schools
    assert list(posterior["term"].values) == TERMS
    assert list(posterior["school_pair"].values) == ["Intercept, ses"]
    assert tree.attrs["method"] == fit.method
    assert np.isfinite(posterior["beta"].values).all()


def test_it_cannot_be_changed(fit):
    for name in ("loglik", "point", "anything"):
        with pytest.raises((dataclasses.FrozenInstanceError, AttributeError, TypeError)):
            setattr(fit, name, None)
    for array in (fit.point.beta, fit.point.effects[0].u, fit.point.effects[0].weights, fit.problem.design.X):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_changing_what_it_returns_does_not_change_it(fit):
    for read in (lambda: fit.fixef, lambda: fit.se, lambda: fit.vcov, lambda: fit.ranef("school")):
        changed = read()
        changed.iloc[:] = 0.0
        assert not read().equals(changed)


def test_it_fits_on_one_screen(fit):
    lines = repr(fit).splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 100 or fit.status == "not_converged"
    assert lines[0] == fit.spec.formula
    assert f"status: {fit.status}" in repr(fit)
    assert "\x1b" not in repr(fit)
    for term in TERMS:
        assert any(line.startswith(term) for line in lines)


def test_it_shows_in_a_notebook(fit):
    html = fit._repr_html_()
    assert html.count("<table") == html.count("</table>") == 1
    assert all(f">{term}<" in html for term in TERMS)
    assert f"status: {fit.status}" in html


def test_an_unknown_group_names_the_known_one(fit):
    for name in ("ranef", "ranef_sd", "coef", "group_coef", "group_coef_sd", "scale_of"):
        with pytest.raises(ld.FitError, match="no random coefficients by `shcool`") as caught:
            getattr(fit, name)("shcool")
        assert "`school`" in caught.value.allowed


@pytest.fixture(scope="module")
def model(sleepstudy):
    return ld.model("Reaction ~ Days + (Days | Subject)", data=sleepstudy)


def test_an_unknown_method_names_the_nearest(model):
    with pytest.raises(ld.FitError, match="Unknown method 'remll'") as caught:
        model.fit("remll")
    assert '"reml"' in caught.value.allowed


@pytest.mark.parametrize("method", METHODS)
def test_an_unknown_option_names_the_nearest(model, method):
    with pytest.raises(ld.FitError, match=f'The method "{method}" has no option `drows`') as caught:
        model.fit(method, drows=10)
    assert ("`draws`" in caught.value.allowed) == ("draws" in OPTIONS[method])


def test_every_method_has_its_options_listed():
    assert set(OPTIONS) == set(METHODS)


@pytest.mark.parametrize("method", METHODS)
def test_a_model_without_groups_is_fitted_by_every_method(method, hs):
    """Then REML, EB and NUTS are regressions; the coefficients agree with least squares."""
    few = {"nuts": {"draws": 300, "tune": 300, "chains": 2, "random_seed": 1}, "eb": {"random_seed": 1}}
    model = ld.model("mathach ~ ses", data=hs)
    fit, ols = model.fit(method, **few.get(method, {})), model.fit("ols")
    assert fit.ngroups == {}
    assert list(fit.varcorr.group) == ["residual"]
    # The weakly informative priors and 600 draws move estimates by far less than a standard error.
    assert (abs(fit.fixef - ols.fixef) < 0.3 * ols.se).all()
    with pytest.raises(ld.FitError, match="no random coefficients"):
        fit.ranef("school")
