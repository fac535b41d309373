from dataclasses import replace

import numpy as np
import pymc as pm
import pytest
from tests.graph.cases import STRUCTURES, point_of, target_of
from tests.graph.points import PLAIN, dlogp, logp, random_point
from tests.posterior.designs import design

from laird.errors import FitError
from laird.gaussian.coordinates import correlated_pairs, correlation_factor
from laird.gaussian.crossproducts import group
from laird.gaussian.likelihoods import bind as bind_any
from laird.gaussian.marginal import log_density
from laird.gaussian.marginal import marginal as bind
from laird.graph import marginal
from laird.graph.simulate import simulate
from laird.posterior import coefficient_prior, families, lkj, prior_table
from laird.posterior.compiled import density_function
from laird.posterior.structure import structure
from laird.spec.terms import Prior

PRIORS = {
    "default": (),
    "flat": (Prior("*", "flat"),),
    "mixed": (
        Prior("x2", "student_t", (4.0, 0.0, 1.0)),
        Prior("Intercept", "cauchy", (10.0, 3.0)),
        Prior("sd(school, Intercept)", "gamma", (2.0, 0.5)),
        Prior("sigma", "exponential", (0.3,)),
        Prior("cor", "lkj", (4.0,)),
    ),
}


def numpy_logp(d, table, point):
    """Kernel, families and Jacobians of the unconstrained scale, without PyTensor."""
    r = d.random[0]
    prior = coefficient_prior(table)
    sigma = np.exp(point["sigma_log__"])
    sd = np.exp(np.concatenate([np.ravel(v) for name, v in point.items() if name.startswith("sd_school")]))
    x = point.get("partial_school_interval__", np.empty(0))
    z = np.tanh(x / 2)
    b = np.concatenate([np.ravel(v) for name, v in point.items() if name.startswith("beta_sampled")] or [[]])
    L = sd[:, None] * correlation_factor(z, len(sd), correlated_pairs(r.blocks))
    total = log_density(bind(group(d.y, d.X, r.Z, r.ids, 6, r.blocks), *prior), L, float(sigma), b)[0]
    for row, value in [(table.sigma, sigma), *zip(table.sds("school"), sd, strict=True)]:
        total += families.logpdf(row.family, value, *row.values) + np.log(value)
    for k, value in zip(prior.sampled, b, strict=True):
        total += families.logpdf(table.coefficients[k].family, value, *table.coefficients[k].values)
    if z.size:
        total += lkj.logpdf(z, table.cor("school").eta) + np.log((1 - z**2) / 2).sum()
    return float(total)


@pytest.mark.parametrize("family", ["half_normal", "half_student_t", "half_cauchy"])
@pytest.mark.parametrize("q", [1, 3])
def test_signed_sds_have_the_same_posterior(family, q):
    """The density of sd = |z| s is twice that of z over s, for either sign of z."""
    d = design(q=q)
    values = (4.0, 1.7) if family == "half_student_t" else (1.7,)
    table = prior_table((Prior("sd", family, values),), d)
    plain, signed = logp(marginal(d, table)), logp(marginal(d, table, signed=True))
    for seed in range(3):
        point = random_point(marginal(d, table, signed=True), seed)
        z = point.pop("signed_sd_school")
        sd = np.abs(z) * 1.7
        expected = plain({**point, "sd_school_log__": np.log(sd)}) - np.sum(np.log(2.0 / 1.7 * sd))
        # Same terms, summed in another order; PyMC's half families carry log 2 in single precision.
        assert signed({**point, "signed_sd_school": z}) == pytest.approx(expected, rel=1e-9, abs=2e-8)


def test_signed_sds_need_symmetric_priors():
    d = design(q=1)
    table = prior_table((Prior("sd", "gamma", (2.0, 0.5)),), d)
    assert [v.name for v in marginal(d, table, signed=True).free_RVs] == ["sigma", "sd_school"]


@pytest.mark.parametrize("priors", PRIORS)
@pytest.mark.parametrize("q", [2, 3])
def test_log_density_is_kernel_plus_families_plus_jacobians(priors, q):
    d = design(q=q)
    table = prior_table(PRIORS[priors], d)
    model = marginal(d, table)
    density = logp(model)
    for seed in range(3):
        point = random_point(model, seed)
        # Same terms, summed in another order.
        assert density(point) == pytest.approx(numpy_logp(d, table, point), rel=1e-9)


