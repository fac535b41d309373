"""Cross-products of crossed factors, against dense products and in little memory."""

import tracemalloc
from dataclasses import fields

import numpy as np
import pytest
from tests.gaussian.crossed_cases import CASES, case

from laird.errors import FitError
from laird.gaussian.crossed_products import MAX_REST, alone, cross

RTOL = 1e-12  # sums of at most 70 products, in another order


@pytest.fixture(params=CASES)
def model(request):
    return CASES[request.param]


def rest_of(model):
    """Z_r: the dense columns of all factors but the leading one."""
    leading = model.crossed.leading
    return np.hstack([wide for f, wide in enumerate(model.wide) if f != leading])


def test_leading_factor_has_the_most_effects(model):
    crossed = model.crossed
    effects = [J * z.shape[1] for J, z in zip(model.counts, model.Z, strict=True)]
    assert effects[crossed.leading] == max(effects)
    assert len(crossed.rest_W) == sum(effects) - max(effects)


def test_products_of_the_leading_factor(model):
    crossed = model.crossed
    f, J = crossed.leading, model.counts[crossed.leading]
    wide, q = model.wide[f], model.Z[f].shape[1]
    blocks = (wide.T @ wide).reshape(J, q, J, q)[np.arange(J), :, np.arange(J)]
    np.testing.assert_allclose(crossed.ZZ, blocks, rtol=RTOL, atol=RTOL)
    np.testing.assert_allclose(crossed.ZW, (wide.T @ model.W).reshape(J, q, -1), rtol=RTOL, atol=RTOL)


def test_products_of_every_factor_alone(model):
    for (ZZ, ZW), wide, Z, J in zip(alone(model.crossed), model.wide, model.Z, model.counts, strict=True):
        q = Z.shape[1]
        blocks = (wide.T @ wide).reshape(J, q, J, q)[np.arange(J), :, np.arange(J)]
        np.testing.assert_allclose(ZZ, blocks, rtol=RTOL, atol=RTOL)
        np.testing.assert_allclose(ZW, (wide.T @ model.W).reshape(J, q, -1), rtol=RTOL, atol=RTOL)


def test_lists_hold_the_products_with_the_rest(model):
    crossed, rest = model.crossed, rest_of(model)
    J, q, _ = crossed.ZZ.shape
    dense = np.zeros((J, rest.shape[1], q))
    for j in range(J):
        here = slice(crossed.starts[j], crossed.starts[j + 1])
        assert np.all(np.diff(crossed.columns[here]) > 0)
        dense[j, crossed.columns[here]] = crossed.values[here]
    expected = (model.wide[crossed.leading].T @ rest).reshape(J, q, -1).transpose(0, 2, 1)
    np.testing.assert_allclose(dense, expected, rtol=RTOL, atol=RTOL)


def test_products_of_the_rest(model):
    crossed, rest = model.crossed, rest_of(model)
    lower = np.zeros((rest.shape[1],) * 2)
    lower[*crossed.rest_at] = crossed.rest
    np.testing.assert_allclose(lower, np.tril(rest.T @ rest), rtol=RTOL, atol=RTOL)
    np.testing.assert_allclose(crossed.rest_W, rest.T @ model.W, rtol=RTOL, atol=RTOL)
    np.testing.assert_allclose(crossed.WW, model.W.T @ model.W, rtol=RTOL, atol=RTOL)


def test_bounds_and_spans_cut_the_rest_into_groups_and_factors(model):
    crossed = model.crossed
    widths = np.diff(crossed.bounds)
    expected = [q for f in crossed.spans for q in [crossed.sizes[f]] * crossed.counts[f]]
    np.testing.assert_array_equal(widths, expected)
    spans = list(crossed.spans.values())
    assert [span.start for span in spans] == [0, *(span.stop for span in spans[:-1])]
    assert spans[-1].stop == crossed.bounds[-1] == len(crossed.rest_W)


def test_arrays_are_read_only(model):
    crossed = model.crossed
    arrays = [getattr(crossed, field.name) for field in fields(crossed)]
    assert not any(array.flags.writeable for array in arrays if isinstance(array, np.ndarray))


def test_a_zero_entry_stays_listed():
    """The columns of one group stay together, whatever the data."""
    model = case((1, 2), (12, 4), seed=1)
    model.Z[1][:, 1] = 0.0
    crossed = model.crossed
    np.testing.assert_array_equal(crossed.columns[::2] + 1, crossed.columns[1::2])


def test_memory_is_that_of_the_rows():
    """100,000 rows with 30,000 and 15,000 groups: rows × groups would take 36 GB, groups × groups 3.6 GB."""
    rng, n, counts = np.random.default_rng(0), 100_000, (30_000, 15_000)
    ids = [rng.integers(0, J, n) for J in counts]
    W, one = rng.normal(size=(n, 2)), np.ones((n, 1))
    tracemalloc.start()
    crossed = cross(W, [one, one], ids, counts)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert crossed.values.sum() == n
    assert peak < 100 * n * 8  # a hundred numbers a row


def test_too_many_effects_besides_the_largest_factor():
    one, ids = np.ones((3, 1)), np.arange(3)
    with pytest.raises(FitError) as error:
        cross(np.ones((3, 2)), [one, one, one], [ids] * 3, [30_000, 40_000, 5])
    assert str(error.value) == (
        "The crossed factors besides the largest have 30,005 random effects: "
        "their matrices would take 22 GB.\n"
        "Random effects by factor: 30,000, 40,000, 5.\n"
        "Allowed: 20,000 besides those of the largest factor.\n"
        "Leave out a factor or a random slope, or analyse a part of the groups."
    )


def test_the_largest_factor_alone_may_have_any_number_of_effects():
    ids, one = np.arange(3), np.ones((3, 1))
    crossed = cross(np.ones((3, 2)), [one, one], [ids, ids], [10 * MAX_REST, 3])
    assert crossed.ZZ.shape == (10 * MAX_REST, 1, 1)
