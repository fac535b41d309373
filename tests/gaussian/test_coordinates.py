import numpy as np
import pytest
from tests.gaussian.cases import block_factor, central_difference

from laird.gaussian.coordinates import (
    correlated_pairs,
    correlation_factor,
    factor_entries,
    factor_of_log_scale,
    log_scale_gradient,
    log_scale_of_factor,
    lower_factor,
    partial_correlations,
    sds_and_correlations,
)

BLOCKS = {
    "one": ((0,),),
    "two": ((0, 1),),
    "four": ((0, 1, 2, 3),),
    "independent": ((0,), (1,), (2,)),
    "two and one": ((0, 1), (2,)),
    "one and three": ((0,), (1, 2, 3)),
}


@pytest.fixture(params=BLOCKS)
def blocks(request):
    return BLOCKS[request.param]


@pytest.fixture
def q(blocks):
    return max(max(block) for block in blocks) + 1


@pytest.fixture
def pairs(blocks):
    return correlated_pairs(blocks)


@pytest.fixture
def L(blocks, q):
    return block_factor(np.random.default_rng(4), blocks, q)


def test_entries_and_pairs_count_the_parameters(blocks, q, pairs):
    rows, columns = factor_entries(blocks)
    assert len(rows) == q + len(pairs) == sum(len(b) * (len(b) + 1) // 2 for b in blocks)
    assert set(pairs) == {(i, j) for i, j in zip(rows, columns, strict=True) if i != j}


def test_no_blocks_have_no_entries():
    assert [len(index) for index in factor_entries(())] == [0, 0]
    assert correlated_pairs(()) == ()


def test_lower_factor_is_cholesky_by_block(blocks, L):
    np.testing.assert_allclose(lower_factor(L @ L.T, blocks), L, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_lower_factor_of_a_singular_covariance(rank):
    root = np.random.default_rng(rank).normal(size=(3, rank))
    G = root @ root.T
    factor = lower_factor(G, [(0, 1, 2)])
    np.testing.assert_allclose(factor @ factor.T, G, rtol=0, atol=1e-13)
    assert np.count_nonzero(np.diag(factor)) == rank


def test_sds_and_correlations_of_a_stack(L):
    G = np.stack([L @ L.T, 4 * L @ L.T])
    sd, correlation = sds_and_correlations(G)
    np.testing.assert_allclose(sd[1], 2 * sd[0], rtol=1e-14)
    np.testing.assert_allclose(correlation[1], correlation[0], rtol=0, atol=1e-14)
    np.testing.assert_allclose(sd[0][:, None] * sd[0] * correlation[0], G[0], rtol=1e-13, atol=1e-14)


def test_the_correlation_with_a_constant_is_not_a_number():
    sd, correlation = sds_and_correlations(np.diag([4.0, 0.0]))
    np.testing.assert_array_equal(sd, [2, 0])
    np.testing.assert_array_equal(np.isnan(correlation), [[False, True], [True, True]])


def test_partial_correlations_and_factors_are_inverse(q, pairs):
    z = np.random.default_rng(1).uniform(-0.95, 0.95, (6, len(pairs)))
    factors = correlation_factor(z, q, pairs)
    np.testing.assert_allclose(np.sum(factors**2, axis=-1), 1, rtol=1e-14)
    for one, factor in zip(z, factors, strict=True):
        np.testing.assert_allclose(partial_correlations(3.0 * factor, pairs), one, rtol=0, atol=1e-13)


def test_log_scale_round_trip(L, q, pairs):
    phi = log_scale_of_factor(L, 0.7, pairs)
    assert phi.shape == (q + len(pairs) + 1,)
    factor, sigma = factor_of_log_scale(phi, q, pairs)
    np.testing.assert_allclose(factor, L, rtol=1e-12, atol=1e-14)
    assert sigma == pytest.approx(0.7, rel=1e-15)


def test_log_scale_of_a_stack(L, q, pairs):
    phi = np.stack([log_scale_of_factor(L, 0.7, pairs), log_scale_of_factor(2 * L, 1.4, pairs)])
    factors, sigmas = factor_of_log_scale(phi, q, pairs)
    np.testing.assert_allclose(factors[1], 2 * factors[0], rtol=1e-12)
    np.testing.assert_allclose(sigmas, [0.7, 1.4], rtol=1e-14)


def test_gradient_by_the_chain_rule(L, q, pairs):
    """Any smooth function of L; here a random quadratic one with a linear part."""
    rng = np.random.default_rng(8)
    H, g = rng.normal(size=(q, q)), rng.normal(size=(q, q))
    phi = log_scale_of_factor(L, 1.0, pairs)
    expected = central_difference(
        lambda x: float(np.sum((H * factor_of_log_scale(x, q, pairs)[0] + g) ** 2)), phi
    )[:-1]
    d_L = 2 * H * (H * L + g)
    # Central differences with step 1e-5: error about 1e-9 of the value, at most 100 here.
    np.testing.assert_allclose(log_scale_gradient(L, d_L, phi, q, pairs), expected, rtol=1e-7, atol=1e-7)
