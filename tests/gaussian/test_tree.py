"""Nested factors, of one to four levels, against n × n matrices in plain NumPy."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from tests.gaussian.cases import central_difference
from tests.gaussian.crossed_cases import case, with_factors

from laird.gaussian.tree import draw, effects, eliminate, nest, row_sensitivities, sensitivities

N = 70
ROWS = np.random.default_rng(0).permutation(N)
BETA, COV = np.array([0.3, -1.0, 2.0]), np.array([[2.0, 0.5, 0.0], [0.5, 1.0, -0.3], [0.0, -0.3, 0.7]])


def nested(sizes, counts, seed=0):
    """Rows in groups of unequal size, groups in groups: a group may have one row, one child or none."""
    rng = np.random.default_rng([seed, *counts])
    ids = [rng.integers(0, counts[0], N)]
    for inner, outer in pairwise(counts):
        ids.append(rng.integers(0, outer, inner)[ids[-1]])
    return case(sizes, counts, ids=ids, seed=seed)


DEEP = nested((2, 1, 2), (25, 8, 3), seed=4)
ZERO = np.zeros((2, 2))
ONE_DIRECTION = np.array([[1.0, 0.0], [2.0, 0.0]])

TREES = {
    "one level": nested((1,), (9,)),
    "one level with slopes": nested((2,), (9,), seed=1),
    "two levels": nested((1, 1), (20, 5), seed=2),
    "two levels with slopes": nested((2, 2), (20, 5), seed=3),
    "three levels": DEEP,
    "four levels": nested((1, 2, 1, 1), (30, 12, 6, 3), seed=5),
    "innermost groups of one row": case((1, 1), (N, 8), ids=[ROWS, ROWS % 8], seed=6),
    "outer groups of one child": case((2, 1), (14, 14), ids=[ROWS // 5, ROWS // 5], seed=7),
    "one outermost group": case((1, 1), (10, 1), ids=[ROWS // 7, ROWS * 0], seed=8),
    "an outer group far larger": case((1, 1), (35, 6), ids=[ROWS // 2, np.maximum(ROWS // 2 - 29, 0)]),
    "singular factors": with_factors(DEEP, ONE_DIRECTION, np.eye(1), ONE_DIRECTION),
    "innermost factor zero": with_factors(DEEP, ZERO, np.eye(1), np.eye(2)),
    "middle factor zero": with_factors(DEEP, np.eye(2), np.zeros((1, 1)), np.eye(2)),
    "all factors zero": with_factors(DEEP, ZERO, np.zeros((1, 1)), ZERO),
    "tiny factors": with_factors(DEEP, 1e-6 * np.eye(2), 1e-5 * np.eye(1), 1e-7 * np.eye(2)),
    "large factors": with_factors(DEEP, 30 * np.eye(2), 30 * np.eye(1), 30 * np.eye(2)),
}


@pytest.fixture(params=TREES)
def model(request):
    return TREES[request.param]


def solved(model):
    tree = nest(model.W, model.Z, model.ids, model.counts)
    return tree, model.Lams, eliminate(tree, model.Lams)


def assert_close(actual, expected, rtol):
    """Relative to the largest entry: small ones are differences of large ones."""
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol * max(np.abs(expected).max(), 1e-3))


def extrapolated_difference(function, x, step=1e-4):
    """Central differences of fourth order: steps so long that rounding of the value does not show."""
    short, long = (central_difference(function, x, step=length) for length in (step, 2 * step))
    return (4 * short - long) / 3


def test_elimination_equals_the_oracle(model):
    *_, found = solved(model)
    V = model.covariance(model.G)
    assert_close(found.S, model.W.T @ np.linalg.solve(V, model.W), 1e-9)
    assert found.logdet == pytest.approx(np.linalg.slogdet(V)[1], rel=1e-9, abs=1e-9)


def test_sensitivities_equal_the_oracle(model):
    """H = Σ_j Z_j'(V⁻¹ - V⁻¹WDW'V⁻¹)Z_j, whatever Λ; V has condition numbers up to 1e5."""
    Vi = np.linalg.inv(model.covariance(model.G))
    inner = Vi - Vi @ model.W @ model.D @ model.W.T @ Vi
    for f, H in enumerate(sensitivities(*solved(model), model.D)):
        q, J, B = len(model.Lams[f]), model.counts[f], model.wide[f]
        assert_close(H, np.einsum("jajb->ab", (B.T @ inner @ B).reshape(J, q, J, q)), 1e-9)


def test_sensitivities_are_derivatives(model):
    G = model.G
    for f, H in enumerate(sensitivities(*solved(model), model.D)):

        def objective(changed, f=f):
            return model.objective([*G[:f], changed, *G[f + 1 :]])

        assert_close(H, extrapolated_difference(objective, G[f]), 1e-6)


def test_both_sensitivities_agree(model):
    arguments = *solved(model), model.D
    for alone, with_rows in zip(sensitivities(*arguments), row_sensitivities(*arguments)[0], strict=True):
        np.testing.assert_array_equal(alone, with_rows)


def test_row_sensitivities_are_derivatives(model):
    """A factor exp(t) common to all columns of a row changes the objective by 2x'F_jx dt."""
    _, F = row_sensitivities(*solved(model), model.D)
    columns = np.hstack([*model.Z, model.W])
    found = 2 * np.einsum("ia,iab,ib->i", columns, F[model.ids[0]], columns)
    some = np.arange(0, N, 9)

    def objective(t):
        factor = np.ones((N, 1))
        factor[some, 0] = np.exp(t)
        return replace(model, W=model.W * factor, Z=tuple(z * factor for z in model.Z)).objective(model.G)

    assert_close(found[some], extrapolated_difference(objective, np.zeros(len(some))), 1e-6)


