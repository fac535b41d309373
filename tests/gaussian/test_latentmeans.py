"""Latent means integrated out: against dense matrices, and gradients against differences."""

import numpy as np
import pytest

from laird.gaussian.latentmeans import LatentLikelihood, Priors, Variable, reduce
from laird.gaussian.theta import Theta

J = 12
THETA = Theta(np.array([[0.8, 0.0, 0.0], [0.0, 1.1, 0.0], [0.0, 0.2, 0.3]]), np.array([0.3, -0.1]))
C = np.array([0.7, -0.4])


class Rows:
    """A small model with an interaction of the mean and a random slope of the variable itself."""

    def __init__(self, offset=5.0):
        rng = np.random.default_rng(0)
        self.ids = np.repeat(np.arange(J), rng.integers(2, 6, J))
        n = len(self.ids)
        m, self.w, self.z = rng.normal(size=J), rng.normal(size=J), rng.normal(size=n)
        self.x = offset + m[self.ids] + 1.5 * rng.normal(size=n)
        self.mean = (np.bincount(self.ids, self.x) / np.bincount(self.ids))[self.ids]
        self.y = 10 + self.x + 2 * m[self.ids] + self.z + rng.normal(size=J)[self.ids] + rng.normal(size=n)
        one = np.ones(n)
        self.X = np.column_stack([one, self.x, self.mean, self.w[self.ids], self.z, self.z * self.mean])
        self.slope = np.zeros_like(self.X)
        self.slope[:, 2], self.slope[:, 5] = 1.0, self.z
        self.Z = np.column_stack([one, self.x])

    def reduced(self):
        own = Variable(self.x, self.w[:, None], self.slope)
        return reduce(self.y, self.X, self.Z, self.ids, ((0, 1),), own)


def priors(precision):
    centring = np.eye(6) + 0.1 * np.triu(np.ones((6, 6)), 1)
    return Priors(centring, 0.3 * np.arange(6), precision * np.array([0.0, 1.0, 0.5, 2.0, 0.0, 0.3]))


def dense(rows, data, theta, c, prior, *, restricted):
    """The log density from one covariance matrix of all x and y, user's units but for c."""
    s, n, ids = data.scaling, len(rows.x), rows.ids
    unit = np.zeros((3, 3))
    unit[0, 0], unit[1:, 1:] = data.x_scale / s.y_scale, s.T[1:, 1:]
    moved = data.x_scale * rows.slope @ s.A @ data.c_beta @ c  # derivative of standard y in standard m
    G = theta.L @ theta.L.T
    Z = np.zeros((2 * n, 3))
    Z[:n, 0], Z[n:, 0], Z[n:, 1:] = 1.0, moved * s.y_scale / data.x_scale, rows.Z
    same = np.tile(ids, 2)[:, None] == np.tile(ids, 2)
    V = Z @ G @ Z.T * same + np.diag(np.repeat(np.exp(2 * theta.alpha), n))
    x, mean = ((own - rows.x.mean()) / data.x_scale for own in (rows.x, rows.mean))
    y = (rows.y - rows.X @ s.shift) / s.y_scale - rows.X @ s.A @ data.c_beta @ c + moved * mean
    X = np.block(
        [
            [data.W[ids], np.zeros((n, data.rest.shape[1]))],
            [moved[:, None] * data.W[ids], rows.X @ s.A @ data.rest],
        ]
    )
    scale = np.repeat([data.x_scale, s.y_scale], n)
    X, r, inverse = X * scale[:, None], np.concatenate([x, y]) * scale, np.linalg.inv(V)
    root = np.sqrt(prior.precision)[:, None] * np.linalg.inv(prior.C)
    rest = s.y_scale * root @ s.A @ data.rest
    pad = np.hstack([np.zeros((len(root), data.W.shape[1])), rest])
    target = np.sqrt(prior.precision) * prior.mean - root @ s.beta(data.c_beta @ c)
    information = X.T @ inverse @ X + pad.T @ pad
    eta = np.linalg.solve(information, X.T @ inverse @ r + pad.T @ target)
    value = np.linalg.slogdet(V)[1] + 2 * n * np.log(2 * np.pi)
    value += r @ inverse @ r + target @ target - eta @ information @ eta
    if restricted:
        value += np.linalg.slogdet(information)[1] - len(eta) * np.log(2 * np.pi)
    return -0.5 * value, s.beta(data.c_beta @ c + data.rest @ eta[data.W.shape[1] :])


