from __future__ import annotations

import pytest

import laird as ld
from laird.report.blocks import Facts, Table
from laird.report.meta.coefficients import tests_blocks as blocks_of


def tables(blocks):
    return [block for block in blocks if isinstance(block, Table)]


def test_the_numbers_are_those_of_the_tests(vaccine):
    fit = vaccine.study.reference
    (table,) = tables(blocks_of(fit))
    heading, *rows = table.rows
    assert heading[0].text == "Intercept"
    assert [row[0].text for row in rows] == [
        "Wald, normal",
        "Knapp–Hartung, t",
        "Satterthwaite, t",
        "Cluster-robust (CR2), t",
    ]
    found = ld.coef_tests(fit, df="knapp-hartung").iloc[0]
    values = [cell.text.replace("−", "-") for cell in rows[1]]
    assert float(values[2]) == pytest.approx(found.se, abs=0.005)
    assert values[3] == "12.0"
    assert values[5] == f"{found.p_value:.3f}"
    robust = ld.cluster_robust(fit).tests().iloc[0]
    assert float(rows[3][2].text) == pytest.approx(robust.se, abs=0.005)


def test_scale_coefficients_are_tested_too(restored):
    fit = restored.likelihood
    blocks = blocks_of(fit)
    _, scale = tables(blocks)
    assert [row[0].text for row in scale.rows if len(row) == 1] == ["Intercept", "habitat[forest]"]
    assert scale.rows[1][5].text == "–"
    ratio = scale.note.partition("`habitat[forest]` ")[2].partition(" ")[0]
    assert float(ratio) == pytest.approx(2.7183 ** fit.scale["habitat[forest]"], rel=0.005)
    facts = dict(next(b for b in blocks if isinstance(b, Facts)).facts)
    assert facts["All moderators of the mean"].startswith("F(2, 77.0) = ")
    joint = ld.scale_tests(fit, method="lr").joint
    assert facts["All moderators of the heterogeneity, likelihood ratio"] == (
        f"χ²(1) = {joint.chi2:.1f}, p = {joint.p_value:.3f}"
    )


def test_without_moderators_there_is_no_joint_test(vaccine):
    assert not [block for block in blocks_of(vaccine.study.reference) if isinstance(block, Facts)]


def test_outcomes_have_their_own_coefficients(gums):
    (table,) = tables(blocks_of(gums.likelihood))
    assert [row[0].text for row in table.rows if len(row) == 1] == list(gums.study.model.design.names)
