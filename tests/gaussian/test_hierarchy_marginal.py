"""Densities under priors, and exact draws, against the dense oracle."""

import numpy as np
import pytest
from scipy.stats import chi2
from tests.gaussian.cases import central_difference
from tests.gaussian.hierarchies import CORRELATED, DIAGONAL, MODELS, OUTCOMES

from laird.gaussian import dense
from laird.gaussian.hierarchy import density
from laird.gaussian.hierarchy_marginal import bind, unstacked
from laird.gaussian.theta import Theta

VALUE = 1e-9  # relative, as required; seen: 1e-12
GRADIENT = 1e-6  # central differences with step 1e-5 are good to about 1e-9 of the value

SOME = {
    name: MODELS[name]
    for name in [
        "no groups, known variances",
        "nested",
        "crossed slopes",
        "blocks inside groups",
        "blocks across groups",
        "two outcomes, groups",
        "scales of their own",
    ]
}


@pytest.fixture(params=SOME)
def model(request):
    return SOME[request.param]


def centred(model):
    """X with slopes centred over the rows of their outcome: the columns of γ."""
    X, which = model.X.copy(), model.noise.which
    for outcome in np.unique(which):
        rows = which == outcome
        own = X[rows]
        slopes = own.any(axis=0) & ~np.all(own == 1, axis=0)
        X[np.ix_(rows, slopes)] -= own[:, slopes].mean(axis=0)
    return X


def priors(model, *, seed=0):
    """Proper priors on every second coefficient, flat ones on the others; in the outcome's units."""
    rng, p = np.random.default_rng(seed), model.X.shape[1]
    owner = model.noise.which[np.argmax(model.X != 0, axis=0)]
    unit = np.array([np.std(model.y[model.noise.which == own]) for own in owner])
    return rng.normal(0, 2, p) * unit, np.where(np.arange(p) % 2, rng.uniform(0.1, 4, p), 0.0) / unit**2


def oracle(model, mean, precision, sampled, b, at):
    """y less the sampled part is normal given the flat part, with the proper part integrated out."""
    X, rest = centred(model), [k for k in range(model.X.shape[1]) if k not in sampled]
    proper, free = [k for k in rest if precision[k] > 0], [k for k in rest if precision[k] == 0]
    y = model.y - X[:, sampled] @ b - X[:, proper] @ mean[proper]
    Sigma = model.Sigma(at) + (X[:, proper] / precision[proper]) @ X[:, proper].T
    if not free:
        return dense.log_marginal(y, X[:, :0], Sigma, np.zeros(0), np.zeros((0, 0)))
    return dense.log_likelihood(y, X[:, free], Sigma, restricted=True)


@pytest.mark.parametrize("sampled", [[], [0], [-1], "all"], ids=["none", "first", "last", "all"])
def test_priors_and_sampled_coefficients_equal_the_oracle(model, sampled):
    p = model.X.shape[1]
    sampled = list(range(p)) if sampled == "all" else [k % p for k in sampled]
    mean, precision = priors(model)
    b = mean[sampled] * 1.1
    problem = bind(model.data, mean, precision, sampled)
    value = problem.density(model.at, b)[0]
    assert value == pytest.approx(oracle(model, mean, precision, sampled, b, model.at), rel=VALUE)
    assert problem.sampled.tolist() == sampled


def test_gradient_in_the_coefficients(model):
    mean, precision = priors(model)
    sampled = [0, 1]
    problem, unit = bind(model.data, mean, precision, sampled), np.abs(mean[sampled])
    found = problem.density(model.at, mean[sampled])[2]
    expected = central_difference(
        lambda b: oracle(model, mean, precision, sampled, b * unit, model.at), mean[sampled] / unit
    )
    np.testing.assert_allclose(found * unit, expected, rtol=GRADIENT, atol=GRADIENT * np.abs(expected).max())


def test_gradient_in_the_noise_under_priors(model):
    mean, precision = priors(model)
    problem = bind(model.data, mean, precision, [0])
    found = problem.density(model.at, mean[:1])[1].alpha
    expected = central_difference(
        lambda alpha: oracle(model, mean, precision, [0], mean[:1], model.at._replace(alpha=alpha)),
        model.at.alpha,
    )
    np.testing.assert_allclose(found, expected, rtol=GRADIENT, atol=GRADIENT * np.abs(expected).max())


def test_flat_priors_give_the_restricted_likelihood(model):
    p = model.X.shape[1]
    flat = bind(model.data, np.zeros(p), np.zeros(p))
    value, gradient, _ = flat.density(model.at, np.zeros(0))
    expected, expected_gradient = density(model.data, model.at, restricted=True)
    assert value == expected
    np.testing.assert_array_equal(gradient.alpha, expected_gradient.alpha)


