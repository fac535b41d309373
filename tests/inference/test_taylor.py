"""Second-order series against functions that they reproduce."""

import numpy as np

from laird.inference.taylor import taylor


def quadratic(x):
    return np.array([3.0 + x[0] - 2.0 * x[1] + x[0] ** 2 + 0.5 * x[0] * x[1] - x[1] ** 2, x[1]])


def test_a_quadratic_is_its_own_series():
    found, step = taylor(quadratic, np.array([2.0, -1.0])), np.array([0.3, 0.7])
    # differences of second order are exact for a quadratic but for rounding, 1e-16 over 1e-3 squared
    np.testing.assert_allclose(found.at(step), quadratic(np.array([2.3, -0.3])), rtol=1e-8)
    np.testing.assert_allclose(found.curvature[0], [[2.0, 0.5], [0.5, -2.0]], atol=1e-6)


def test_every_entry_may_have_its_own_step():
    found = taylor(quadratic, np.array([2.0, -1.0]))
    steps = np.array([[0.1, 0.0], [0.0, 0.5]])
    expected = [quadratic(np.array([2.1, -1.0]))[0], quadratic(np.array([2.0, -0.5]))[1]]
    np.testing.assert_allclose(found.at(steps), expected, rtol=1e-8)


def test_no_parameters_leave_the_value():
    found = taylor(lambda x: np.array([1.0, 2.0 + x.sum()]), np.zeros(0))
    np.testing.assert_array_equal(found.at(np.zeros(0)), [1.0, 2.0])
