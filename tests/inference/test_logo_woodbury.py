"""Σ⁻¹ by Woodbury's identity against the dense inverse."""

from __future__ import annotations

import numpy as np
import pytest

from laird.design import RandomDesign
from laird.inference.logo_woodbury import effects_of, inverse_rows


@pytest.fixture
def random():
    rng = np.random.default_rng(1)
    names, x = ("Intercept", "x"), rng.normal(size=12)
    Z = np.column_stack([np.ones(12), x])
    return (
        RandomDesign("a", ("p", "q", "r"), np.arange(12) % 3, Z, names, ((0, 1),)),
        RandomDesign("b", ("s", "t"), np.arange(12) // 6, Z[:, :1], names[:1], ((0,),)),
    )


def test_it_is_the_inverse(random):
    rng = np.random.default_rng(2)
    W, sigma, L = rng.normal(size=(12, 2)), np.array([0.5, 2.0]), np.zeros((2, 3, 3))
    L[:, :2, :2] = np.tril(rng.normal(size=(2, 2, 2)))
    L[:, 2, 2] = [0.3, 0.0]
    diagonal, SW = inverse_rows(random, L, sigma, W)
    assert effects_of(random) == 8
    for s in range(2):
        a, b = random
        G = L[s] @ L[s].T
        same_a, same_b = np.equal.outer(a.ids, a.ids), np.equal.outer(b.ids, b.ids)
        Sigma = same_a * (a.Z @ G[:2, :2] @ a.Z.T) + same_b * G[2, 2] + sigma[s] ** 2 * np.eye(12)
        inverse = np.linalg.inv(Sigma)
        np.testing.assert_allclose(diagonal[s], np.diag(inverse), rtol=1e-10)  # 12 rows: rounding only
        np.testing.assert_allclose(SW[s], inverse @ W, rtol=1e-9, atol=1e-12)
