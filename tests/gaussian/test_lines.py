"""The groups' own least squares, against NumPy on the design with one set of columns per group."""

import numpy as np
import pytest

from laird.gaussian.crossproducts import group
from laird.gaussian.lines import (
    _pseudo_inverse,
    absorbed_columns,
    level2_weights,
    own_lines,
    pooled_residual,
    within_residual,
)

RNG = np.random.default_rng(2)
J, SIZE = 5, 8
IDS = RNG.permutation(np.repeat(np.arange(J), SIZE))
ONE = np.ones(J * SIZE)
X1, X2 = 3 + RNG.normal(size=J * SIZE), RNG.normal(size=J * SIZE)
LEVEL2 = RNG.normal(size=J)[IDS]
SIGN = RNG.choice([-1.0, 1.0], J * SIZE)
CELL = (np.arange(J * SIZE) % 2 == 0).astype(float)
Y = 20 + X1 + LEVEL2 + RNG.normal(size=J)[IDS] + RNG.normal(size=J * SIZE)


def lines(X, Z, ids=IDS, y=Y):
    X, Z = np.column_stack(X), np.column_stack(Z)
    return own_lines(group(y, X, Z, ids, int(ids.max()) + 1, (tuple(range(Z.shape[1])),)))


def least_squares(Z, common, ids=IDS, y=Y):
    """Coefficients (J, q), their covariance (J, q, q), and the residual sd."""
    Z, groups = np.column_stack(Z), int(ids.max()) + 1
    q = Z.shape[1]
    big = np.zeros((len(y), groups * q))
    for i, j in enumerate(ids):
        big[i, j * q : (j + 1) * q] = Z[i]
    W = np.column_stack([big, *common])
    coefficients, *_ = np.linalg.lstsq(W, y, rcond=None)
    df = len(y) - np.linalg.matrix_rank(W)
    sigma = np.sqrt(np.sum((y - W @ coefficients) ** 2) / df)
    cov = sigma**2 * np.linalg.pinv(W.T @ W)
    blocks = [cov[j * q : (j + 1) * q, j * q : (j + 1) * q] for j in range(groups)]
    return coefficients[: groups * q].reshape(groups, q), np.array(blocks), sigma


# Least squares with condition numbers below 1e3.
CLOSE = {"rtol": 1e-9, "atol": 1e-10}

MODELS = {
    "means": ([ONE], [ONE], []),
    "means, level-2 predictor": ([ONE, LEVEL2], [ONE], []),
    "means, common slope": ([ONE, X1], [ONE], [X1]),
    "lines": ([ONE, X1], [ONE, X1], []),
    "lines, cross-level interaction": ([ONE, X1, LEVEL2, LEVEL2 * X1], [ONE, X1], []),
    "lines, common slope": ([ONE, X1, X2], [ONE, X1], [X2]),
    "slope only": ([ONE, X1], [X1], [ONE]),
    "slope of a sign": ([ONE, SIGN], [SIGN], [ONE]),
    "no intercept anywhere": ([X1], [X1], []),
    "cells in place of an intercept": ([ONE, CELL], [CELL, 1 - CELL], []),
    "cells, common slope": ([ONE, CELL, X1], [CELL, 1 - CELL], [X1]),
    "cell means in X and Z": ([CELL, 1 - CELL], [CELL, 1 - CELL], []),
    "an intercept of twos": ([ONE, X1], [2 * ONE], [X1]),
}


@pytest.mark.parametrize("name", MODELS)
def test_coefficients_and_covariances_equal_least_squares(name):
    X, Z, common = MODELS[name]
    found = lines(X, Z)
    coefficients, cov, sigma = least_squares(Z, common)
    np.testing.assert_allclose(found.coefficients, coefficients, **CLOSE)
    np.testing.assert_allclose(found.cov, cov, **CLOSE)
    assert found.sigma == pytest.approx(sigma, rel=1e-10)


