import numpy as np
import pytest
from scipy import stats

from laird.posterior import families, scalars
from laird.posterior.lkj import beta_shapes


@pytest.mark.parametrize("a", [1.0, 2.0, 3.5])
def test_partial_is_a_beta_on_minus_one_to_one(a):
    """A partial correlation of LKJ: 2 Beta(a, a) - 1."""
    z = np.array([-0.9, 0.0, 0.3])
    oracle = stats.beta(a, a, loc=-1, scale=2)
    constant = oracle.logpdf(0.0)
    numbers = np.array([-1.0, 1.0, constant, a - 1.0, 0.0, 0.0])
    values, slopes = scalars.log_densities(scalars.PARTIAL, numbers, z)
    np.testing.assert_allclose(values, oracle.logpdf(z), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(slopes, -2 * (a - 1) * z / (1 - z**2), rtol=1e-12)
    assert beta_shapes(a, 2)[0] == a


@pytest.mark.parametrize("code", range(7))
def test_nothing_lies_outside_the_support(code):
    numbers = np.array([0.0, 0.5, 0.0, 1.0, 1.0, 1.0])
    for x in (-0.1, 0.6, np.nan):
        assert scalars.log_density(code, numbers, x) == (-np.inf, 0.0)


def test_a_power_without_logarithm_is_finite_at_zero():
    exponential = np.array([0.0, np.inf, 0.0, 0.0, 2.0, 0.0])
    assert scalars.log_density(scalars.POWER, exponential, 0.0) == (0.0, -2.0)


@pytest.mark.parametrize("family", ["lognormal", "log_student_t", "inverse_gamma", "gamma"])
def test_densities_that_vanish_at_zero_do_so_without_a_nan(family):
    values = (3.0, 0.5, 1.0) if family == "log_student_t" else (2.0, 1.0)
    assert families.logpdf(family, 0.0, *values) == -np.inf
