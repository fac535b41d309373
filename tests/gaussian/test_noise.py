"""The residual covariance by blocks, against n × n matrices."""

from dataclasses import replace

import numpy as np
import pytest
from tests.gaussian.hierarchies import BOUNDARY, CORRELATED, DIAGONAL, OUTCOMES

from laird.gaussian.noise import (
    Noise,
    block_layout,
    blocks_of,
    coloured,
    components,
    covariance,
    residual,
    strata_layout,
    variance_slopes,
    whiten,
)
from laird.gaussian.theta import Theta

MODELS = DIAGONAL | CORRELATED | OUTCOMES


def laid_out(model, scale=None):
    """The layout with rows sorted by block, and their order."""
    block = blocks_of(model.noise)
    order = np.lexsort((block,))
    return block_layout(model.noise, order, block, np.ones(len(block)) if scale is None else scale), order


def full(layout, packed):
    """The blocks of a packed matrix on the diagonal of a full one."""
    n = layout.starts[-1]
    out = np.zeros((n, n))
    for b, (first, last) in enumerate(zip(layout.starts, layout.starts[1:], strict=False)):
        own = packed[layout.offsets[b] : layout.offsets[b + 1]]
        out[first:last, first:last] = own.reshape(last - first, -1)
    return out


@pytest.mark.parametrize("name", MODELS)
def test_blocks_hold_the_whole_covariance(name):
    model = MODELS[name]
    layout, order = laid_out(model)
    found, expected = covariance(layout, model.at), model.R(model.at)[np.ix_(order, order)]
    np.testing.assert_allclose(full(layout, found.R), expected, atol=1e-12 * np.abs(expected).max())
    assert found.logdet == pytest.approx(np.linalg.slogdet(expected)[1], rel=1e-10)


@pytest.mark.parametrize("name", ["blocks", "three outcomes, all of it"])
def test_whitened_rows_have_the_identity_as_covariance(name):
    model = MODELS[name]
    layout, order = laid_out(model)
    at = covariance(layout, model.at)
    K = np.linalg.cholesky(model.R(model.at)[np.ix_(order, order)])
    rows = np.ascontiguousarray(model.X[order])
    found = whiten(layout, at, rows, np.arange(len(order)))
    np.testing.assert_allclose(found, np.linalg.solve(K, rows), rtol=1e-9, atol=1e-9)
    normal = np.random.default_rng(3).standard_normal(len(order))
    np.testing.assert_allclose(coloured(layout, at, np.random.default_rng(3)), K @ normal, rtol=1e-9)


def test_units_divide_sds_and_variances():
    model = OUTCOMES["two outcomes, known covariances"]
    scale = np.where(model.noise.which == 0, 1e-3, 50.0)
    layout, order = laid_out(model, scale)
    expected = (model.R(model.at) / np.outer(scale, scale))[np.ix_(order, order)]
    found = full(layout, covariance(layout, model.at).R)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).min(initial=1))


def test_rows_meet_in_blocks_and_in_units():
    noise = replace(
        residual(np.ones((6, 1)), variances=np.ones(6)),
        covariances=((np.array([0, 3]), np.eye(2)), (np.array([4, 5]), np.eye(2))),
        which=np.array([0, 1, 0, 1, 0, 0]),
        units=np.array([0, 0, 1, 1, 2, 3]),
    )
    assert blocks_of(noise).tolist() == [0, 1, 2, 0, 3, 3]
    together = replace(noise, rhos=(((0, 1), np.ones((6, 1))),))
    assert blocks_of(together).tolist() == [0, 0, 0, 0, 1, 1]
    assert not noise.is_diagonal
    assert blocks_of(residual(np.ones((3, 1)))).tolist() == [0, 1, 2]


def test_components_of_no_hubs_are_the_rows():
    none = np.zeros(0, dtype=np.int64)
    assert components(3, none, none).tolist() == [0, 1, 2]


def test_a_sigma_of_zero_leaves_the_known_part():
    layout = strata_layout(np.ones((2, 1)), np.zeros(2), np.ones(2), np.array([0.5, 2.0]), False)
    at = covariance(layout, Theta(np.zeros((0, 0)), np.array([-np.inf])))
    assert at.R.tolist() == [0.5, 2.0]
    none = strata_layout(np.ones((2, 1)), np.zeros(2), np.ones(2), np.array([0.5, 0.0]), False)
    assert np.isnan(covariance(none, Theta(np.zeros((0, 0)), np.array([-np.inf]))).logdet)


def test_one_of_two_sigmas_may_be_zero():
    model = BOUNDARY["one sigma of zero"]
    layout, order = laid_out(model)
    found = full(layout, covariance(layout, model.at).R)
    np.testing.assert_allclose(found, model.R(model.at)[np.ix_(order, order)], atol=1e-12)


def test_nearly_singular_blocks_have_no_factor():
    """Ones and zeros lose all digits at the second pivot; half the digits are enough."""
    for nearly, exists in ((1.0, False), (1 - 1e-15, False), (1 - 1e-8, True)):
        V = np.array([[1.0, nearly], [nearly, 1.0]])
        noise = replace(residual(np.ones((2, 0)), variances=np.ones(2)), covariances=((np.arange(2), V),))
        layout = block_layout(noise, np.arange(2), np.zeros(2, dtype=np.int64), np.ones(2))
        at = covariance(layout, Theta(np.zeros((0, 0)), np.zeros(0)))
        assert np.isfinite(at.logdet) == exists


def test_variance_slopes_are_sums_of_the_diagonal():
    noise: Noise = CORRELATED["blocks"].noise
    layout, order = laid_out(replace(CORRELATED["blocks"], noise=noise))
    B = np.random.default_rng(0).normal(size=len(layout.known))
    diagonal = np.diag(full(layout, B))
    np.testing.assert_allclose(variance_slopes(layout, B), diagonal @ (noise.W[order] != 0))
