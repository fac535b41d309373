"""Free coordinates of the covariance parameters, and maxima found in them."""

import numpy as np
import pytest

from laird.fitting.general import Coordinates, maximise_general
from laird.gaussian.theta import Theta

COORDINATES = Coordinates(
    blocks=((0, 1), (2,)),
    M=np.array([[2.0, -3.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 1.5]]),
    sigma_units=np.array([4.0, np.nan, np.nan]),
    slopes=np.array([False, False, True]),
    sizes=(1, 0, 1, 2),
    first_zeta=np.array([True, False]),
)
X = np.array([1.0, 0.4, 0.8, 0.6, -0.5, 0.2, 0.1, 0.7, -0.3, 0.25, -0.15])


def test_coordinates_and_parameters_are_inverse_up_to_signs():
    theta = COORDINATES.theta(X)
    assert theta.alpha[0] == pytest.approx(np.log(0.5 * 4.0))
    np.testing.assert_allclose(np.abs(COORDINATES.x(theta)), np.abs(X), rtol=1e-12)


def flat(theta):
    return theta.L, theta.alpha, *theta.delta, theta.log_phi, theta.zeta


def test_the_chain_rule():
    rng = np.random.default_rng(1)
    slopes = Theta(rng.normal(size=(3, 3)), *(rng.normal(size=3), (rng.normal(size=1), np.zeros(0))),
                   rng.normal(size=1), rng.normal(size=2))  # fmt: skip

    def value(x):
        theta = COORDINATES.theta(x)
        return sum(float(np.sum(a * b)) for a, b in zip(flat(theta), flat(slopes), strict=True))

    numerical = [(value(X + h) - value(X - h)) / 2e-6 for h in 1e-6 * np.eye(len(X))]
    np.testing.assert_allclose(COORDINATES.gradient(X, slopes), numerical, atol=1e-8)


def test_the_gradient_in_a_vanished_sd_is_zero():
    x = X.copy()
    x[4] = 0.0
    theta = COORDINATES.theta(x)
    assert theta.alpha[0] == -np.inf
    g = Theta(np.zeros((3, 3)), np.zeros(3), (np.zeros(1), np.zeros(0)), np.zeros(1), np.zeros(2))
    assert COORDINATES.gradient(x, g)[4] == 0.0


def normal_means(y, v):
    """Log-likelihood of y_i ~ N(0, v_i + σ²) in log σ: the smallest model with known variances."""

    def density(theta):
        square = float(np.exp(2 * theta.alpha[0]))
        total = v + square
        slope = np.sum(-0.5 / total + 0.5 * y**2 / total**2) * 2 * square
        return float(np.sum(-0.5 * np.log(total) - 0.5 * y**2 / total)), theta._replace(
            alpha=np.array([slope])
        )

    return density


ONE_SIGMA = Coordinates((), np.zeros((0, 0)), np.ones(1), np.zeros(1, bool), (0, 0), np.zeros(0, bool))


def test_heterogeneity_that_the_data_deny_is_exactly_zero():
    y, v = np.array([0.1, -0.2, 0.1, 0.05]), np.ones(4)
    found = maximise_general(normal_means(y, v), ONE_SIGMA, Theta(np.zeros((0, 0)), np.zeros(1)), n=4)
    assert found.theta.alpha[0] == -np.inf
    assert found.log_likelihood == pytest.approx(np.sum(-0.5 * y**2), rel=1e-12)


def test_heterogeneity_with_equal_variances_has_a_closed_form():
    y, v = np.array([2.0, -3.0, 1.0, 4.0]), np.ones(4)
    found = maximise_general(normal_means(y, v), ONE_SIGMA, Theta(np.zeros((0, 0)), np.zeros(1)), n=4)
    assert np.exp(2 * found.theta.alpha[0]) == pytest.approx(np.mean(y**2) - 1, rel=1e-7)
