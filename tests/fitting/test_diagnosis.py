"""Rows of `Fit.check` beyond convergence: every one of them, when all is well and when it is not."""

import numpy as np
import pytest

import laird as ld

NAN = float("nan")
RNG = np.random.default_rng(7)
SPREAD = {"y": RNG.normal(0, 2, 30), "v": RNG.uniform(0.01, 1, 30), "x": ["a", "b", "b"] * 10}
EVEN = SPREAD | {"v": np.full(30, 0.1)}
HOMOGENEOUS = {"y": RNG.normal(0.2, 0.02, 20), "v": np.full(20, 0.04), "x": ["a", "b"] * 10}


def checks(*formulas, data=SPREAD, method="reml", **options):
    return ld.model(*formulas, data=data, **options).fit(method).check().set_index("check")


def test_a_good_fit_is_ok_throughout():
    found = checks("y ~ 1 + meta_V(v)", "sigma ~ x")
    assert set(found.status) == {"ok"}
    assert {"known_covariance", "heterogeneity", "standard_errors(sigma)", "rows_per_level(sigma)"} <= set(
        found.index
    )


def test_heterogeneity_of_zero_is_no_success():
    """R's drmTMB passes all checks here, with a standard error of 12,023."""
    found = checks("y ~ 1 + meta_V(v)", "sigma ~ x", data=HOMOGENEOUS).loc[
        ["heterogeneity", "standard_errors(sigma)"]
    ]
    assert found.status.tolist() == ["boundary", "warning"]
    assert found.value.iloc[1] > 1000
    assert "does not show that the true effects are equal" in found.message.iloc[0]
    assert found.remedy.str.len().gt(0).all()


def test_heterogeneity_may_be_zero_in_some_rows():
    data = HOMOGENEOUS | {"y": HOMOGENEOUS["y"] + np.tile([2.0, 0.0, -2.0, 0.0], 5)}
    row = checks("y ~ 1 + meta_V(v)", "sigma ~ x", data=data).loc["heterogeneity"]
    assert row.status == "boundary"
    assert "zero in 10 of 20 rows" in row.message
    assert "leave the predictor out of `sigma`" in row.remedy


def test_a_predictor_far_from_zero_is_no_warning():
    data = SPREAD | {"year": 1990.0 + np.arange(30) % 7}
    row = checks("y ~ 1 + meta_V(v)", "sigma ~ year", data=data).loc["standard_errors(sigma)"]
    assert row.status == "ok"
    assert row.value > 10


def test_a_correlation_at_one():
    first = RNG.normal(size=30)
    data = {"a": first, "b": 2 * first + RNG.normal(0, 1e-3, 30), "v": np.full(30, 0.04)}
    found = checks("a ~ 1 + meta_V(v)", "b ~ 1 + meta_V(v)", data=data)
    row = found.loc["correlation(a, b)"]
    assert (row.status, round(row.value, 2)) == ("boundary", 1.0)
    assert "`rho(...) ~ 0`" in row.remedy
    assert found.loc["standard_errors(rho(a, b))"].status == "warning"


@pytest.mark.parametrize(("count", "status"), [(4, "warning"), (7, "note"), (12, "ok")])
def test_few_rows_of_a_level(count, status):
    levels = ["few"] * count + ["many"] * (30 - count)
    found = checks("y ~ 1 + meta_V(v)", "sigma ~ x", data=SPREAD | {"x": levels})
    row = found.loc["rows_per_level(sigma)"]
    assert row[["status", "value"]].tolist() == [status, count]
    assert row.message.startswith(f"The smallest level of `sigma ~ …`, `x[few]`, has {count} rows.")


def test_levels_of_several_factors_are_counted_one_by_one():
    data = SPREAD | {"z": ["u"] * 3 + ["w"] * 27, "d": np.arange(30) % 2}
    row = checks("y ~ 1 + meta_V(v)", "sigma ~ x + z + d", data=data).loc["rows_per_level(sigma)"]
    assert row.message.startswith("The smallest level of `sigma ~ …`, `z[u]`, has 3 rows.")
    without = checks("y ~ 1 + meta_V(v)", "sigma ~ d", data=data).loc["rows_per_level(sigma)"]
    assert (without.value, without.status) == (15, "ok")


def test_levels_of_group_sds_are_counted_in_groups():
    data = SPREAD | {"g": np.repeat(np.arange(10), 3), "x": np.repeat(["a", "b"], [9, 21])}
    row = checks("y ~ 1 + (1 | g) + meta_V(v)", "sd(g) ~ x", data=data).loc["rows_per_level(sd)"]
    assert (row.value, row.status) == (3, "warning")
    assert "`x[a]`, has 3 groups of `g`" in row.message


def test_spread_of_v_counts_only_where_sigma_is_estimated_too():
    formula, little = 'y ~ 1 + meta_V(v, scale="proportional")', SPREAD | {"v": 0.1 + 1e-4 * np.arange(30)}
    assert checks(formula).loc["spread_of_v"].status == "ok"
    row = checks(formula, data=little).loc["spread_of_v"]
    assert row.status == "warning"
    assert "sigma ~ 0" in row.remedy
    assert "spread_of_v" not in checks(formula, "sigma ~ 0", data=EVEN).index


def test_a_nearly_singular_v_is_noted():
    V = [0.1 * np.array([[1, 1 - 1e-9], [1 - 1e-9, 1]])] * 15
    row = checks("y ~ 1 + meta_V(V)", known={"V": V}).loc["known_covariance"]
    assert row.status == "note"
    assert "nearly singular" in row.message


def test_rows_and_outcomes_that_are_lost_are_counted():
    some = SPREAD | {"z": np.r_[NAN, NAN, NAN, RNG.normal(size=27)]}
    row = checks("y ~ 1 + meta_V(v)", "z ~ 1 + meta_V(v)", data=some).loc["outcomes"]
    assert row[["status", "value"]].tolist() == ["note", 3]
    assert "3 without `z`" in row.message
    row = checks("z ~ 1 + meta_V(v)", data=some, missing="drop").loc["dropped_rows"]
    assert row[["status", "value"]].tolist() == ["note", 3]


@pytest.mark.parametrize("method", ["ml", "eb"])
def test_estimates_without_sampling_error_are_named(method):
    data = SPREAD | {"v": np.where(np.arange(30) % 10 == 4, 0.0, SPREAD["v"])}
    row = checks("y ~ 1 + meta_V(v)", data=data, method=method).loc["exact_estimates"]
    assert (row.status, row.value) == ("warning", 3)
    assert "in 3 rows: 4, 14, 24" in row.message
    assert "stands for a missing variance" in row.remedy