def test_effects_equal_the_oracle(model):
    K, M = model.posterior()
    KX = K[:, :-1]
    expected = zip(
        model.split(K[:, -1] - KX @ BETA),
        model.split_blocks(M + KX @ COV @ KX.T),
        model.split(-KX @ COV),
        strict=True,
    )
    for found, oracle in zip(effects(*solved(model), BETA, COV), expected, strict=True):
        for actual, dense in zip(found, oracle, strict=True):
            assert actual.shape == dense.shape
            assert_close(actual, dense, 1e-8)


@pytest.mark.parametrize(
    "name", ["two levels with slopes", "three levels", "four levels", "singular factors"]
)
def test_draws_have_the_moments_of_the_exact_conditional(name):
    model, draws, sigma = TREES[name], 4000, 1.7
    arguments, rng = solved(model), np.random.default_rng(3)
    sample = np.array(
        [np.concatenate([u.ravel() for u in draw(*arguments, sigma, BETA, rng)]) for _ in range(draws)]
    )
    K, M = model.posterior()
    mean, cov = K @ np.append(-BETA, 1.0), sigma**2 * M
    # Monte Carlo standard errors: √(c_ii/S) of a mean, √((c_ii c_jj + c_ij²)/S) of a covariance. Of at
    # most 3000 normal deviates the largest exceeds 5 with probability below 0.002; the floor is for rounding.
    variances = np.diag(cov)
    assert np.max(np.abs(sample.mean(axis=0) - mean) / np.sqrt(variances / draws + 1e-20)) < 5
    error = np.sqrt((np.outer(variances, variances) + cov**2) / draws + 1e-20)
    assert np.max(np.abs(np.cov(sample.T) - cov) / error) < 5


def test_without_variance_every_draw_is_zero():
    for u in draw(*solved(TREES["all factors zero"]), 2.0, BETA, np.random.default_rng(0)):
        np.testing.assert_array_equal(u, 0)


def test_draws_depend_on_the_generator_only():
    arguments = solved(DEEP)
    first, again, other = (draw(*arguments, 1.0, BETA, np.random.default_rng(seed)) for seed in (5, 5, 6))
    for u, same, different in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(u, same)
        assert not np.array_equal(u, different)


def test_no_array_spans_outer_groups():
    """Cross-products by group of one factor: linear in the number of groups."""
    tree = nest(DEEP.W, DEEP.Z, DEEP.ids, DEEP.counts)
    found = eliminate(tree, DEEP.Lams)
    assert tree.leaf.shape == (25, 2, 2 + 1 + 2 + 4)
    assert tree.base.shape == (8, 1 + 2 + 4, 1 + 2 + 4)
    assert [F.shape for F in found.levels] == [(25, 2, 9), (8, 7, 7), (3, 6, 6)]


def test_a_tree_is_read_only_and_keeps_its_sums():
    """An elimination must not change what the next one starts from."""
    tree = nest(DEEP.W, DEEP.Z, DEEP.ids, DEEP.counts)
    with pytest.raises(ValueError, match="read-only"):
        tree.leaf[0] = 0.0
    first = eliminate(tree, DEEP.Lams).S
    eliminate(tree, [3 * Lam for Lam in DEEP.Lams])
    np.testing.assert_array_equal(eliminate(tree, DEEP.Lams).S, first)


def test_methods_are_the_functions():
    tree, Lams, found = solved(DEEP)
    np.testing.assert_array_equal(tree.eliminate(Lams).S, found.S)
    for own, other in zip(
        tree.sensitivities(Lams, found, DEEP.D), sensitivities(tree, Lams, found, DEEP.D), strict=True
    ):
        np.testing.assert_array_equal(own, other)
    for own, other in zip(
        tree.effects(Lams, found, BETA, COV), effects(tree, Lams, found, BETA, COV), strict=True
    ):
        np.testing.assert_array_equal(own[1], other[1])
