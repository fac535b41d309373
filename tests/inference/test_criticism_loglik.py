"""Pointwise log-likelihoods against normal densities."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

import laird as ld
from laird.inference.criticism_loglik import normal_densities, total_densities


@pytest.fixture(scope="module")
def fit():
    model = ld.model("Reaction ~ Days + (Days | Subject)", data=ld.load_data("sleepstudy"))
    return model.fit("eb", draws=200, random_seed=1)


def test_conditional_on_the_effects(fit):
    found = ld.log_likelihood(fit, "conditional")
    design, s = fit.problem.design, 17
    (random,) = design.random
    u = fit.draws.u[0][0, s]
    mean = design.X @ fit.draws.beta[0, s] + np.sum(random.Z * u[random.ids], axis=1)
    expected = norm(mean, fit.draws.sigma[0, s]).logpdf(design.y)
    np.testing.assert_allclose(found.to_numpy()[0, s], expected, rtol=1e-9)
    assert found.dims == ("chain", "draw", "row")


def test_effects_integrated_out(fit):
    found = ld.log_likelihood(fit)
    design, s = fit.problem.design, 5
    own = design.random[0].ids == design.random[0].levels.index("310")
    Z = design.random[0].Z[own]
    V = Z @ fit.draws.G[0, s] @ Z.T + fit.draws.sigma[0, s] ** 2 * np.eye(10)
    expected = multivariate_normal(design.X[own] @ fit.draws.beta[0, s], V).logpdf(design.y[own])
    np.testing.assert_allclose(found.sel(Subject="310").to_numpy()[0, s], expected, rtol=1e-9)


def test_parts_add_up_to_the_density_of_all_rows(fit):
    total = ld.log_likelihood(fit).to_numpy()[0].sum(axis=1)
    np.testing.assert_allclose(total_densities(fit), total, rtol=1e-11)  # other sums of 180 rows


def test_crossed_factors_have_a_density_of_all_rows():
    rng = np.random.default_rng(5)
    a, b = np.divmod(np.arange(24), 4)
    data = {"a": a, "b": b, "x": rng.normal(size=24)}
    data["y"] = rng.normal(size=6)[a] + rng.normal(size=4)[b] + rng.normal(size=24)
    fit = ld.model("y ~ x + (1 | a) + (1 | b)", data=data).fit("eb", draws=100, random_seed=1)
    V = np.eye(24) * fit.draws.sigma[0, 7] ** 2
    for random, G in zip(fit.problem.design.random, np.diag(fit.draws.G[0, 7]), strict=True):
        V += G * np.equal.outer(random.ids, random.ids)
    mean = fit.problem.design.X @ fit.draws.beta[0, 7]
    expected = multivariate_normal(mean, V).logpdf(fit.problem.design.y)
    np.testing.assert_allclose(total_densities(fit)[7], expected, rtol=1e-10)


def test_connected_rows_are_one_part():
    rng = np.random.default_rng(3)
    data = {"y": rng.normal(size=12), "v": rng.uniform(0.1, 0.3, 12), "study": np.repeat(np.arange(6), 2)}
    V = ld.vcov_cluster(data["v"], data["study"], rho=0.6)
    fit = ld.model("y ~ 1 + meta_V(V)", data=data, known={"V": V}).fit("eb", draws=100, random_seed=1)
    found = ld.log_likelihood(fit, "conditional")
    assert found.shape == (1, 100, 6)
    Sigma = V.toarray()[:2, :2] + fit.draws.sigma[0, 9] ** 2 * np.eye(2)
    expected = multivariate_normal(np.repeat(fit.draws.beta[0, 9], 2), Sigma).logpdf(data["y"][:2])
    np.testing.assert_allclose(found.to_numpy()[0, 9, 0], expected, rtol=1e-10)
    np.testing.assert_allclose(found.to_numpy(), ld.log_likelihood(fit).to_numpy(), rtol=1e-9)


@pytest.mark.filterwarnings("ignore:Estimated shape parameter:UserWarning")
def test_arviz_takes_them(fit):
    from arviz_stats import loo

    tree = fit.to_datatree()
    tree["log_likelihood"] = ld.log_likelihood(fit, "conditional").to_dataset()
    assert loo(tree, reff=1.0).n_data_points == 180


def test_stacks_of_normal_densities():
    rng = np.random.default_rng(1)
    A = rng.normal(size=(2, 3, 4, 4))
    V, x = A @ np.swapaxes(A, -1, -2) + np.eye(4), rng.normal(size=(2, 3, 4))
    found = normal_densities(x, V)
    np.testing.assert_allclose(found[1, 2], multivariate_normal(np.zeros(4), V[1, 2]).logpdf(x[1, 2]))


def test_what_cannot_be_is_said(fit):
    with pytest.raises(ld.FitError, match="kind = 'joint'"):
        ld.log_likelihood(fit, "joint")
    with pytest.raises(ld.FitError, match="no draws"):
        ld.log_likelihood(ld.model("Reaction ~ Days", data=ld.load_data("sleepstudy")).fit())
