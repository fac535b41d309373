"""The covariance that a fit implies for its rows."""

from __future__ import annotations

import numpy as np

import laird as ld
from laird.inference.dispersion import dispersion_of, rows_of
from laird.inference.gls import gls


def check_loglik(fit):
    """log L_R from Σ alone is that of the fit: Σ is complete."""
    design = fit.problem.design
    by = rows_of(fit).whitener()
    found = gls(design.y, design.X, by)
    n, p = design.X.shape
    value = by.log_determinant - np.linalg.slogdet(found.cov)[1] + found.Q + (n - p) * np.log(2 * np.pi)
    np.testing.assert_allclose(fit.loglik, -0.5 * value, rtol=1e-9)
    np.testing.assert_allclose(found.beta, fit.fixef, rtol=1e-6)


def test_random_slopes(hs_fit):
    check_loglik(hs_fit("reml"))


def test_nested_factors_and_regressions_of_both_sds():
    rng = np.random.default_rng(3)
    a = np.repeat(np.arange(12), 10)
    data = {"a": a, "b": np.tile(np.repeat(np.arange(2), 5), 12), "x": rng.normal(size=120)}
    w = rng.normal(size=12)
    data |= {"w": w[a], "y": rng.normal(size=120) + np.exp(0.3 * w[a]) * rng.normal(size=12)[a]}
    check_loglik(ld.model("y ~ x + (1 | a/b)", data=data).fit("reml"))
    check_loglik(ld.model("y ~ x + (1 | a)", "sigma ~ x", "sd(a) ~ w", data=data).fit("reml"))


def test_the_group_sds_are_those_of_the_regression():
    rng = np.random.default_rng(4)
    a = np.repeat(np.arange(30), 8)
    w = rng.normal(size=30)
    y = rng.normal(size=240) + np.exp(0.5 * w[a]) * rng.normal(size=30)[a]
    fit = ld.model("y ~ 1 + (1 | a)", "sd(a) ~ w", data={"y": y, "a": a, "w": w[a]}).fit("ml")
    at = dispersion_of(fit)
    gamma = fit.scale_of("a").to_numpy()
    expected = np.exp(gamma[0] + gamma[1] * w[a])
    np.testing.assert_allclose(np.sqrt(at.G[0][0, 0]) * at.scale[0], expected, rtol=1e-10)
