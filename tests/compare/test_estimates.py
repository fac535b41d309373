"""Estimators without variance components: the slides' numbers, dummy regressions, refusals."""

import numpy as np
import pandas as pd
import pytest
from tests.compare.samples import dummy_regression, sample, schools
from tests.fitting.problems import grouped_frame

from laird.compare.estimates import (
    averaged,
    between,
    common_slopes,
    equal_means,
    pooled,
    term,
    two_stage,
)
from laird.errors import DataError

DIFFERENCES = {"Int": "Sector[Public]", "Slope": "ses:Sector[Public]"}


def by_term(estimate):
    columns = {"estimate": estimate.coefficients, "se": estimate.se, "df": estimate.df}
    return pd.DataFrame(columns, index=list(estimate.terms))


def printed(value):
    """Half a unit of the last digit that the slides print."""
    text = repr(value)
    return 0.5 * 10.0 ** -(len(text.partition(".")[2]) if "." in text else 0)


def assert_prints_as(value, expected):
    assert abs(value - expected) <= printed(expected) * 1.0001


def test_pooled_least_squares_of_the_slides(hs, golden):
    expected, found = golden("seed_numbers")["method_1_pooled_ols"], by_term(pooled(schools(hs)))
    assert (found.df == expected["df_resid"]).all()
    for kind in ("estimate", "se"):
        for name, value in expected[kind].items():
            assert_prints_as(found.loc[name, kind], value)


def test_averaged_lines_of_the_slides(hs, golden):
    expected, found = (
        golden("seed_numbers")["method_2a_fixed_effects_averaged"],
        by_term(averaged(schools(hs))),
    )
    for name, own in DIFFERENCES.items():
        for kind in ("estimate", "se", "df"):
            assert_prints_as(found.loc[own, kind], expected[name][kind])
        assert_prints_as(found.loc[own, "estimate"] / found.loc[own, "se"], expected[name]["t"])


def test_common_slopes_of_the_slides(hs, golden):
    expected = golden("seed_numbers")["method_2b_fixed_effects_common_slopes"]["ses:Sector[Public]"]
    found = by_term(common_slopes(schools(hs)))
    assert list(found.index) == ["ses", "ses:Sector[Public]"]
    for kind in ("estimate", "se", "df"):
        assert_prints_as(found.loc["ses:Sector[Public]", kind], expected[kind])


def test_two_stages_of_the_slides(hs, golden):
    expected, found = golden("seed_numbers")["method_3_two_stage"], by_term(two_stage(schools(hs)))
    rows = {"slope_model": {"Intercept": "ses", "Sector[Public]": "ses:Sector[Public]"}}
    rows["intercept_model_recomputed"] = {"Intercept": "Intercept", "Sector[Public]": "Sector[Public]"}
    for model, names in rows.items():
        for name, own in names.items():
            estimate, se, *t = expected[model][name]
            assert_prints_as(found.loc[own, "estimate"], estimate)
            assert_prints_as(found.loc[own, "se"], se)
            for value in t[:1]:
                assert_prints_as(found.loc[own, "estimate"] / found.loc[own, "se"], value)
    assert (found.df == 38).all()


def test_between_schools_of_the_slides(hs, golden):
    expected = golden("seed_numbers")["method_4_between"]
    found = by_term(between(schools(hs, by_sector=False)))
    for name, (estimate, se, t) in expected.items():
        assert_prints_as(found.loc[name, "estimate"], estimate)
        assert_prints_as(found.loc[name, "se"], se)
        assert_prints_as(found.loc[name, "estimate"] / found.loc[name, "se"], t)


@pytest.fixture(scope="module")
def frame():
    data = grouped_frame(J=9, sizes=(4, 9), seed=3)
    return data.assign(z=np.random.default_rng(4).normal(2, 1, len(data)))


@pytest.fixture(scope="module")
def two_variables(frame):
    return sample(frame, "y", ["x", "z"], "g", frame.groupby("g")[["w"]].first())


def indicators(frame):
    return pd.get_dummies(frame.g).to_numpy(float)


def test_common_slopes_are_a_regression_on_indicators(frame, two_variables):
    x = frame[["x", "z"]].to_numpy()
    columns = np.column_stack([indicators(frame), x, x * frame[["w"]].to_numpy()])
    beta, cov, df = dummy_regression(frame, "y", columns)
    found = common_slopes(two_variables)
    assert found.terms == ("x", "z", "x:w", "z:w")
    np.testing.assert_allclose(found.coefficients, beta[9:], rtol=1e-9)
    np.testing.assert_allclose(found.cov, cov[9:, 9:], rtol=1e-8, atol=1e-14)
    assert (found.df == df).all()


