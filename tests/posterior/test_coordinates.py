"""Where parameters stand in phi, and what their priors are there."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from tests.posterior.designs import design, two_outcomes

from laird.design import KnownDesign, ScaleDesign
from laird.posterior import prior_table
from laird.posterior.coordinates import coordinates
from laird.spec.terms import Prior


def everything():
    """Sds, a correlation, slopes of sigma and of a group sd, φ, and a sampled coefficient."""
    base = design(q=2)
    ids, x = base.random[0].ids, np.random.default_rng(0).normal(size=40)
    scales = (
        ScaleDesign("sigma", "", np.column_stack([np.ones(40), x]), ("Intercept", "x")),
        ScaleDesign("sd", "school", np.column_stack([np.ones(40), np.arange(6.0)[ids]]), ("Intercept", "z")),
    )
    known = KnownDesign("v", True, np.linspace(0.1, 1.0, 40))
    return replace(base, scales=scales, known=known)


def laid_out(priors=()):
    d = everything()
    return coordinates(prior_table(list(priors), d), d.random[0].blocks)


def test_every_parameter_has_its_place():
    own = laid_out([Prior("x1", "cauchy", (0.0, 1.0))])
    assert own.places == (2, 1, 2, (1,), 1, 0, 1)
    assert [row and row.parameter for row in own.rows] == [
        *("sd(school, Intercept)", "sd(school, x1)", None, "sigma", "log_sigma(x)"),
        *("log_sd(school, z)", "phi", "x1"),
    ]
    phi = np.arange(8.0) / 10
    theta, b = own.split(phi)
    np.testing.assert_allclose(np.linalg.norm(theta.L, axis=1), np.exp(phi[:2]), rtol=1e-14)
    assert (theta.L[1, 0] / np.exp(phi[1]), b[0]) == pytest.approx((np.tanh(phi[2]), phi[7]))
    assert [theta.alpha.tolist(), theta.delta[0].tolist(), theta.log_phi.tolist()] == [
        [0.3, 0.4],
        [0.5],
        [0.6],
    ]
    np.testing.assert_allclose(own.join(theta, b), phi, rtol=1e-12)


def test_a_stack_is_split_as_its_rows():
    own = laid_out()
    phi = np.random.default_rng(1).normal(0, 0.5, (2, 3, own.size))
    stacked, one = own.split(phi)[0], own.split(phi[1, 2])[0]
    np.testing.assert_allclose(stacked.L[1, 2], one.L, rtol=1e-14)
    np.testing.assert_array_equal(stacked.delta[0][1, 2], one.delta[0])


def test_priors_are_those_of_the_parameters_with_their_jacobians():
    """Slopes are per unit of the predictor; coordinates per sd of it."""
    own = laid_out([Prior("log_sigma(x)", "normal", (0.2, 0.7)), Prior("phi", "exponential", (1.5,))])
    phi = np.random.default_rng(2).normal(0, 0.4, own.size)
    size = own.rows[4].unit
    expected = stats.norm(0.2, 0.7).logpdf(phi[4] / size) - np.log(size)
    expected += stats.expon(0, 1 / 1.5).logpdf(np.exp(phi[6])) + phi[6]
    others = [k for k in range(own.size) if k not in (4, 6)]
    rest = sum(own.priors.part(slice(k, k + 1))(phi[k : k + 1])[0] for k in others)
    assert own.priors(phi)[0] == pytest.approx(expected + rest, rel=1e-12)
    assert own.priors.each(phi[None])[0] == pytest.approx(own.priors(phi)[0], rel=1e-14)


def test_the_correlation_of_outcomes_is_lkj():
    d = two_outcomes()
    own = coordinates(prior_table([Prior("rho", "lkj", (3.0,))], d), ())
    assert own.places == (0, 0, 3, (), 0, 2, 0)
    z = 0.4
    value = own.priors.part(slice(3, 4))(np.array([np.arctanh(z)]))[0]
    assert value == pytest.approx(stats.beta(3, 3, loc=-1, scale=2).logpdf(z) + np.log(1 - z**2), rel=1e-12)


def test_flat_priors_are_constant_in_the_parameters():
    """So that the mode is REML: of correlation matrices too, whose partial correlations are not flat."""
    d = design(q=3)
    own = coordinates(prior_table([Prior("*", "flat")], d), d.random[0].blocks)
    phi = np.random.default_rng(3).normal(size=own.size)
    assert not own.matrix_priors(phi, jacobian=False)[1].any()
    assert own.priors(phi, jacobian=False)[1].any()


def test_signed_sds_are_entered_and_left():
    own = laid_out([Prior("sd", "half_normal", (2.0,)), Prior("sd(school, x1)", "gamma", (2.0, 1.0))])
    signed = own.signed([0, 1])
    phi = np.random.default_rng(4).normal(size=own.size)
    x = signed.enter(phi)
    assert x[0] == pytest.approx(np.exp(phi[0]) / 2.0)
    np.testing.assert_array_equal(x[1:], phi[1:])  # a gamma is not half of a symmetric family
    x[0] *= -1
    np.testing.assert_allclose(signed.unsigned(x), phi, rtol=1e-12)
    np.testing.assert_allclose(signed.split(x)[0].L, own.split(phi)[0].L, rtol=1e-12)
