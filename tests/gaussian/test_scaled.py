"""Regressions of log σ and of log group sds, against n × n matrices in plain NumPy."""

from dataclasses import replace

import numpy as np
import pytest
from tests.gaussian.cases import central_difference
from tests.gaussian.structures import INNER, MIDDLE, ONE_ROW, OUTER, ROWS, UNEVEN, N, structure, with_factor

from laird.errors import FitError
from laird.gaussian.scaled import density, solve

RTOL = 1e-8  # relative to the largest entry; matrices have condition numbers up to 1e6

ONE = ([INNER], (18,), (2,))
TWO = ([INNER, MIDDLE], (18, 6), (2, 1))
STRATA = structure(*ONE, strata=2, seed=1)
BOTH = structure(*TWO, strata=3, delta=(0, 1), seed=2)

STRUCTURES = {
    "strata": STRATA,
    "row by row": structure(*ONE, strata=0, seed=3),
    "group sds": structure(*ONE, delta=(0,), seed=4),
    "both": structure(*ONE, strata=0, delta=(0,), seed=5),
    "independent coefficients": structure(*ONE, strata=2, delta=(0,), blocks=(((0,), (1,)),), seed=6),
    "no groups": structure([ROWS * 0], (1,), (0,), strata=3, seed=7),
    "no groups, row by row": structure([ROWS * 0], (1,), (0,), strata=0, seed=8),
    "nested, strata": structure(*TWO, strata=2, seed=9),
    "nested, row by row, outer sds": structure(*TWO, strata=0, delta=(1,), seed=10),
    "nested, both sds": BOTH,
    "three levels, in no order": structure(
        [MIDDLE, OUTER, INNER], (6, 2, 18), (2, 1, 1), strata=2, delta=(0, 2), seed=11
    ),
    "uneven": structure([UNEVEN], (20,), (2,), strata=2, delta=(0,), seed=12),
    "groups of one row": structure([ONE_ROW], (18,), (1,), strata=0, delta=(0,), seed=13),
    "far from zero": structure(*TWO, strata=2, delta=(0,), offset=50.0, seed=14),
    "constant sds": structure(*TWO, seed=15),
    "one vanished direction": with_factor(BOTH, BOTH.at.L * [1, 0, 1]),
    "a vanished factor": with_factor(BOTH, BOTH.at.L * [1, 1, 0]),
    "no variance": with_factor(BOTH, 0 * BOTH.at.L),
}


@pytest.fixture(params=STRUCTURES)
def model(request):
    return STRUCTURES[request.param]


@pytest.fixture(params=[False, True], ids=["ml", "reml"])
def restricted(request):
    return request.param


def assert_close(actual, expected, rtol=RTOL):
    largest = np.abs(expected).max(initial=1e-12)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol * largest)


def own_entries(model, matrix):
    """The entries of a matrix like L that belong to one factor."""
    return np.concatenate([np.zeros(0), *(matrix[place, place].ravel() for place in model.places)])


def test_density_equals_the_oracle(model, restricted):
    value, _ = density(model.scaled, model.at, restricted=restricted)
    assert value == pytest.approx(model.log_likelihood(model.at, restricted), rel=1e-9)


def test_gradient_in_the_factor(model, restricted):
    """Entries of a zero column have derivative zero: the likelihood is even in them."""
    _, gradient = density(model.scaled, model.at, restricted=restricted)
    expected = central_difference(
        lambda L: model.log_likelihood(model.at._replace(L=L), restricted), model.at.L
    )
    assert_close(own_entries(model, gradient.L), own_entries(model, expected), 1e-6)


def test_gradient_in_the_regression_of_sigma(model, restricted):
    _, gradient = density(model.scaled, model.at, restricted=restricted)
    expected = central_difference(
        lambda alpha: model.log_likelihood(model.at._replace(alpha=alpha), restricted), model.at.alpha
    )
    assert_close(gradient.alpha, expected, 1e-6)


def test_gradient_in_the_regressions_of_group_sds(model, restricted):
    _, gradient = density(model.scaled, model.at, restricted=restricted)
    assert len(gradient.delta) == len(model.s)
    for f, found in enumerate(gradient.delta):
        before, after = model.at.delta[:f], model.at.delta[f + 1 :]

        def of_delta(delta, before=before, after=after):
            return model.log_likelihood(model.at._replace(delta=(*before, delta, *after)), restricted)

        assert_close(found, central_difference(of_delta, model.at.delta[f]), 1e-6)


