import numpy as np
import pytest

from laird.gaussian.small import (
    back_substitute,
    factorise,
    forward_substitute,
    invert_factored,
    log_determinant,
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
