"""Quadrature against densities whose moments are known."""

from dataclasses import dataclass

import numpy as np
import pytest
from tests.fitting.grids import grid_moments
from tests.fitting.problems import balanced_frame, bound_target

from laird.fitting import quadrature as module
from laird.fitting.quadrature import quadrature


@dataclass
class Known:
    """A density of phi that is not Gaussian: a banana, or a sum."""

    log_density: object

    def densities(self, phi):
        return np.array([self.log_density(row) for row in phi])


def banana(x):
    return -0.5 * (x[0] / 2) ** 2 - 0.5 * (x[1] - 0.25 * x[0] ** 2) ** 2


def test_a_banana():
    """x ~ N(0, 4), y given x ~ N(x²/4, 1): E y = 1, Var y = Var(x²)/16 + 1 = 3."""
    found = quadrature(Known(banana), np.array([1.0, -1.0]), 8000, np.random.default_rng(0))
    assert found.usable
    error = np.sqrt(found.effective)
    assert found.phi[:, 0].mean() == pytest.approx(0, abs=4 * 2 / error)
    assert found.phi[:, 0].std() == pytest.approx(2, rel=4 / error)
    assert found.phi[:, 1].mean() == pytest.approx(1, abs=4 * np.sqrt(3) / error)


@pytest.mark.parametrize("k", [1, 3, 4])
def test_normal_densities_in_several_dimensions(k):
    rng = np.random.default_rng(k)
    root = rng.normal(size=(k, k)) + 3 * np.eye(k)
    P = np.linalg.inv(root @ root.T)
    found = quadrature(Known(lambda x: -0.5 * x @ P @ x), np.full(k, 2.0), 4000, np.random.default_rng(1))
    assert found.khat < 0.5
    sd = np.sqrt(np.diag(root @ root.T))
    assert np.all(np.abs(found.phi.mean(axis=0)) < 4 * sd / np.sqrt(min(found.effective, 4000)))
    np.testing.assert_allclose(found.phi.std(axis=0), sd, rtol=0.06)  # four errors of 4000 draws


def test_two_modes_are_both_found():
    def log_density(x):
        return np.logaddexp(-0.5 * (x[0] + 3) ** 2, np.log(2) - 0.5 * (x[0] - 3) ** 2)

    found = quadrature(Known(log_density), np.array([3.0]), 6000, np.random.default_rng(2))
    assert np.mean(found.phi > 0) == pytest.approx(2 / 3, abs=0.03)


def test_few_groups_have_the_exact_posterior():
    """Five groups without variance: no Gaussian is near the posterior of the log sd."""
    target = bound_target("y ~ 1 + (1 | g)", balanced_frame([0.1, -0.1, 0.05, 0.0, -0.05]))
    found = quadrature(target, np.zeros(2), 8000, np.random.default_rng(3))
    exact = grid_moments(target)
    values = np.exp(found.phi)
    error = exact.sd[:2] / np.sqrt(min(found.effective, 8000))
    assert np.all(np.abs(values.mean(axis=0) - exact.mean[:2]) < 4 * error)


def test_an_improper_density_has_no_approximation():
    assert quadrature(Known(lambda x: 0.1 * x[0]), np.zeros(1), 100, np.random.default_rng(0)) is None
    assert quadrature(Known(lambda _: 0.0), np.zeros(1), 100, np.random.default_rng(0)) is None


def test_many_parameters_are_left_to_others():
    assert quadrature(Known(lambda x: -x @ x), np.zeros(6), 100, np.random.default_rng(0)) is None


def test_interpolation_is_exact_for_products_of_lines():
    x, y = np.meshgrid(np.arange(4.0), np.arange(4.0), indexing="ij")
    weights = (1 + x) * (2 + y)
    t = np.random.default_rng(0).uniform(0, 3, (50, 2))
    expected = (1 + t[:, 0]) * (2 + t[:, 1])
    np.testing.assert_allclose(module._interpolated(weights, t), expected, rtol=1e-12)
    assert module._interpolated(weights, np.array([[-2.0, 0.0]]))[0] == 0.0


def test_a_density_much_narrower_than_the_first_grid():
    """All the mass at one or two of the first nodes: their covariance alone is singular."""
    sd = np.array([0.05, 0.3, 0.04, 0.5])
    found = quadrature(
        Known(lambda x: -0.5 * np.sum((x / sd) ** 2)), np.full(4, 0.3), 4000, np.random.default_rng(5)
    )
    assert found.khat < 0.5
    np.testing.assert_allclose(found.phi.std(axis=0), sd, rtol=0.06)  # four errors of 4000 draws
