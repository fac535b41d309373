"""The compiled kernels in starred units, against the dense oracle."""

import numpy as np
import pytest
from tests.gaussian.cases import SHAPES, central_difference

from laird.gaussian import dense
from laird.gaussian.grouped import cross_information, posterior_factors, profiled_deviance


@pytest.fixture(params=SHAPES)
def case(request):
    return SHAPES[request.param]


@pytest.fixture
def Lam(case):
    """A relative factor of no particular shape: every q × q matrix is allowed."""
    q = case.Z.shape[1]
    return np.random.default_rng(q).normal(0, 0.7, (q, q))


def starred(case):
    s = case.grouped.scaling
    return (case.y - s.y_mean) / s.y_scale, case.X @ s.A, case.Z @ s.T


def relative_covariance(case, Lam):
    Z = starred(case)[2]
    return dense.marginal_covariance(Z, case.ids, Lam @ Lam.T, np.ones(len(Z)))


def oracle_deviance(case, Lam, restricted):
    """-2 log-likelihood with the residual variance at its maximum, r'V⁻¹r / df."""
    y, X, _ = starred(case)
    V = relative_covariance(case, Lam)
    r = y - X @ dense.gls(y, X, V)[0]
    variance = r @ np.linalg.solve(V, r) / (len(y) - restricted * X.shape[1])
    return -2 * dense.log_likelihood(y, X, variance * V, restricted=restricted)


def deviance(case, Lam, restricted):
    data = case.grouped
    return profiled_deviance(np.ascontiguousarray(Lam), data.ZZ, data.ZW, data.WW, data.n, restricted)


@pytest.mark.parametrize("restricted", [False, True])
def test_profiled_deviance_equals_the_oracle(case, Lam, restricted):
    assert deviance(case, Lam, restricted)[0] == pytest.approx(
        oracle_deviance(case, Lam, restricted), rel=1e-9
    )


@pytest.mark.parametrize("restricted", [False, True])
def test_gradient_of_the_profiled_deviance(case, Lam, restricted):
    _, gradient = deviance(case, Lam, restricted)
    expected = central_difference(lambda x: deviance(case, x, restricted)[0], Lam)
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("restricted", [False, True])
def test_without_group_variance_it_is_ordinary_least_squares(case, restricted):
    y, X, Z = starred(case)
    q, df = Z.shape[1], len(y) - restricted * X.shape[1]
    rss = float(np.sum((y - X @ np.linalg.lstsq(X, y, rcond=None)[0]) ** 2))
    expected = df * (1 + np.log(2 * np.pi * rss / df)) + restricted * np.linalg.slogdet(X.T @ X)[1]
    value, gradient = deviance(case, np.zeros((q, q)), restricted)
    assert value == pytest.approx(expected, rel=1e-10)
    np.testing.assert_array_equal(gradient, 0)  # an even function of Λ


def test_cross_information_is_that_of_the_marginal_covariance(case, Lam):
    y, X, _ = starred(case)
    W = np.column_stack([X, y])
    data = case.grouped
    expected = W.T @ np.linalg.solve(relative_covariance(case, Lam), W)
    S = cross_information(Lam, data.ZZ, data.ZW, data.WW)
    np.testing.assert_allclose(S, expected, rtol=1e-9, atol=1e-9)


def test_posterior_factors_give_the_covariance_of_a_group(case, Lam):
    """M_j = (Z_j'Z_j + (ΛΛ')⁻¹)⁻¹."""
    Z = starred(case)[2]
    F = posterior_factors(Lam, case.grouped.ZZ)
    for j in range(case.J):
        Zj = Z[case.ids == j]
        expected = np.linalg.inv(Zj.T @ Zj + np.linalg.inv(Lam @ Lam.T))
        np.testing.assert_allclose(F[j] @ F[j].T, expected, rtol=1e-8, atol=1e-9)


def test_a_perfect_fit_has_no_deviance():
    case = SHAPES["random intercept"]
    data = case.grouped
    WW = data.WW.copy()
    WW[-1, -1] = 0.0
    assert np.isnan(profiled_deviance(np.eye(1), data.ZZ, data.ZW, WW, data.n, True)[0])
