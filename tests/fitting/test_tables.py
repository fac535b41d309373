from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from tests.fitting.draws import draws_like
from tests.fitting.problems import grouped_frame

import laird as ld
from laird.fitting import tables
from laird.fitting.intervals import credible


@pytest.fixture(scope="module")
def fit():
    return ld.model("y ~ x + w + (1 + x | g)", data=grouped_frame(J=20, seed=2)).fit("reml")


def test_parameters_are_fixed_effects_sds_correlations_sigma(fit):
    found = tables.parameters(fit.problem.design.names, fit.problem.design.random)
    assert [(q.component, q.group, q.term) for q in found] == [
        ("fixed", "", "Intercept"),
        ("fixed", "", "x"),
        ("fixed", "", "w"),
        ("sd", "g", "Intercept"),
        ("sd", "g", "x"),
        ("cor", "g", "Intercept, x"),
        ("sigma", "", "residual"),
    ]
    assert [tables.estimate(fit.point, q) for q in found] == list(fit.summary().estimate)


def test_independent_coefficients_have_no_correlation():
    design = ld.model("y ~ x + (1 + x || g)", data=grouped_frame()).design
    assert "cor" not in {q.component for q in tables.parameters(design.names, design.random)}


@pytest.mark.parametrize("prob", [0.5, 0.9, 0.99])
def test_scale_intervals_are_symmetric_on_their_scale(fit, prob):
    table, z = fit.summary(prob).set_index(["component", "term"]), stats.norm.ppf(0.5 + prob / 2)
    for row in [("sd", "Intercept"), ("sd", "x"), ("sigma", "residual")]:
        estimate, se, lower, upper = table.loc[row, ["estimate", "se", "lower", "upper"]]
        assert np.sqrt(lower * upper) == pytest.approx(estimate, rel=1e-10)
        assert np.log(upper / estimate) == pytest.approx(z * se / estimate, rel=1e-10)
    estimate, se, lower, upper = table.loc[("cor", "Intercept, x"), ["estimate", "se", "lower", "upper"]]
    assert (np.arctanh(lower) + np.arctanh(upper)) / 2 == pytest.approx(np.arctanh(estimate), abs=1e-10)
    assert np.arctanh(upper) - np.arctanh(estimate) == pytest.approx(z * se / (1 - estimate**2), rel=1e-8)


def test_without_uncertainty_there_are_no_scale_intervals(fit):
    table = tables.likelihood_summary(fit.problem, fit.problem.design.random, fit.point, None, (), 0.95)
    assert table.lower[table.component == "fixed"].notna().all()
    assert table.lower[table.component != "fixed"].isna().all()


@pytest.fixture(scope="module")
def draws():
    """Independent draws of all parameters of `fit`."""
    rng, shape = np.random.default_rng(0), (4, 500)
    L = np.zeros((*shape, 2, 2))
    L[..., 0, 0], L[..., 1, 0], L[..., 1, 1] = rng.uniform(1, 2, (3, *shape))
    return draws_like(rng.normal(size=(*shape, 3)), rng.uniform(1, 2, shape), L)


def test_draws_are_summarised_by_quantiles_and_diagnostics(fit, draws):
    table = tables.draws_summary(fit.problem, fit.point, draws, (), 0.8)
    np.testing.assert_array_equal(table.estimate, fit.summary().estimate)
    values = {1: draws.beta[..., 1], 5: draws.correlation[..., 1, 0], 6: draws.sigma}
    for row, sample in values.items():
        held = np.nan if row == 1 else table.estimate[row]
        interval = table.loc[row, ["lower", "upper"]].astype(float)
        np.testing.assert_allclose(interval, credible(sample.ravel(), 0.8, held), rtol=1e-12)
    np.testing.assert_allclose(table.rhat, 1, rtol=0, atol=0.02)  # independent draws
    assert table.ess_bulk.between(1500, 2600).all()


def test_weighted_draws_are_worth_no_more_than_their_weights(fit, draws):
    few = replace(draws, effective=100.0)
    table = tables.draws_summary(fit.problem, fit.point, few, (), 0.8)
    assert (table[["ess_bulk", "ess_tail"]] <= 100).all(axis=None)