def test_a_slope_centred_by_hand_does_not_absorb_the_column_itself():
    """x = (x - x̄) + x̄·1, and the constant is not in the span of Z."""
    centred = X1 - X1.mean()
    data = group(Y, np.column_stack([ONE, X1]), centred[:, None], IDS, J, ((0,),))
    np.testing.assert_array_equal(absorbed_columns(data), [False, False])
    # The slope of x common to all groups and the groups' own are told apart by pooling.
    own, pooled = own_lines(data).coefficients[:, 0], np.linalg.lstsq(data_matrix(X1), Y, rcond=None)[0][1]
    separate, _, _ = least_squares([centred], [ONE])
    np.testing.assert_allclose(own - own.mean(), separate[:, 0] - separate.mean(), **CLOSE)
    assert abs(np.mean(own + pooled) - separate.mean()) < 0.5


def data_matrix(x):
    return np.column_stack([ONE, x])


def test_cell_means_with_random_intercepts_leave_deviations_from_the_pooled_level():
    """The level belongs to the cells, so the groups' own means are deviations that average about zero."""
    X = np.column_stack([CELL, 1 - CELL])
    found = own_lines(group(Y, X, ONE[:, None], IDS, J, ((0,),)))
    means, _, sigma = least_squares([ONE], [CELL - CELL.mean()])
    deviations = means[:, 0] - means.mean()
    np.testing.assert_allclose(found.coefficients[:, 0], deviations, **CLOSE)  # equal group sizes
    np.testing.assert_allclose(found.sigma, sigma, rtol=1e-10)
    assert np.all(found.cov > 0)


def test_groups_without_a_line_of_their_own_are_not_a_number():
    """Group 0 has one row, group 1 has the same x in all rows."""
    ids = np.array([0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3])
    x = np.array([1.0, 2, 2, 2, 1, 2, 3, 4, 0, 5, 3, 1])
    y = RNG.normal(size=12)
    found = lines([np.ones(12), x], [np.ones(12), x], ids, y)
    expected, cov, sigma = least_squares([np.ones(12), x], [], ids, y)
    np.testing.assert_array_equal(np.isnan(found.coefficients).all(axis=1), [True, True, False, False])
    np.testing.assert_allclose(found.coefficients[2:], expected[2:], **CLOSE)
    np.testing.assert_allclose(found.cov[2:], cov[2:], **CLOSE)
    assert found.sigma == pytest.approx(sigma, rel=1e-10)


def test_without_residual_degrees_of_freedom_there_is_no_sd():
    ids = np.array([0, 0, 1, 1])
    x = np.array([0.0, 1, 0, 2])
    found = lines([np.ones(4), x], [np.ones(4), x], ids, np.array([1.0, 2, 3, 5]))
    np.testing.assert_allclose(found.coefficients, [[1, 1], [3, 1]], rtol=0, atol=1e-12)
    assert np.isnan(found.sigma)


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e6])
def test_offsets_of_predictors_move_only_the_intercepts(offset):
    base, moved = lines([ONE, X1, X2], [ONE, X1]), lines([ONE, X1 + offset, X2 - offset], [ONE, X1 + offset])
    # Rounding of x at this offset, relative to its sd.
    tolerance = 1e-11 * max(offset, 1)
    np.testing.assert_allclose(moved.coefficients[:, 1], base.coefficients[:, 1], rtol=tolerance)
    assert moved.sigma == pytest.approx(base.sigma, rel=tolerance)


def test_absorbed_columns_lie_in_the_span_within_every_group():
    X = np.column_stack([ONE, X1, LEVEL2, LEVEL2 * X1, X2, X2 * LEVEL2])
    data = group(Y, X, np.column_stack([ONE, X1]), IDS, J, ((0, 1),))
    np.testing.assert_array_equal(absorbed_columns(data), [True, True, True, True, False, False])


def test_large_offsets_are_not_mistaken_for_constants():
    X = np.column_stack([ONE, X1 + 1e7])
    data = group(Y, X, ONE[:, None], IDS, J, ((0,),))
    np.testing.assert_array_equal(absorbed_columns(data), [True, False])