def test_solution_under_priors_is_that_of_the_joint_normal(model):
    """γ has prior precision P: the posterior precision is X'Σ⁻¹X + P in centred columns."""
    mean, precision = priors(model)
    p = len(mean)
    found = bind(model.data, mean, precision).solve(model.at, np.zeros(0))
    X, Si = centred(model), np.linalg.inv(model.Sigma(model.at))
    unit = np.sqrt(np.diag(found.beta_cov))
    cov = np.linalg.inv(X.T @ Si @ X + np.diag(precision))
    gamma = cov @ (X.T @ Si @ model.y + precision * mean)
    to_user = np.linalg.lstsq(model.X, X, rcond=None)[0]  # Xβ = X_c γ
    assert found.beta.shape == (p,)
    np.testing.assert_allclose(found.beta / unit, to_user @ gamma / unit, atol=1e-7)
    expected = to_user @ cov @ to_user.T / np.outer(unit, unit)
    np.testing.assert_allclose(found.beta_cov / np.outer(unit, unit), expected, atol=1e-8)


def stack(at: Theta, draws: int) -> Theta:
    """The same parameters many times."""
    delta = tuple(np.tile(own, (draws, 1)) for own in at.delta)
    return Theta(
        np.tile(at.L, (draws, 1, 1)),
        np.tile(at.alpha, (draws, 1)),
        delta,
        np.tile(at.log_phi, (draws, 1)),
        np.tile(at.zeta, (draws, 1)),
    )


def test_densities_are_those_of_each_draw():
    for model in (DIAGONAL["nested"], CORRELATED["proportional blocks"], OUTCOMES["three outcomes"]):
        p = model.X.shape[1]
        flat = bind(model.data, np.zeros(p), np.zeros(p), [0])
        b = np.array([[0.1], [0.7]])
        expected = [flat.density(model.at, own)[0] for own in b]
        np.testing.assert_allclose(flat.densities(stack(model.at, 2), b), expected, rtol=1e-12)  # order


def test_a_density_that_does_not_exist_is_minus_infinity():
    model = DIAGONAL["strata"]
    p = model.X.shape[1]
    flat = bind(model.data, np.zeros(p), np.zeros(p))
    at = model.at._replace(alpha=np.full(2, -np.inf))
    assert flat.densities(stack(at, 2), np.zeros((2, 0))).tolist() == [-np.inf, -np.inf]


def test_parameters_that_a_model_does_not_have_need_no_stack():
    first, second = unstacked(Theta(np.zeros((2, 1, 1)), np.array([[1.0], [2.0]])), 2)
    assert (first.alpha.tolist(), second.alpha.tolist()) == ([1.0], [2.0])
    assert first.log_phi.shape == first.zeta.shape == (0,)


DRAWN = [
    "no groups, known variances",
    "weights, known variances",
    "group sds",
    "three levels, in no order",
    "crossed slopes",
    "blocks inside groups",
    "blocks across groups",
    "three outcomes, all of it",
]


@pytest.mark.parametrize("name", DRAWN)
def test_draws_have_the_mean_and_covariance_of_the_posterior(name):
    """Whitened by the oracle's, their mean and covariance deviate from 0 and I as chi-squares allow."""
    model, draws = MODELS[name], 3000
    mean, cov = model.posterior(model.at)
    p, k = model.X.shape[1], len(mean)
    flat = bind(model.data, np.zeros(p), np.zeros(p))
    beta, effects = flat.draw(stack(model.at, draws), np.zeros((draws, 0)), np.random.default_rng(1))
    assert [u.shape[1:] for u in effects] == [
        (J, z.shape[1]) for J, z in zip(model.counts, model.Z, strict=True)
    ]
    joint = np.hstack([beta, *(u.reshape(draws, -1) for u in effects)])
    white = np.linalg.solve(np.linalg.cholesky(cov), (joint - mean).T)
    assert draws * np.sum(white.mean(axis=1) ** 2) < chi2.ppf(1 - 1e-6, k)
    deviation = white @ white.T / draws - np.eye(k)
    freedom = k * (k + 1) / 2
    assert abs(draws / 2 * np.sum(deviation**2) - freedom) < 7 * np.sqrt(2 * freedom) + 0.05 * freedom


def test_draws_keep_sampled_coefficients():
    model = DIAGONAL["nested"]
    p = model.X.shape[1]
    problem = bind(model.data, np.zeros(p), np.zeros(p), range(p))
    b = np.random.default_rng(0).normal(size=(5, p))
    beta, _ = problem.draw(stack(model.at, 5), b, np.random.default_rng(1))
    fitted = centred(model) @ b.T
    np.testing.assert_allclose(model.X @ beta.T, fitted, atol=1e-10)
