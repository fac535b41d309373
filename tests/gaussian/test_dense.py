"""The oracle is itself checked, against SciPy and against Henderson's equations."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from tests.gaussian.cases import case

from laird.gaussian import dense

CASE = case(q=2, p=3)
BIG_Z = np.zeros((len(CASE.y), 2 * CASE.J))
for i, j in enumerate(CASE.ids):
    BIG_Z[i, 2 * j : 2 * j + 2] = CASE.Z[i]


def test_covariance_is_block_diagonal_by_group():
    GG = np.kron(np.eye(CASE.J), CASE.G)
    expected = BIG_Z @ GG @ BIG_Z.T + CASE.sigma**2 * np.eye(len(CASE.y))
    np.testing.assert_allclose(CASE.V, expected, rtol=1e-13, atol=1e-13)


def test_a_full_residual_covariance_is_added_as_it_is():
    R = np.eye(len(CASE.y)) + 0.1
    V = dense.marginal_covariance(CASE.Z, CASE.ids, np.zeros((2, 2)), R)
    np.testing.assert_array_equal(V, R)


def test_log_likelihood_is_the_normal_density_at_the_gls_estimate():
    beta, _ = dense.gls(CASE.y, CASE.X, CASE.V)
    expected = multivariate_normal(CASE.X @ beta, CASE.V).logpdf(CASE.y)
    assert dense.log_likelihood(CASE.y, CASE.X, CASE.V, restricted=False) == pytest.approx(
        expected, rel=1e-12
    )


def test_restricted_likelihood_is_the_integral_over_flat_coefficients():
    """The normal prior N(0, c·I) tends to the flat one as c grows, up to its height at zero."""
    c, p = 1e8, CASE.X.shape[1]
    proper = dense.log_marginal(CASE.y, CASE.X, CASE.V, np.zeros(p), c * np.eye(p))
    height = -0.5 * p * np.log(2 * np.pi * c)
    flat = dense.log_likelihood(CASE.y, CASE.X, CASE.V, restricted=True)
    # The prior is off by |β|²/2c, about 1e-7, and its covariance has condition number 1e9.
    assert proper - height == pytest.approx(flat, abs=1e-5)


def test_log_marginal_is_the_normal_density():
    rng = np.random.default_rng(1)
    mean, C = rng.normal(size=3), np.diag(rng.uniform(0.5, 2, 3))
    expected = multivariate_normal(CASE.X @ mean, CASE.V + CASE.X @ C @ CASE.X.T).logpdf(CASE.y)
    assert dense.log_marginal(CASE.y, CASE.X, CASE.V, mean, C) == pytest.approx(expected, rel=1e-12)


def test_blup_solves_the_mixed_model_equations():
    R = np.full(len(CASE.y), CASE.sigma**2)
    beta, u, u_cov, cross = dense.blup(CASE.y, CASE.X, CASE.Z, CASE.ids, CASE.J, CASE.G, R)
    W = np.hstack([CASE.X, BIG_Z])
    C = W.T @ W / CASE.sigma**2
    C[3:, 3:] += np.kron(np.eye(CASE.J), np.linalg.inv(CASE.G))
    inverse = np.linalg.inv(C)
    solution = inverse @ W.T @ CASE.y / CASE.sigma**2
    # The equations and the direct formulas have condition numbers below 1e4.
    np.testing.assert_allclose(np.concatenate([beta, u.ravel()]), solution, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(u_cov, inverse[3:, 3:], rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(cross, inverse[:3, 3:], rtol=1e-8, atol=1e-10)
