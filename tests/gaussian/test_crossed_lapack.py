"""Lower triangles of C-ordered matrices, against NumPy; what stands above them is never read."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from laird.gaussian import crossed_lapack as lapack

RTOL = 1e-11  # condition numbers below 1000


@pytest.fixture(params=[1, 2, 7, 60])
def matrix(request):
    root = np.random.default_rng(request.param).normal(size=(request.param, 2 * request.param + 4))
    return root @ root.T


def lower(A):
    return np.tril(A) + np.triu(np.full_like(A, np.nan), 1)


def test_factor_and_inverse(matrix):
    L = lower(matrix)
    assert lapack.factorise(L)
    np.testing.assert_allclose(np.tril(L), np.linalg.cholesky(matrix), rtol=RTOL, atol=1e-12)
    inverse = np.tril(lapack.invert(L))
    np.testing.assert_allclose(inverse, np.tril(np.linalg.inv(matrix)), rtol=RTOL, atol=1e-12)
    np.testing.assert_allclose(np.tril(L), np.linalg.cholesky(matrix), rtol=RTOL, atol=1e-12)  # still


@pytest.mark.parametrize("bad", [-1.0, 0.0, np.nan])
def test_a_matrix_that_is_not_positive_definite(bad, matrix):
    matrix[-1, -1] = bad
    assert not lapack.factorise(matrix)


@pytest.mark.parametrize("columns", [1, 3])
def test_solutions(matrix, columns):
    L = np.linalg.cholesky(matrix)
    before = np.random.default_rng(0).normal(size=(len(L), columns))
    for order in "CF":
        B = before.copy(order=order)
        np.testing.assert_allclose(L @ lapack.solve(lower(L), B), before, rtol=RTOL, atol=1e-11)
        backward = lapack.solve(lower(L), B, transposed=True)
        np.testing.assert_allclose(L.T @ backward, before, rtol=RTOL, atol=1e-11)
        np.testing.assert_array_equal(B, before)


def test_a_solution_may_take_the_place_of_its_right_hand_side(matrix):
    L = np.linalg.cholesky(matrix)
    B = np.asfortranarray(np.random.default_rng(0).normal(size=(len(L), 3)))
    assert np.shares_memory(lapack.solve(L, B, overwrite=True), B)


def test_symmetric_product(matrix):
    B = np.random.default_rng(0).normal(size=(len(matrix), 3))
    np.testing.assert_allclose(lapack.multiply(lower(matrix), B), matrix @ B, rtol=RTOL, atol=1e-12)


def test_threads_are_given_back():
    def threads():
        return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

    rng = np.random.default_rng(0)
    root = rng.normal(size=(300, 310))
    before, A = threads(), root @ root.T
    assert lapack.factorise(A)
    lapack.invert(A)
    assert threads() == before
