import numpy as np
import pytest

from laird.gaussian.small import (
    back_substitute,
    divided,
    factorise,
    forward_substitute,
    inner_product,
    invert_factored,
    log_determinant,
    multiply,
    posterior_root,
)


@pytest.fixture(params=[1, 2, 3, 6])
def matrix(request):
    """A well-conditioned positive definite matrix."""
    root = np.random.default_rng(request.param).normal(size=(request.param, 2 * request.param + 4))
    return root @ root.T


def factor(A):
    L = A.copy()
    assert factorise(L)
    return np.tril(L)


# Condition numbers are below 100: LAPACK and the plain loops differ by rounding only.
RTOL = 1e-12


def test_factor_is_cholesky(matrix):
    np.testing.assert_allclose(factor(matrix), np.linalg.cholesky(matrix), rtol=RTOL, atol=1e-14)


@pytest.mark.parametrize("columns", [0, 1, 4])
def test_substitutions_solve_triangular_systems(matrix, columns):
    L = factor(matrix)
    B = np.random.default_rng(0).normal(size=(len(L), columns))
    forward, backward = B.copy(), B.copy()
    forward_substitute(L, forward)
    back_substitute(L, backward)
    np.testing.assert_allclose(L @ forward, B, rtol=RTOL, atol=1e-13)
    np.testing.assert_allclose(L.T @ backward, B, rtol=RTOL, atol=1e-13)


def test_inverse_and_log_determinant(matrix):
    L = factor(matrix)
    np.testing.assert_allclose(invert_factored(L) @ matrix, np.eye(len(L)), rtol=0, atol=1e-12)
    assert log_determinant(L) == pytest.approx(np.linalg.slogdet(matrix)[1], rel=RTOL)


@pytest.mark.parametrize("matrix", [[[0.0]], [[1.0, 2.0], [2.0, 1.0]], [[1.0, 1.0], [1.0, 1.0]], [[np.nan]]])
def test_a_matrix_that_is_not_positive_definite_is_reported(matrix):
    assert not factorise(np.array(matrix))


def test_posterior_root_squares_to_the_covariance_of_a_group(matrix):
    """M = (Z'Z + (ΛΛ')⁻¹)⁻¹ and |A| = |I + Z'ZΛΛ'|."""
    q = len(matrix)
    Lam = np.random.default_rng(1).normal(size=(q, q)) + 2 * np.eye(q)
    T = np.empty((q, q))
    logdet = posterior_root(Lam, matrix, T)
    G = Lam @ Lam.T
    expected = np.linalg.inv(matrix + np.linalg.inv(G))
    np.testing.assert_allclose(T.T @ T, expected, rtol=1e-9, atol=1e-10)  # the inverses lose digits
    assert logdet == pytest.approx(np.linalg.slogdet(np.eye(q) + matrix @ G)[1], rel=1e-10)


def test_posterior_root_of_no_variance_is_zero(matrix):
    T = np.ones_like(matrix)
    assert posterior_root(np.zeros_like(matrix), matrix, T) == 0.0
    np.testing.assert_array_equal(T, 0)


def test_multiply_leaves_the_rest_of_a_larger_output_alone(matrix):
    out = np.full((len(matrix) + 1, len(matrix) + 2), 7.0)
    multiply(matrix, matrix, out)
    np.testing.assert_allclose(out[: len(matrix), : len(matrix)], matrix @ matrix, rtol=RTOL)
    np.testing.assert_array_equal(out[len(matrix) :], 7)
    np.testing.assert_array_equal(out[:, len(matrix) :], 7)


def test_quotients_and_inner_products_are_those_of_numpy():
    rng = np.random.default_rng(4)
    A, B = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    np.testing.assert_array_equal(divided(A, 7.0), A / 7.0)
    assert inner_product(A, B) == pytest.approx(np.sum(A * B), rel=1e-14)  # rounding of 12 terms
