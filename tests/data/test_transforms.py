"""Functions of columns against independent computations."""

import numpy as np
import pytest
from formulaic.transforms import basis_spline, poly

from laird.data.transforms import (
    STATEFUL,
    apply_polynomial,
    apply_spline,
    group_means,
    is_constant,
    learn_polynomial,
    learn_spline,
    mean_of_group,
    mean_of_others,
    totals_and_means,
    with_new_groups,
)

X = np.random.default_rng(3).normal(loc=5.0, size=60)
NEW = np.linspace(X.min(), X.max(), 7)
# two double-precision algorithms for one quantity
ROUNDING = 1e-10


@pytest.mark.parametrize("degree", [1, 2, 4])
def test_polynomials_equal_those_of_formulaic_also_on_new_data(degree):
    state: dict = {}
    reference = poly(X, degree, _state=state)
    ours = learn_polynomial(X, degree)
    np.testing.assert_allclose(apply_polynomial(X, ours), reference, rtol=ROUNDING, atol=ROUNDING)
    expected = poly(NEW, degree, _state=state)
    np.testing.assert_allclose(apply_polynomial(NEW, ours), expected, rtol=ROUNDING, atol=ROUNDING)


def test_polynomials_are_orthonormal():
    basis = apply_polynomial(X, learn_polynomial(X, 3))
    np.testing.assert_allclose(basis.T @ basis, np.eye(3), atol=ROUNDING)
    np.testing.assert_allclose(basis.sum(axis=0), 0.0, atol=ROUNDING)


@pytest.mark.parametrize("df", [3, 4, 6])
def test_splines_equal_those_of_formulaic_also_on_new_data(df):
    state: dict = {}
    reference = basis_spline(X, df=df, _state=state)
    knots = learn_spline(X, df)
    np.testing.assert_allclose(apply_spline(X, knots), _stack(reference), atol=ROUNDING)
    np.testing.assert_allclose(
        apply_spline(NEW, knots), _stack(basis_spline(NEW, df=df, _state=state)), atol=ROUNDING
    )


def _stack(columns):
    return np.stack([np.asarray(columns[key]) for key in sorted(columns)], axis=1)


def test_splines_are_not_a_number_outside_their_range():
    values = apply_spline(np.array([X.min(), X.max() + 1.0]), learn_spline(X, 4))
    assert np.isfinite(values[0]).all()
    assert np.isnan(values[1]).all()


def test_centre_and_scale_use_the_fitted_data():
    for name, expected in (("center", NEW - X.mean()), ("scale", (NEW - X.mean()) / X.std(ddof=1))):
        function = STATEFUL[name]
        np.testing.assert_array_equal(function.apply(NEW, function.learn(X)), expected)


def test_group_means_keep_their_digits_beside_a_large_offset():
    ids = np.arange(60) % 4
    offset = 2.0**33
    means = group_means(X + offset, ids, 4) - offset
    expected = [X[ids == j].mean() for j in range(4)]
    # what adding the offset itself loses: half a unit in the last place of 2^33
    np.testing.assert_allclose(means, expected, atol=2.0**-19)
    assert group_means(np.full(60, 0.1), ids, 4).tolist() == [0.1] * 4


def test_new_groups_have_means_of_their_own():
    ids = np.array([0, 0, 1, 2, 2])
    x = np.array([1.0, 3.0, 8.0, 5.0, 9.0])
    stored = np.array([10.0, 20.0])
    assert with_new_groups(stored, x, ids, np.ones(5)).tolist() == [10.0, 20.0, 7.0]
    assert mean_of_group(stored, x, ids, np.ones(5)).tolist() == [10.0, 10.0, 20.0, 7.0, 7.0]
    weights = np.array([1.0, 1.0, 1.0, 3.0, 1.0])
    assert mean_of_group(stored, x, ids, weights)[-1] == 6.0
    assert mean_of_group(np.array([[10.0], [20.0]]), x[:, np.newaxis], ids, weights)[-1].tolist() == [6.0]


def test_group_means_are_weighted_and_of_several_columns():
    ids, weights = np.arange(60) % 4, np.linspace(0.1, 3.0, 60)
    several = np.column_stack([X, X**2])
    means = group_means(several, ids, 4, weights)
    for j in range(4):
        own = ids == j
        expected = np.average(several[own], axis=0, weights=weights[own])
        np.testing.assert_allclose(means[j], expected, rtol=ROUNDING)


def test_the_mean_of_others_leaves_out_the_row_itself():
    ids, weights = np.arange(60) % 4, np.linspace(0.1, 3.0, 60)
    found = mean_of_others(totals_and_means(X, ids, 4, weights), X, ids, weights)
    for row in range(60):
        others = (ids == ids[row]) & (np.arange(60) != row)
        assert found[row] == pytest.approx(np.average(X[others], weights=weights[others]), rel=ROUNDING)


def test_constancy_within_groups():
    ids = np.array([1, 0, 1, 0])
    assert is_constant(np.array([2.0, 3.0, 2.0, 3.0]), ids)
    assert not is_constant(np.array([2.0, 3.0, 2.0, 4.0]), ids)


@pytest.mark.parametrize("row", [3, 4999])
def test_constancy_within_groups_is_a_matter_of_all_rows(row):
    """The first rows, which are looked at first, do not have all groups."""
    ids = np.repeat(np.random.default_rng(0).permutation(500), 10)
    values = ids.astype(float)
    assert is_constant(values, ids)
    values[row] += 1.0
    assert not is_constant(values, ids)
