import numpy as np
import pytest
from tests.gaussian.cases import central_difference

from laird.posterior.families import shape
from laird.posterior.links import ATANH, LINEAR, LOG, SIGNED, log_priors, log_priors_each
from laird.posterior.scalars import PARTIAL


def arrays():
    """One prior of every link."""
    partial = (PARTIAL, (-1.0, 1.0, 0.3, 1.5, 0.0, 0.0))
    found = [shape("gamma", 2.0, 1.5), shape("student_t", 4.0, 0.3, 1.0), partial, shape("half_normal", 2.0)]
    codes = np.array([code for code, _ in found])
    numbers = np.array([own for _, own in found])
    return np.array([LOG, LINEAR, ATANH, SIGNED]), np.array([1.0, 0.7, 1.0, 2.0]), codes, numbers


PHI = np.array([0.3, -0.8, 0.6, -0.4])


@pytest.mark.parametrize("jacobian", [True, False])
def test_gradient(jacobian):
    gradient, scratch = np.empty(4), np.empty(4)
    log_priors(PHI, *arrays(), jacobian, gradient)
    expected = central_difference(lambda x: log_priors(x, *arrays(), jacobian, scratch), PHI.copy())
    np.testing.assert_allclose(gradient, expected, rtol=1e-7)


def test_the_jacobian_makes_densities_of_the_coordinates():
    """Each integrates to the mass of its parameter: 1, and 1 over both signs of a signed one."""
    x = np.linspace(-60, 60, 120_001)
    links, scales, codes, numbers = arrays()
    numbers[2, 2] = -np.log(2 * 0.5890486225480862)  # ∫(1 - z²)^1.5 dz over (-1, 1) = 3π/8
    for k in range(4):
        part = slice(k, k + 1)
        values = log_priors_each(
            x[:, None].copy(), links[part], scales[part], codes[part], numbers[part], True
        )
        # Trapezoids of step 0.001; the Student t leaves 1e-6 beyond ±60.
        assert np.trapezoid(np.exp(values), x) == pytest.approx(1.0, abs=1e-5)


def test_far_from_zero_a_correlation_loses_no_digits():
    links, scales, codes, numbers = (own[2:3] for own in arrays())
    gradient = np.empty(1)
    value = log_priors(np.array([200.0]), links, scales, codes, numbers, True, gradient)
    assert value == pytest.approx(0.3 + 2.5 * (2 * np.log(2) - 400.0), rel=1e-14)
    assert gradient[0] == -5.0
