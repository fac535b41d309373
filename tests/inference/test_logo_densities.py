"""Densities of what is left out, against multivariate normal densities of all rows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

import laird as ld
from laird.gaussian.theta import Theta
from laird.inference.dispersion import dispersion, drawn_theta
from laird.inference.logo_densities import (
    given_coefficients,
    prior_about,
    row_densities,
    unit_densities,
)
from laird.inference.logo_rows import centred_rows
from laird.inference.rowcovariance import between, row_covariance, row_layout
from laird.posterior import coefficient_prior


def frame():
    rng = np.random.default_rng(5)
    n = 48
    a = np.repeat(np.arange(8), 6)
    data = {"a": a, "b": np.tile(np.repeat([0, 1], 3), 8), "x": 50 + rng.normal(size=n)}
    data |= {"w": rng.normal(size=8)[a], "v": rng.uniform(0.1, 0.4, n), "z": rng.normal(size=n)}
    data["y"] = 100 + rng.normal(size=n) + rng.normal(size=8)[a] + data["x"]
    return data


MODELS = {
    "one factor": (["y ~ x + (1 + x | a)"], {}),
    "nested": (["y ~ x + (1 | a/b)"], {}),
    "location-scale": (["y ~ x + meta_V(v) + (1 | a)", "sigma ~ z", "sd(a) ~ w"], {}),
    "two outcomes": (["y ~ x + (1 | a)", "z ~ w + (1 | a)"], {}),
    "a prior that is not normal": (["y ~ x + (1 | a)"], {"x": "student_t(3, 0, 1)"}),
}


@pytest.fixture(scope="module", params=MODELS)
def fit(request):
    parts, priors = MODELS[request.param]
    return ld.model(*parts, data=frame(), priors=priors).fit("eb", draws=100, random_seed=1)


def dense(fit, s):
    """Mean and covariance of y, and the fixed part, for one draw of θ (and of sampled coefficients)."""
    theta, beta = drawn_theta(fit)
    design = fit.problem.design
    where = row_layout(design)
    own = row_covariance(design, where, dispersion(fit.problem, theta.at(s)))
    Sigma = between(where, own.total(), np.arange(len(design.y)))
    rows = centred_rows(fit)
    given, X = coefficient_prior(fit.priors), design.X @ rows.T
    gamma = np.linalg.solve(rows.T, beta[s])
    with np.errstate(divide="ignore"):
        variance = np.where(given.precision > 0, 1 / given.precision, 0.0)
    mean = given.mean.copy()
    mean[list(given.sampled)] = gamma[list(given.sampled)]
    return X @ mean, Sigma + (X * variance) @ X.T, Sigma, design.X @ beta[s]


def conditional(y, mean, V, out):
    """log p(y_out | y_rest)."""
    keep = ~out
    return multivariate_normal(mean, V).logpdf(y) - multivariate_normal(
        mean[keep], V[np.ix_(keep, keep)]
    ).logpdf(y[keep])


def prior_of(fit, rows):
    gamma = np.linalg.solve(rows.T, drawn_theta(fit)[1].T).T
    return prior_about(coefficient_prior(fit.priors), rows.origin, gamma)


def first_draws(fit):
    theta, _ = drawn_theta(fit)
    return Theta(*(tuple(d[:3] for d in own) if isinstance(own, tuple) else own[:3] for own in theta))


def test_units(fit):
    rows, y = centred_rows(fit), fit.problem.design.y
    ((_, products),) = rows.unit_products(first_draws(fit))
    prior = prior_of(fit, rows).at(slice(0, 3))
    found = unit_densities(products, rows.counts, prior)
    for s in range(3):
        mean, V, _, _ = dense(fit, s)
        expected = [conditional(y, mean, V, rows.units.codes == j) for j in range(8)]
        np.testing.assert_allclose(found[s], expected, rtol=1e-7, err_msg="log determinants of all rows")


def test_rows(fit):
    rows, y = centred_rows(fit), fit.problem.design.y
    ((_, products),) = rows.row_products(first_draws(fit))
    found = row_densities(products, rows.W, prior_of(fit, rows).at(slice(0, 3)))
    mean, V, _, _ = dense(fit, 1)
    expected = [conditional(y, mean, V, np.arange(len(y)) == i) for i in range(0, len(y), 7)]
    np.testing.assert_allclose(found[1, ::7], expected, rtol=1e-6)


def test_units_given_the_coefficients(fit):
    rows, y = centred_rows(fit), fit.problem.design.y
    ((_, products),) = rows.unit_products(first_draws(fit))
    gamma = np.linalg.solve(rows.T, drawn_theta(fit)[1][:3].T).T
    found = given_coefficients(products, rows.counts, gamma - rows.origin)
    _, _, Sigma, mean = dense(fit, 2)
    for j in range(8):
        own = rows.units.codes == j
        expected = multivariate_normal(mean[own], Sigma[np.ix_(own, own)]).logpdf(y[own])
        np.testing.assert_allclose(found[2, j], expected, rtol=1e-8)


def test_flat_priors_need_all_units():
    flat = {"b": "flat", "Intercept": "flat"}
    data = frame() | {"only": (frame()["a"] == 3).astype(float)}
    fit = ld.model("y ~ only + (1 | a)", data=data, priors=flat).fit("eb", draws=100, random_seed=1)
    with pytest.raises(ld.FitError, match="do not identify the coefficients"):
        ld.loo(fit)
    data["single"] = np.arange(48) == 5
    fit = ld.model("y ~ single + (1 | a)", data=data, priors=flat).fit("eb", draws=100, random_seed=1)
    with pytest.raises(ld.FitError, match="Without some row"):
        ld.loo(fit, "row")
