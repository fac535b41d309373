import numpy as np
import pytest
from tests.gaussian.cases import SHAPES

from laird.gaussian.crossproducts import group


@pytest.mark.parametrize("name", SHAPES)
def test_cross_products_are_those_of_the_starred_columns(name):
    case = SHAPES[name]
    data, s = case.grouped, case.grouped.scaling
    W = np.column_stack([case.X @ s.A, (case.y - s.y_mean) / s.y_scale])
    Z = case.Z @ s.T
    # Sums of at most 60 products of order one, in another order.
    np.testing.assert_allclose(data.WW, W.T @ W, rtol=0, atol=1e-10)
    for j in range(case.J):
        rows = case.ids == j
        np.testing.assert_allclose(data.ZZ[j], Z[rows].T @ Z[rows], rtol=0, atol=1e-10)
        np.testing.assert_allclose(data.ZW[j], Z[rows].T @ W[rows], rtol=0, atol=1e-10)
    np.testing.assert_array_equal(data.counts, np.bincount(case.ids))
    assert (data.n, data.p, data.q, data.J) == (*case.X.shape, case.Z.shape[1], case.J)


def test_arrays_are_read_only():
    data = SHAPES["random intercept"].grouped
    for array in (data.ZZ, data.ZW, data.WW, data.counts):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_a_model_without_groups_has_no_random_columns():
    y, X = np.arange(4.0), np.ones((4, 1))
    data = group(y, X, np.zeros((4, 0)), np.zeros(4, dtype=int), 1, ())
    assert (data.q, data.J) == (0, 1)
    assert data.WW[0, 0] == 4


def test_inputs_of_other_types_and_layouts_are_accepted():
    case = SHAPES["intercept and slope"]
    X, ids = np.asfortranarray(case.X), case.ids.astype(np.int32)
    other = group(case.y[::-1].copy()[::-1], X, case.Z, ids, case.J, [list(block) for block in case.blocks])
    np.testing.assert_allclose(other.ZW, case.grouped.ZW, rtol=0, atol=1e-13)  # means summed in another order