def test_averaged_lines_are_averages_of_a_regression_with_a_line_for_every_group(frame):
    data = sample(frame, "y", ["x", "z"], "g")
    D = indicators(frame)
    columns = np.column_stack([D, D * frame[["x"]].to_numpy(), D * frame[["z"]].to_numpy()])
    beta, cov, df = dummy_regression(frame, "y", columns)
    average = np.kron(np.eye(3), np.full(9, 1 / 9))
    found = averaged(data)
    np.testing.assert_allclose(found.coefficients, average @ beta, rtol=1e-8)
    np.testing.assert_allclose(found.cov, average @ cov @ average.T, rtol=1e-7, atol=1e-12)
    assert (found.df == df).all()
    assert found.groups == 9


def test_both_ways_of_averaging_lines_give_one_estimate(two_variables):
    fixed, stages = averaged(two_variables), two_stage(two_variables)
    np.testing.assert_allclose(fixed.coefficients, stages.coefficients, rtol=1e-12)
    assert stages.wishart
    assert not fixed.wishart


def test_moving_groups_apart_changes_the_honest_errors_only(frame, two_variables):
    """The slides' principle of variance: what varies between groups must matter."""
    shifts = frame.y + 100 * frame.g.astype("category").cat.codes
    apart = sample(frame.assign(y=shifts), "y", ["x", "z"], "g", frame.groupby("g")[["w"]].first())
    np.testing.assert_allclose(averaged(apart).se, averaged(two_variables).se, rtol=1e-8)
    assert two_stage(apart).se[0] > 10 * two_stage(two_variables).se[0]


def test_estimates_at_a_level_are_those_of_its_groups_alone(hs):
    public = schools(hs[hs.Sector == "Public"], by_sector=False)
    for estimator in (pooled, between, common_slopes):
        level = estimator(schools(hs)).at(np.array([1.0, 1.0]))
        np.testing.assert_allclose(level.coefficients, estimator(public).coefficients, rtol=1e-9)


def test_offsets_and_units_change_nothing_but_the_intercept(frame):
    """Years as 2000 to 2010, incomes in millions: slopes keep ten digits."""
    plain = sample(frame, "y", ["x"], "g")
    moved = sample(frame.assign(x=1e-6 * frame.x + 1.0), "y", ["x"], "g")
    for estimator in (pooled, averaged, two_stage, between, common_slopes):
        a, b = estimator(plain), estimator(moved)
        # Adding 1 to values of 1e-6 leaves them ten digits, which their squares share.
        np.testing.assert_allclose(b.coefficients[-1] * 1e-6, a.coefficients[-1], rtol=1e-8)
        np.testing.assert_allclose(b.se[-1] * 1e-6, a.se[-1], rtol=1e-8)


def test_groups_without_a_line_are_refused_or_left_out(frame):
    single = frame.drop(frame.index[frame.g == "g00"][1:])
    flat = single.assign(x=single.x.where(single.g != "g01", 1.0))
    for estimator in (averaged, two_stage):
        with pytest.raises(DataError, match=r"2 of 9 groups of `g`.*1 have one row, 1 have too few") as error:
            estimator(sample(flat, "y", ["x"], "g"))
        assert '"g00", "g01"' in error.value.where
        left = estimator(sample(flat, "y", ["x"], "g"), drop=True)
        rest = estimator(sample(flat[~flat.g.isin(["g00", "g01"])], "y", ["x"], "g"))
        np.testing.assert_allclose(left.coefficients, rest.coefficients, rtol=1e-12)
        np.testing.assert_allclose(left.cov, rest.cov, rtol=1e-9)
        assert left.groups == 7


def test_others_take_groups_of_one_row(frame):
    single = frame.drop(frame.index[frame.g == "g00"][1:])
    for estimator in (pooled, common_slopes, between):
        assert np.isfinite(estimator(sample(single, "y", ["x"], "g")).se).all()


def test_balanced_data_have_nothing_between(sleepstudy):
    data = sample(sleepstudy, "Reaction", ["Days"], "Subject")
    assert equal_means(data).all()
    with pytest.raises(DataError, match=r"group means of `Days` are equal.*no effect between"):
        between(data)


@pytest.mark.parametrize("estimator", [between, two_stage])
def test_too_few_groups(frame, estimator):
    few = frame[frame.g.isin(["g00", "g01"])]
    with pytest.raises(DataError, match=r"coefficients cannot be estimated with their error from 2"):
        estimator(sample(few, "y", ["x"], "g", few.groupby("g")[["w"]].first()))


def test_lines_through_all_points_have_no_error(frame):
    ends = frame.groupby("g").head(2)
    with pytest.raises(DataError, match="No variation is left around the lines"):
        averaged(sample(ends, "y", ["x"], "g"))


def test_means_that_cannot_be_told_from_between_variables(frame):
    means = frame.groupby("g")[["x"]].mean().rename(columns={"x": "w"})
    with pytest.raises(DataError, match="cannot be told apart"):
        between(sample(frame, "y", ["x"], "g", means))


def test_names_of_products():
    assert term("Intercept", "Intercept") == "Intercept"
    assert term("x", "w[b]") == "x:w[b]"