@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("precision", [0.0, 1.0])
def test_value_and_coefficients_are_those_of_dense_matrices(restricted, precision):
    rows = Rows()
    own = LatentLikelihood(rows.reduced(), restricted, priors(precision))
    value, beta = dense(rows, own.data, THETA, C, own.priors, restricted=restricted)
    # both are sums of some hundred terms of order one
    assert own.density(THETA, C)[0] == pytest.approx(value, rel=1e-10)
    np.testing.assert_allclose(own.solve(THETA, C).beta, beta, rtol=1e-8)
    assert own.densities(Theta(THETA.L[None], THETA.alpha[None]), C[None]) == pytest.approx(
        [value], rel=1e-10
    )


@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("precision", [0.0, 1.0])
@pytest.mark.parametrize("slope_sd", [0.3, 0.0])
def test_the_gradient_is_that_of_differences(restricted, precision, slope_sd):
    own = LatentLikelihood(Rows().reduced(), restricted, priors(precision))
    rows, columns = np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2])

    def split(point):
        L = np.zeros((3, 3))
        L[rows, columns] = point[:4]
        return Theta(L, point[4:6]), point[6:]

    at = np.concatenate([THETA.L[rows, columns], THETA.alpha, C])
    at[3] = slope_sd
    found = [
        (own.density(*split(at + h))[0] - own.density(*split(at - h))[0]) / 2e-6 for h in 1e-6 * np.eye(8)
    ]
    _, d_theta, d_c = own.density(*split(at))
    # central differences of values near -150 with steps of 1e-6: rounding is 1e-7
    np.testing.assert_allclose(
        np.concatenate([d_theta.L[rows, columns], d_theta.alpha, d_c]), found, atol=2e-6
    )


def test_draws_have_the_conditional_mean_and_covariance():
    own = LatentLikelihood(Rows().reduced(), True, priors(0.0))
    copies = THETA.repeated(4000)
    beta, effects = own.draw(Theta(copies.L, copies.alpha), np.tile(C, (4000, 1)), np.random.default_rng(3))
    solution = own.solve(THETA, C)
    assert effects == ()
    se = np.sqrt(np.diag(solution.beta_cov))
    # of 4,000 draws the mean is off by 1/63 of an sd, an sd by 1 %
    off, spread, free = beta.mean(axis=0) - solution.beta, beta.std(axis=0), se > 0
    assert not free[5]  # the interaction with the mean is one of c
    np.testing.assert_allclose(off[free] / se[free], 0.0, atol=0.08)
    np.testing.assert_allclose(spread[free] / se[free], 1.0, atol=0.06)


@pytest.mark.parametrize("offset", [1e3, 1e6])
def test_the_location_of_the_variable_does_not_matter(offset):
    def value(rows):
        own = Variable(rows.x, rows.w[:, None], rows.slope[:, :5])
        data = reduce(rows.y, rows.X[:, :5], rows.Z[:, :1], rows.ids, ((0,),), own)
        flat = Priors(np.eye(5), np.zeros(5), np.zeros(5))
        c = data.c_beta.T @ data.scaling.beta_star(np.array([0.0, 1.0, 0.8, 0.0, 0.0]))
        return LatentLikelihood(data, False, flat).density(Theta(np.diag([0.8, 1.1]), THETA.alpha), c)[0]

    # means of x near 1e6 have ten digits left
    assert value(Rows(0.0)) == pytest.approx(value(Rows(offset)), rel=1e-7)


def test_impossible_parameters_have_no_density():
    own = LatentLikelihood(Rows().reduced(), True, priors(0.0))
    assert own.density(Theta(THETA.L, np.array([-1e3, 0.0])), C)[0] == -np.inf
