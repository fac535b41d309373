"""Units outcome by outcome, and correlation matrices of several outcomes."""

import numpy as np
import pytest
from tests.gaussian.cases import central_difference
from tests.gaussian.hierarchies import OUTCOMES

from laird.gaussian.coordinates import partial_correlations
from laird.gaussian.outcomes import correlation_chain, correlations, pairs_of, star

ONE = np.zeros(5, dtype=np.int64)


def test_one_outcome_has_the_usual_units():
    rng = np.random.default_rng(0)
    y, X = rng.normal(5, 2, 5), np.column_stack([np.ones(5), rng.normal(3, 1, 5)])
    found = star(y, X, np.zeros((5, 0)), (), ONE)
    np.testing.assert_allclose(found.y, (y - y.mean()) / y.std())
    np.testing.assert_allclose(found.scale, y.std())
    np.testing.assert_allclose(found.X @ found.units.beta_star(np.array([1.0, 2.0])) * y.std() + y.mean(),
                               X @ [1.0, 2.0])  # fmt: skip


@pytest.mark.parametrize("name", ["two outcomes, groups", "three outcomes, all of it", "scales of their own"])
def test_starred_rows_say_the_same_of_every_outcome(name):
    """y* = (y - mean)/s, and Xβ + Zu in starred units is what it is in the user's, less the mean."""
    model = OUTCOMES[name]
    which, rng = model.noise.which, np.random.default_rng(1)
    Z = np.hstack(model.Z)
    found = star(model.y, model.X, Z, [tuple(range(Z.shape[1]))], which)
    for outcome in np.unique(which):
        own = which == outcome
        assert found.y[own].mean() == pytest.approx(0, abs=1e-12)
        assert found.y[own].std() == pytest.approx(1)
    beta, u = rng.normal(size=model.X.shape[1]), rng.normal(size=Z.shape[1])
    mean = model.y - found.scale * found.y
    expected = found.scale * (found.X @ beta + found.Z @ u) + mean
    actual = model.X @ found.units.beta(beta) + Z @ found.units.u(u)
    np.testing.assert_allclose(actual, expected, atol=1e-10 * np.abs(expected).max())


@pytest.mark.parametrize("m", [2, 3, 5])
def test_every_vector_gives_a_correlation_matrix_with_its_partial_correlations(m):
    eta = np.random.default_rng(m).normal(0, 2, (4, m * (m - 1) // 2))
    C = correlations(eta, m)
    np.testing.assert_array_equal(np.diagonal(C, axis1=1, axis2=2), 1)
    for own, values in zip(C, eta, strict=True):
        L = np.linalg.cholesky(own)
        np.testing.assert_allclose(partial_correlations(L, pairs_of(m)), np.tanh(values), atol=1e-9)


def test_two_outcomes_have_their_correlation():
    np.testing.assert_allclose(correlations(np.array([[0.3]]), 2)[0], [[1, np.tanh(0.3)], [np.tanh(0.3), 1]])


@pytest.mark.parametrize("m", [2, 3, 4])
def test_chain_is_the_derivative(m):
    rng = np.random.default_rng(m)
    eta, D = rng.normal(0, 1, (3, m * (m - 1) // 2)), rng.normal(size=(3, m, m))
    D += D.transpose(0, 2, 1)
    expected = central_difference(lambda values: float(np.sum(D * correlations(values, m))), eta)
    found = correlation_chain(eta, m, D)
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-8)  # central differences


def test_chain_is_finite_where_a_correlation_is_one():
    eta = np.array([[30.0, -30.0, 0.2]])
    assert np.isfinite(correlation_chain(eta, 3, np.ones((1, 3, 3)))).all()


def test_chain_does_not_overflow_far_away():
    eta = np.array([[800.0, -800.0, 0.2]])
    assert np.isfinite(correlation_chain(eta, 3, np.ones((1, 3, 3)))).all()
