"""`Estimators`: its tables, lines, text, and what it refuses."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from laird.compare.comparison import Estimators, with_error
from laird.compare.estimators import estimators
from laird.errors import FitError

COLUMNS = ["estimate", "se", "df", "statistic", "p_value", "lower", "upper", "df_method", "n_groups"]


@pytest.fixture(scope="module")
def schools(hs):
    return estimators("mathach ~ ses", group="school", between="Sector", data=hs)


@pytest.fixture(scope="module")
def subjects(sleepstudy):
    return estimators("Reaction ~ Days", group="Subject", data=sleepstudy)


def test_table(schools):
    table = schools.to_frame()
    assert list(table) == ["estimator", "effect", "term", *COLUMNS]
    assert not table.isna().any(axis=None)
    assert not table.duplicated(["estimator", "effect", "term"]).any()
    np.testing.assert_allclose(table.p_value, 2 * stats.t.sf(abs(table.statistic), table.df), rtol=1e-8)
    np.testing.assert_allclose(
        table.upper - table.lower, 2 * stats.t.ppf(0.975, table.df) * table.se, rtol=1e-8
    )


def test_p_values_of_the_slides(schools, golden):
    numbers, table = golden("seed_numbers"), schools.to_frame().set_index(["estimator", "effect", "term"])
    within = table.xs("within", level="effect").p_value
    own = {"averaged": numbers["method_2a_fixed_effects_averaged"]["Slope"]["p"]}
    own["common_slopes"] = numbers["method_2b_fixed_effects_common_slopes"]["ses:Sector[Public]"]["p"]
    own["two_stage"] = numbers["method_3_two_stage"]["slope_model"]["Sector[Public]"][3]
    for name, p in own.items():
        # Half a unit of the last digit printed: four digits after the point, five for 2b.
        assert within[name, "ses:Sector[Public]"] == pytest.approx(
            p, abs=5e-6 if name == "common_slopes" else 5e-5
        )


def test_levels_and_their_difference(schools):
    table = schools.by_level()
    assert list(table) == ["estimator", "effect", "level", "term", *COLUMNS]
    levels = table.pivot_table(index=["estimator", "effect", "term"], columns="level", values="estimate")
    np.testing.assert_allclose(levels["Public"] - levels["Catholic"], levels["Public - Catholic"], rtol=1e-9)
    pooled = table[(table.estimator == "pooled") & (table.level == "Catholic")]
    assert pooled.estimate.round(4).tolist() == [13.5579, 2.2999]


def test_a_wider_interval(schools):
    assert (schools.to_frame(0.99).upper > schools.to_frame(0.95).upper).all()
    with pytest.raises(FitError, match="not a probability"):
        schools.to_frame(95)


def test_lines_are_the_rows_of_the_table(schools):
    table = schools.by_level().set_index(["estimator", "effect", "level", "term"]).sort_index()
    lines = schools.lines()
    assert len(lines) == 7 * 3
    for line in lines:
        own = table.xs((line.estimator, line.effect, line.level))
        np.testing.assert_allclose(line.mean, own.estimate, rtol=1e-12)
        np.testing.assert_allclose(np.sqrt(np.diag(line.cov)), own.se, rtol=1e-12)
        assert line.df == own.df.min()
    assert {line.estimator for line in lines if line.wishart} == {"two_stage"}


def test_one_line(schools):
    difference = schools.line("two_stage", "Public - Catholic")
    assert repr(difference) == (
        "Line(two_stage, within, Public - Catholic: Intercept -2.027 (0.849), ses 1.110 (0.509))"
    )
    assert schools.line("contextual").effect == "within"
    assert schools.line("contextual", effect="between").effect == "between"
    assert schools.line("pooled").level == "Catholic"
    assert schools.line("pooled", x="ses").names == ("Intercept", "ses")


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("poled",), {}, "no estimator `poled`.*\nNearest: `pooled`"),
        (("pooled",), {"effect": "within"}, "no estimator `pooled` of the effect `within`"),
        (("common_slopes",), {}, "no intercept for this effect"),
        (("contextual",), {"effect": "contextual"}, "no intercept for this effect"),
        (("pooled", "Publick"), {}, "no level `Publick`.*\nNearest: `Public`"),
        (("pooled",), {"x": "mathach"}, "no within variable `mathach`.*\nAvailable: `ses`"),
    ],
)
def test_lines_that_are_not_there(schools, arguments, options, message):
    with pytest.raises(FitError, match=message):
        schools.line(*arguments, **options)


def test_a_refused_estimator_says_why_when_asked_for(subjects):
    assert [name for name, _ in subjects.refused] == ["between", "contextual"]
    with pytest.raises(FitError, match=r"`between` is not available.*\n.*group means of `Days` are equal"):
        subjects.line("between")


def test_answers(schools):
    table = schools.answers()
    assert list(table) == ["consistent", "efficient", "honest"]
    assert list(table.index) == [
        "pooled",
        "averaged",
        "common_slopes",
        "two_stage",
        "between",
        "mixed",
        "contextual",
    ]
    assert "Here they differ (F = " in table.consistent["mixed"]


def test_text(schools):
    text = repr(schools)
    assert text.startswith(
        "mathach ~ ses, by Sector; groups: school\n1977 rows, 40 groups of school (29 to 66 rows)"
    )
    assert "2b  fixed effects, common slopes" in text
    assert "1.205 (0.436)" in text
    assert "No paradox: slopes within groups, between groups and pooled have the same signs." in text
    assert max(map(len, text.splitlines())) <= 120


def test_text_says_what_is_not_there(subjects):
    text = repr(subjects)
    assert "4   between groups: not available. The group means of `Days` are equal" in text
    assert "No paradox: slopes within groups and pooled have the same signs." in text


def test_html(schools):
    page = schools._repr_html_()
    assert page.count("<table") == 1
    assert "1.205 (0.436)" in page


def test_numbers_have_the_digits_of_their_error():
    assert with_error(12345.678, 12.3) == "12345.7 (12.3)"
    assert with_error(0.00012346, 0.000056) == "0.0001235 (0.0000560)"
    assert with_error(1.0, 0.0) == "1.000 (0)"


def test_it_can_be_stored(schools):
    again = pickle.loads(pickle.dumps(schools))
    assert isinstance(again, Estimators)
    pd.testing.assert_frame_equal(again.to_frame(), schools.to_frame())


def test_it_cannot_be_changed(schools):
    with pytest.raises(AttributeError):
        schools.title = ""
