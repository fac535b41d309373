"""β̂, û, their joint covariance and exact conditional draws, against the dense oracle."""

import numpy as np
import pytest
from tests.gaussian.cases import SHAPES, case, centred

from laird.gaussian import dense
from laird.gaussian.marginal import flat, marginal
from laird.gaussian.solution import draw, solve

RTOL = 1e-8  # relative to the largest entry; matrices have condition numbers up to 1e6


@pytest.fixture(params=SHAPES)
def shape(request):
    return SHAPES[request.param]


def assert_close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=RTOL, atol=RTOL * np.abs(expected).max())


def blocks_of(matrix, J, q):
    """The (J, q, q) diagonal blocks of a (Jq, Jq) matrix."""
    return np.stack([matrix[j * q : (j + 1) * q, j * q : (j + 1) * q] for j in range(J)])


def test_solution_equals_the_oracle(shape):
    R, q = np.full(len(shape.y), shape.sigma**2), shape.Z.shape[1]
    beta, u, u_cov, cross = dense.blup(shape.y, shape.X, shape.Z, shape.ids, shape.J, shape.G, R)
    solution = solve(flat(shape.grouped), shape.L, shape.sigma)
    assert_close(solution.beta, beta)
    assert_close(solution.beta_cov, dense.gls(shape.y, shape.X, shape.V)[1])
    assert_close(solution.effects[0].u, u)
    assert_close(solution.effects[0].cov, blocks_of(u_cov, shape.J, q))
    assert_close(solution.effects[0].beta_cov, cross.reshape(-1, shape.J, q).transpose(1, 2, 0))


def test_weights_are_those_of_the_slides(shape):
    """W_j = G(G + V_j)⁻¹ with V_j = σ²(Z_j'Z_j)⁻¹, where a group has a line of its own."""
    solution, q = solve(flat(shape.grouped), shape.L, shape.sigma), shape.Z.shape[1]
    compared = 0
    for j in range(shape.J):
        Z = shape.Z[shape.ids == j]
        if len(Z) <= q:
            continue
        V = shape.sigma**2 * np.linalg.inv(Z.T @ Z)
        assert_close(solution.effects[0].weights[j], shape.G @ np.linalg.inv(shape.G + V))
        compared += 1
    assert compared > 0 or np.max(np.bincount(shape.ids)) <= q


def test_without_group_variance_there_are_no_group_effects(shape):
    solution = solve(flat(shape.grouped), np.zeros_like(shape.L), shape.sigma)
    np.testing.assert_array_equal(solution.effects[0].u, 0)
    np.testing.assert_array_equal(solution.effects[0].cov, 0)
    assert_close(solution.beta, np.linalg.lstsq(shape.X, shape.y, rcond=None)[0])


def gaussian_posterior(shape, mean, precision, sampled, b):
    """Mean and covariance of (γ_rest, u) given y, σ, G and the sampled γ, from the joint precision."""
    X, n, q = centred(shape), len(shape.y), shape.Z.shape[1]
    rest = [k for k in range(X.shape[1]) if k not in sampled]
    big = np.zeros((n, shape.J * q))
    for i, j in enumerate(shape.ids):
        big[i, j * q : (j + 1) * q] = shape.Z[i]
    W = np.hstack([X[:, rest], big])
    prior = np.zeros((W.shape[1], W.shape[1]))
    prior[: len(rest), : len(rest)] = np.diag(precision[rest])
    prior[len(rest) :, len(rest) :] = np.kron(np.eye(shape.J), np.linalg.inv(shape.G))
    Q = W.T @ W / shape.sigma**2 + prior
    right = W.T @ (shape.y - X[:, sampled] @ b) / shape.sigma**2
    right[: len(rest)] += precision[rest] * mean[rest]
    return np.linalg.solve(Q, right), np.linalg.inv(Q), rest


def raw_coefficients(shape, gamma):
    """γ of the centred columns as β of the columns themselves: the intercept takes up the shift."""
    beta, ones = gamma.copy(), np.all(shape.X == 1, axis=0)
    if ones.any():
        beta[ones] -= np.sum(np.where(ones, 0, shape.X.mean(axis=0) * gamma))
    return beta


PRIORED = case(q=2, p=3, seed=11)
MEAN, PRECISION, GIVEN = np.array([1.0, -0.5, 2.0]), np.array([0.0, 3.0, 0.8]), [2]


def test_priors_and_sampled_coefficients_enter_the_solution():
    b = np.array([0.7])
    solution = solve(marginal(PRIORED.grouped, MEAN, PRECISION, GIVEN), PRIORED.L, PRIORED.sigma, b)
    expected, cov, rest = gaussian_posterior(PRIORED, MEAN, PRECISION, GIVEN, b)
    gamma = np.zeros(3)
    gamma[rest], gamma[GIVEN] = expected[:2], b
    assert_close(solution.beta, raw_coefficients(PRIORED, gamma))
    assert_close(solution.effects[0].u.ravel(), expected[2:])
    assert_close(solution.effects[0].cov, blocks_of(cov[2:, 2:], PRIORED.J, 2))


def test_draws_have_the_moments_of_the_exact_conditional():
    draws, b = 40_000, np.array([0.7])
    problem = marginal(PRIORED.grouped, MEAN, PRECISION, GIVEN)
    beta, u = draw(
        *(problem, np.repeat(PRIORED.L[None], draws, 0), np.full(draws, PRIORED.sigma)),
        *(np.repeat(b[None], draws, 0), np.random.default_rng(1)),
    )
    expected, cov, _ = gaussian_posterior(PRIORED, MEAN, PRECISION, GIVEN, b)
    slope = beta[:, 1]
    intercept = beta[:, 0] + beta[:, 1:] @ PRIORED.X[:, 1:].mean(axis=0)
    sample = np.column_stack([intercept, slope, u.reshape(draws, -1)])
    sd = np.sqrt(np.diag(cov))
    # Monte Carlo standard errors: sd/√S of a mean; of a covariance √((c_ii c_jj + c_ij²)/S).
    # The largest of 14 (105) independent normal deviates exceeds 4.5 with probability below 0.001.
    assert np.max(np.abs(sample.mean(axis=0) - expected) / (sd / np.sqrt(draws))) < 4.5
    error = np.sqrt((np.outer(sd, sd) ** 2 + cov**2) / draws)
    assert np.max(np.abs(np.cov(sample.T) - cov) / error) < 4.5
    np.testing.assert_allclose(beta[:, 2], b[0], rtol=1e-12)  # sampled coefficients stay as given


def test_each_draw_uses_its_own_parameters():
    """With a tiny σ the effects follow the data, with a tiny G they vanish."""
    shape = case(q=1, p=1, sizes=(5,) * 6)
    L, sigma = np.array([[[1.0]], [[1e-9]]]), np.array([1e-9, 1.0])
    beta, u = draw(flat(shape.grouped), L, sigma, np.zeros((2, 0)), np.random.default_rng(0))
    means = np.bincount(shape.ids, shape.y) / np.bincount(shape.ids)
    np.testing.assert_allclose(beta[0] + u[0, :, 0], means, atol=1e-8)
    np.testing.assert_allclose(u[1], 0, atol=1e-7)


def test_draws_depend_on_the_generator_only():
    shape = SHAPES["intercept and slope"]
    arguments = flat(shape.grouped), shape.L[None], np.array([shape.sigma]), np.zeros((1, 0))
    first, again = (draw(*arguments, np.random.default_rng(5)) for _ in range(2))
    other = draw(*arguments, np.random.default_rng(6))
    np.testing.assert_array_equal(first[1], again[1])
    assert not np.array_equal(first[1], other[1])
