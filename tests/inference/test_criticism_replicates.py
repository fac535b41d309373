"""Replicated outcomes have the mean and covariance that the model says."""

from __future__ import annotations

import numpy as np
import pytest

import laird as ld
from laird.inference.criticism_replicates import Parameters, parameters_of, replicated
from laird.inference.dispersion import rows_of
from laird.inference.rowcovariance import between


def frame():
    rng = np.random.default_rng(6)
    n = 24
    a = np.repeat(np.arange(4), 6)
    data = {"a": a, "b": rng.integers(0, 3, n), "x": rng.normal(size=n), "w": rng.normal(size=4)[a]}
    data |= {"v": rng.uniform(0.2, 0.8, n), "y": rng.normal(size=n) + 3 * rng.normal(size=4)[a]}
    data["z"] = 0.6 * data["y"] + rng.normal(size=n)
    return data


MODELS = {
    "random slopes": ["y ~ x + (1 + x | a)"],
    "crossed": ["y ~ x + (1 | a) + (1 | b)"],
    "location-scale": ["y ~ x + meta_V(v) + (1 | a)", "sigma ~ x", "sd(a) ~ w"],
    "correlated errors": ["y ~ x + meta_V(V)"],
    "two outcomes": ["y ~ x", "z ~ x", "sigma(y) ~ x", "rho(y, z) ~ x"],
}


@pytest.mark.parametrize("name", MODELS)
def test_at_the_estimate(name):
    data = frame()
    known = {"V": ld.vcov_cluster(data["v"], data["a"], rho=0.7)} if "errors" in name else None
    fit = ld.model(*MODELS[name], data=data, known=known).fit("ml")
    S, n = 20_000, len(fit.problem.design.y)
    given = Parameters(fit.theta.repeated(S), np.tile(fit.point.beta, (S, 1)), None)
    Y = replicated(fit.problem, given, np.random.default_rng(3))
    own = rows_of(fit)
    Sigma = between(own.where, own.total(), np.arange(n))
    sd = np.sqrt(np.diag(Sigma))
    mean_error = 5 * sd / np.sqrt(S)
    assert np.all(np.abs(Y.mean(axis=0) - fit.fitted(level="population")) < mean_error), (
        "five standard errors"
    )
    error = 5.5 * np.outer(sd, sd) * np.sqrt(2 / S)
    assert np.all(np.abs(np.cov(Y.T) - Sigma) < error), "over five standard errors, of 576 covariances"


def test_fitted_groups_keep_their_effects():
    data = ld.load_data("sleepstudy")
    fit = ld.model("Reaction ~ Days + (Days | Subject)", data=data).fit("reml")
    rng = np.random.default_rng(1)
    given = parameters_of(fit, 4000, rng, fitted_groups=True)
    Y = replicated(fit.problem, given, rng)
    error = 5 * Y.std(axis=0) / np.sqrt(4000)
    assert np.all(np.abs(Y.mean(axis=0) - fit.fitted()) < error)


def test_draws_are_thinned_evenly():
    fit = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff")).fit("eb", random_seed=1)
    given = parameters_of(fit, 5, np.random.default_rng(1), fitted_groups=True)
    chosen = [0, 499, 999, 1499, 1999]
    np.testing.assert_array_equal(given.beta, fit.draws.flat("beta")[chosen])
    np.testing.assert_array_equal(given.effects[0], fit.draws.flat_effects()[0][chosen])
    assert parameters_of(fit, 10_000, np.random.default_rng(1), fitted_groups=False).beta.shape == (2000, 1)


def test_least_squares_has_no_groups():
    data = ld.load_data("sleepstudy")
    fit = ld.model("Reaction ~ Days + (Days | Subject)", data=data).fit("ols")
    rng = np.random.default_rng(1)
    Y = replicated(fit.problem, parameters_of(fit, 4000, rng, fitted_groups=False), rng)
    leverage = np.einsum("ip,pq,iq->i", fit.problem.design.X, fit.point.beta_cov, fit.problem.design.X)
    expected = np.sqrt(fit.sigma**2 + leverage)
    np.testing.assert_allclose(Y.std(axis=0), expected, rtol=5 / np.sqrt(2 * 4000))


def test_weighted_rows_are_refused():
    data = ld.load_data("sleepstudy").assign(w=2.0)
    fit = ld.model("Reaction ~ Days", data=data, weights="w").fit("ml")
    with pytest.raises(ld.FitError, match="weighted rows"):
        ld.predictive_check(fit)
