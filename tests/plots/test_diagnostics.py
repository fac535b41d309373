"""Residuals and Q-Q plots."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from laird.bound import model
from laird.errors import FitError
from laird.plots.diagnostics import binned_means, order_statistics, qq, residuals_vs_fitted


def test_residuals_are_drawn_against_fitted_values(hs_fit, labelled):
    ax = residuals_vs_fitted(hs_fit("reml"))
    x, y = labelled(ax, "residual").get_data()
    assert np.array_equal(x, hs_fit("reml").fitted())
    assert y == pytest.approx((hs_fit("reml").problem.design.y - x) / hs_fit("reml").sigma)


def test_residuals_about_the_fixed_part(hs_fit, labelled):
    ax = residuals_vs_fitted(hs_fit("reml"), level="population")
    assert np.array_equal(labelled(ax, "residual").get_xdata(), hs_fit("reml").fitted(level="population"))
    assert ax.get_xlabel().endswith("the fixed part")


def test_bins_share_all_rows_equally():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=400), rng.normal(size=400)
    centres, means, errors = binned_means(x, y)
    assert len(centres) == 10
    assert (np.diff(centres) > 0).all()
    assert means.mean() == pytest.approx(y.mean())
    lowest = np.argsort(x)[:40]
    assert errors[0] == pytest.approx(stats.sem(y[lowest]))


@pytest.mark.parametrize("count", [1, 5, 300])
def test_band_holds_each_order_statistic_with_its_probability(count):
    median, lower, upper = order_statistics(count, 0.9)
    for i in {1, (count + 1) // 2, count}:
        beta = stats.beta(i, count + 1 - i)
        assert beta.cdf(stats.norm.cdf(median[i - 1])) == pytest.approx(0.5)
        assert beta.cdf(stats.norm.cdf([lower[i - 1], upper[i - 1]])) == pytest.approx([0.05, 0.95])


def test_residuals_are_drawn_in_order_against_normal_medians(hs_fit):
    ax, n = qq(hs_fit("reml")), hs_fit("reml").nobs
    x, y = ax.lines[0].get_data()
    assert np.array_equal(y, np.sort(hs_fit("reml").residuals(standardized=True)))
    assert x == pytest.approx(order_statistics(n, 0.95)[0])


def test_many_residuals_are_thinned_but_not_in_the_tails(monkeypatch, hs_fit):
    monkeypatch.setattr("laird.plots.diagnostics.MOST_POINTS", 1500)
    y = qq(hs_fit("reml")).lines[0].get_ydata()
    ordered = np.sort(hs_fit("reml").residuals(standardized=True))
    assert len(y) < len(ordered)
    assert np.array_equal(y[:500], ordered[:500])
    assert np.array_equal(y[-500:], ordered[-500:])
    assert set(y) <= set(ordered)
    drawn = residuals_vs_fitted(hs_fit("reml"))
    assert "one residual in 2 is drawn" in drawn.get_xlabel()


def test_effects_are_over_the_sds_of_their_predictors(dyestuff):
    """A balanced random intercept: Var(ũ_j) = w g with w = g/(g + σ²/n)."""
    fit = model("Yield ~ 1 + (1 | Batch)", data=dyestuff).fit("reml")
    g, n = fit.point.G[0, 0], 5
    sd = np.sqrt(g * g / (g + fit.sigma**2 / n))
    drawn = qq(fit, "Batch").lines[0].get_ydata()
    assert drawn == pytest.approx(np.sort(fit.ranef("Batch")["Intercept"]) / sd)


def test_effects_of_a_named_term(hs_fit):
    ax = qq(hs_fit("nuts"), "school", term="ses")
    assert ax.get_ylabel() == "Effect of school on ses / its sd"
    assert len(ax.lines[0].get_ydata()) == 40


@pytest.mark.parametrize(
    ("method", "arguments", "message"),
    [
        ("reml", {"level": "residuals"}, "Nearest: `residual`"),
        ("reml", {"level": "school", "term": "sse"}, "Nearest: `ses`"),
        ("reml", {"prob": 0.0}, "not a probability"),
        ("ols", {"level": "school"}, "no group effects"),
    ],
)
def test_bad_arguments(hs_fit, method, arguments, message):
    with pytest.raises(FitError, match=message):
        qq(hs_fit(method), **arguments)


def test_effects_without_variance(dyestuff2):
    fit = model("Yield ~ 1 + (1 | Batch)", data=dyestuff2).fit("reml")
    with pytest.raises(FitError, match="sd of `Intercept` by `Batch` is zero"):
        qq(fit, "Batch")


def test_unknown_level_of_residuals(hs_fit):
    with pytest.raises(FitError, match="Nearest: `group`"):
        residuals_vs_fitted(hs_fit("reml"), level="groups")
