import numpy as np
import pytest
from tests.peers import peer_fits

import laird as ld

COLUMNS = ["term", "estimate", "se", "df", "statistic", "p_value", "lower", "upper", "method"]


def test_every_term_is_tested_and_the_method_named(hs_fit):
    fit = hs_fit("reml")
    table = ld.coef_tests(fit)
    assert list(table.columns) == COLUMNS
    assert table.term.tolist() == list(fit.fixef.index)
    assert set(table.method) == {"satterthwaite"}
    np.testing.assert_allclose(table.statistic, fit.fixef / fit.se, rtol=1e-9)


@pytest.mark.parametrize("df", ["satterthwaite", "kenward-roger"])
def test_degrees_of_freedom_are_those_of_the_peers(df, hs_fit):
    raw = peer_fits()["hs-intercepts_slopes_as_outcomes-reml"].raw
    table = ld.coef_tests(hs_fit("reml"), df=df)
    expected = raw["df_satterthwaite" if df == "satterthwaite" else "df_kr"]
    np.testing.assert_allclose(table.df, list(expected.values()), rtol=1e-5)  # as test_covariation
    se = raw["se" if df == "satterthwaite" else "se_kr"]
    np.testing.assert_allclose(table.se, list(se.values()), rtol=1e-5)


def test_inner_outer_intervals_are_those_of_the_summary(hs_fit):
    fit = hs_fit("reml")
    table, summary = ld.coef_tests(fit, "inner-outer", 0.9), fit.summary(0.9).iloc[:4]
    np.testing.assert_allclose(table[["lower", "upper"]], summary[["lower", "upper"]], rtol=1e-12)


def test_of_least_squares(hs_fit):
    table = ld.coef_tests(hs_fit("ols"))
    assert set(table.method) == {"residual"}
    assert set(table.df) == {1973.0}


@pytest.mark.parametrize("method", ["eb", "nuts"])
def test_of_draws(method, hs_fit):
    fit = hs_fit(method)
    table = ld.coef_tests(fit, prob=0.9)
    assert list(table.columns) == ["term", "estimate", "se", "lower", "upper", "above", "method"]
    summary = fit.summary(0.9).iloc[:4]
    np.testing.assert_allclose(table[["lower", "upper"]], summary[["lower", "upper"]], rtol=1e-12)
    np.testing.assert_allclose(table.se, fit.se, rtol=1e-12)


def test_several_factors(sleepstudy):
    data = sleepstudy.assign(half=sleepstudy.Days // 5)
    fit = ld.model("Reaction ~ Days + (1 | Subject/half)", data=data).fit("reml")
    assert np.all(ld.coef_tests(fit, "kenward-roger").df > 1)


def test_bad_input(hs_fit):
    with pytest.raises(ld.FitError, match="not a probability"):
        ld.coef_tests(hs_fit("reml"), prob=2)
    with pytest.raises(ld.FitError, match="is not a method"):
        ld.coef_tests(hs_fit("reml"), df="kr")
