import numpy as np
import pytest

from laird.fitting.newton import DECREMENT_TOLERANCE, ROUNDING_TOLERANCE, hessian, minimise


def quadratic(H, centre):
    """½(x - c)'H(x - c)."""
    return lambda x: (0.5 * (x - centre) @ H @ (x - centre), H @ (x - centre))


def rosenbrock(x):
    a, b = 1 - x[:-1], x[1:] - x[:-1] ** 2
    gradient = np.zeros_like(x)
    gradient[:-1] = -2 * a - 400 * x[:-1] * b
    gradient[1:] += 200 * b
    return float(np.sum(a**2 + 100 * b**2)), gradient


def monkey_wells(x):
    """A saddle at the origin between two minima at (±1, 0), value -1."""
    return x[0] ** 4 - 2 * x[0] ** 2 + x[1] ** 2, np.array([4 * x[0] ** 3 - 4 * x[0], 2 * x[1]])


def test_hessian_of_a_cubic():
    def cubic(x):
        return x[0] ** 3 + x[0] * x[1] ** 2, np.array([3 * x[0] ** 2 + x[1] ** 2, 2 * x[0] * x[1]])

    x = np.array([1.5, -0.7])
    # Central differences with step 6e-6 of the gradient: error about 1e-10.
    np.testing.assert_allclose(hessian(cubic, x), [[9, -1.4], [-1.4, 3]], rtol=0, atol=1e-8)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("k", [1, 2, 6])
def test_a_quadratic_is_solved(k, scale):
    rng = np.random.default_rng(k)
    root = rng.normal(size=(k, k + 3))
    centre = rng.normal(size=k)
    optimum = minimise(quadratic(scale * root @ root.T, centre), np.zeros(k))
    assert optimum.converged
    np.testing.assert_allclose(optimum.x, centre, rtol=0, atol=1e-8 if scale >= 1 else 1e-2)
    assert optimum.value <= 2 * DECREMENT_TOLERANCE


@pytest.mark.parametrize("start", [[-1.2, 1.0], [10.0, -5.0], [0.0, 0.0], [-3.0, 2.0, 0.5]])
def test_rosenbrocks_valley_is_followed_to_its_end(start):
    optimum = minimise(rosenbrock, np.array(start))
    assert optimum.converged
    np.testing.assert_allclose(optimum.x, 1, rtol=0, atol=1e-8)
    assert optimum.iterations < 100


@pytest.mark.parametrize("start", [[0.0, 0.0], [0.0, 1.0], [1e-12, 0.3], [0.1, 0.0]])
def test_a_saddle_is_left(start):
    """From the saddle itself, from the ridge that leads to it, and from nearby."""
    optimum = minimise(monkey_wells, np.array(start))
    assert optimum.converged
    assert optimum.value == pytest.approx(-1, abs=1e-12)
    np.testing.assert_allclose(np.abs(optimum.x), [1, 0], rtol=0, atol=1e-7)


def test_a_maximum_is_left():
    optimum = minimise(lambda x: (np.cos(x).sum(), -np.sin(x)), np.zeros(2))
    assert optimum.value == pytest.approx(-2, abs=1e-12)


def test_a_flat_direction_is_no_obstacle():
    """A singular Hessian: any point of the line of minima will do."""
    H = np.array([[1.0, 1.0], [1.0, 1.0]])
    optimum = minimise(quadratic(H, np.array([1.0, 2.0])), np.array([5.0, 5.0]))
    assert optimum.converged
    assert optimum.x.sum() == pytest.approx(3, abs=1e-6)


def test_a_quartic_minimum_with_zero_curvature_is_approached():
    optimum = minimise(lambda x: (float(np.sum(x**4)), 4 * x**3), np.array([1.0, -2.0]))
    assert optimum.converged
    np.testing.assert_allclose(optimum.x, 0, rtol=0, atol=0.05)


