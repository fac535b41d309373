"""Several grouping factors, nested and crossed, against n × n matrices in plain NumPy."""

import numpy as np
import pytest
from tests.gaussian.cases import central_difference
from tests.gaussian.structures import INNER, MIDDLE, ONE_ROW, OUTER, ROWS, UNEVEN, N, structure, with_factor

from laird.gaussian.composite import CrossedBody, compose, gls, is_nested, joined_blocks, rss_direction
from laird.gaussian.crossproducts import group
from laird.gaussian.reduced import density, profiled, solve
from laird.gaussian.tree import Tree

RTOL = 1e-8  # relative to the largest entry; matrices have condition numbers up to 1e6

TWO = structure([INNER, MIDDLE], (18, 6), (2, 2), seed=1)
CROSSED = structure([ROWS % 10, ROWS // 12], (10, 6), (2, 1), seed=2)

NESTED = {
    "two intercepts": structure([INNER, MIDDLE], (18, 6), (1, 1)),
    "slopes in both": TWO,
    "outer factor first": structure([MIDDLE, INNER], (6, 18), (1, 2), seed=3),
    "three levels, in no order": structure([MIDDLE, OUTER, INNER], (6, 2, 18), (2, 1, 1), seed=4),
    "independent slopes": structure([INNER, MIDDLE], (18, 6), (2, 1), blocks=(((0,), (1,)), ((0,),)), seed=5),
    "far from zero": structure([INNER, MIDDLE], (18, 6), (2, 2), offset=50.0, seed=6),
    "uneven": structure([UNEVEN, UNEVEN // 5], (20, 4), (2, 1), seed=7),
    "groups of one row": structure([ONE_ROW, ONE_ROW // 6], (18, 3), (1, 1), seed=8),
    "one factor in two": structure([INNER, INNER], (18, 18), (1, 1), seed=9),
    "one vanished direction": with_factor(TWO, TWO.at.L * [1, 0, 1, 1]),
    "a vanished factor": with_factor(TWO, TWO.at.L * [1, 1, 0, 0]),
    "no variance": with_factor(TWO, 0 * TWO.at.L),
}
CROSS = {
    "two intercepts": structure([ROWS % 9, ROWS // 9 % 6], (9, 6), (1, 1), seed=10),
    "slopes in the larger": CROSSED,
    "slopes in the smaller, first": structure([ROWS // 12, ROWS % 10], (6, 10), (2, 1), seed=11),
    "three factors": structure([ROWS % 5, ROWS % 12, ROWS // 10], (5, 12, 8), (1, 2, 1), seed=12),
    "nested and crossed": structure([INNER, MIDDLE, ROWS % 7], (18, 6, 7), (1, 1, 1), seed=13),
    "far from zero": structure([ROWS % 10, ROWS // 12], (10, 6), (2, 1), offset=50.0, seed=14),
    "a vanished factor": with_factor(CROSSED, CROSSED.at.L * [0, 0, 1]),
}
STRUCTURES = {f"nested: {k}": v for k, v in NESTED.items()} | {f"crossed: {k}": v for k, v in CROSS.items()}


@pytest.fixture(params=STRUCTURES)
def model(request):
    return STRUCTURES[request.param]


@pytest.fixture(params=[False, True], ids=["ml", "reml"])
def restricted(request):
    return request.param


def assert_close(actual, expected, rtol=RTOL):
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol * max(np.abs(expected).max(), 1e-12))


def own_entries(model, matrix):
    """The entries of a matrix like L that belong to one factor."""
    return np.concatenate([matrix[place, place].ravel() for place in model.places])


def starred(model, L):
    scaling = model.composite.scaling
    return np.linalg.solve(scaling.T, L) / model.sigma


@pytest.mark.parametrize(("kind", "body"), [("nested", Tree), ("crossed", CrossedBody)])
def test_the_design_chooses_the_structure(kind, body):
    chosen = [model.composite.body for name, model in STRUCTURES.items() if name.startswith(kind)]
    assert {type(found) for found in chosen} == {body}


def test_density_equals_the_oracle(model, restricted):
    value, _, _ = model.composite.density(model.at.L, model.sigma, restricted=restricted)
    assert value == pytest.approx(model.log_likelihood(model.at, restricted), rel=1e-9)


def test_gradient_of_the_density_is_the_oracles(model, restricted):
    """Entries of a zero column have derivative zero: the likelihood is even in them."""
    _, d_L, d_sigma = model.composite.density(model.at.L, model.sigma, restricted=restricted)
    expected = central_difference(
        lambda L: model.log_likelihood(model.at._replace(L=L), restricted), model.at.L
    )
    assert_close(own_entries(model, d_L), own_entries(model, expected), 1e-6)

    def of_sigma(sigma):
        return model.log_likelihood(model.at._replace(alpha=np.log(sigma)), restricted)

    assert d_sigma == pytest.approx(
        central_difference(of_sigma, np.array([model.sigma]))[0], rel=1e-6, abs=1e-6
    )


def test_profiled_deviance_is_the_best_over_sigma(model, restricted):
    """At fixed Λ the best σ² is r'V⁻¹r/df."""
    data, Lam = model.composite, starred(model, model.at.L)
    relative = model.V(model.at) / model.sigma**2
    r = model.y - model.X @ model.solution().beta
    df = N - 3 * restricted
    best = np.sqrt(r @ np.linalg.solve(relative, r) / df)
    unit = 2 * df * np.log(data.scaling.y_scale) + 2 * restricted * np.sum(np.log(data.scaling.x_scale))
    at = model.at._replace(L=model.at.L * best / model.sigma, alpha=np.log([best]))
    value = profiled(data, Lam, restricted=restricted)[0]
    assert -0.5 * (value + unit) == pytest.approx(model.log_likelihood(at, restricted), rel=1e-9)


def test_gradient_of_the_profiled_deviance(model, restricted):
    data, Lam = model.composite, starred(model, model.at.L)
    gradient = profiled(data, Lam, restricted=restricted)[1]
    expected = central_difference(lambda at: profiled(data, at, restricted=restricted)[0], Lam)
    assert_close(own_entries(model, gradient), own_entries(model, expected), 1e-6)


def test_solution_equals_the_oracle(model):
    found, oracle = model.composite.solve(model.at.L, model.sigma), model.solution()
    assert_close(found.beta, oracle.beta)
    assert_close(found.beta_cov, oracle.beta_cov)
    assert len(found.effects) == len(model.Z)
    for f, own in enumerate(found.effects):
        assert own.u.shape == (model.counts[f], model.Z[f].shape[1])
        assert_close(own.u, oracle.of(f, "u"))
        assert_close(own.cov, oracle.of(f, "cov"))
        assert_close(own.beta_cov, oracle.of(f, "cross"))


def test_weights_are_the_share_of_variance_resolved(model):
    """W_jG = G - Cov(u_j | y, β), also where G is singular."""
    found, oracle = model.composite.solve(model.at.L, model.sigma), model.solution()
    G = model.at.L @ model.at.L.T
    for f, own in enumerate(found.effects):
        g = G[model.places[f], model.places[f]]
        assert_close(own.weights @ g, g - oracle.of(f, "given_beta"), 1e-7)


def test_information_is_that_of_the_starred_columns(model):
    data = model.composite
    s = data.scaling
    W = np.column_stack([(model.X - s.x_mean) / s.x_scale, (model.y - s.y_mean) / s.y_scale])
    expected = W.T @ np.linalg.solve(model.V(model.at) / model.sigma**2, W)
    assert_close(data.information(starred(model, model.at.L)), expected)


def test_a_factor_split_in_two_is_the_factor(restricted):
    """Independent intercepts and slopes of one factor, as one factor or as two with the same groups."""
    base = TWO
    L = np.diag([0.7, 1.3])
    split = structure([INNER, INNER], (18, 18), (1, 1))
    arguments = (base.y, base.X)
    one = group(*arguments, base.Z[0], INNER, 18, ((0,), (1,)))
    two = compose(*arguments, [base.Z[0][:, :1], base.Z[0][:, 1:]], split.ids, split.counts, split.blocks)
    ours, theirs = (density(data, L, 1.1, restricted=restricted) for data in (two, one))
    assert ours[0] == pytest.approx(theirs[0], rel=1e-12)
    assert_close(np.diag(ours[1]), np.diag(theirs[1]), 1e-10)
    assert ours[2] == pytest.approx(theirs[2], rel=1e-10)
    ours, theirs = (solve(data, L, 1.1) for data in (two, one))
    assert_close(ours.beta, theirs.beta, 1e-11)
    assert_close(np.hstack([own.u for own in ours.effects]), theirs.effects[0].u, 1e-11)


@pytest.mark.parametrize("S", [-np.eye(3), np.zeros((3, 3)), np.array([[1, 0, 2], [0, 1, 0], [2, 0, 4.0]])])
def test_what_is_not_positive_is_refused(S):
    assert gls(S) is None


def test_generalised_least_squares_from_cross_products():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 3)), rng.normal(size=20)
    W = np.column_stack([X, y])
    beta, inverse, logdet, rss = gls(W.T @ W)
    expected, residual, *_ = np.linalg.lstsq(X, y, rcond=None)
    assert_close(beta, expected)
    assert_close(inverse, np.linalg.inv(X.T @ X))
    assert logdet == pytest.approx(np.linalg.slogdet(X.T @ X)[1], rel=1e-10)
    assert rss == pytest.approx(residual[0], rel=1e-10)


def test_without_fixed_effects_the_residual_is_the_outcome():
    beta, inverse, logdet, rss = gls(np.array([[4.0]]))
    assert (beta.shape, inverse.shape, logdet, rss) == ((0,), (0, 0), 0.0, 4.0)


def test_direction_of_the_residual_sum_of_squares_is_its_derivative():
    rng = np.random.default_rng(1)
    W = rng.normal(size=(20, 4))
    S = W.T @ W
    beta, inverse, _, _ = gls(S)

    def value(M):
        found = gls((M + M.T) / 2)
        return 1.7 * found[3] + found[2]

    assert_close(rss_direction(beta, inverse, 1.7), central_difference(value, S), 1e-6)
    D = rss_direction(beta, None, 1.7)
    assert_close(D, 1.7 * np.outer([*-beta, 1], [*-beta, 1]))


def test_blocks_of_factors_side_by_side():
    columns, joined = joined_blocks([2, 3], [((0,), (1,)), ((0, 2), (1,))])
    assert columns == (slice(0, 2), slice(2, 5))
    assert joined == ((0,), (1,), (2, 4), (3,))


@pytest.mark.parametrize(
    ("inner", "outer", "nested"),
    [
        ([0, 0, 1, 2], [0, 0, 0, 1], True),
        ([0, 1, 0, 1], [0, 0, 1, 1], False),
        ([0, 0, 1, 1], [0, 1, 1, 1], False),
        ([0, 1, 2, 3], [0, 1, 0, 1], True),
    ],
)
def test_nesting_is_seen_from_the_groups(inner, outer, nested):
    assert is_nested([np.array(inner), np.array(outer)], [max(inner) + 1, max(outer) + 1]) is nested


def test_an_overflow_is_not_a_number(restricted):
    """A step of an optimiser that goes too far is refused, without a warning."""
    for model in (TWO, CROSSED):
        huge = 1e200 * np.eye(model.at.L.shape[0])
        value, gradient = model.composite.profiled(huge, restricted=restricted)
        assert np.isnan(value)
        assert gradient.shape == huge.shape


@pytest.mark.parametrize("seed", range(20))
def test_a_column_twice_never_stops_an_optimiser(seed):
    """Rounding decides whether cross-products of equal columns are positive: no error, no NaN."""
    x, y = np.random.default_rng(seed).normal(size=(2, 30))
    found = gls(np.cov([x, x, y]))
    assert found is None or all(np.isfinite(part).all() for part in found)
