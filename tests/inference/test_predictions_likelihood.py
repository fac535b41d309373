"""Predictions of likelihood fits: closed forms of the one-way model, and textbook intervals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t

import laird as ld


@pytest.fixture(scope="module")
def one_way():
    return ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff")).fit("reml")


def closed_form(fit):
    """Batches' predictions and errors: B(ȳ_j - ȳ) and its derivative in (log sd, log σ)."""
    data = ld.load_data("dyestuff")
    means = data.groupby("Batch").Yield.mean().to_numpy()
    g, s2, n, J = float(fit.varcorr.vcov[0]), fit.sigma**2, 5, 6
    B = g / (g + s2 / n)
    slope = 2 * B * (1 - B) * (means - means.mean())  # dB/dlog sd = 2B(1 - B) = -dB/dlog σ
    J_ = np.stack([slope, -slope], axis=1)
    joint = g * (1 - B) + (g + s2 / n) / J * (1 - B) ** 2
    return means.mean() + B * (means - means.mean()), joint + np.einsum(
        "jk,kl,jl->j", J_, fit.uncertainty.cov, J_
    )


def test_fitted_groups_as_the_closed_form(one_way):
    found = ld.predictions(one_way, by="Batch", groups="existing")
    estimate, variance = closed_form(one_way)
    np.testing.assert_allclose(found.estimate, estimate, rtol=1e-10)
    np.testing.assert_allclose(found.se, np.sqrt(variance), rtol=1e-5, err_msg="numerical derivative")
    half = 1.959963984540054 * found.se
    np.testing.assert_allclose(found.upper - found.estimate, half, rtol=1e-12)


def test_new_groups_join_their_degrees_of_freedom(one_way):
    new = {"Batch": ["new"]}
    found = ld.predictions(one_way, new, groups="new", kind="predictive").iloc[0]
    g, s2 = float(one_way.varcorr.vcov[0]), one_way.sigma**2
    parts = np.array([(g + s2 / 5) / 6, g, s2])
    df = parts.sum() ** 2 / np.sum(parts**2 / np.array([5.0, 5.0, 29.0]))
    np.testing.assert_allclose(found.se, np.sqrt(parts.sum()), rtol=1e-9)
    expected = t.ppf(0.975, df) * np.sqrt(parts.sum())
    np.testing.assert_allclose(found.upper - found.estimate, expected, rtol=1e-4, err_msg="Satterthwaite's 5")
    normal = ld.predictions(one_way, new, groups="new", kind="predictive", df="normal").iloc[0]
    np.testing.assert_allclose(normal.upper - normal.estimate, 1.959963984540054 * normal.se, rtol=1e-12)


def test_the_mean_is_what_coef_tests_says(one_way):
    found = ld.predictions(one_way, {"Batch": ["new"]}, groups="population")
    expected = ld.coef_tests(one_way)
    np.testing.assert_allclose(
        found[["estimate", "lower", "upper"]], expected[["estimate", "lower", "upper"]]
    )


def test_least_squares_as_the_textbook():
    data = ld.load_data("sleepstudy")
    fit = ld.model("Reaction ~ Days", data=data).fit("ols")
    x, n = data.Days.to_numpy(), len(data)
    at = 4.0
    leverage = 1 / n + (at - x.mean()) ** 2 / np.sum((x - x.mean()) ** 2)
    for kind, share in (("mean", leverage), ("predictive", 1 + leverage)):
        found = ld.predictions(fit, {"Days": [at]}, kind=kind).iloc[0]
        half = t.ppf(0.975, n - 2) * fit.sigma * np.sqrt(share)
        np.testing.assert_allclose(found.upper - found.estimate, half, rtol=1e-9)


def test_at_a_variance_of_zero_groups_are_predicted_by_the_mean():
    fit = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff2")).fit("reml")
    assert fit.status == "boundary"
    found = ld.predictions(fit, by="Batch", groups="existing")
    np.testing.assert_allclose(found.estimate, fit.fixef.iloc[0], rtol=1e-9)
    np.testing.assert_allclose(found.se, fit.se.iloc[0], rtol=1e-6)


def test_where_the_sd_of_a_regression_is_zero_there_are_predictions_all_the_same():
    rng = np.random.default_rng(6)
    a = np.repeat(np.arange(4), 6)
    data = {"a": a, "x": rng.normal(size=24), "w": rng.normal(size=4)[a], "y": rng.normal(size=24)}
    fit = ld.model("y ~ x + (1 | a)", "sd(a) ~ w", data=data).fit("ml")
    assert fit.scale_of("a")["Intercept"] == -np.inf
    assert np.isfinite(fit.scale_of("a")["w"])
    found = ld.predictions(fit, data, groups="existing")
    np.testing.assert_allclose(found.estimate, fit.fitted(level="population"), rtol=1e-9)


@pytest.mark.parametrize("groups", ["existing", "population"])
@pytest.mark.parametrize("df", ["kenwad-roger", -3, 5.0])
def test_degrees_of_freedom_that_do_not_exist_are_refused_of_every_group(df, groups):
    fit = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff")).fit("reml")
    with pytest.raises(ld.FitError, match="is not a method for degrees of freedom"):
        ld.predictions(fit, by=True, groups=groups, df=df)
