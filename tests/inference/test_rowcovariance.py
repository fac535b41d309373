"""Σ of a design against Z G Z' by hand."""

from __future__ import annotations

import numpy as np

from laird.design import bind
from laird.inference.rowcovariance import Dispersion, diagonal, row_covariance, row_layout
from laird.spec import parse_spec


def dense(where, stacks):
    """The matrix of rows by rows that stacks stand for."""
    found = np.zeros((where.n, where.n))
    for rows, own in zip(where.stacks, stacks, strict=True):
        for block, values in zip(rows, own, strict=True):
            found[np.ix_(block, block)] = values
    return found


def a_design():
    rng = np.random.default_rng(2)
    n = 12
    data = {"y": rng.normal(size=n), "x": rng.normal(size=n), "a": rng.permutation(np.arange(n) % 4)}
    data["b"] = rng.permutation(np.arange(n) % 3)
    _, design = bind(parse_spec("y ~ x + (1 + x | a) + (1 | b)"), data)
    return design


def some_dispersion(design, seed):
    rng = np.random.default_rng(seed)
    n = len(design.y)
    A = rng.normal(size=(2, 2))
    scale = (rng.uniform(0.5, 2, 4)[design.random[0].ids], np.ones(n))
    return Dispersion((A @ A.T, np.array([[0.7]])), scale, rng.uniform(0.5, 1, n), None, np.array(1.0))


def test_the_parts_add_up_to_the_dense_matrix():
    design = a_design()
    at, where = some_dispersion(design, 3), row_layout(design)
    found = row_covariance(design, where, at)
    expected = np.diag(at.sigma**2)
    for random, G, scale in zip(design.random, at.G, at.scale, strict=True):
        Z = random.Z * scale[:, None]
        expected += (random.ids[:, None] == random.ids) * (Z @ G @ Z.T)
    np.testing.assert_allclose(dense(where, found.total()), expected, rtol=1e-13, atol=1e-15)
    assert found.names == ("residual", "a", "b")
    np.testing.assert_allclose(found.variances().sum(axis=0), np.diag(expected), rtol=1e-13)


def test_draws_are_computed_side_by_side():
    design = a_design()
    where = row_layout(design)
    single = [some_dispersion(design, seed) for seed in (3, 4)]
    both = Dispersion(
        tuple(np.stack(own) for own in zip(*(at.G for at in single), strict=True)),
        tuple(np.stack(own) for own in zip(*(at.scale for at in single), strict=True)),
        np.stack([at.sigma for at in single]),
        None,
        np.ones(2),
    )
    together = row_covariance(design, where, both).total()
    for s, at in enumerate(single):
        alone = row_covariance(design, where, at).total()
        for a, b in zip(together, alone, strict=True):
            np.testing.assert_allclose(a[s], b, rtol=1e-14)
    variances = row_covariance(design, where, both).variances()
    assert variances.shape == (2, 3, 12)
    np.testing.assert_allclose(variances.sum(axis=1), diagonal(where, together), rtol=1e-13)