def test_a_function_without_a_minimum_does_not_converge():
    optimum = minimise(lambda x: (float(x[0]), np.ones(1)), np.zeros(1), max_iterations=20)
    assert not optimum.converged


def test_the_number_of_iterations_is_bounded():
    optimum = minimise(rosenbrock, np.array([-1.2, 1.0]), max_iterations=3)
    assert (optimum.converged, optimum.iterations) == (False, 3)
    assert optimum.decrement > DECREMENT_TOLERANCE


def test_points_without_a_value_are_avoided():
    """A logarithm whose Newton steps overshoot into its undefined side."""

    def barrier(x):
        if x[0] <= 0:
            return np.nan, np.full(1, np.nan)
        return float(x[0] - np.log(x[0])), 1 - 1 / x

    optimum = minimise(barrier, np.array([0.01]))
    assert optimum.converged
    assert optimum.x[0] == pytest.approx(1, abs=1e-8)


def test_no_parameters_have_nothing_to_do():
    optimum = minimise(lambda _: (3.0, np.zeros(0)), np.zeros(0))
    assert (optimum.converged, optimum.value, optimum.iterations) == (True, 3.0, 0)


def test_a_large_constant_does_not_hide_the_minimum():
    """Deviances are of order 10⁵, where rounding hides changes below 1e-11."""
    H = np.diag([3.0, 0.5])
    value = quadratic(H, np.array([0.3, -2.0]))
    optimum = minimise(lambda x: (value(x)[0] + 1e5, value(x)[1]), np.zeros(2))
    assert optimum.converged
    np.testing.assert_allclose(optimum.x, [0.3, -2.0], rtol=0, atol=1e-9)


@pytest.mark.parametrize(("slope", "arrives"), [(1e-3, True), (1e-2, False)])
def test_a_slope_that_rounding_leaves_is_no_failure_where_little_is_left_to_gain(slope, arrives):
    """The gradient is wrong by `slope`: the value says that zero is the minimum."""
    optimum = minimise(lambda x: (float(np.abs(x).sum()), 2 * x + slope), np.zeros(1))
    assert optimum.decrement == pytest.approx(slope**2 / 4, rel=1e-6)
    assert optimum.decrement > DECREMENT_TOLERANCE
    assert (optimum.decrement < ROUNDING_TOLERANCE) == arrives
    assert optimum.converged == arrives


def counted(function):
    calls = []

    def wrapped(x):
        calls.append(x)
        return function(x)

    return wrapped, calls


def test_an_approximate_hessian_saves_evaluations_and_is_replaced_in_the_end():
    """A quadratic in three dimensions: three corrections make its Hessian exact."""
    H = np.array([[4.0, 1.0, 0.0], [1.0, 3.0, 0.5], [0.0, 0.5, 2.0]])
    objective, calls = counted(quadratic(H, np.array([0.3, -0.2, 0.1])))
    optimum = minimise(objective, np.zeros(3), approximate=np.diag([3.0, 3.5, 1.0]))
    assert optimum.converged
    np.testing.assert_allclose(optimum.x, [0.3, -0.2, 0.1], rtol=0, atol=1e-8)
    np.testing.assert_allclose(optimum.hessian, H, rtol=1e-8, atol=1e-8)
    start, search, hessian_by_differences, last_step = 1, 5, 6, 1
    assert len(calls) <= start + search + hessian_by_differences + last_step


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_wrong_hessian_leads_to_the_same_minimum(sign):
    optimum = minimise(rosenbrock, np.array([-1.2, 1.0]), approximate=sign * np.eye(2))
    assert optimum.converged
    np.testing.assert_allclose(optimum.x, 1, rtol=0, atol=1e-4)


def test_a_saddle_is_left_with_an_approximate_hessian_too():
    optimum = minimise(monkey_wells, np.array([0.0, 1.0]), approximate=np.eye(2))
    assert optimum.converged
    assert optimum.value == pytest.approx(-1, abs=1e-8)
