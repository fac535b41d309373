"""The compiled loops on matrices over the other factors, against NumPy."""

import numpy as np
import pytest
from scipy.linalg import block_diag
from tests.gaussian.crossed_cases import CASES

from laird.gaussian.crossed_kernels import (
    congruence,
    eliminate_leading,
    leading_coefficients,
    leading_covariance,
    times_blocks,
)

RTOL = 1e-11  # a few hundred products, well conditioned


@pytest.fixture(params=[(1, 1, 1), (2, 2), (1, 3, 2), (4,)])
def blocks(request):
    rng = np.random.default_rng(len(request.param))
    return [rng.normal(size=(q, q)) for q in request.param]


def as_columns(blocks):
    """Bounds of the blocks, and their columns padded to the largest."""
    sizes = [len(block) for block in blocks]
    columns = np.zeros((sum(sizes), max(sizes)))
    bounds = np.cumsum([0, *sizes])
    for start, block in zip(bounds, blocks, strict=False):
        columns[start : start + len(block), : len(block)] = block.T
    return bounds, columns


def symmetric(r):
    root = np.random.default_rng(r).normal(size=(r, r))
    return root + root.T


def lower(F):
    """The lower triangle, with what must not be read above it."""
    return np.tril(F) + np.triu(np.full_like(F, np.nan), 1)


def test_congruence_reads_and_writes_lower_triangles(blocks):
    T = block_diag(*blocks)
    F = symmetric(len(T))
    found = lower(F)
    congruence(found, *as_columns(blocks))
    np.testing.assert_allclose(np.tril(found), np.tril(T.T @ F @ T), rtol=RTOL, atol=RTOL)


def test_rows_of_a_product_with_blocks(blocks):
    T = block_diag(*blocks)
    F, at = symmetric(len(T)), np.array([len(T) - 1, 0])
    out = np.empty((2, len(T)))
    times_blocks(lower(F), *as_columns(blocks), at, out)
    np.testing.assert_allclose(out, (F @ T)[at], rtol=RTOL, atol=RTOL)


@pytest.fixture(params=["slopes in both", "three factors", "groups without rows", "larger factor zero"])
def model(request):
    return CASES[request.param]


def eliminated(model):
    """The leading factor's T and what is left of C'C, C = [Z_r W], beside V of the leading factor alone."""
    crossed, f = model.crossed, model.crossed.leading
    r = len(crossed.rest_W)
    F, FW, S, T = np.zeros((r, r)), crossed.rest_W.copy(), crossed.WW.copy(), np.empty_like(crossed.ZZ)
    F[*crossed.rest_at] = crossed.rest
    lists = crossed.starts, crossed.columns, crossed.values
    logdet = eliminate_leading(model.Lams[f], crossed.ZZ, crossed.ZW, *lists, T, F, FW, S)
    alone = [G if g == f else 0 * G for g, G in enumerate(model.G)]
    return crossed, lists, (T, F, FW, S, logdet), model.covariance(alone)


def test_leading_factor_is_integrated_out(model):
    crossed, _, (_, F, FW, S, logdet), V = eliminated(model)
    rest = np.hstack([model.wide[f] for f in crossed.spans])
    C = np.hstack([rest, model.W])
    expected = C.T @ np.linalg.solve(V, C)
    r = len(F)
    np.testing.assert_allclose(F, np.tril(expected[:r, :r]), rtol=RTOL, atol=RTOL)
    np.testing.assert_allclose(FW, expected[:r, r:], rtol=RTOL, atol=RTOL)
    np.testing.assert_allclose(S, expected[r:, r:], rtol=RTOL, atol=1e-10)
    assert logdet == pytest.approx(np.linalg.slogdet(V)[1], rel=RTOL, abs=RTOL)


def test_leading_coefficients_and_covariance(model):
    """M_j(Z_j'W - Z_j'Z_r K), and M_j + (M_jZ_j'Z_r) M (M_jZ_j'Z_r)' for any K and M."""
    crossed, lists, (T, *_), _ = eliminated(model)
    f, r = crossed.leading, len(crossed.rest_W)
    rng = np.random.default_rng(1)
    K, root = rng.normal(size=(r, 2)), rng.normal(size=(r, r))
    M = root @ root.T
    wide, rest = model.wide[f], np.hstack([model.wide[g] for g in crossed.spans])
    ZW = (wide.T @ model.W[:, :2]).reshape(*crossed.ZZ.shape[:2], 2)
    found = leading_coefficients(ZW, *lists, T, K)
    covariances = leading_covariance(*lists, T, lower(M))
    for j in range(crossed.counts[f]):
        Z = wide[:, j * crossed.sizes[f] : (j + 1) * crossed.sizes[f]]
        own = model.Lams[f] @ np.linalg.solve(
            np.eye(crossed.sizes[f]) + model.Lams[f].T @ Z.T @ Z @ model.Lams[f], model.Lams[f].T
        )
        np.testing.assert_allclose(found[j], own @ (ZW[j] - Z.T @ rest @ K), rtol=1e-9, atol=1e-10)
        passed = own @ Z.T @ rest
        np.testing.assert_allclose(covariances[j], own + passed @ M @ passed.T, rtol=1e-9, atol=1e-10)
