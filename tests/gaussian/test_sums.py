"""The sums over groups, against the same equations written with NumPy, one group at a time."""

import numpy as np
import pytest

from laird.gaussian.sums import BLOCK, accumulate

# (J, q, m): one group; fewer than a block; blocks of equal size; a last block that is not full.
SHAPES = [(1, 2, 3), (7, 3, 5), (2 * BLOCK, 1, 4), (2 * BLOCK - 1, 2, 3)]


def cross_products(J, q, m, rng):
    Z, W = rng.standard_normal((J, 6, q)), rng.standard_normal((J, 6, m))
    Zt = Z.transpose(0, 2, 1)
    return Zt @ Z, Zt @ W, np.einsum("jnc,jnd->cd", W, W)


def oracle(Lam, ZZ, ZW):
    """log|A|, and what the groups take from S and add to B and K."""
    q = len(Lam)
    A = Lam.T @ ZZ @ Lam + np.eye(q)
    M = Lam @ np.linalg.inv(A) @ Lam.T
    P = (ZW - ZZ @ M @ ZW).reshape(len(ZW), -1)
    S = np.sum(ZW.transpose(0, 2, 1) @ M @ ZW, axis=0)
    return np.linalg.slogdet(A)[1].sum(), S, np.sum(ZZ - ZZ @ M @ ZZ, axis=0), P.T @ P


@pytest.mark.parametrize(("J", "q", "m"), SHAPES)
def test_sums_are_those_of_the_equations(J, q, m):
    rng = np.random.default_rng(J)
    ZZ, ZW, WW = cross_products(J, q, m, rng)
    Lam = rng.standard_normal((q, q))
    S, B, K = WW.copy(), np.zeros((q, q)), np.zeros((q * m, q * m))
    logdet = accumulate(Lam, ZZ, ZW, S, B, K)
    expected, taken, added_B, added_K = oracle(Lam, ZZ, ZW)
    # Sums of J terms in another order: rounding, relative to the sum of the terms' sizes.
    close = {"rtol": 1e-11, "atol": 1e-11 * J}
    assert logdet == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(np.tril(WW - S), np.tril(taken), **close)
    np.testing.assert_allclose(np.tril(B), np.tril(added_B), **close)
    np.testing.assert_allclose(np.tril(K), np.tril(added_K), **close)


def test_without_room_for_the_gradient_only_s_is_changed():
    rng = np.random.default_rng(1)
    ZZ, ZW, WW = cross_products(5, 2, 3, rng)
    Lam, none = rng.standard_normal((2, 2)), np.zeros((0, 0))
    with_gradient, without = WW.copy(), WW.copy()
    first = accumulate(Lam, ZZ, ZW, with_gradient, np.zeros((2, 2)), np.zeros((6, 6)))
    assert accumulate(Lam, ZZ, ZW, without, none, none) == first
    np.testing.assert_array_equal(without, with_gradient)


def test_the_product_of_pivots_never_overflows():
    """A thousand pivots of about 1e12 multiply to far more than the largest number."""
    J, pivot = 1000, 1e12
    ZZ, ZW = np.full((J, 1, 1), pivot), np.zeros((J, 1, 1))
    none = np.zeros((0, 0))
    logdet = accumulate(np.ones((1, 1)), ZZ, ZW, np.zeros((1, 1)), none, none)
    assert logdet == pytest.approx(J * np.log1p(pivot), rel=1e-13)


def test_what_is_not_a_number_stays_so():
    ZZ, ZW = np.full((3, 1, 1), np.nan), np.zeros((3, 1, 1))
    none = np.zeros((0, 0))
    assert np.isnan(accumulate(np.ones((1, 1)), ZZ, ZW, np.zeros((1, 1)), none, none))