WEIGHTS = {
    "intercept and slope": ([ONE, X1], [ONE, X1]),
    "level-2 predictor and cross-level interaction": ([ONE, X1, LEVEL2, LEVEL2 * X1], [ONE, X1]),
    "constant as a sum of cells": ([ONE, CELL], [CELL, 1 - CELL]),
    "slope only": ([X1, LEVEL2 * X1], [X1]),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_level2_weights_reproduce_the_absorbed_columns(name):
    X, Z = (np.column_stack(columns) for columns in WEIGHTS[name])
    A = level2_weights(X, Z, IDS, J, np.ones(X.shape[1], dtype=bool))
    np.testing.assert_allclose(np.einsum("iq,iqp->ip", Z, A[IDS]), X, rtol=0, atol=1e-9)


def test_level2_weights_of_columns_that_are_not_absorbed_are_zero():
    A = level2_weights(data_matrix(X1), ONE[:, None], IDS, J, np.array([True, False]))
    np.testing.assert_allclose(A[:, 0, 0], 1, rtol=1e-14)
    np.testing.assert_array_equal(A[:, 0, 1], 0)


def test_level2_weights_of_groups_that_cannot_tell():
    """A group of one row has d = 0; the other groups show that its coefficients are those of d and w·d."""
    ids = np.append(IDS, J)
    w = np.append(np.arange(1.0, J + 1), 7.0)[ids]
    d = np.append(X1 - (np.bincount(IDS, X1) / SIZE)[IDS], 0.0)
    Z = np.column_stack([np.ones_like(d), d])
    X = np.column_stack([np.ones_like(d), d, w, w * d])
    A = level2_weights(X, Z, ids, J + 1, np.ones(4, dtype=bool))
    np.testing.assert_allclose(A[J], [[1, 0, 7, 0], [0, 1, 0, 7]], rtol=0, atol=1e-12)
    without_w = level2_weights(X[:, [0, 1, 3]], Z, ids, J + 1, np.ones(3, dtype=bool))
    assert np.isnan(without_w[J, 1, 2])
    assert np.isfinite(without_w[:J]).all()


def test_level2_weights_group_by_group():
    """x is another combination of Z in every group."""
    a, b = RNG.normal(size=(2, J))
    x = a[IDS] + b[IDS] * X1
    A = level2_weights(x[:, None], data_matrix(X1), IDS, J, np.array([True]))
    np.testing.assert_allclose(A[:, :, 0], np.column_stack([a, b]), rtol=1e-9)


def test_a_model_without_random_columns_has_no_lines():
    assert level2_weights(data_matrix(X1), np.zeros((len(Y), 0)), IDS, J, np.ones(2, bool)).shape == (J, 0, 2)


@pytest.mark.parametrize("name", MODELS)
def test_residual_shares(name):
    X, Z, common = MODELS[name]
    data = group(Y, np.column_stack(X), np.column_stack(Z), IDS, J, (tuple(range(len(Z))),))
    spread = np.sum((Y - data.scaling.y_mean) ** 2)
    pooled = Y - np.column_stack(X) @ np.linalg.lstsq(np.column_stack(X), Y, rcond=None)[0]
    assert pooled_residual(data) == pytest.approx(np.sum(pooled**2) / spread, rel=1e-9)
    W = np.column_stack([np.column_stack(Z)[:, [k]] * (IDS[:, None] == np.arange(J)) for k in range(len(Z))])
    W = np.column_stack([W, *common])
    own = Y - W @ np.linalg.lstsq(W, Y, rcond=None)[0]
    assert within_residual(data) == pytest.approx(np.sum(own**2) / spread, rel=1e-9)


@pytest.mark.parametrize("q", [1, 2, 3])
def test_pseudo_inverses_of_stacks(q):
    """Full rank, rank one, a zero column, and nothing, against NumPy's pseudo-inverse by singular values."""
    rng = np.random.default_rng(3)
    Z = rng.normal(size=(40, 9, q)) * 10.0 ** rng.integers(-4, 5, (40, 1, q))
    Z[:10] = Z[:10, :, :1]
    Z[5:10] *= -np.linspace(-1.0, 1.0, q)
    Z[10:20, :, -1] = 0.0
    Z[20:22] = 0.0
    inverse, full = _pseudo_inverse(Z.transpose(0, 2, 1) @ Z)
    size = np.sqrt(np.maximum(np.sum(Z**2, axis=1), 1e-300))
    scaled = Z / size[:, None, :]
    expected = np.linalg.pinv(scaled.transpose(0, 2, 1) @ scaled, rcond=1e-10, hermitian=True)
    found = inverse * size[:, :, None] * size[:, None, :]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)  # condition numbers up to 1e5
    np.testing.assert_array_equal(full, np.linalg.matrix_rank(scaled, tol=1e-5) == q)
