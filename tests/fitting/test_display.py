import numpy as np
import pytest

import laird as ld
from laird.fitting.checks import Check
from laird.fitting.display import INTERVALS, LABELS, card, number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12.60468, "12.60"),
        (-0.02414, "-0.02414"),
        (1927.4, "1,927"),
        (123456.7, "123,457"),
        (0.0, "0"),
        (1e-6, "1.000e-06"),
        (12345678.0, "1.235e+07"),
        (float("nan"), ""),
        (float("inf"), "inf"),
        (9.9999, "10.000"),
    ],
)
def test_numbers_show_four_digits(value, text):
    assert number(value) == text


def test_every_method_has_words():
    assert set(LABELS) == set(INTERVALS) == {"ols", "ml", "reml", "eb", "nuts"}


@pytest.fixture
def shown(hs_fit):
    fit = hs_fit("reml")
    worry = Check("groups", "warning", 2.0, "Only <2> groups.", "Get more.")
    fine = Check("convergence", "ok", 0.0, "Converged.")
    return card(fit.spec.formula, "reml", "1977 rows", fit.summary(), 0.9, "ok", [fine, worry])


def test_columns_are_aligned(shown):
    lines = shown.text().splitlines()
    table = lines[4 : lines.index("", 4)]
    assert len({len(line) for line in table if "cor" not in line}) == 1
    assert lines[0].startswith("mathach ~")


def test_worries_are_said_and_successes_are_not(shown):
    assert "groups: Only <2> groups. Get more." in shown.text()
    assert "Converged" not in shown.text()
    assert "90 % interval" in shown.text()


def test_html_is_escaped(shown):
    assert "Only &lt;2&gt; groups" in shown.html()
    assert np.all([tag in shown.html() for tag in ("<table", "</table>")])


def test_sds_with_predictors_say_where_they_hold():
    data = ld.load_data("hs")
    shown = str(ld.model("mathach ~ ses + (ses | school)", "sd(school) ~ Sector", data=data).fit("ml"))
    assert "sd(school, ses) is that at average predictors of `sd(school)`, over its groups." in shown
    for parts in (
        ("mathach ~ ses + (ses | school)",),
        ("mathach ~ ses + (1 | school)", "sd(school) ~ Sector"),
    ):
        assert "at average predictors" not in str(ld.model(*parts, data=data).fit("ml"))
