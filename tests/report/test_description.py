from __future__ import annotations

import pytest

from laird.report.blocks import Code, Details, Equation, Facts, Legend, Table
from laird.report.description import data_section, model_section, priors_section
from laird.report.study import Study


def blocks(section, kind):
    return [block for block in section.blocks if isinstance(block, kind)]


def test_the_model_stands_as_formula_and_in_both_forms(slopes):
    section = model_section(slopes)
    assert blocks(section, Code)[0].code == str(slopes.model.spec)
    assert [block.title for block in blocks(section, Equation)] == [
        "Level 1",
        "Level 2",
        "Combined",
        "Distributions",
    ]
    assert blocks(section, Details)[0].blocks[0].title == "Matrix form"
    assert all(symbol.startswith("<math") for symbol, _ in blocks(section, Legend)[0].pairs)


def test_a_plain_regression_has_equations_too(plain):
    assert blocks(model_section(plain), Equation)


@pytest.mark.parametrize("notation", ["sas", "pinheiro-bates", "laird-ware"])
def test_every_notation_can_be_shown(slopes, notation):
    study = Study(slopes.model, slopes.fits, "", notation)
    assert model_section(study) != model_section(slopes)


def test_data_at_a_glance(slopes, hs):
    section = data_section(slopes)
    facts = dict(blocks(section, Facts)[0].facts)
    assert (facts["Rows used"], facts["Rows dropped"], facts["Groups of school"]) == ("1,977", "none", "40")
    variables, sizes = blocks(section, Table)
    rows = {row[0].text: [cell.text for cell in row] for row in variables.rows}
    assert list(rows) == ["mathach", "ses", "Sector"]
    assert rows["mathach"][2:4] == [f"{hs.mathach.mean():.2f}", f"{hs.mathach.std():.2f}"]
    assert rows["Sector"][1] == "2, school"
    of_schools = hs.groupby("school", observed=True).Sector.first().value_counts()
    assert rows["Sector"][4] == f"Catholic {of_schools.Catholic}, Public {of_schools.Public} groups"
    counts = hs.school.value_counts()
    assert [cell.text for cell in sizes.rows[0]][1::2] == [
        str(counts.min()),
        str(counts.median()),
        str(counts.max()),
    ]


def test_dropped_rows_are_counted(independent):
    facts = dict(blocks(data_section(independent), Facts)[0].facts)
    assert (facts["Rows used"], facts["Rows dropped"]) == ("1,970", "missing values: 7 for `ses`")


def test_every_prior_is_shown_with_its_rule_and_range(slopes):
    table = blocks(priors_section(slopes), Table)[0]
    assert [row[0].text for row in table.rows] == [row.parameter for row in slopes.model.priors]
    assert all(row[2].text and " to " in row[3].text for row in table.rows)