@pytest.mark.parametrize("priors", PRIORS)
def test_gradient_equals_central_differences(priors):
    d = design()
    model = marginal(d, prior_table(PRIORS[priors], d))
    point, density, step = random_point(model, 1), logp(model), 1e-6
    names = [value.name for value in model.continuous_value_vars]
    numeric = []
    for name in names:
        for k in range(np.size(point[name])):
            shift = np.zeros(np.size(point[name]))
            shift[k] = step
            shift = shift.reshape(np.shape(point[name]))
            up, down = (density(point | {name: point[name] + sign * shift}) for sign in (1, -1))
            numeric.append((up - down) / (2 * step))
    # Rounding of a value near 100 over the step: 1e-8 absolute.
    np.testing.assert_allclose(dlogp(model)(point), numeric, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("q", "priors", "free"),
    [
        (0, "default", ["sigma"]),
        (1, "default", ["sigma", "sd_school"]),
        (2, "default", ["sigma", "sd_school", "partial_school"]),
        (2, "flat", ["sigma", "sd_school", "partial_school"]),
    ],
)
def test_free_variables_are_the_covariance_parameters(q, priors, free):
    d = design(q=q)
    assert [v.name for v in marginal(d, prior_table(PRIORS[priors], d)).free_RVs] == free


def test_coefficients_that_are_not_gaussian_stay_free():
    d = design()
    one = marginal(d, prior_table([Prior("b", "cauchy", (0.0, 1.0))], d))
    assert one.free_RVs[-1].name == "beta_sampled"
    assert one.coords["sampled_term"] == ("x1", "x2")
    two = marginal(d, prior_table(PRIORS["mixed"], d))
    assert [v.name for v in two.free_RVs][-2:] == ["beta_sampled_Intercept", "beta_sampled_x2"]
    assert "beta_sampled" in two.named_vars


def test_observed_node_dims_and_coords():
    d = design(outcome="log(score)")
    model = marginal(d, prior_table((), d))
    assert [v.name for v in model.observed_RVs] == ["log_score"]
    assert model.named_vars_to_dims["log_score"] == ("obs",)
    assert model.named_vars_to_dims["sd_school"] == ("school_term",)
    assert model.named_vars_to_dims["partial_school"] == ("school_pair",)
    assert model.coords["school"] == ("g0", "g1", "g2", "g3", "g4", "g5")
    assert np.array_equal(model.rvs_to_values[model["log_score"]].data, d.y)


def test_no_random_effects_is_bayesian_regression():
    d = design(q=0)
    table = prior_table((), d)
    point = {"sigma_log__": np.array(0.4)}
    sigma, X = np.exp(0.4), d.X @ np.diag([1.0, 1.0, 1.0])
    X[:, 1:] -= X[:, 1:].mean(axis=0)
    mean, precision, _ = coefficient_prior(table)
    V = sigma**2 * np.eye(40) + X @ np.diag(1 / precision) @ X.T
    r = d.y - X @ mean
    expected = -0.5 * (40 * np.log(2 * np.pi) + np.linalg.slogdet(V)[1] + r @ np.linalg.solve(V, r))
    expected += families.logpdf("half_student_t", sigma, *table.sigma.values) + 0.4
    # A dense 40 x 40 solve: about 1e-12 of the value.
    assert logp(marginal(d, table))(point) == pytest.approx(float(expected), rel=1e-9)


def test_other_observations_of_the_same_rows_are_honoured():
    d = design(q=1)
    table = prior_table((), d)
    model = marginal(d, table)
    y = np.sqrt(d.y**2 + 1)
    density = pm.logp(model["score"], y)
    found = density.eval({model["sigma"]: 1.5, model["sd_school"]: [0.8]}, mode=PLAIN)
    data = group(y, d.X, d.random[0].Z, d.random[0].ids, 6, d.random[0].blocks)
    expected = log_density(bind(data, *coefficient_prior(table)), np.array([[0.8]]), 1.5)[0]
    assert found == pytest.approx(expected, rel=1e-12)  # the same kernel


def test_prior_predictive_draws_have_the_marginal_moments():
    d = design(q=2, n=12, J=3)
    sigma, sd = Prior("sigma", "uniform", (1.999, 2.001)), Prior("sd", "uniform", (0.999, 1.001))
    priors = [sigma, sd, Prior("cor", "lkj", (1e6,))]
    table = prior_table(priors, d)
    model = marginal(d, table)
    draws = pm.draw(model["score"], draws=4000, random_seed=3, mode=PLAIN)
    mean, precision, _ = coefficient_prior(table)
    X = d.X - np.r_[0, d.X[:, 1:].mean(axis=0)]
    same = d.random[0].ids[:, None] == d.random[0].ids
    V = 4 * np.eye(12) + X @ np.diag(1 / precision) @ X.T + (d.random[0].Z @ d.random[0].Z.T) * same
    # Monte Carlo: standard errors are sd/√4000 for means and about √2·V/√4000 for variances.
    np.testing.assert_allclose(draws.mean(axis=0), X @ mean, atol=5 * np.sqrt(V.max() / 4000))
    np.testing.assert_allclose(np.cov(draws.T), V, atol=5 * np.sqrt(2 / 4000) * V.max())


