"""Minima of functions that are even in groups of coordinates, on and off zero."""

import numpy as np
import pytest

from laird.fitting.boundary import minimise_even


def even(a, b):
    """Σ b_k x_k² + x_k⁴ + (x_2 - 3)², with the minimum at x_k² = max(0, -b_k / 2)."""

    def objective(x):
        value = float(a + np.sum(b * x[:2] ** 2 + x[:2] ** 4) + (x[2] - 3.0) ** 2)
        return value, np.append(2 * b * x[:2] + 4 * x[:2] ** 3, 2 * (x[2] - 3.0))

    return objective


SINGLE = [np.array([0]), np.array([1])]


def test_a_coordinate_whose_square_wants_to_be_negative_is_exactly_zero():
    _, x = minimise_even(even(0.0, np.array([1.0, -2.0])), np.ones(3), SINGLE, scale=1.0)
    assert x[0] == 0.0
    np.testing.assert_allclose(np.abs(x[1:]), [1.0, 3.0], rtol=1e-6)  # the decrement tolerance is 1e-8


def test_a_start_at_the_boundary_is_left_when_that_is_no_minimum():
    optimum, x = minimise_even(
        even(5.0, np.array([-2.0, -8.0])), np.array([0.0, 0.0, 0.0]), SINGLE, scale=1.0
    )
    assert optimum.converged
    np.testing.assert_allclose(np.abs(x), [1.0, 2.0, 3.0], rtol=1e-6)


def test_groups_vanish_together():
    """f = |v|² (|v|² + 1) in v = (x_0, x_1): a column of a factor."""

    def objective(x):
        square = float(x @ x)
        return square**2 + square, (4 * square + 2) * x

    _, x = minimise_even(objective, np.array([0.5, -0.3]), [np.array([0, 1])], scale=1.0)
    assert not x.any()


def test_a_group_leaves_zero_in_its_best_direction():
    H = np.array([[1.0, 3.0], [3.0, 1.0]])  # eigenvalue -2 along (1, -1)

    def objective(x):
        return float(x @ H @ x + np.sum(x**2) ** 2), 2 * H @ x + 4 * np.sum(x**2) * x

    _, x = minimise_even(objective, np.zeros(2), [np.array([0, 1])], scale=1.0)
    assert x[0] == pytest.approx(-x[1], rel=1e-6)
    assert x @ x == pytest.approx(1.0, rel=1e-6)
