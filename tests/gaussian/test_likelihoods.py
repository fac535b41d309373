"""Likelihoods of one and of several factors with priors, against the dense oracle."""

import numpy as np
import pytest
from tests.gaussian.cases import SHAPES, central_difference
from tests.gaussian.structures import INNER, MIDDLE, OUTER, UNEVEN, structure

from laird.gaussian import dense
from laird.gaussian.likelihoods import bind
from laird.gaussian.theta import Theta

VALUE = 1e-9  # relative, as required of every structure
GRADIENT = 1e-6  # central differences with step 1e-5 are good to about 1e-9 of the value

MODELS = {
    "nested": structure([INNER, OUTER], [18, 2], [1, 2]),
    "nested in three": structure([INNER, MIDDLE, OUTER], [18, 6, 2], [1, 1, 1], seed=1),
    "crossed": structure([UNEVEN, INNER], [20, 18], [2, 1], seed=2),
    "crossed, far from zero": structure([UNEVEN, INNER], [20, 18], [1, 1], offset=20.0, seed=3),
}


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]


def priors(p, seed=0):
    """Proper priors of every second coefficient, flat ones of the others."""
    rng = np.random.default_rng(seed)
    return rng.normal(0, 2, p), np.where(np.arange(p) % 2, rng.uniform(0.1, 4, p), 0.0)


def centred(X):
    return np.column_stack([X[:, 0], X[:, 1:] - X[:, 1:].mean(axis=0)])


def oracle(model, V, mean, precision, sampled, b):
    """y less the sampled part is normal given the flat part, with the proper part integrated out."""
    X, rest = centred(model.X), [k for k in range(model.X.shape[1]) if k not in sampled]
    proper, free = [k for k in rest if precision[k] > 0], [k for k in rest if precision[k] == 0]
    y = model.y - X[:, sampled] @ b - X[:, proper] @ mean[proper]
    return dense.log_likelihood(
        y, X[:, free], V + (X[:, proper] / precision[proper]) @ X[:, proper].T, restricted=True
    )


@pytest.mark.parametrize("sampled", [[], [2]], ids=["none", "last"])
def test_value_and_gradient(model, sampled):
    mean, precision = priors(3)
    target = bind(model.composite, mean, precision, sampled)
    b, at = np.full(len(sampled), 0.3), Theta(model.at.L, model.at.alpha)
    value, gradient, d_b = target.density(at, b)
    assert value == pytest.approx(oracle(model, model.V(model.at), mean, precision, sampled, b), rel=VALUE)

    def moved(L=at.L, alpha=at.alpha, b=b):
        return target.density(Theta(L, alpha), b)[0]

    mask = model.at.L != 0
    numeric = central_difference(lambda L: moved(L=L), at.L)
    np.testing.assert_allclose(gradient.L[mask], numeric[mask], rtol=GRADIENT, atol=GRADIENT * abs(value))
    numeric = central_difference(lambda alpha: moved(alpha=alpha), at.alpha)
    np.testing.assert_allclose(gradient.alpha, numeric, rtol=GRADIENT, atol=GRADIENT * abs(value))
    numeric = central_difference(lambda b: moved(b=b), b)
    np.testing.assert_allclose(d_b, numeric, rtol=GRADIENT, atol=GRADIENT * abs(value))


def test_flat_priors_are_reml(model):
    flat = bind(model.composite, np.zeros(3), np.zeros(3))
    value, gradient, _ = flat.density(Theta(model.at.L, model.at.alpha), np.zeros(0))
    expected, d_L, d_sigma = model.composite.density(model.at.L, model.sigma, restricted=True)
    assert value == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(gradient.L, d_L, rtol=1e-9, atol=1e-9)
    assert gradient.alpha[0] == pytest.approx(d_sigma * model.sigma, rel=1e-9)


