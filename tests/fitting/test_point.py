import numpy as np
import pytest
from tests.gaussian.cases import case

from laird.fitting.point import conditional_point, least_squares_point, posterior_point
from laird.gaussian.lines import GroupLines
from laird.gaussian.marginal import flat
from laird.gaussian.solution import solve

CASE = case(q=2, p=3)


def test_a_conditional_point_holds_the_solution():
    solution = solve(flat(CASE.grouped), CASE.L, CASE.sigma)
    point = conditional_point(solution, CASE.L, CASE.sigma)
    np.testing.assert_allclose(point.G, CASE.G, rtol=1e-12)
    np.testing.assert_allclose(point.sd**2, np.diag(CASE.G), rtol=1e-12)
    assert point.correlation[0, 1] == pytest.approx(CASE.G[0, 1] / np.prod(point.sd), rel=1e-12)
    np.testing.assert_array_equal(point.beta, solution.beta)
    np.testing.assert_array_equal(point.beta_cov, solution.beta_cov)
    assert point.effects is solution.effects


def test_a_posterior_point_holds_means_and_covariances_of_draws():
    rng, S, q, p = np.random.default_rng(0), 50, 2, 3
    beta = rng.normal(size=(S, p))
    L = np.tril(rng.normal(size=(S, q, q)))
    point = posterior_point(beta, L, 1.3, ())
    np.testing.assert_allclose(point.beta_cov, np.cov(beta.T), rtol=1e-10)
    np.testing.assert_allclose(point.sd, np.linalg.norm(L, axis=2).mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(point.G, np.mean([root @ root.T for root in L], axis=0), rtol=1e-12)
    assert point.sigma == 1.3


def test_the_mean_correlation_is_that_of_the_draws():
    L = np.array([[[1.0, 0.0], [1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]])  # correlations 1 and 0
    point = posterior_point(np.zeros((2, 1)), L, 1.0, ())
    assert point.correlation[1, 0] == pytest.approx(0.5, rel=1e-12)


def test_least_squares_lines_have_their_own_covariance():
    """A_jβ + u_j is the group's own line: its covariance is the line's, and none with β̂."""
    rng, J, q, p = np.random.default_rng(1), 3, 2, 2
    A, C = rng.normal(size=(J, q, p)), np.eye(p) * 0.3
    lines = GroupLines(rng.normal(size=(J, q)), np.stack([np.eye(q) * (j + 1.0) for j in range(J)]), 1.5)
    beta = rng.normal(size=p)
    point = least_squares_point(beta, C, 2.0, [lines], [A])
    own_effects = point.effects[0]
    np.testing.assert_allclose(A @ beta + own_effects.u, lines.coefficients, rtol=1e-12)
    cross = A @ own_effects.beta_cov.transpose(0, 2, 1)
    own = A @ C @ A.transpose(0, 2, 1) + own_effects.cov + cross + cross.transpose(0, 2, 1)
    np.testing.assert_allclose(own, lines.cov, rtol=0, atol=1e-12)
    np.testing.assert_allclose(own_effects.beta_cov + A @ C, 0, rtol=0, atol=1e-14)