def test_convergence_sees_chains_that_disagree():
    rng = np.random.default_rng(1)
    together = rng.normal(size=(4, 400))
    apart = together + np.arange(4)[:, None]
    assert tables.convergence(together)[2] < 1.01
    assert tables.convergence(apart)[2] > 1.2
    assert tables.convergence(apart)[0] < 50


def test_a_constant_has_no_diagnostics():
    assert np.isnan(tables.convergence(np.ones((4, 100)))).all()


def test_frames_of_effects_are_copies():
    values = np.zeros((2, 1))
    frame = tables.effects_frame(values, ["a", "b"], ["Intercept"], "g")
    frame.iloc[0, 0] = 1.0
    assert values[0, 0] == 0
    assert isinstance(frame, pd.DataFrame)


HOMOGENEOUS = {
    "y": [0.21, 0.18, 0.22, 0.19, 0.2, 0.23, 0.17, 0.2],
    "v": [0.04] * 8,
    "x": ["a", "b"] * 4,
    "g": [1, 1, 2, 2, 3, 3, 4, 4],
}


@pytest.mark.parametrize("method", ["ml", "reml"])
def test_no_interval_from_zero_to_infinity_where_the_likelihood_is_flat(method):
    """exp of what the curvature gives would be [0, ∞], for each sd and for their ratio."""
    fit = ld.model("y ~ 1 + meta_V(v)", "sigma ~ x", data=HOMOGENEOUS).fit(method)
    rows = fit.summary().query("component == 'log_sigma'")
    assert rows[["se", "lower", "upper"]].isna().all(axis=None)
    assert fit.scale_se.isna().all()
    draws = ld.model("y ~ 1 + meta_V(v)", "sigma ~ x", data=HOMOGENEOUS).fit("eb", random_seed=1)
    finite = draws.summary().query("component == 'log_sigma'")[["lower", "upper"]]
    assert np.exp(finite).to_numpy().max() < 10


def test_one_level_without_heterogeneity_leaves_the_other_its_interval():
    data = HOMOGENEOUS | {"y": [1.21, 0.18, -0.22, 0.19, 2.2, 0.23, 0.17, 0.2]}
    rows = ld.model("y ~ 1 + meta_V(v)", "sigma ~ x", data=data).fit("reml").summary().set_index("term")
    assert np.isfinite(rows.loc["Intercept", "upper"]).all()
    assert rows.loc["x[b]", ["se", "lower", "upper"]].isna().all()


def test_a_correlation_at_one_has_no_interval():
    rng = np.random.default_rng(1)
    y = rng.normal(size=30)
    data = {"a": y, "b": 2 * y + rng.normal(0, 1e-3, 30), "v": np.full(30, 0.04)}
    fit = ld.model("a ~ 1 + meta_V(v)", "b ~ 1 + meta_V(v)", data=data).fit("reml")
    rho = fit.summary().set_index("component").loc["rho"]
    assert rho.estimate > 0.999
    assert rho[["se", "lower", "upper"]].isna().all()


def test_a_predictor_far_from_zero_keeps_its_standard_errors():
    """The log sd in the year 0 is an extrapolation with a huge error, but the data determine it."""
    data = ld.load_data("restoration")
    near, far = (
        ld.model("yi ~ 1 + meta_V(vi)", "sigma ~ year", data=data.assign(year=data.duration + shift)).fit()
        for shift in (0, 2000)
    )
    np.testing.assert_allclose(far.scale_se["year"], near.scale_se["year"], rtol=1e-6)
    assert 50 < far.scale_se["Intercept"] < np.inf


def test_fits_of_meta_analyses_say_whose_degrees_of_freedom_they_have():
    model = ld.model("yi ~ 1 + meta_V(vi)", data=ld.load_data("bcg_rr"))
    assert "Knapp and Hartung" in " ".join(repr(model.fit("reml")).split())
    assert "Knapp and Hartung" not in " ".join(repr(model.fit("eb", random_seed=1)).split())
