import numpy as np
import pytest
from tests.gaussian.cases import SHAPES

from laird.gaussian.standardise import (
    column_moments,
    constant_coefficients,
    standard_columns,
    standardise,
)

RNG = np.random.default_rng(0)


@pytest.fixture(params=SHAPES)
def case(request):
    return SHAPES[request.param]


@pytest.fixture
def scaling(case):
    return standardise(case.y, case.X, case.Z, case.blocks)


def test_starred_columns_are_linear_in_the_columns(case, scaling):
    starred = (case.X - scaling.x_mean) / scaling.x_scale
    np.testing.assert_allclose(case.X @ scaling.A, starred, rtol=0, atol=1e-12)
    starred = (case.Z - scaling.z_mean) / scaling.z_scale
    np.testing.assert_allclose(case.Z @ scaling.T, starred, rtol=0, atol=1e-12)


def test_starred_values_are_of_order_one(case, scaling):
    for M in (case.X @ scaling.A, case.Z @ scaling.T, (case.y - scaling.y_mean)[:, None] / scaling.y_scale):
        np.testing.assert_allclose(np.sqrt(np.mean(M**2, axis=0)), 1, rtol=1e-10)


def test_fitted_values_are_the_same_before_and_after(case, scaling):
    beta_star, u_star = RNG.normal(size=case.X.shape[1]), RNG.normal(size=case.Z.shape[1])
    fitted = scaling.y_scale * (case.X @ scaling.A @ beta_star) + scaling.y_mean
    scale = np.abs(fitted).max()
    np.testing.assert_allclose(case.X @ scaling.beta(beta_star), fitted, rtol=0, atol=1e-12 * scale)
    effect = scaling.y_scale * case.Z @ scaling.T @ u_star
    np.testing.assert_allclose(case.Z @ scaling.u(u_star), effect, rtol=0, atol=1e-12 * np.abs(effect).max())


def test_beta_star_is_the_inverse_of_beta(case, scaling):
    beta_star = RNG.normal(size=(5, case.X.shape[1]))
    np.testing.assert_allclose(scaling.beta_star(scaling.beta(beta_star)), beta_star, rtol=0, atol=1e-10)


def test_covariances_follow_their_vectors(case, scaling):
    """Cov of a linear map, from its values at unit vectors."""
    p, q = case.X.shape[1], case.Z.shape[1]
    M = np.array([scaling.beta(e) - scaling.beta(np.zeros(p)) for e in np.eye(p)]).T
    N = np.array([scaling.u(e) for e in np.eye(q)]).T
    size = np.abs(M @ M.T).max()
    np.testing.assert_allclose(scaling.beta_cov(np.eye(p)), M @ M.T, rtol=1e-9, atol=1e-12 * size)
    np.testing.assert_allclose(scaling.G(np.eye(q)), N @ N.T, rtol=1e-12, atol=1e-12)


def test_random_slopes_are_centred_only_with_an_intercept_in_their_block():
    one, x, y = np.ones(20), 5 + RNG.normal(size=20), RNG.normal(size=20)
    Z = np.column_stack([one, x])
    joint, apart = standardise(y, Z, Z, [(0, 1)]), standardise(y, Z, Z, [(0,), (1,)])
    assert joint.z_mean[1] == pytest.approx(x.mean(), rel=1e-14)
    assert apart.z_mean[1] == 0
    assert apart.z_scale[1] == pytest.approx(np.sqrt(np.mean(x**2)), rel=1e-14)


def test_moments_survive_an_offset_of_a_billion_sds():
    small = RNG.integers(-5, 6, (100, 1)).astype(float)  # exactly representable after the shift
    mean, sd = column_moments(small + 2.0**40)
    assert mean[0] - 2.0**40 == pytest.approx(small.mean(), abs=2.0**-12)  # spacing of doubles at 2^40
    assert sd[0] == pytest.approx(small.std(), rel=1e-14)


@pytest.mark.parametrize(
    ("X", "expected"),
    [
        (np.column_stack([RNG.normal(size=6), np.ones(6)]), [0, 1]),
        (np.eye(3)[[0, 1, 2, 0, 1, 2]], [1, 1, 1]),
        (RNG.normal(size=(6, 2)), None),
        (np.empty((6, 0)), None),
    ],
    ids=["a column of ones", "cell means", "no constants", "no columns"],
)
def test_constants_in_the_span_are_found(X, expected):
    found = constant_coefficients(X)
    assert (found is None) == (expected is None)
    if expected is not None:
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_an_outcome_without_variation_has_a_scale():
    assert standardise(np.zeros(4), np.ones((4, 1)), np.ones((4, 1)), [(0,)]).y_scale == 1


PREDICTORS = {
    "a constant": np.ones((6, 1)),
    "a constant and a slope": np.column_stack([np.ones(6), 1e6 + RNG.normal(size=6)]),
    "the constant last": np.column_stack([RNG.normal(size=(6, 2)), np.ones(6)]),
    "a full set of indicators": np.eye(3)[[0, 1, 2, 0, 1, 1]],
    "indicators and a slope": np.column_stack([np.eye(2)[[0, 1, 0, 0, 1, 1]], RNG.normal(5, 1, 6)]),
}


@pytest.fixture(params=PREDICTORS)
def predictors(request):
    return PREDICTORS[request.param]


def test_standard_predictors_span_the_same_columns(predictors):
    V, A = standard_columns(predictors)
    size = np.abs(predictors).max()
    np.testing.assert_allclose(V, predictors @ A, rtol=0, atol=1e-14 * size)
    assert abs(np.linalg.det(A)) > 0


def test_standard_predictors_are_a_constant_and_centred_columns_of_sd_one(predictors):
    V, _ = standard_columns(predictors)
    np.testing.assert_array_equal(V[:, 0], 1)
    np.testing.assert_allclose(V[:, 1:].mean(axis=0), 0, rtol=0, atol=1e-10)
    np.testing.assert_allclose(V[:, 1:].std(axis=0), 1, rtol=1e-12)


def test_predictors_without_a_constant_are_only_scaled():
    W = RNG.normal(3, 2, (6, 2))
    V, A = standard_columns(W)
    np.testing.assert_allclose(np.mean(V**2, axis=0), 1, rtol=1e-12)
    np.testing.assert_allclose(V, W @ A, rtol=1e-14)
    assert A[0, 1] == A[1, 0] == 0
