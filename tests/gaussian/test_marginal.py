"""The marginal density in the user's units, with priors, against the dense oracle."""

import numpy as np
import pytest
from tests.gaussian.cases import SHAPES, central_difference, centred

from laird.gaussian import dense
from laird.gaussian.marginal import flat, log_densities, log_density, log_profile, marginal

VALUE = 1e-9  # relative, as required; seen: 1e-12
GRADIENT = 1e-6  # central differences with step 1e-5 are good to about 1e-9 of the value


@pytest.fixture(params=SHAPES)
def case(request):
    return SHAPES[request.param]


def priors(case, *, seed=0):
    """Proper priors on every second coefficient, flat ones on the others."""
    rng, p = np.random.default_rng(seed), case.X.shape[1]
    return rng.normal(0, 2, p), np.where(np.arange(p) % 2, rng.uniform(0.1, 4, p), 0.0)


def oracle(case, mean, precision, sampled, b, L, sigma):
    """y less the sampled part is normal given the flat part, with the proper part integrated out."""
    X, rest = centred(case), [k for k in range(case.X.shape[1]) if k not in sampled]
    proper, free = [k for k in rest if precision[k] > 0], [k for k in rest if precision[k] == 0]
    y = case.y - X[:, sampled] @ b - X[:, proper] @ mean[proper]
    V = case.covariance(L, sigma) + (X[:, proper] / precision[proper]) @ X[:, proper].T
    if not free:
        return dense.log_marginal(y, X[:, :0], V, np.zeros(0), np.zeros((0, 0)))
    return dense.log_likelihood(y, X[:, free], V, restricted=True)


def test_flat_priors_give_the_restricted_likelihood(case):
    expected = dense.log_likelihood(case.y, case.X, case.V, restricted=True)
    assert log_density(flat(case.grouped), case.L, case.sigma)[0] == pytest.approx(expected, rel=VALUE)


def test_profile_is_the_likelihood_at_the_gls_estimate(case):
    expected = dense.log_likelihood(case.y, case.X, case.V, restricted=False)
    assert log_profile(case.grouped, case.L, case.sigma)[0] == pytest.approx(expected, rel=VALUE)


@pytest.mark.parametrize("sampled", [[], [0], [-1], "all"], ids=["none", "first", "last", "all"])
def test_priors_and_sampled_coefficients_equal_the_oracle(case, sampled):
    p = case.X.shape[1]
    sampled = list(range(p)) if sampled == "all" else [k % p for k in sampled]
    mean, precision = priors(case)
    b = np.random.default_rng(9).normal(0, 1, len(sampled))
    problem = marginal(case.grouped, mean, precision, sampled)
    value = log_density(problem, case.L, case.sigma, b)[0]
    assert value == pytest.approx(oracle(case, mean, precision, sampled, b, case.L, case.sigma), rel=VALUE)


def test_gradient_in_every_argument(case):
    mean, precision = priors(case)
    problem = marginal(case.grouped, mean, precision, [0])
    b = np.array([0.3])
    _, d_L, d_sigma, d_b = log_density(problem, case.L, case.sigma, b)
    by_L = central_difference(lambda x: log_density(problem, x, case.sigma, b)[0], case.L)
    by_sigma = central_difference(lambda x: log_density(problem, case.L, x[0], b)[0], np.array([case.sigma]))
    by_b = central_difference(lambda x: log_density(problem, case.L, case.sigma, x)[0], b)
    expected = np.concatenate([by_L.ravel(), by_sigma, by_b])
    gradient = np.concatenate([d_L.ravel(), [d_sigma], d_b])
    np.testing.assert_allclose(gradient, expected, rtol=GRADIENT, atol=GRADIENT * np.abs(expected).max())


def test_gradient_of_the_profile(case):
    _, d_L, d_sigma = log_profile(case.grouped, case.L, case.sigma)
    by_L = central_difference(lambda x: log_profile(case.grouped, x, case.sigma)[0], case.L)
    by_sigma = central_difference(
        lambda x: log_profile(case.grouped, case.L, x[0])[0], np.array([case.sigma])
    )
    expected = np.append(by_L, by_sigma)
    np.testing.assert_allclose(
        np.append(d_L, d_sigma), expected, rtol=GRADIENT, atol=GRADIENT * np.abs(expected).max()
    )


def test_any_factor_of_the_covariance_gives_the_same_value(case):
    """G = LL' = (LQ)(LQ)' for orthogonal Q."""
    q = case.L.shape[0]
    Q = np.linalg.qr(np.random.default_rng(0).normal(size=(q, q)))[0]
    problem = flat(case.grouped)
    rotated = log_density(problem, case.L @ Q, case.sigma)[0]
    assert rotated == pytest.approx(log_density(problem, case.L, case.sigma)[0], rel=1e-12)


def test_a_covariance_of_lower_rank_is_an_ordinary_point(case):
    L = case.L.copy()
    L[:, -1] = 0.0
    expected = dense.log_likelihood(case.y, case.X, case.covariance(L, case.sigma), restricted=True)
    assert log_density(flat(case.grouped), L, case.sigma)[0] == pytest.approx(expected, rel=VALUE)


def test_a_stack_of_parameters_gives_the_same_values(case):
    rng, S = np.random.default_rng(3), 7
    mean, precision = priors(case)
    problem = marginal(case.grouped, mean, precision, [0])
    L = case.L * rng.uniform(0.2, 3, (S, 1, 1))
    sigma, b = rng.uniform(0.3, 3, S), rng.normal(size=(S, 1))
    one_by_one = [log_density(problem, *arguments)[0] for arguments in zip(L, sigma, b, strict=True)]
    np.testing.assert_allclose(log_densities(problem, L, sigma, b), one_by_one, rtol=1e-13)


def test_priors_do_not_depend_on_the_offsets_of_predictors():
    """Coefficients are centred: moving x by a constant changes no prior."""
    case = SHAPES["intercept and slope"]
    mean, precision = np.array([1.0, 0.5]), np.array([0.5, 2.0])
    values = []
    for offset in (0.0, 100.0):
        X = case.X + np.array([0.0, offset])
        data = type(case)(case.y, X, case.Z, case.ids, case.J, case.blocks, case.L, case.sigma).grouped
        values.append(log_density(marginal(data, mean, precision), case.L, case.sigma)[0])
    assert values[0] == pytest.approx(values[1], rel=1e-11)


def test_a_rank_deficient_design_has_density_zero():
    case = SHAPES["random intercept"]
    data = type(case)(
        *(case.y, np.zeros_like(case.X), case.Z, case.ids, case.J, case.blocks, case.L, case.sigma)
    ).grouped
    assert log_density(flat(data), case.L, case.sigma)[0] == -np.inf
