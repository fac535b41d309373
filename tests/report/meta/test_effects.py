from __future__ import annotations

import pytest

import laird as ld
from laird.report.blocks import Details, Table
from laird.report.meta.effects import effects_section, moderator_columns, studies_table


def tables(section):
    return [block for block in section.blocks if isinstance(block, Table)]


def test_true_effects_are_those_of_the_function(vaccine):
    (table,) = tables(effects_section(vaccine, ()))
    found = ld.true_effects(vaccine.study.reference).iloc[0]
    first = table.rows[0]
    assert [cell.text for cell in table.head] == ["Study", "Own estimate", "Expected", "EBLUP", "Pulled"]
    assert first[0].text == "Aronson, 1948"
    assert first[3].text == f"{found.eblup:.2f}".replace("-", "−")
    assert first[3].detail == f"± {found.eblup_sd:.2f}"
    assert first[4].text == f"{100 * found.eblup_factor:.0f} %"


def test_of_many_estimates_those_pulled_farthest_are_shown(restored):
    section = effects_section(restored, ())
    (table,) = tables(section)
    effects = restored.effects
    farthest = (effects.posterior - effects.blue).abs().idxmax()
    assert table.rows[0][0].text == farthest
    assert len(table.rows) == 10
    (every,) = [block for block in section.blocks if isinstance(block, Details)]
    assert len(every.blocks[0].rows) == 80
    assert [cell.text for cell in table.head][3:6] == ["EBLUP", "Empirical Bayes", "Posterior"]


def test_groups_have_their_means(juveniles):
    *_, details = effects_section(juveniles, ()).blocks
    (table,) = details.blocks
    assert table.caption == "Intercept by study"
    fit = juveniles.study.reference
    assert [cell.text for cell in table.head][3:5] == ["Own line (BLUE)", "EBLUP"]
    assert float(table.rows[0][4].text) == pytest.approx(fit.group_coef("study").iloc[0, 0], abs=0.005)
    assert table.rows[0][1].text == "6"


def test_the_studies_with_their_moderators(restored):
    (table,) = studies_table(restored).blocks
    data = ld.load_data("restoration")
    names = [cell.text for cell in table.head]
    assert names == ["Study", "habitat", "duration", "Estimate", "95 % interval", "Standard error"]
    first = [cell.text for cell in table.rows[0]]
    assert first[:2] == ["study 1", "grassland"]
    assert float(first[3]) == pytest.approx(data.yi[0], abs=0.005)
    assert float(first[5]) == pytest.approx(data.vi[0] ** 0.5, abs=0.005)
    assert len(table.rows) == 80


def test_moderators_are_no_outcomes_groups_or_variances(restored, gums, juveniles):
    assert moderator_columns(restored.study) == ("habitat", "duration")
    assert moderator_columns(gums.study) == ("year",)
    assert moderator_columns(juveniles.study) == ()


def test_two_outcomes_have_a_row_each(gums):
    (table,) = studies_table(gums).blocks
    assert [row[0].text for row in table.rows[:2]] == list(gums.labels[:2])
    assert [row[1].text for row in table.rows[:2]] == ["1983", "1983"]
