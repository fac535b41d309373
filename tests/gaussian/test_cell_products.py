"""Cross-products by a pattern, against those of `laird.gaussian.crossed_products`."""

from dataclasses import fields

import numpy as np
import pytest
from tests.gaussian.crossed_cases import CASES

from laird.gaussian.cell_products import pattern_of
from laird.gaussian.crossed_products import cross


@pytest.mark.parametrize("name", CASES)
def test_the_pattern_gives_the_same_products(name):
    case = CASES[name]
    sizes = [z.shape[1] for z in case.Z]
    pattern = pattern_of(case.ids, case.counts, sizes, case.W.shape[1])
    scale = np.random.default_rng(0).uniform(0.5, 2, (len(case.W), 1))
    for factor in (1.0, scale):
        rows = factor * np.hstack([*case.Z, case.W])
        found = pattern.reduce(np.ascontiguousarray(rows))
        expected = cross(factor * case.W, [factor * z for z in case.Z], case.ids, case.counts)
        for field in fields(expected):
            actual, wanted = getattr(found, field.name), getattr(expected, field.name)
            np.testing.assert_allclose(actual, wanted, rtol=1e-12, atol=1e-12, err_msg=field.name)


def test_reading_rows_leaves_the_pattern_as_it_was():
    ids = [np.array([0, 1, 2, 2]), np.array([0, 1, 0, 1])]
    pattern = pattern_of(ids, [3, 2], [1, 1], 1)
    rows = np.ones((4, 3))
    first, second = pattern.reduce(rows), pattern.reduce(2 * rows)
    np.testing.assert_array_equal(4 * first.values, second.values)
    assert pattern.template.values.tolist() == first.values.tolist()
