"""Corrections for estimated variances against their closed forms, and against exact posteriors."""

import numpy as np
import pytest
from tests.fitting.problems import bound_target, grouped_frame

from laird.fitting.laplace import peak
from laird.inference.eb_corrections import Moments, first_order, morris


@pytest.fixture(scope="module")
def target():
    return bound_target("y ~ x + (1 + x | g)", grouped_frame(J=20))


def test_first_order_is_the_delta_method(target):
    """Of a mean that is linear in phi the correction is a'Aa exactly."""
    a = np.linspace(1.0, 2.0, target.size)
    axes = peak(target, np.zeros(target.size))
    own = target.coordinates

    def given(theta, b):
        phi = own.join(theta, b)
        return Moments(np.array([a @ phi, 0.0]), np.array([3.0, 1.0]))

    found = first_order(target, axes, given)
    np.testing.assert_allclose(found.mean, [a @ axes.centre, 0.0], rtol=1e-9, atol=1e-12)
    # The error of the differences is their rounding, 1e-16 over the step.
    np.testing.assert_allclose(found.variance, [3.0 + a @ axes.covariance @ a, 1.0], rtol=1e-8)


def test_morris_of_equal_variances():
    """His equations for equal variances: B = (k-3)/(k-1) V/(V+A) = (k-3)V/S, S the sum of squares."""
    y, V = np.array([0.3, -1.2, 4.0, 2.2, 0.7, 3.1]), 0.8
    k, S = len(y), np.sum((y - y.mean()) ** 2)
    B = (k - 3) * V / S
    s2 = V * (1 - (k - 1) / k * B) + 2 / (k - 3) * B**2 * (y - y.mean()) ** 2
    found = morris(y, np.ones((k, 1)), np.full(k, V))
    np.testing.assert_allclose(found.mean, y.mean() + (1 - B) * (y - y.mean()), rtol=1e-12)
    np.testing.assert_allclose(found.variance, s2, rtol=1e-12)


def test_morris_of_the_baseball_players():
    """Efron & Morris (1977, Sci. Am. 236, 119-127): 18 averages of 45 at bats shrink by 0.212."""
    hits = np.array([18, 17, 16, 15, 14, 14, 13, 12, 11, 11, 10, 10, 10, 10, 10, 9, 8, 7])
    p = hits / 45
    V = p.mean() * (1 - p.mean()) / 45
    found = morris(p, np.ones((18, 1)), np.full(18, V))
    np.testing.assert_allclose((found.mean - p.mean()) / (p - p.mean()), 0.212, atol=5e-4)
    assert found.mean[[0, -1]].round(3).tolist() == [0.294, 0.242]
    assert np.all(found.sd < np.sqrt(V))


def test_morris_without_heterogeneity_shrinks_by_the_largest_factor():
    y, v = np.array([0.1, 0.12, 0.09, 0.11, 0.1, 0.1]), np.array([1.0, 2.0, 1.0, 0.5, 1.0, 1.0])
    found, mean = morris(y, np.ones((6, 1)), v), np.sum(y / v) / np.sum(1 / v)
    np.testing.assert_allclose(found.mean, mean + (1 - 3 / 5) * (y - mean), rtol=1e-12)


def test_morris_does_not_depend_on_units_and_offsets():
    rng = np.random.default_rng(1)
    v, x = rng.uniform(0.5, 2, 12), rng.normal(size=12)
    y = 1 + x + rng.normal(size=12) * np.sqrt(v + 1)
    X = np.column_stack([np.ones(12), x])
    found, other = morris(y, X, v), morris(5 + 10 * y, X @ [[1, 3], [0, 2]], 100 * v)
    np.testing.assert_allclose(other.mean, 5 + 10 * found.mean, rtol=1e-9)
    np.testing.assert_allclose(other.sd, 10 * found.sd, rtol=1e-9)
