from __future__ import annotations

import pytest

import laird as ld
from laird.report.blocks import Facts, Table
from laird.report.meta.heterogeneity import GRID_NOTE, heterogeneity_section, prediction_section


def tables(section):
    return [block for block in section.blocks if isinstance(block, Table)]


def headings(table):
    return [row[0].text for row in table.rows if len(row) == 1]


def test_the_numbers_are_those_of_the_function(vaccine):
    found = ld.heterogeneity(vaccine.study.reference)
    (table,) = tables(heterogeneity_section(vaccine, ()))
    heading, row = table.rows
    assert heading[0].text == "Restricted maximum likelihood (REML); Q-profile interval"
    assert [cell.text for cell in row] == ["in total", "0.56", "0.313", "92", "12.9", "–"]
    assert (row[1].detail, row[3].detail) == ("0.35 to 1.05", "82 to 98")
    total = found.table.iloc[0]
    assert f"{total.tau:.2f}" == row[1].text
    facts = dict(next(b for b in heterogeneity_section(vaccine, ()).blocks if isinstance(b, Facts)).facts)
    assert facts["Cochran's Q"] == "Q(12) = 152, p < 0.001"


def test_every_method_has_its_rows_and_its_interval(restored):
    overall, at = tables(heterogeneity_section(restored, ()))
    expected = [
        "Restricted maximum likelihood (REML); profile-likelihood interval",
        "Empirical Bayes (EB); interval of draws",
        "Full Bayes (NUTS); interval of draws",
    ]
    assert headings(overall) == headings(at) == expected
    names = [row[0].text for row in at.rows if len(row) > 1]
    assert names == ["habitat grassland", "habitat forest"] * 3
    assert at.note == GRID_NOTE


def test_levels_are_told_apart(juveniles):
    (table,) = tables(heterogeneity_section(juveniles, ()))
    names = [row[0].text for row in table.rows if len(row) > 1]
    assert names == ["between estimates", "between groups of study", "in total"] * 2
    assert table.rows[1][4].text == "–"


def test_outcomes_are_told_apart(gums):
    section = heterogeneity_section(gums, ())
    assert [row[0].text for row in tables(section)[0].rows[1:3]] == ["AL: in total", "PD: in total"]
    facts = dict(next(b for b in section.blocks if isinstance(b, Facts)).facts)
    assert "Typical sampling variance, PD" in facts


def test_a_heterogeneity_of_zero_has_an_interval(teachers):
    (table,) = tables(heterogeneity_section(teachers, ()))
    assert table.rows[1][1].text == "0.000"
    assert table.rows[1][1].detail.startswith("0.000 to 0.")
    assert "∞" not in str(table)


def test_predictions_are_those_of_the_function(vaccine, gums, restored):
    (table,) = tables(prediction_section(vaccine, ()))
    found = ld.prediction_interval(vaccine.study.reference).iloc[0]
    assert table.rows[1][0].text == "all studies"
    assert table.rows[1][3].text == f"{found.pi_lower:.2f} to {found.pi_upper:.2f}".replace("-", "−")
    assert [row[0].text for row in tables(prediction_section(gums, ()))[0].rows[1:3]] == [
        "AL: year 1983",
        "PD: year 1983",
    ]
    assert len(tables(prediction_section(restored, ()))[0].rows) == 3 * (1 + 4)


def test_without_a_choice_of_moderators_nothing_is_predicted(vaccine):
    from dataclasses import replace

    assert prediction_section(replace(vaccine, predictions=None), ()) is None


def test_an_upper_limit_that_there_is_none_of_is_open():
    from laird.report.meta.heterogeneity import _limits

    nan = float("nan")
    assert _limits({"H2": 4.0, "H2_lower": 1.0, "H2_upper": nan}, "H2").detail == "from 1.0"
    assert _limits({"H2": 4.0, "H2_lower": nan, "H2_upper": nan}, "H2").detail == ""
    assert pytest.approx(4.0) == float(_limits({"H2": 4.0, "H2_lower": nan, "H2_upper": nan}, "H2").text)
