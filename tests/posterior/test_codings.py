"""Standardised coefficients and those for predictors as given describe the same sds."""

import numpy as np
import pytest
from tests.fitting.problems import grouped_frame

from laird.bound import model
from laird.gaussian.theta import Theta
from laird.posterior.codings import codings, group_predictors, is_constant, sigma_predictors

FRAME = grouped_frame(J=8, seed=4)


def design(*parts, formula="y ~ x + (1 + x | g)"):
    return model(formula, *parts, data=FRAME).design


def test_a_constant_sigma_is_a_coding():
    (only,) = codings(design())
    assert (only.parameter, only.names, only.constant) == ("sigma", ("Intercept",), True)


@pytest.mark.parametrize("part", ["sigma ~ x", "sigma ~ 0 + x", "sigma ~ x + w"])
def test_sigma_is_the_same_for_standardised_predictors(part):
    bound = design(part)
    coding = codings(bound).of("sigma")
    W, present = sigma_predictors(bound)
    gamma = np.linspace(0.3, -0.2, W.shape[1])
    theta = Theta(np.eye(2), gamma)
    np.testing.assert_allclose(W @ gamma, bound.scales[0].W @ coding.coefficients(theta), atol=1e-12)
    assert present.all()


def test_a_group_sd_is_the_same_for_standardised_predictors():
    bound = design("sd(g) ~ w")
    coding = codings(bound).of("sd", "g")
    L, delta = np.array([[0.7, 0.0], [0.1, 0.2]]), np.array([0.4])
    found = coding.coefficients(Theta(L, np.zeros(1), (delta,)))
    by_group = np.log(0.7) + group_predictors(bound)[0] @ delta
    ids = bound.random[0].ids
    np.testing.assert_allclose(bound.scales[0].W @ found, by_group[ids], atol=1e-12)


def test_stacks_of_parameters_give_stacks_of_coefficients():
    bound = design("sigma ~ x", "sd(g) ~ w")
    rng = np.random.default_rng(0)
    stack = Theta(rng.normal(size=(5, 2, 2)), rng.normal(size=(5, 2)), (rng.normal(size=(5, 1)),))
    for coding in codings(bound):
        third = Theta(stack.L[3], stack.alpha[3], (stack.delta[0][3],))
        np.testing.assert_allclose(coding.coefficients(stack)[3], coding.coefficients(third), atol=1e-12)


def test_what_is_constant():
    assert is_constant(design("sigma ~ 1").scales[0], np.ones(len(FRAME), bool))
    assert not is_constant(design("sigma ~ x").scales[0], np.ones(len(FRAME), bool))


def test_a_group_sd_of_zero_leaves_numbers_to_the_slopes():
    coding = codings(design("sd(g) ~ w")).of("sd", "g")
    L = np.array([[0.0, 0.0], [0.0, 0.2]])
    intercept, slope = coding.coefficients(Theta(L, np.zeros(1), (np.array([0.4]),)))
    assert intercept == -np.inf
    assert slope == pytest.approx(coding.A[1, 1] * 0.4)
