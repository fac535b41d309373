"""NUTS: the exact posterior within Monte Carlo error, seeds, options, checks."""

import numpy as np
import pytest
from tests.fitting.grids import grid_moments
from tests.fitting.problems import bound_problem, grouped_frame

import laird as ld
from laird.fitting import nuts
from laird.fitting.draws import Draws
from laird.fitting.tables import convergence
from laird.posterior import prior_table
from laird.posterior.density import posterior

FORMULA = "y ~ 1 + (1 | g)"
OPTIONS = {"draws": 500, "tune": 400, "chains": 2, "cores": 1, "random_seed": 5}


@pytest.fixture(scope="module")
def model():
    return ld.model(FORMULA, data=grouped_frame(J=12, seed=3, sd=(1.0, 0.0)))


@pytest.fixture(scope="module")
def fit(model):
    return model.fit("nuts", **OPTIONS)


def test_draws_have_the_moments_of_the_exact_posterior(model, fit):
    _assert_exact(model, fit, J=12)


def test_with_many_groups_signed_sds_have_the_same_posterior():
    J = nuts.MANY_GROUPS + 5
    many = ld.model(FORMULA, data=grouped_frame(J=J, seed=3, sd=(1.0, 0.0)))
    _assert_exact(many, many.fit("nuts", **OPTIONS), J=J)


def test_without_nutpie_pymc_samples_the_same_posterior(model, monkeypatch):
    monkeypatch.setattr(nuts, "find_spec", lambda _name: None)
    fit = model.fit("nuts", **OPTIONS)
    assert dict(fit.origin.options)["sampler"] == "pymc"
    assert {"diverging", "n_steps"} <= set(fit.draws.stats)
    _assert_exact(model, fit, J=12)
    with pytest.raises(ld.FitError, match="nutpie is not installed"):
        model.fit("nuts", sampler="nutpie")


def _assert_exact(model, fit, *, J):
    data = bound_problem(FORMULA, grouped_frame(J=J, seed=3, sd=(1.0, 0.0))).data
    exact = grid_moments(posterior(data, prior_table(model.spec.priors, model.design), "g"))
    draws = fit.draws
    chains = [draws.sd[..., 0], draws.sigma, draws.beta[..., 0], draws.u[..., 0, 0]]
    for values, mean, sd in zip(chains, exact.mean, exact.sd, strict=True):
        bulk, tail, _ = convergence(values)
        # Monte Carlo standard errors; four of them are exceeded by chance once in 16,000.
        assert abs(values.mean() - mean) < 4 * sd / np.sqrt(bulk)
        assert abs(values.std() - sd) < 6 * sd / np.sqrt(2 * min(bulk, tail))


def test_estimates_are_posterior_means(fit):
    assert fit.fixef["Intercept"] == pytest.approx(fit.draws.beta[..., 0].mean(), rel=1e-12)
    assert fit.varcorr.sdcor[0] == pytest.approx(fit.draws.sd.mean(), rel=1e-12)
    assert fit.sigma == pytest.approx(fit.draws.sigma.mean(), rel=1e-12)
    np.testing.assert_allclose(fit.ranef("g"), fit.draws.flat("u").mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(fit.se, fit.draws.flat("beta").std(axis=0, ddof=1), rtol=1e-10)


def test_shapes_and_records(fit):
    assert fit.draws.beta.shape == (2, 500, 1)
    assert fit.draws.u.shape == (2, 500, 12, 1)
    assert fit.draws.warmup == 400
    assert fit.origin.seed == 5
    assert dict(fit.origin.options)["draws"] == "500"
    assert {"diverging", "tree_depth", "lp"} <= set(fit.draws.stats)


def test_the_same_seed_gives_the_same_draws(model, fit):
    again = model.fit("nuts", **OPTIONS)
    np.testing.assert_array_equal(again.draws.sigma, fit.draws.sigma)
    np.testing.assert_array_equal(again.draws.u, fit.draws.u)


def test_another_seed_gives_other_draws(model, fit):
    other = model.fit("nuts", **OPTIONS | {"random_seed": 6})
    assert not np.array_equal(other.draws.sigma, fit.draws.sigma)


def test_chains_differ(fit):
    assert not np.array_equal(fit.draws.sigma[0], fit.draws.sigma[1])
    assert not np.array_equal(fit.draws.u[0], fit.draws.u[1])


@pytest.mark.parametrize(
    "option",
    [
        {"draws": 0},
        {"draws": 10.5},
        {"tune": 0},
        {"chains": 0},
        {"cores": 0},
        {"target_accept": 1.0},
        {"target_accept": 80},
        {"random_seed": -1},
        {"sampler": "gibbs"},
    ],
    ids=str,
)
def test_unusable_options_are_refused_before_anything_is_compiled(model, option, monkeypatch):
    def compiled(*_):
        raise AssertionError("the graph was built")

    monkeypatch.setattr(nuts, "marginal_graph", compiled)
    with pytest.raises(ld.FitError) as caught:
        model.fit("nuts", **option)
    assert "Allowed" in caught.value.allowed


def made_up(sigma, diverging=0):
    """Draws of a one-way model that have only sigma to vary."""
    C, S = sigma.shape
    stats = {"diverging": np.arange(C * S).reshape(C, S) < diverging}
    L = np.broadcast_to(sigma[..., None, None], (C, S, 1, 1)).copy()
    return Draws(sigma[..., None].copy(), sigma, np.zeros((C, S, 12, 1)), L, stats)


def verdicts(draws):
    found = nuts._checks(bound_problem(FORMULA, grouped_frame()), draws)
    return {check.check: check.status for check in found}


def test_good_chains_pass():
    sigma = np.random.default_rng(0).uniform(1, 2, (4, 500))
    assert set(verdicts(made_up(sigma)).values()) == {"ok"}


def test_chains_that_disagree_have_not_converged():
    sigma = np.random.default_rng(0).uniform(1, 2, (4, 500)) + np.arange(4)[:, None]
    found = verdicts(made_up(sigma))
    assert (found["rhat"], found["ess"]) == ("not_converged", "warning")


@pytest.mark.parametrize(("count", "status"), [(0, "ok"), (5, "warning"), (100, "not_converged")])
def test_divergences_are_counted(count, status):
    sigma = np.random.default_rng(0).uniform(1, 2, (4, 500))
    assert verdicts(made_up(sigma, count))["divergences"] == status


def test_one_chain_cannot_be_compared():
    sigma = np.random.default_rng(0).uniform(1, 2, (1, 500))
    assert verdicts(made_up(sigma))["rhat"] == "warning"