def test_solution_equals_the_oracle(model):
    found, oracle = solve(model.scaled, model.at), model.solution()
    assert_close(found.beta, oracle.beta)
    assert_close(found.beta_cov, oracle.beta_cov)
    assert len(found.effects) == sum(z.shape[1] > 0 for z in model.Z)
    for f, own in enumerate(found.effects):
        assert own.u.shape == (model.counts[f], model.Z[f].shape[1])
        assert_close(own.u, oracle.of(f, "u"))
        assert_close(own.cov, oracle.of(f, "cov"))
        assert_close(own.beta_cov, oracle.of(f, "cross"))


def test_weights_are_the_share_of_variance_resolved(model):
    """W_jG_j = G_j - Cov(u_j | y, β), with G_j the group's own covariance, also where it is singular."""
    found, oracle = solve(model.scaled, model.at), model.solution()
    G = model.at.L @ model.at.L.T
    for f, own in enumerate(found.effects):
        scale = np.exp(2 * model.s[f] @ model.at.delta[f])[:, None, None]
        g = scale * G[model.places[f], model.places[f]]
        assert_close(own.weights @ g, g - oracle.of(f, "given_beta"), 1e-7)


def test_constant_sds_are_those_of_the_composite(restricted):
    model = STRUCTURES["constant sds"]
    value, gradient = density(model.scaled, model.at, restricted=restricted)
    expected, d_L, d_sigma = model.composite.density(model.at.L, model.sigma, restricted=restricted)
    assert value == pytest.approx(expected, rel=1e-12)
    assert_close(own_entries(model, gradient.L), own_entries(model, d_L), 1e-10)
    assert gradient.alpha[0] == pytest.approx(d_sigma * model.sigma, rel=1e-10)


def test_strata_are_compressed_to_a_few_rows_per_group():
    """At most as many rows as columns of [Z X y] for each group and stratum, however many rows there are."""
    times = 10
    many = replace(
        STRATA,
        **{name: np.tile(getattr(STRATA, name), (times, 1)) for name in ("X", "w")},
        y=np.random.default_rng(0).normal(size=times * N),
        Z=(np.tile(STRATA.Z[0], (times, 1)),),
        ids=(np.tile(STRATA.ids[0], times),),
    ).scaled
    assert many.n == times * N
    assert many.sizes.sum() == many.n
    assert len(many.rows) <= 18 * 2 * (2 + 3 + 1)
    assert len(many.w) == 2


def test_values_of_predictors_row_by_row_are_kept_apart():
    data = STRUCTURES["row by row"].scaled
    assert len(data.rows) == len(data.w) == N
    np.testing.assert_array_equal(data.w[data.cell][:, 0], 1)


def test_the_order_of_rows_does_not_matter(restricted):
    order = np.random.default_rng(4).permutation(N)
    base = BOTH
    moved = replace(
        base,
        **{name: getattr(base, name)[order] for name in ("y", "X", "w")},
        Z=tuple(z[order] for z in base.Z),
        ids=tuple(i[order] for i in base.ids),
    )
    first, second = (density(m.scaled, m.at, restricted=restricted)[0] for m in (base, moved))
    assert first == pytest.approx(second, rel=1e-12)  # sums in another order


def test_crossed_factors_are_refused():
    crossed = structure([ROWS % 10, ROWS // 12], (10, 6), (1, 1), strata=2)
    with pytest.raises(FitError, match="not available with crossed grouping factors") as raised:
        assert crossed.scaled
    assert "nested" in raised.value.remedy


def test_singular_fixed_effects_have_no_likelihood(restricted):
    """-∞ with a zero gradient, so that an optimiser turns back."""
    empty = replace(STRATA, X=STRATA.X * [1, 0, 1])
    value, gradient = density(empty.scaled, empty.at, restricted=restricted)
    assert value == -np.inf
    assert not np.concatenate([gradient.L.ravel(), gradient.alpha, *gradient.delta]).any()
    with pytest.raises(np.linalg.LinAlgError, match="singular"):
        solve(empty.scaled, empty.at)
