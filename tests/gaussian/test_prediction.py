"""Variances of linear predictors at any rows, against the joint posterior of n × n matrices."""

import numpy as np
import pytest
from tests.gaussian.hierarchies import MODELS, Model
from tests.gaussian.structures import INNER, MIDDLE, ROWS, structure

from laird.gaussian import prediction
from laird.gaussian.prediction import prediction_variance
from laird.gaussian.theta import Theta

NAMES = [
    "no groups, known variances",
    "weights",
    "group sds",
    "nested",
    "three levels, in no order",
    "far from zero",
    "no group variance",
    "crossed, strata",
    "crossed, three factors",
    "blocks inside groups",
    "blocks across groups",
    "blocks across crossed groups",
    "two outcomes, crossed",
    "scales of their own",
]


def random_rows(rng, counts, X, Z, T=40):
    """Rows of any combination of groups; a third of the groups is new."""
    at = rng.integers(0, len(X), T)
    ids = [np.where(rng.random(T) < 0.33, -1, rng.integers(0, J, T)) for J in counts]
    return X[at], [z[at] for z in Z], ids


def expected(model, X, Z, ids):
    """a'Cov a for the joint posterior of (β, u), and z'Gz for new groups."""
    cov, G = model.posterior(model.at)[1], model.at.L @ model.at.L.T
    a, prior = np.zeros((len(X), len(cov))), np.zeros(len(X))
    a[:, : X.shape[1]] = X
    for f, (z, own, place) in enumerate(zip(Z, ids, model.places, strict=True)):
        first, q = model.rows_of(f).start, z.shape[1]
        for t in range(len(X)):
            if own[t] < 0:
                prior[t] += z[t] @ G[place, place] @ z[t]
            else:
                a[t, first + own[t] * q : first + (own[t] + 1) * q] = z[t]
    return prior + np.einsum("ta,ab,tb->t", a, cov, a)


@pytest.mark.parametrize("name", NAMES)
def test_variance_is_that_of_the_joint_posterior(name):
    model: Model = MODELS[name]
    X, Z, ids = random_rows(np.random.default_rng(3), model.counts, model.X, model.Z)
    found = prediction_variance(model.data, model.at, X, Z, ids)
    np.testing.assert_allclose(found, expected(model, X, Z, ids), rtol=1e-7)


@pytest.mark.parametrize(
    "base",
    [
        structure([INNER, MIDDLE], (18, 6), (2, 1), seed=1),
        structure([MIDDLE, INNER], (6, 18), (1, 1), seed=2),
        structure([ROWS % 10, ROWS // 12], (10, 6), (1, 2), seed=3),
    ],
    ids=["nested", "outer first", "crossed"],
)
def test_several_factors_with_constant_sigma(base):
    model = _as_model(base)
    X, Z, ids = random_rows(np.random.default_rng(3), base.counts, base.X, base.Z)
    found = prediction_variance(base.composite, Theta(base.at.L, base.at.alpha), X, Z, ids)
    np.testing.assert_allclose(found, expected(model, X, Z, ids), rtol=1e-7)
    same = prediction_variance(model.data, model.at, X, Z, ids)
    np.testing.assert_allclose(found, same, rtol=1e-9)


def _as_model(base) -> Model:
    from laird.gaussian.noise import residual

    n = len(base.y)
    at = Theta(base.at.L, base.at.alpha, base.at.delta)
    return Model(
        *(base.y, base.X, base.Z, base.ids, base.counts, base.blocks, base.s),
        *(residual(base.w), np.zeros((n, n)), at),
    )


def test_many_rows_are_computed_in_parts(monkeypatch):
    model = MODELS["nested"]
    X, Z, ids = random_rows(np.random.default_rng(4), model.counts, model.X, model.Z)
    whole = prediction_variance(model.data, model.at, X, Z, ids)
    monkeypatch.setattr(prediction, "ROWS", 7)
    np.testing.assert_allclose(prediction_variance(model.data, model.at, X, Z, ids), whole, rtol=1e-12)


def test_no_rows_have_no_variance():
    model = MODELS["nested"]
    empty = [z[:0] for z in model.Z]
    ids = [np.zeros(0, dtype=np.int64) for _ in model.Z]
    assert prediction_variance(model.data, model.at, model.X[:0], empty, ids).shape == (0,)