def test_one_factor_gives_the_same_as_the_same_factor_twice():
    """A second factor without variance changes nothing but the structure."""
    from laird.gaussian.composite import compose

    case = SHAPES["intercept and slope"]
    mean, precision = priors(2)
    one = bind(case.grouped, mean, precision)
    whole = np.zeros(len(case.y), dtype=np.int64)
    two = bind(
        compose(
            case.y,
            case.X,
            [case.Z, np.ones((len(case.y), 1))],
            [case.ids, whole],
            [case.J, 1],
            [case.blocks, ((0,),)],
        ),
        mean,
        precision,
    )
    L = np.zeros((3, 3))
    L[:2, :2] = case.L
    alpha = np.array([np.log(case.sigma)])
    here, there = one.density(Theta(case.L, alpha), np.zeros(0)), two.density(Theta(L, alpha), np.zeros(0))
    assert here[0] == pytest.approx(there[0], rel=1e-10)
    np.testing.assert_allclose(here[1].L, there[1].L[:2, :2], rtol=1e-7)
    np.testing.assert_allclose(here[1].alpha, there[1].alpha, rtol=1e-8)
    single, several = (t.solve(Theta(F, alpha), np.zeros(0)) for t, F in ((one, case.L), (two, L)))
    np.testing.assert_allclose(single.beta, several.beta, rtol=1e-9)
    np.testing.assert_allclose(single.beta_cov, several.beta_cov, rtol=1e-8, atol=1e-12)
    for name in ("u", "cov", "beta_cov", "weights"):
        here, there = getattr(single.effects[0], name), getattr(several.effects[0], name)
        np.testing.assert_allclose(here, there, rtol=1e-7, atol=1e-9)


def test_a_stack_gives_the_same_values(model):
    mean, precision = priors(3)
    target = bind(model.composite, mean, precision, [1])
    alpha, b = model.at.alpha + np.array([[0.0], [0.4]]), np.array([[0.1], [-2.0]])
    L = np.stack([model.at.L, 0.5 * model.at.L])
    values = target.densities(Theta(L, alpha), b)
    expected = [target.density(Theta(L[s], alpha[s]), b[s])[0] for s in range(2)]
    np.testing.assert_allclose(values, expected, rtol=1e-13)


def test_no_density_where_sigma_is_not_finite(model):
    target = bind(model.composite, np.zeros(3), np.zeros(3))
    assert target.density(Theta(model.at.L, np.array([np.nan])), np.zeros(0))[0] == -np.inf


@pytest.mark.parametrize("name", ["nested in three", "crossed", "one factor"])
def test_draws_have_the_conditional_moments(name):
    if name == "one factor":
        case = SHAPES["intercept and slope"]
        target, L = bind(case.grouped, *priors(2)), case.L
        alpha = np.array([np.log(case.sigma)])
    else:
        model = MODELS[name]
        target, L, alpha = bind(model.composite, *priors(3)), model.at.L, model.at.alpha
    S = 1500
    stack = Theta(np.broadcast_to(L, (S, *L.shape)).copy(), np.broadcast_to(alpha, (S, 1)).copy())
    beta, u = target.draw(stack, np.zeros((S, 0)), np.random.default_rng(3))
    solution = target.solve(Theta(L, alpha), np.zeros(0))
    _close(beta, solution.beta, solution.beta_cov)
    for values, own in zip(u, solution.effects, strict=True):
        for j in range(0, values.shape[1], 5):
            _close(values[:, j], own.u[j], own.cov[j])
            centred_u, centred_beta = values[:, j] - own.u[j], beta - solution.beta
            sizes = np.sqrt(np.outer(np.diag(own.cov[j]), np.diag(solution.beta_cov)))
            # Monte Carlo error of a covariance: at most sizes·√(2/S); five of them.
            error = np.abs(centred_u.T @ centred_beta / S - own.beta_cov[j])
            assert np.all(error < 5 * np.sqrt(2 / S) * sizes + 1e-9)


def _close(values, mean, cov):
    """Means within five, covariances within six standard errors of S draws."""
    S, size = len(values), np.sqrt(np.diag(cov))
    assert np.all(np.abs(values.mean(axis=0) - mean) < 5 * size / np.sqrt(S) + 1e-12)
    error = np.abs(np.cov(values.T).reshape(cov.shape) - cov)
    assert np.all(error < 6 * np.sqrt(2 / S) * np.outer(size, size) + 1e-12)
