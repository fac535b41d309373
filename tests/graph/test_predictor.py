import numpy as np

from laird.graph.predictor import products


def test_sum_of_products_is_the_matrix_product():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.ones(5), rng.normal(size=(5, 2))])
    b = rng.normal(size=3)
    np.testing.assert_allclose(sum(products(X, list(b))), X @ b, rtol=1e-13)  # rounding only


def test_column_of_ones_is_not_multiplied():
    factor = object()
    assert list(products(np.ones((3, 1)), [factor])) == [factor]
