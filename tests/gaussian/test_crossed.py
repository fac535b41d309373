"""Crossed factors, against n × n matrices in plain NumPy and against fits of lme4."""

import gzip

import numpy as np
import pandas as pd
import pytest
from tests.gaussian.cases import central_difference
from tests.gaussian.crossed_cases import CASES, case
from tests.peers import GOLDEN, golden

from laird.fitting.newton import minimise
from laird.gaussian import crossed as module
from laird.gaussian import tree
from laird.gaussian.crossed import cross, draw, effects, eliminate, sensitivities

BETA, COV = np.array([0.3, -1.0, 2.0]), np.array([[2.0, 0.5, 0.0], [0.5, 1.0, -0.3], [0.0, -0.3, 0.7]])


@pytest.fixture(params=CASES)
def model(request):
    return CASES[request.param]


def solved(model):
    crossed = model.crossed
    return crossed, model.Lams, eliminate(crossed, model.Lams)


def assert_close(actual, expected, rtol):
    """Relative to the largest entry: small ones are differences of large ones."""
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol * max(np.abs(expected).max(), 1e-3))


def test_elimination_equals_the_oracle(model):
    *_, found = solved(model)
    V = model.covariance(model.G)
    assert_close(found.S, model.W.T @ np.linalg.solve(V, model.W), 1e-9)
    assert found.logdet == pytest.approx(np.linalg.slogdet(V)[1], rel=1e-9, abs=1e-9)


def test_sensitivities_equal_the_oracle(model):
    """H = Σ_j Z_j'(V⁻¹ - V⁻¹WDW'V⁻¹)Z_j, whatever Λ; V has condition numbers up to 1e5."""
    Vi = np.linalg.inv(model.covariance(model.G))
    inner = Vi - Vi @ model.W @ model.D @ model.W.T @ Vi
    crossed, Lams, found = solved(model)
    for f, H in enumerate(sensitivities(crossed, Lams, found, model.D)):
        q, J, B = len(Lams[f]), model.counts[f], model.wide[f]
        blocks = (B.T @ inner @ B).reshape(J, q, J, q)
        assert_close(H, np.einsum("jajb->ab", blocks), 1e-9)


def extrapolated_difference(function, x, step=1e-4):
    """Central differences of fourth order: steps so long that rounding of the value does not show."""
    short, long = (central_difference(function, x, step=length) for length in (step, 2 * step))
    return (4 * short - long) / 3


def test_sensitivities_are_derivatives(model):
    crossed, Lams, found = solved(model)
    for f, H in enumerate(sensitivities(crossed, Lams, found, model.D)):
        G = model.G

        def objective(changed, f=f, G=G):
            return model.objective([*G[:f], changed, *G[f + 1 :]])

        assert_close(H, extrapolated_difference(objective, G[f]), 1e-6)


@pytest.mark.parametrize("panel", [1, 3])
def test_panels_do_not_change_the_sensitivities(panel, monkeypatch):
    model = CASES["tiny factors"]
    arguments = *solved(model), model.D
    expected = sensitivities(*arguments)
    monkeypatch.setattr(module, "PANEL", panel)
    for found, whole in zip(sensitivities(*arguments), expected, strict=True):
        assert_close(found, whole, 1e-13)  # sums in another order


def test_both_ways_to_the_information_agree(model, monkeypatch):
    """By division by Λ where shares are above 0.01, and from F: what the first loses is below 1e-12."""
    arguments = *solved(model), model.D
    expected = sensitivities(*arguments)
    monkeypatch.setattr(module, "LEAST_SHARE", np.inf)
    for found, direct in zip(expected, sensitivities(*arguments), strict=True):
        assert_close(found, direct, 1e-9)  # the direct way loses digits where V⁻¹Z is far smaller than Z


