"""The posterior of the covariance parameters: dense likelihood, SciPy's priors, Jacobians."""

import numpy as np
import pytest
from scipy import stats
from tests.fitting.problems import grouped_frame
from tests.gaussian.cases import central_difference

from laird.bound import model
from laird.gaussian import dense
from laird.gaussian.coordinates import factor_of_log_scale
from laird.gaussian.crossproducts import group
from laird.gaussian.likelihoods import bind
from laird.posterior import coefficient_prior, prior_table
from laird.posterior.density import posterior

PRIORS = {
    "Intercept": "normal(2, 3)",
    "x": "student_t(4, 0.5, 2)",
    "sd(g, Intercept)": "half_normal(2)",
    "sd(g, x)": "gamma(2, 1.5)",
    "sigma": "half_student_t(3, 1.5)",
}


@pytest.fixture(scope="module", params=["(1 + x | g)", "(1 + x || g)"])
def bound(request):
    correlation = {"cor(g)": "lkj(3)"} if "||" not in request.param else {}
    frame = grouped_frame(J=6, sizes=(4, 7), seed=4)
    return model(f"y ~ x + {request.param}", data=frame, priors=PRIORS | correlation)


@pytest.fixture(scope="module")
def target(bound):
    design, table = bound.design, prior_table(bound.spec.priors, bound.design)
    random = design.random[0]
    data = group(design.y, design.X, random.Z, random.ids, len(random.levels), random.blocks)
    return posterior(bind(data, *coefficient_prior(table)), table)


@pytest.fixture
def phi(target):
    return np.random.default_rng(1).normal(0, 0.4, target.size)


def test_it_is_likelihood_times_priors_times_jacobian(bound, target, phi):
    design, random = bound.design, bound.design.random[0]
    pairs = target.coordinates.pairs
    L, sigma = factor_of_log_scale(phi, 2, pairs)
    sd, b = np.exp(phi[:2]), phi[-1]
    R = np.full(len(design.y), sigma**2)
    V = dense.marginal_covariance(random.Z, random.ids, L @ L.T, R)
    x = design.X[:, 1] - design.X[:, 1].mean()
    y = design.y - b * x
    expected = dense.log_marginal(y, np.ones((len(y), 1)), V, np.array([2.0]), np.array([[9.0]]))
    expected += stats.t(4, 0.5, 2).logpdf(b)
    expected += stats.halfnorm(0, 2).logpdf(sd[0]) + np.log(sd[0])
    expected += stats.gamma(2, scale=1 / 1.5).logpdf(sd[1]) + np.log(sd[1])
    expected += np.log(2) + stats.t(3, 0, 1.5).logpdf(sigma) + np.log(sigma)
    if pairs:  # LKJ(3) of one correlation is a beta on (-1, 1); d tanh = 1 - tanh²
        r = np.tanh(phi[2])
        expected += stats.beta(3, 3, loc=-1, scale=2).logpdf(r) + np.log1p(-(r**2))
    assert target.density(phi)[0] == pytest.approx(expected, rel=1e-9)


def test_its_gradient(target, phi):
    expected = central_difference(lambda x: target.density(x)[0], phi)
    np.testing.assert_allclose(target.density(phi)[1], expected, rtol=1e-6, atol=1e-6)


def test_a_stack_gives_the_same_values(target):
    phi = np.random.default_rng(2).normal(0, 0.5, (6, target.size))
    one_by_one = [target.density(row)[0] for row in phi]
    np.testing.assert_allclose(target.densities(phi), one_by_one, rtol=1e-12)


def test_signed_sds_are_another_coordinate_of_the_same_posterior(target, phi):
    """sd = c|x|: the density of x is that of log sd over |x| and halved, for either sign of x."""
    signed, c = target.signed([0, 1]), 2.0  # the scale of half_normal(2); gamma is no half
    assert signed.coordinates.priors.links.tolist()[:2] == [3, 0]
    for sign in (-1, 1):
        x = phi.copy()
        x[0] = sign * np.exp(phi[0]) / c
        value, gradient = signed.density(x)
        assert value == pytest.approx(target.density(phi)[0] - np.log(2 * abs(x[0])), rel=1e-12)
        expected = central_difference(lambda x: signed.density(x)[0], x)
        np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-6)
