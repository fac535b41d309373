"""Leave-one-out against models that are fitted again."""

from __future__ import annotations

import numpy as np
import pytest

import laird as ld
from laird.inference.dispersion import drawn_theta
from laird.inference.logo import left_out_densities
from laird.inference.logo_densities import prior_about, unit_densities
from laird.inference.logo_rows import centred_rows
from laird.inference.refits import refit, subset
from laird.posterior import coefficient_prior


@pytest.fixture(scope="module")
def fit():
    model = ld.model("Reaction ~ Days + (1 | Subject)", data=ld.load_data("sleepstudy"))
    return model.fit("eb", draws=2000, random_seed=1)


def test_groups_as_when_the_model_is_fitted_without_them(fit):
    found = ld.loo(fit)
    rows = centred_rows(fit)
    for j in (0, 7, 17):
        without = refit(fit, subset(fit.problem.design, rows.units.codes != j))
        theta, beta = drawn_theta(without)
        ((_, products),) = rows.unit_products(theta)
        prior = prior_about(coefficient_prior(fit.priors), rows.origin, np.linalg.solve(rows.T, beta.T).T)
        log_p = unit_densities(products, rows.counts, prior)[:, j]
        expected = np.log(np.mean(np.exp(log_p - log_p.max()))) + log_p.max()
        error = np.std(np.exp(log_p - expected)) / np.sqrt(len(log_p))
        assert abs(float(found.elpd_i[j]) - expected) < 5 * error + 0.01, "five standard errors of 2000 draws"


def test_one_group_is_found_by_name(fit):
    found = left_out_densities(fit, "group")
    assert found.dims == ("chain", "draw", "Subject")
    assert list(found.Subject.to_numpy()[:2]) == ["308", "309"]
    assert found.shape == (1, 2000, 18)


def test_rows_are_predicted_better_than_groups(fit):
    groups, rows = ld.loo(fit), ld.loo(fit, "row")
    assert rows.n_data_points == 180
    assert float(rows.elpd) > float(groups.elpd)


def test_a_better_model_comes_first(fit):
    worse = ld.model("Reaction ~ 1 + (1 | Subject)", data=ld.load_data("sleepstudy"))
    fits = {"worse": worse.fit("eb", random_seed=1), "better": fit}
    table = ld.compare_loo(fits, "row")
    assert list(table.index) == ["better", "worse"]
    assert table.loc["worse", "elpd_diff"] < -30


def test_studies_are_left_out_of_a_meta_analysis():
    fit = ld.model("yi ~ ablat + meta_V(vi)", data=ld.load_data("bcg_rr")).fit("eb", random_seed=1)
    groups, rows = left_out_densities(fit, "group"), left_out_densities(fit, "row")
    assert groups.dims[-1] == "row"
    np.testing.assert_array_equal(groups, rows)


def test_outcomes_are_named():
    rng = np.random.default_rng(2)
    data = {"a": rng.normal(size=20), "b": rng.normal(size=20), "x": rng.normal(size=20)}
    fit = ld.model("a ~ x", "b ~ x", data=data).fit("eb", draws=200, random_seed=1)
    assert list(left_out_densities(fit, "row").row.to_numpy()[:3]) == ["0, a", "0, b", "1, a"]
    assert left_out_densities(fit, "group").shape[-1] == 20


def test_an_outlier_is_named():
    data = ld.load_data("dyestuff")
    data = data.assign(Yield=data.Yield.where(data.Batch != "E", data.Yield + 900))
    fit = ld.model("Yield ~ 1 + (1 | Batch)", data=data).fit("eb", random_seed=1)
    with pytest.warns(ld.LairdWarning, match='left-out Batch are not reliable .* "E"'):
        ld.loo(fit)


def test_what_cannot_be_is_said(fit):
    rng = np.random.default_rng(1)
    data = {"y": rng.normal(size=60), "a": rng.integers(0, 5, 60), "b": rng.integers(0, 4, 60)}
    crossed = ld.model("y ~ 1 + (1 | a) + (1 | b)", data=data).fit("eb", draws=100, random_seed=1)
    with pytest.raises(ld.FitError, match="groups cross"):
        ld.loo(crossed)
    assert ld.loo(crossed, "row").n_data_points == 60
    with pytest.raises(ld.FitError, match="unit = 'pupil'"):
        ld.loo(fit, "pupil")
    with pytest.raises(ld.FitError, match="no draws"):
        ld.loo(ld.model("Reaction ~ Days", data=ld.load_data("sleepstudy")).fit("reml"))
    with pytest.raises(ld.FitError, match="no two fits"):
        ld.compare_loo({"a": fit})
    with pytest.raises(ld.FitError, match="no two fits"):
        ld.compare_loo([fit, fit])
    with pytest.raises(ld.FitError, match="option = 'ic'"):
        ld.compare_loo({"a": fit, "b": fit}, ic="waic")
    with pytest.raises(ld.FitError, match="method = 'waic'"):
        ld.compare_loo({"a": fit, "b": fit}, method="waic")
    with pytest.raises(ld.FitError, match="different outcomes"):
        ld.compare_loo({"a": fit, "b": crossed})
