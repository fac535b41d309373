from __future__ import annotations

import pytest

from laird.report.blocks import Details, Table
from laird.report.meta.influence import influence_section, influential, sentence_on_influence, spread_without


def test_the_measures_of_every_study(vaccine):
    section = influence_section(vaccine.deletions, ())
    (details,) = [
        block for block in section.blocks if isinstance(block, Details) and "Influence" in block.title
    ]
    (table,) = details.blocks
    found = vaccine.deletions.influence
    names = [cell.text for cell in table.head]
    assert names[:4] == ["Left out", "Residual, deleted", "DFFITS", "Cook's distance"]
    assert names[-1] == "τ without"
    assert float(table.rows[0][3].text) == pytest.approx(found["cook"].iloc[0], abs=0.005)
    assert len(table.rows) == 13


def test_the_largest_distances_stand_in_front(restored):
    table = next(b for b in influence_section(restored.deletions, ()).blocks if isinstance(b, Table))
    found = restored.deletions.influence["cook"]
    assert table.rows[0][0].text == found.idxmax()
    assert len(table.rows) == 8


def test_estimates_without_each_study(gums):
    section = influence_section(gums.deletions, ())
    (table,) = section.blocks[-1].blocks
    assert [cell.text for cell in table.head][:3] == ["Left out", "AL: Intercept", "AL: I(year - 1983)"]
    low, high = spread_without(gums.deletions, "AL: Intercept")
    values = [float(row[1].text.replace("−", "-")) for row in table.rows]
    assert (min(values), max(values)) == pytest.approx((low, high), abs=0.005)


def test_measures_of_single_rows_are_left_out_where_studies_have_several(juveniles, gums):
    of_pairs = next(b for b in influence_section(gums.deletions, ()).blocks if isinstance(b, Table))
    assert "DFFITS" not in [cell.text for cell in of_pairs.head]
    table = next(b for b in influence_section(juveniles.deletions, ()).blocks if isinstance(b, Table))
    assert [cell.text for cell in table.head][-2:] == ["τ without", "τ of study without"]
    assert table.rows[0][0].text.startswith("study ")


def test_influential_studies_are_named(gums):
    assert "Lindhe et al., 1982" in influential(gums.deletions.influence)
    table = next(b for b in influence_section(gums.deletions, ()).blocks if isinstance(b, Table))
    marked = {row[0].text for row in table.rows if row[0].detail == "influential"}
    assert marked == set(influential(gums.deletions.influence))
    told = " ".join(sentence_on_influence(gums.deletions, ["AL: Intercept"]))
    assert told.startswith("Without single studies, estimates by REML lie: `AL: Intercept` between")
    assert "Influential by the usual limits: " in told


def test_no_study_may_be_influential(vaccine):
    calm = vaccine.deletions.influence.assign(cook=0.0, dffits=0.0, hat=0.0)
    calm = calm.drop(columns=[name for name in calm if name.startswith("dfbetas")]).assign(
        **{"dfbetas: Intercept": 0.0}
    )
    assert influential(calm) == ()
