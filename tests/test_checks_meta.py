"""Every check of drmTMB's check_drm, and what it misses, in `Fit.check` of meta-analyses."""

import numpy as np
import pandas as pd
import pytest

import laird as ld

# drmTMB's rows, and the row of laird that answers the same question.  Those of TMB's machinery
# (clamps of log sigma, aggregation of rows, memory of dense designs) have no counterpart: laird has
# neither the clamp nor dense matrices, and its convergence is that of Newton's decrement.
EQUIVALENTS = {
    "optimizer_convergence": "convergence",
    "optimizer_budget": "convergence",
    "finite_objective": "convergence",
    "fixed_gradient": "convergence",
    "sdreport_status": "standard_errors(sigma)",
    "hessian_positive_definite": "standard_errors(sigma)",
    "standard_errors_finite": "standard_errors(sigma)",
    "standard_errors_inflated": "standard_errors(sigma)",
    "dropped_rows": "dropped_rows",
    "positive_scale": "heterogeneity",
    "random_effect_sd_boundary": "boundary",
    "rho12_boundary": "correlation(y1, y2)",
    "known_sampling_covariance": "known_covariance",
    "mu_random_effect_replication": "groups",
    "sigma_random_effect_replication": "rows_per_level(sigma)",
}


def studies(k=40, tau=0.4, seed=0):
    rng = np.random.default_rng(seed)
    study = np.repeat(np.arange(k // 2), 2)
    habitat = np.where(study % 2, "forest", "grassland")
    v = rng.uniform(0.02, 0.1, k)
    y = rng.normal(0, 0.3, k // 2)[study] + rng.normal(0, np.sqrt(v + tau**2))
    return pd.DataFrame({"study": study, "habitat": habitat, "vi": v, "yi": y})


def homogeneous(seed=3):
    """drmTMB's blind spot: effects that differ less than their sampling errors say."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"yi": rng.normal(0.2, 0.1, 20), "vi": 0.04})


def rows(fit):
    return fit.check().set_index("check")


def two_outcomes():
    rng = np.random.default_rng(1)
    z = rng.normal(size=(30, 1)) * 0.5
    y = z + rng.normal(0, 0.3, (30, 2))
    return pd.DataFrame({"y1": y[:, 0], "y2": y[:, 1], "v1": 0.05, "v2": 0.08})


@pytest.fixture(scope="module")
def every_row():
    data = studies()
    data.loc[3, "yi"] = np.nan
    parts = ("yi ~ habitat + (1 | study) + meta_V(vi)", "sigma ~ habitat")
    location_scale = ld.model(*parts, data=data, missing="drop").fit("reml")
    bivariate = ld.model("y1 ~ 1 + meta_V(v1)", "y2 ~ 1 + meta_V(v2)", data=two_outcomes()).fit("reml")
    return {*rows(location_scale).index, *rows(bivariate).index}


@pytest.mark.parametrize("theirs", EQUIVALENTS)
def test_every_check_has_its_equivalent(theirs, every_row):
    ours = EQUIVALENTS[theirs]
    assert any(name == ours or name.startswith(f"{ours}(") for name in every_row)


@pytest.mark.parametrize("method", ["ml", "reml"])
def test_twenty_homogeneous_studies_are_on_the_boundary(method):
    fit = ld.model("yi ~ 1 + meta_V(vi)", data=homogeneous()).fit(method)
    row = rows(fit).loc["heterogeneity"]
    assert fit.sigma == 0.0
    assert fit.status == row.status == "boundary"
    assert "which does not show that the true effects are equal" in row.message
    assert row.remedy
    table = fit.summary()
    assert not np.isinf(table[["lower", "upper"]].to_numpy()).any()


def test_their_heterogeneity_has_an_interval_all_the_same():
    fit = ld.model("yi ~ 1 + meta_V(vi)", data=homogeneous())
    found = ld.heterogeneity(fit.fit("reml")).table.iloc[0]
    assert found.tau_lower == pytest.approx(0.0, abs=1e-6)  # a square root of rounding
    assert 0.0 < found.tau_upper < 0.5
    drawn = ld.heterogeneity(fit.fit("eb", random_seed=1)).table.iloc[0]
    assert drawn.tau_lower == drawn.tau == 0.0  # from the mode at the boundary
    assert 0.0 < drawn.tau_upper < 0.5


def test_a_heterogeneity_of_zero_at_one_level_is_found():
    data = studies(80)
    calm = data.habitat == "forest"
    data.loc[calm, "yi"] = 0.2 + np.linspace(-0.01, 0.01, int(calm.sum()))
    fit = ld.model("yi ~ habitat + meta_V(vi)", "sigma ~ habitat", data=data).fit("reml")
    found = rows(fit)
    assert fit.status == "boundary"
    assert "in 40 of 80 rows" in found.loc["heterogeneity"].message or (
        found.loc["standard_errors(sigma)"].status == "warning"
    )


def test_few_studies_at_a_level_are_told():
    data = studies().iloc[[*range(20), *[j for j in range(20, 40) if j % 4 < 2]]]
    data = data[(data.habitat == "grassland") | (np.arange(len(data)) < 6)]
    fit = ld.model("yi ~ 1 + meta_V(vi)", "sigma ~ habitat", data=data).fit("reml")
    row = rows(fit).loc["rows_per_level(sigma)"]
    assert row.status == "warning"
    assert row.value < 5


def test_outcomes_that_are_missing_are_counted():
    data = two_outcomes()
    data.loc[:9, ["y2", "v2"]] = np.nan
    fit = ld.model("y1 ~ 1 + meta_V(v1)", "y2 ~ 1 + meta_V(v2)", data=data).fit("reml")
    row = rows(fit).loc["outcomes"]
    assert row.status == "note"
    assert "10 without `y2`" in row.message


def test_a_correlation_next_to_one_is_found():
    data = two_outcomes()
    data["y2"] = 2 * data.y1 + 0.01
    fit = ld.model("y1 ~ 1 + meta_V(v1)", "y2 ~ 1 + meta_V(v2)", data=data).fit("reml")
    row = rows(fit).loc["correlation(y1, y2)"]
    assert row.status == "boundary"
    assert row.value > 0.98


def test_variances_without_spread_cannot_have_a_factor_beside_sigma():
    data = studies().assign(vi=lambda d: 0.05 * (1 + 0.01 * np.arange(len(d)) / len(d)))
    fit = ld.model('yi ~ 1 + meta_V(vi, scale="proportional")', data=data).fit("reml")
    row = rows(fit).loc["spread_of_v"]
    assert row.status == "warning"


def test_a_prior_that_says_more_than_the_data_is_told():
    data = pd.DataFrame({"yi": [0.1, 0.3, 0.2, 0.4, 0.0], "vi": 4.0})
    model = ld.model("yi ~ 1 + meta_V(vi)", data=data, priors={"sigma": "half_student_t(3, 0.16)"})
    assert rows(model.fit("eb", random_seed=1)).loc["prior"].status == "warning"
