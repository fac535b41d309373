import numpy as np
import pytest
from scipy import stats

from laird.gaussian.coordinates import correlation_factor
from laird.posterior import lkj


def random_partials(q, seed=0, shape=()):
    return np.random.default_rng(seed).uniform(-0.9, 0.9, (*shape, q * (q - 1) // 2))


def dense(rows):
    """The lower triangular matrix with these rows."""
    L = np.zeros((len(rows), len(rows)))
    for i, row in enumerate(rows):
        L[i, : i + 1] = row
    return L


@pytest.mark.parametrize("q", [1, 2, 3, 4])
def test_rows_have_unit_length_and_equal_the_gaussian_layer(q):
    z = random_partials(q)
    L = dense(lkj.cholesky_rows(z))
    # Products of at most q factors near 1: rounding only.
    np.testing.assert_allclose(np.sum(L**2, axis=1), 1, rtol=1e-14)
    np.testing.assert_allclose(L, correlation_factor(z, q, lkj.pairs(q)), rtol=1e-13)


def test_rows_take_arrays_of_draws():
    draws = random_partials(3, shape=(5,))
    rows = lkj.cholesky_rows(draws.T)
    np.testing.assert_allclose([row[4] for row in rows[2]], lkj.cholesky_rows(draws[4])[2], rtol=1e-14)


def test_correlations_are_those_of_the_matrix():
    rows = lkj.cholesky_rows(random_partials(4))
    C = dense(rows) @ dense(rows).T
    np.testing.assert_allclose(lkj.correlations(rows), [C[i, j] for i, j in lkj.pairs(4)], rtol=1e-13)


def log_jacobian(z, step=1e-6):
    """Log |d C / d z| by central differences."""

    def matrix(point):
        return np.array(lkj.correlations(lkj.cholesky_rows(point)))

    columns = [(matrix(z + step * e) - matrix(z - step * e)) / (2 * step) for e in np.eye(len(z))]
    return np.linalg.slogdet(np.array(columns))[1]


@pytest.mark.parametrize("q", [2, 3, 4])
@pytest.mark.parametrize("eta", [0.7, 1.0, 2.0, 5.0])
def test_density_is_a_power_of_the_determinant(q, eta):
    def excess(z):
        log_determinant = 2 * sum(np.log(row[-1]) for row in lkj.cholesky_rows(z))
        return lkj.logpdf(z, eta) - (eta - 1) * log_determinant - log_jacobian(z)

    first, second = (excess(random_partials(q, seed)) for seed in (1, 2))
    # Equal up to the constant; the Jacobian is numeric (error near 1e-9).
    np.testing.assert_allclose(first, second, atol=1e-7)


def test_density_integrates_to_one_and_matches_beta():
    z = np.linspace(-0.99, 0.99, 21)[:, None]
    expected = stats.beta(2.0, 2.0, -1, 2).logpdf(z[:, 0])
    np.testing.assert_allclose(lkj.logpdf(z, 2.0), expected, rtol=1e-12)
    np.testing.assert_allclose(
        lkj.quantile([0.05, 0.5, 0.9], 2.0, q=3),
        stats.beta(2.5, 2.5, -1, 2).ppf([0.05, 0.5, 0.9]),
        atol=1e-12,
    )


def test_lkj_one_is_flat_on_the_matrix():
    values = [lkj.logpdf(z, 1.0) - log_jacobian(z) for z in (random_partials(3, seed) for seed in (3, 4, 5))]
    np.testing.assert_allclose(values, values[0], atol=1e-7)


@pytest.mark.parametrize("q", [2, 3])
def test_derivative_equals_central_differences(q):
    z, step = random_partials(q, 7), 1e-6
    numeric = [
        (lkj.logpdf(z + step * e, 1.7) - lkj.logpdf(z - step * e, 1.7)) / (2 * step) for e in np.eye(len(z))
    ]
    np.testing.assert_allclose(lkj.derivative(z, 1.7), numeric, rtol=1e-7)


def test_density_at_and_beyond_the_edge():
    assert lkj.logpdf([1.0], 2.0) == -np.inf
    assert np.isfinite(lkj.logpdf([1.0], 1.0))
    assert lkj.logpdf([1.1], 2.0) == -np.inf


def test_no_correlations_has_density_one():
    assert lkj.logpdf(np.empty(0), 2.0) == 0
