import numpy as np
import pytest
from scipy import stats

from laird.posterior import families
from laird.spec import priors

CASES = [
    ("normal", (1.5, 2.0), stats.norm(1.5, 2.0)),
    ("student_t", (4.0, -1.0, 3.0), stats.t(4.0, -1.0, 3.0)),
    ("cauchy", (0.5, 2.0), stats.cauchy(0.5, 2.0)),
    ("half_normal", (2.0,), stats.halfnorm(0, 2.0)),
    ("half_cauchy", (2.0,), stats.halfcauchy(0, 2.0)),
    ("exponential", (0.4,), stats.expon(0, 1 / 0.4)),
    ("gamma", (2.5, 0.7), stats.gamma(2.5, 0, 1 / 0.7)),
    ("inverse_gamma", (3.0, 2.0), stats.invgamma(3.0, 0, 2.0)),
    ("lognormal", (0.3, 0.8), stats.lognorm(0.8, 0, np.exp(0.3))),
    ("uniform", (1.0, 4.0), stats.uniform(1.0, 3.0)),
]
POINTS = np.linspace(-7, 9, 41)
PROBABILITIES = np.array([0.01, 0.05, 0.3, 0.5, 0.9, 0.99])


@pytest.mark.parametrize(("family", "values", "oracle"), CASES)
def test_density_and_quantiles_equal_scipy(family, values, oracle):
    # Same closed forms in another order of operations: only rounding differs.
    np.testing.assert_allclose(families.logpdf(family, POINTS, *values), oracle.logpdf(POINTS), rtol=1e-12)
    expected = oracle.ppf(PROBABILITIES)
    np.testing.assert_allclose(families.quantile(family, PROBABILITIES, *values), expected, rtol=1e-10)


def test_half_student_t_is_the_folded_student_t():
    x, oracle = np.array([0.1, 1.0, 5.0]), stats.t(3, 0, 2.0)
    density = families.logpdf("half_student_t", x, 3.0, 2.0)
    np.testing.assert_allclose(density, oracle.logpdf(x) + np.log(2), rtol=1e-13)
    folded = oracle.ppf((1 + PROBABILITIES) / 2)
    np.testing.assert_allclose(
        families.quantile("half_student_t", PROBABILITIES, 3.0, 2.0), folded, rtol=1e-10
    )
    assert families.logpdf("half_student_t", -0.1, 3.0, 2.0) == -np.inf


def test_log_student_t_is_the_student_t_of_the_logarithm():
    x, oracle = np.array([0.1, 1.0, 5.0]), stats.t(5, -1.7, 1.3)
    density = families.logpdf("log_student_t", x, 5.0, -1.7, 1.3)
    np.testing.assert_allclose(density, oracle.logpdf(np.log(x)) - np.log(x), rtol=1e-13)
    found = families.quantile("log_student_t", PROBABILITIES, 5.0, -1.7, 1.3)
    np.testing.assert_allclose(np.log(found), oracle.ppf(PROBABILITIES), rtol=1e-10)


@pytest.mark.parametrize(
    ("family", "values"),
    [*((f, v) for f, v, _ in CASES), ("half_student_t", (3.0, 2.0)), ("log_student_t", (5.0, -1.7, 1.3))],
)
def test_derivative_equals_central_differences(family, values):
    lower, upper = families.support(family, *values)
    x = np.array([0.2, 0.9, 2.0, 3.7])
    x = x[(x > lower) & (x < upper)]
    step = 1e-6
    ends = (families.logpdf(family, x + sign * step, *values) for sign in (1, -1))
    numeric = (next(ends) - next(ends)) / (2 * step)
    # Truncation and rounding of a central difference with this step are both near 1e-9.
    np.testing.assert_allclose(families.derivative(family, x, *values), numeric, rtol=1e-7, atol=1e-8)


def test_flat_is_zero_everywhere_and_has_no_finite_quantile():
    assert families.logpdf("flat", POINTS).sum() == 0
    assert families.derivative("flat", POINTS).sum() == 0
    assert families.quantile("flat", [0.05, 0.95]).tolist() == [-np.inf, np.inf]
    assert families.support("flat") == (-np.inf, np.inf)


@pytest.mark.parametrize("family", ["exponential", "gamma", "inverse_gamma", "lognormal", "half_cauchy"])
def test_density_is_zero_below_a_positive_support(family):
    values = next(v for f, v, _ in CASES if f == family)
    assert families.logpdf(family, -1.0, *values) == -np.inf
    assert families.derivative(family, -1.0, *values) == 0


def test_table_has_the_same_families_as_the_language():
    assert set(families.FAMILIES) == set(priors.FAMILIES) - {"lkj"}