def test_flat_coefficients_have_no_prior_predictive():
    d = design()
    model = marginal(d, prior_table([Prior("b", "flat")], d))
    with pytest.raises(NotImplementedError, match="flat"):
        pm.draw(model["score"], mode=PLAIN)


def test_values_that_are_not_constant_are_refused():
    d = design()
    model = marginal(d, prior_table((), d))
    with pytest.raises(FitError, match="cross-products of its data"):
        pm.logp(model["score"], model["score"].type("y"))


def assert_same_density(graph, d, target, *, seeds=2):
    """Values and gradients at random points, up to the Jacobian between the two sets of coordinates."""
    density, value, gradient = density_function(target), logp(graph), dlogp(graph)
    for seed in range(seeds):
        phi = np.random.default_rng(seed).normal(0, 0.4, target.size)
        point, stretch, order = point_of(graph, d, target, phi)
        own, own_gradient = density(phi)
        # PyMC's half families carry log 2 in single precision: a constant 2e-9 off each.
        assert float(value(point)) + np.sum(np.log(stretch)) == pytest.approx(own, rel=1e-8, abs=2e-8)
        expected = (own_gradient / stretch)[order]
        np.testing.assert_allclose(gradient(point), expected, rtol=1e-8, atol=1e-8 * np.abs(expected).max())


@pytest.mark.parametrize("name", STRUCTURES)
def test_the_graph_is_the_density_that_is_sampled_without_it(name):
    d = STRUCTURES[name]
    table = prior_table((), d)
    assert_same_density(marginal(d, table), d, target_of(d, table))


@pytest.mark.parametrize("q", [0, 1, 3])
def test_the_compiled_density_is_that_of_the_graph(q):
    d = design(q=q)
    table = prior_table((Prior("x2", "student_t", (4.0, 0.0, 1.0)),), d)
    assert_same_density(marginal(d, table), d, target_of(d, table))


@pytest.mark.parametrize("name", ["group sd by z", "blocks across groups", "three outcomes"])
def test_predictive_draws_of_any_structure_have_the_marginal_moments(name):
    """Given θ: mean XTm and covariance R + ZGZ' + XT P⁻¹T'X', read off the density by differences."""
    d = STRUCTURES[name]
    table = prior_table((), d)
    prior, target = coefficient_prior(table), target_of(d, table)
    phi = np.random.default_rng(5).normal(0, 0.3, target.size)
    theta, b = target.coordinates.split(phi)
    rng, count = np.random.default_rng(6), 6000
    draws = np.array([simulate(d, prior, theta, b, rng) for _ in range(count)])
    mean, covariance = _moments(d, prior, theta, b)
    sd = np.sqrt(np.diag(covariance))
    # Standard errors are sd/√S of a mean, at most √2 sd_i sd_j/√S of a covariance; five of them.
    assert np.all(np.abs(draws.mean(axis=0) - mean) < 5 * sd / np.sqrt(count))
    assert np.all(np.abs(np.cov(draws.T) - covariance) < 5 * np.sqrt(2 / count) * np.outer(sd, sd))


def _moments(d, prior, theta, b):
    """Mean and covariance of y: the log density is quadratic in y, so that differences are exact."""

    def log_density(y):
        return bind_any(structure(replace(d, y=y)), *prior).density(theta, b)[0]

    n, y0, size = len(d.y), d.y, np.maximum(np.abs(d.y - d.y.mean()), 1.0)
    at0, steps = log_density(y0), np.diag(size)
    up, down = ([log_density(y0 + sign * e) for e in steps] for sign in (1, -1))
    gradient = (np.array(up) - np.array(down)) / (2 * size)
    H = np.empty((n, n))
    for i in range(n):
        for j in range(i + 1):
            both = log_density(y0 + steps[i] + steps[j])
            H[i, j] = H[j, i] = -(both - up[i] - up[j] + at0) / (size[i] * size[j])
    covariance = np.linalg.inv(H)
    return y0 + covariance @ gradient, covariance


def test_nothing_can_be_drawn_from_flat_coefficients_of_any_structure():
    d = STRUCTURES["crossed"]
    model = marginal(d, prior_table([Prior("b", "flat")], d))
    with pytest.raises(NotImplementedError, match="flat"):
        pm.draw(model["score"], mode=PLAIN)
