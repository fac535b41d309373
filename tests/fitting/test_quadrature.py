"""Quadrature against densities whose moments are known."""

from dataclasses import dataclass

import numpy as np
import pytest
from tests.fitting.grids import grid_moments
from tests.fitting.problems import balanced_frame, bound_target

from laird.fitting import quadrature as module
from laird.fitting.laplace import Axes
from laird.fitting.quadrature import quadrature


@dataclass
class Known:
    """A density of phi (k, S): a banana, or a sum."""

    log_density: object

    def densities(self, phi):
        return self.log_density(phi.T)


def approximated(target, centre, draws, seed):
    """From a point, without a hint of the directions."""
    start = Axes(np.asarray(centre), np.eye(len(centre)))
    return quadrature(target, start, draws, np.random.default_rng(seed))


def banana(x):
    return -0.5 * (x[0] / 2) ** 2 - 0.5 * (x[1] - 0.25 * x[0] ** 2) ** 2


def test_a_banana():
    """x ~ N(0, 4), y given x ~ N(x²/4, 1): E y = 1, Var y = Var(x²)/16 + 1 = 3."""
    found = approximated(Known(banana), np.array([1.0, -1.0]), 8000, seed=0)
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
    found = approximated(Known(lambda x: -0.5 * np.sum(x * (P @ x), axis=0)), np.full(k, 2.0), 4000, seed=1)
    assert found.khat < 0.5
    sd = np.sqrt(np.diag(root @ root.T))
    assert np.all(np.abs(found.phi.mean(axis=0)) < 4 * sd / np.sqrt(min(found.effective, 4000)))
    np.testing.assert_allclose(found.phi.std(axis=0), sd, rtol=0.06)  # four errors of 4000 draws


def test_two_modes_are_both_found():
    def log_density(x):
        return np.logaddexp(-0.5 * (x[0] + 3) ** 2, np.log(2) - 0.5 * (x[0] - 3) ** 2)

    found = approximated(Known(log_density), np.array([3.0]), 6000, seed=2)
    assert np.mean(found.phi > 0) == pytest.approx(2 / 3, abs=0.03)


def test_few_groups_have_the_exact_posterior():
    """Five groups without variance: no Gaussian is near the posterior of the log sd."""
    target = bound_target("y ~ 1 + (1 | g)", balanced_frame([0.1, -0.1, 0.05, 0.0, -0.05]))
    found = approximated(target, np.zeros(2), 8000, seed=3)
    exact = grid_moments(target)
    values = np.exp(found.phi)
    error = exact.sd[:2] / np.sqrt(min(found.effective, 8000))
    assert np.all(np.abs(values.mean(axis=0) - exact.mean[:2]) < 4 * error)


def test_an_improper_density_has_no_approximation():
    assert approximated(Known(lambda x: 0.1 * x[0]), np.zeros(1), 100, seed=0) is None
    assert approximated(Known(lambda x: np.zeros(x.shape[1])), np.zeros(1), 100, seed=0) is None


def test_many_parameters_are_left_to_others():
    assert approximated(Known(lambda x: -np.sum(x**2, axis=0)), np.zeros(6), 100, seed=0) is None


def grid_lattice(weights):
    """The lattice of all places of an array of weights."""
    places = np.array(list(np.ndindex(weights.shape)))
    codes = module._codes(places)
    order, axes = np.argsort(codes), Axes(np.zeros(weights.ndim), np.eye(weights.ndim))
    return module.Lattice(axes, 1.0, places[order], weights.ravel()[order])


def test_interpolation_is_exact_for_products_of_lines():
    x, y = np.meshgrid(np.arange(4.0), np.arange(4.0), indexing="ij")
    lattice = grid_lattice((1 + x) * (2 + y))
    t = np.random.default_rng(0).uniform(0, 3, (50, 2))
    expected = (1 + t[:, 0]) * (2 + t[:, 1])
    np.testing.assert_allclose(module._interpolated(lattice, t), expected, rtol=1e-12)
    assert module._interpolated(lattice, np.array([[-2.0, 0.0]]))[0] == 0.0


@pytest.mark.parametrize("k", [1, 2, 5])
def test_draws_have_the_stated_density(k):
    """The mean of p/q over draws of q is the integral of p: 1 for a normal density."""
    normal = Known(lambda x: -0.5 * np.sum(x**2, axis=0) - 0.5 * k * np.log(2 * np.pi))
    lattice = module._settled(normal, Axes(np.zeros(k), np.eye(k)))
    z, log_q = module._drawn(lattice, 20_000, np.random.default_rng(k))
    ratios = np.exp(normal.densities(lattice.axes.at(z)) - log_q)
    assert ratios.mean() == pytest.approx(1.0, abs=4 * ratios.std() / np.sqrt(len(ratios)))
    assert ratios.std() < 1.0  # of five parameters 0.8, of one 0.2: the share from the t


@pytest.mark.parametrize("k", range(1, 6))
def test_a_lattice_stays_small(k):
    """From directions of its own a normal density needs few points, its dimension notwithstanding."""
    normal = Known(lambda x: -0.5 * np.sum(x**2, axis=0))
    places, log_p, whole = module._explored(normal, Axes(np.zeros(k), np.eye(k)))
    assert whole
    assert 100 < len(places) < 5000
    assert log_p.max() - log_p.min() <= module.NEGLIGIBLE[k - 1]


def test_a_long_tail_is_followed():
    """log x for x exponential: mass nine sds of the mode's Hessian to the left of it."""
    found = approximated(Known(lambda x: x[0] - np.exp(x[0])), np.zeros(1), 8000, seed=6)
    assert found.usable
    # E log x = -γ, sd π/√6 (Gumbel).
    assert found.phi.mean() == pytest.approx(-0.5772, abs=4 * 1.2825 / np.sqrt(8000))
    assert np.exp(found.phi).mean() == pytest.approx(1.0, abs=4 / np.sqrt(8000))


def test_a_density_much_narrower_than_the_first_grid():
    """All the mass at one or two of the first nodes: their covariance alone is singular."""
    sd = np.array([0.05, 0.3, 0.04, 0.5])
    found = approximated(
        Known(lambda x: -0.5 * np.sum((x / sd[:, None]) ** 2, axis=0)), np.full(4, 0.3), 4000, seed=5
    )
    assert found.khat < 0.5
    np.testing.assert_allclose(found.phi.std(axis=0), sd, rtol=0.06)  # four errors of 4000 draws