def test_effects_equal_the_oracle(model):
    K, M = model.posterior()
    KX = K[:, :-1]
    cross_cov = -KX @ COV
    expected = zip(
        model.split(K[:, -1] - KX @ BETA),
        model.split_blocks(M + KX @ COV @ KX.T),
        model.split(cross_cov),
        strict=True,
    )
    for found, oracle in zip(effects(*solved(model), BETA, COV), expected, strict=True):
        for actual, dense in zip(found, oracle, strict=True):
            assert actual.shape == dense.shape
            assert_close(actual, dense, 1e-8)


@pytest.mark.parametrize("name", ["slopes in both", "three factors", "singular factors", "one factor twice"])
def test_draws_have_the_moments_of_the_exact_conditional(name):
    model, draws, sigma = CASES[name], 4000, 1.7
    arguments, rng = solved(model), np.random.default_rng(3)
    sample = np.array(
        [np.concatenate([u.ravel() for u in draw(*arguments, sigma, BETA, rng)]) for _ in range(draws)]
    )
    K, M = model.posterior()
    mean, cov = K @ np.append(-BETA, 1.0), sigma**2 * M
    # Monte Carlo standard errors: √(c_ii/S) of a mean, √((c_ii c_jj + c_ij²)/S) of a covariance. Of at
    # most 1000 normal deviates the largest exceeds 5 with probability below 0.001; the floor is for rounding.
    variances = np.diag(cov)
    assert np.max(np.abs(sample.mean(axis=0) - mean) / np.sqrt(variances / draws + 1e-20)) < 5
    error = np.sqrt((np.outer(variances, variances) + cov**2) / draws + 1e-20)
    assert np.max(np.abs(np.cov(sample.T) - cov) / error) < 5


def test_without_variance_every_draw_is_zero():
    model = CASES["all factors zero"]
    for u in draw(*solved(model), 2.0, BETA, np.random.default_rng(0)):
        np.testing.assert_array_equal(u, 0)


def test_draws_depend_on_the_generator_only():
    arguments = solved(CASES["three factors"])
    first, again, other = (draw(*arguments, 1.0, BETA, np.random.default_rng(seed)) for seed in (5, 5, 6))
    for u, same, different in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(u, same)
        assert not np.array_equal(u, different)


def test_factors_keep_the_callers_order():
    model = CASES["three factors"]
    order = [2, 0, 1]
    crossed = cross(model.W, *([part[f] for f in order] for part in (model.Z, model.ids, model.counts)))
    Lams = [model.Lams[f] for f in order]
    found = eliminate(crossed, Lams)
    expected = sensitivities(*solved(model), model.D)
    for f, H in zip(order, sensitivities(crossed, Lams, found, model.D), strict=True):
        assert_close(H, expected[f], 1e-12)  # rounding, in another order of operations


def test_nested_factors_equal_the_tree():
    model = CASES["nested"]
    levels = tree.nest(model.W, model.Z, model.ids, model.counts)
    up = tree.eliminate(levels, model.Lams)
    crossed, Lams, found = solved(model)
    assert_close(found.S, up.S, 1e-11)  # rounding of two algorithms for well-conditioned matrices
    assert found.logdet == pytest.approx(up.logdet, rel=1e-12)
    pairs = zip(
        sensitivities(crossed, Lams, found, model.D),
        tree.sensitivities(levels, model.Lams, up, model.D),
        strict=True,
    )
    for ours, theirs in pairs:
        assert_close(ours, theirs, 1e-10)


def test_an_overflow_is_not_a_number():
    """So a step of an optimiser that goes too far is refused, without a warning."""
    model = CASES["two intercepts, some cells empty"]
    huge = [np.array([[1e200]]), np.array([[1e200]])]
    crossed = model.crossed
    found = eliminate(crossed, huge)
    assert np.isnan(found.logdet)
    assert np.isnan(found.S).all()
    assert all(np.isnan(H).all() for H in sensitivities(crossed, huge, found, model.D))


