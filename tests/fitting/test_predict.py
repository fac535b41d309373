"""Predictions: fitted groups, new groups, the population; means and responses."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from tests.fitting.problems import grouped_frame

import laird as ld
from laird.fitting import predict as module
from laird.gaussian import dense

NEW = pd.DataFrame({"x": [0.0, 1.5, -2.0], "w": [0.2, 0.2, -1.0], "g": ["g00", "g05", "new"]})


@pytest.fixture(scope="module")
def model():
    return ld.model("y ~ x + w + (1 + x | g)", data=grouped_frame(seed=2))


@pytest.fixture(scope="module")
def fit(model):
    return model.fit("reml")


@pytest.fixture(scope="module")
def eb(model):
    return model.fit("eb", draws=4000, random_seed=1)


def rows(frame):
    X = np.column_stack([np.ones(len(frame)), frame.x, frame.w])
    return X, X[:, :2]


def test_fitted_groups_have_their_effects_and_joint_variance(fit):
    """Var(x'(β̂ - β) + z'(û - u)) from the dense oracle."""
    table, (X, Z) = fit.predict(NEW[:2]), rows(NEW[:2])
    design, random = fit.problem.design, fit.problem.design.random[0]
    R, J = np.full(fit.nobs, fit.sigma**2), len(random.levels)
    beta, u, u_cov, cross = dense.blup(design.y, design.X, random.Z, random.ids, J, fit.point.G, R)
    beta_cov = dense.gls(design.y, design.X, dense.marginal_covariance(random.Z, random.ids, fit.point.G, R))[
        1
    ]
    for i, j in enumerate([0, 5]):
        at, z, x = slice(2 * j, 2 * j + 2), Z[i], X[i]
        variance = x @ beta_cov @ x + z @ u_cov[at, at] @ z + 2 * x @ cross[:, at] @ z
        assert table.estimate[i] == pytest.approx(x @ beta + z @ u[j], rel=1e-8)
        assert table.se[i] == pytest.approx(np.sqrt(variance), rel=1e-7)


def test_new_groups_are_draws_from_the_population(fit):
    table, (X, Z) = fit.predict(NEW, groups="new"), rows(NEW)
    x, z = X[2], Z[2]
    assert table.estimate[2] == pytest.approx(x @ fit.fixef, rel=1e-12)
    assert table.se[2] == pytest.approx(np.sqrt(x @ fit.vcov @ x + z @ fit.point.G @ z), rel=1e-12)
    known = fit.predict(NEW[:2])
    pd.testing.assert_frame_equal(table[:2], known)


def test_the_population_has_no_group_effects(fit):
    table, (X, _) = fit.predict(NEW, groups="population"), rows(NEW)
    np.testing.assert_allclose(table.estimate, X @ fit.fixef, rtol=1e-12)
    np.testing.assert_allclose(table.se, np.sqrt(np.sum(X @ fit.vcov.to_numpy() * X, axis=1)), rtol=1e-12)
    without_column = fit.predict(NEW.drop(columns="g"), groups="population")
    pd.testing.assert_frame_equal(table, without_column)


@pytest.mark.parametrize("groups", ["error", "existing"])
def test_unknown_groups_are_refused_unless_asked_for(fit, groups):
    with pytest.raises(ld.DataError, match="new"):
        fit.predict(NEW, groups=groups)


def test_a_response_adds_the_residual_variance(fit):
    mean, response = fit.predict(NEW[:2]), fit.predict(NEW[:2], kind="response")
    np.testing.assert_allclose(response.se**2, mean.se**2 + fit.sigma**2, rtol=1e-12)
    np.testing.assert_array_equal(response.estimate, mean.estimate)


@pytest.mark.parametrize("prob", [0.5, 0.95])
def test_intervals_are_normal(fit, prob):
    table = fit.predict(NEW[:2], prob=prob)
    half = norm.ppf(0.5 + prob / 2) * table.se
    np.testing.assert_allclose(table.upper - table.estimate, half, rtol=1e-12)
    np.testing.assert_allclose(table.estimate - table.lower, half, rtol=1e-12)


def test_least_squares_ignores_groups(model):
    ols = model.fit("ols")
    table, (X, _) = ols.predict(NEW[:2]), rows(NEW[:2])
    np.testing.assert_allclose(table.estimate, X @ ols.fixef, rtol=1e-12)


@pytest.fixture(scope="module")
def many():
    """Eighty groups: the variances are known well, so that draws and formulas must agree."""
    model = ld.model("y ~ x + w + (1 + x | g)", data=grouped_frame(J=80, seed=4))
    return model.fit("reml"), model.fit("eb", draws=4000, random_seed=1)


@pytest.mark.parametrize("groups", ["new", "population"])
@pytest.mark.parametrize("kind", ["mean", "response"])
def test_draws_and_formulas_agree(many, groups, kind):
    computed, drawn = (fit.predict(NEW, groups=groups, kind=kind) for fit in many)
    np.testing.assert_allclose(drawn.estimate, computed.estimate, rtol=0, atol=0.02)
    # 4000 draws give an sd to 1 %; variances estimated from 80 groups move it by a few per cent more.
    np.testing.assert_allclose(drawn.se, computed.se, rtol=0.08)
    np.testing.assert_allclose(drawn.upper - drawn.lower, computed.upper - computed.lower, rtol=0.08)


def test_draws_of_a_prediction_are_reproducible(eb):
    first, again = (eb.predict(NEW, groups="new", kind="response") for _ in range(2))
    pd.testing.assert_frame_equal(first, again)


def test_chunks_do_not_change_means(eb, monkeypatch):
    """Rows are predicted some at a time; without a response's noise the result is the same."""
    whole = eb.predict(NEW, groups="new")
    monkeypatch.setattr(module, "CELLS", eb.draws.sigma.size)
    pd.testing.assert_frame_equal(eb.predict(NEW, groups="new"), whole)


def test_no_rows_are_an_error(fit):
    with pytest.raises(ld.DataError, match="0 rows"):
        fit.predict(NEW[:0])


@pytest.mark.parametrize(
    "options", [{"groups": "newest"}, {"kind": "mode"}, {"prob": 0.0}, {"prob": 1.5}], ids=str
)
def test_impossible_options_are_refused(fit, options):
    with pytest.raises(ld.FitError) as caught:
        fit.predict(NEW[:2], **options)
    assert "Allowed" in caught.value.allowed


def test_group_means_of_new_data_are_those_of_the_fit():
    frame = grouped_frame(seed=2)
    fit = ld.model("y ~ cvar(x, g) + dvar(x, g) + (1 | g)", data=frame).fit("reml")
    one = frame[frame.g == "g01"].head(1)
    alone, inside = fit.predict(one), fit.predict(frame)
    assert alone.estimate[0] == pytest.approx(inside.estimate[frame.index.get_loc(one.index[0])], rel=1e-12)
