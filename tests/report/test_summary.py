from __future__ import annotations

from laird.report.effects import shrinkage_tables
from laird.report.estimates import Comparison
from laird.report.study import Study
from laird.report.summary import summary


def paragraphs(about: Study) -> dict[str, str]:
    return dict(summary(about, Comparison(about.fits), shrinkage_tables(about)))


def test_the_summary_tells_data_estimates_shrinkage_agreement_and_checks(slopes):
    told = paragraphs(slopes)
    assert list(told)[:3] == ["Data and methods", "Estimates", "Shrinkage"]
    assert "1,977 rows in 40 groups of `school` (29 to 66 rows each)" in told["Data and methods"]
    assert "full Bayes (NUTS) (2 chains of 200 draws)" in told["Data and methods"]
    assert "`cvar(ses, school)`" in told["Estimates"]
    assert "REML, EB and NUTS agree" in told["Agreement"]


def test_the_numbers_of_the_summary_are_those_of_the_fit(slopes):
    sd = slopes.reference.varcorr.sdcor[0]
    assert f"`Intercept` {sd:.2f} (" in paragraphs(slopes)["Estimates"]


def test_ols_understates_the_error_of_a_school_variable(slopes):
    reference, ols = slopes.reference.se, slopes.fits[0].se
    worst = (ols / reference).idxmin()
    assert f"OLS ignores the groups and gives `{worst}`" in paragraphs(slopes)["Agreement"]


def test_a_boundary_is_told_in_the_checks(boundary):
    assert "estimated as +1" in paragraphs(boundary)["Checks"]


def test_a_model_without_predictors_tells_its_intercept(one_way):
    assert "`Intercept` 1,528" in paragraphs(one_way)["Estimates"]


def test_groups_of_one_size_are_told_once(one_way):
    assert "6 groups of `Batch` (5 rows each)" in paragraphs(one_way)["Data and methods"]


def test_without_groups_nothing_is_said_of_them(plain):
    assert list(paragraphs(plain)) == ["Data and methods", "Estimates", "Checks"]


def test_many_groups_that_stand_out_are_counted(boundary):
    assert " more" in paragraphs(boundary)["Groups that stand out"]


def test_no_group_stands_out_when_groups_do_not_vary(no_variance):
    assert "no group of `Batch`" in paragraphs(no_variance)["Groups that stand out"]