def test_elimination_is_read_only():
    *_, found = solved(case((1, 1), (4, 3)))
    with pytest.raises(ValueError, match="read-only"):
        found.L[0, 0] = 0.0


# ---- lme4's fits of crossed and nested factors ----

FRAMES = {
    "insteval-reml": ("y", lambda d: d.service == 1, ("s", "d", "dept")),
    "penicillin-reml": ("diameter", None, ("plate", "sample")),
    "pastes-reml": ("strength", None, ("batch/cask", "batch")),
}
LABELS = {"batch/cask": "cask:batch"}


def peer(name):
    return next(entry for entry in golden("peers_crossed") if entry["id"] == name)


def crossed_data(name):
    """Cross-products of a data set, n, and lme4's estimates of Λ."""
    response, predictor, factors = FRAMES[name]
    with gzip.open(GOLDEN / f"{peer(name)['data']}.csv.gz", "rt", encoding="utf-8") as file:
        frame = pd.read_csv(file)
    columns = [np.ones(len(frame))] + ([predictor(frame)] if predictor else [])
    ids = [frame.groupby(factor.split("/")).ngroup().to_numpy() for factor in factors]
    W = np.column_stack([*columns, frame[response]]).astype(float)
    Z = [np.ones((len(frame), 1))] * len(factors)
    estimates = [peer(name)["sd"][f"sd({LABELS.get(f, f)},(Intercept))"] for f in factors]
    return cross(W, Z, ids, [i.max() + 1 for i in ids]), len(frame), np.array(estimates) / peer(name)["sigma"]


def reml_deviance(crossed, n):
    """-2 log L_R profiled over β and σ (Bates et al. 2015, equation 42) as a function of θ = Λ_f."""
    p = len(crossed.WW) - 1

    def deviance(theta):
        Lams = [np.array([[t]]) for t in theta]
        found = eliminate(crossed, Lams)
        inverse = np.linalg.inv(found.S[:p, :p])
        left = np.append(-inverse @ found.S[:p, p], 1.0)
        variance = left @ found.S @ left / (n - p)
        D = np.outer(left, left) / variance
        D[:p, :p] += inverse
        value = found.logdet - np.linalg.slogdet(inverse)[1] + (n - p) * (1 + np.log(2 * np.pi * variance))
        H = np.ravel(sensitivities(crossed, Lams, found, D))
        return value, 2 * H * theta

    return deviance


@pytest.mark.parametrize("name", FRAMES)
def test_lme4_agrees_on_the_likelihood_and_on_its_maximum(name):
    """Log-likelihoods within 1e-6 + 1e-8 relative, estimates within 1e-5: lme4's optimiser stopped there."""
    crossed, n, estimates = crossed_data(name)
    deviance = reml_deviance(crossed, n)
    tolerance = {"rel": 1e-8, "abs": 1e-6}
    assert deviance(estimates)[0] == pytest.approx(-2 * peer(name)["loglik"], **tolerance)
    optimum = minimise(deviance, estimates)
    assert optimum.converged
    np.testing.assert_allclose(optimum.x, estimates, rtol=1e-5)
    S = eliminate(crossed, [np.array([[t]]) for t in optimum.x]).S
    beta = np.linalg.solve(S[:-1, :-1], S[:-1, -1])
    np.testing.assert_allclose(beta, list(peer(name)["fixef"].values()), rtol=1e-6)


def test_conditional_means_are_lme4s():
    crossed, _, estimates = crossed_data("penicillin-reml")
    Lams = [np.array([[t]]) for t in estimates]
    found = eliminate(crossed, Lams)
    beta, cov = found.S[:1, 1] / found.S[0, 0], 1 / found.S[:1, :1]
    for factor, (u, *_) in zip(("plate", "sample"), effects(crossed, Lams, found, beta, cov), strict=True):
        stored = peer("penicillin-reml")["ranef"][factor]["(Intercept)"]
        np.testing.assert_allclose(u[:, 0], stored, rtol=1e-5)
