"""Least squares against NumPy, and its limits as the likelihood's."""

import numpy as np
import pytest
from tests.fitting.problems import balanced_frame, grouped_frame

import laird as ld


@pytest.fixture(scope="module")
def frame():
    return grouped_frame()


@pytest.fixture(scope="module")
def regression(frame):
    """Coefficients, covariance and residual sd of y on 1, x, w."""
    X = np.column_stack([np.ones(len(frame)), frame.x, frame.w])
    beta = np.linalg.lstsq(X, frame.y, rcond=None)[0]
    sigma = np.sqrt(np.sum((frame.y - X @ beta) ** 2) / (len(frame) - 3))
    return beta, sigma**2 * np.linalg.inv(X.T @ X), sigma


@pytest.mark.parametrize("formula", ["y ~ x + w", "y ~ x + w + (1 + x | g)"])
def test_coefficients_are_those_of_a_regression_that_ignores_the_groups(frame, regression, formula):
    fit = ld.model(formula, data=frame).fit("ols")
    beta, cov, sigma = regression
    np.testing.assert_allclose(fit.fixef, beta, rtol=1e-10)
    np.testing.assert_allclose(fit.vcov, cov, rtol=1e-9, atol=1e-15)
    assert fit.sigma == pytest.approx(sigma, rel=1e-12)
    assert fit.residuals().std(ddof=3) == pytest.approx(sigma, rel=1e-12)
    expected = -0.5 * len(frame) * (1 + np.log(2 * np.pi * sigma**2 * (len(frame) - 3) / len(frame)))
    assert fit.loglik == pytest.approx(expected, rel=1e-12)


def test_intervals_are_those_of_student(frame, regression):
    from scipy.stats import t

    fit = ld.model("y ~ x + w", data=frame).fit("ols")
    beta, cov, _ = regression
    half = t(len(frame) - 3).ppf(0.975) * np.sqrt(np.diag(cov))
    table = fit.summary().set_index("term")
    np.testing.assert_allclose(table.lower[fit.fixef.index], beta - half, rtol=1e-9)
    np.testing.assert_allclose(table.upper[fit.fixef.index], beta + half, rtol=1e-9)


def test_group_coefficients_are_the_groups_own(frame):
    fit = ld.model("y ~ x * w + (1 + x | g)", data=frame).fit("ols")
    for level, rows in frame.groupby("g"):
        slope, intercept = np.polyfit(rows.x, rows.y, 1)
        np.testing.assert_allclose(fit.group_coef("g").loc[level], [intercept, slope], rtol=1e-8)


@pytest.mark.parametrize("method", ["ml", "reml"])
def test_it_is_the_limit_of_no_variance_between_groups(method):
    """A mixed model with zero variance is ordinary least squares."""
    frame = balanced_frame([0.1, -0.1, 0.05, 0.0, -0.05])
    model = ld.model("y ~ 1 + (1 | g)", data=frame)
    fit, ols = model.fit(method), model.fit("ols")
    assert fit.status == "boundary"
    np.testing.assert_allclose(fit.fixef, ols.fixef, rtol=0, atol=1e-15)
    df = len(frame) - (method == "reml")
    assert fit.sigma == pytest.approx(ols.sigma * np.sqrt((len(frame) - 1) / df), rel=1e-12)
    np.testing.assert_allclose(fit.ranef("g"), 0, rtol=0, atol=0)


def test_ml_without_groups_has_its_likelihood(frame):
    model = ld.model("y ~ x + w", data=frame)
    assert model.fit("ml").loglik == pytest.approx(model.fit("ols").loglik, rel=1e-12)


@pytest.mark.parametrize(
    ("parts", "weights", "what"),
    [(("y ~ x", "w ~ x"), None, "several outcomes"), (("y ~ x",), "v", "weighted rows")],
)
def test_rows_of_unequal_variance_are_refused(parts, weights, what):
    frame = grouped_frame(seed=1).assign(v=lambda d: 1.0 + np.arange(len(d)) % 3)
    with pytest.raises(ld.FitError, match=what) as caught:
        ld.model(*parts, data=frame, weights=weights).fit("ols")
    assert caught.value.remedy


def test_it_says_what_it_ignores():
    frame = grouped_frame(seed=1).assign(v=0.1)
    table = ld.model("y ~ x + (1 | g) + meta_V(v)", "sigma ~ x", data=frame).fit("ols").check()
    (row,) = table.itertuples()
    assert row.status == "note"
    for part in ("known sampling variances", "regressions of standard deviations", "group effects"):
        assert part in row.message
    assert ld.model("y ~ x", data=frame).fit("ols").check().empty
