from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import laird as ld
from laird.report.blocks import Pictures
from laird.report.meta import figures
from laird.report.meta.synthesis import synthesis
from laird.report.study import study


def shown(blocks):
    return [picture for block in blocks if isinstance(block, Pictures) for picture in block.pictures]


def alts(blocks):
    return [picture.alt for picture in shown(blocks)]


def test_a_forest_for_every_outcome_with_room_for_every_row(restored, gums):
    (forest,) = shown(figures.study_pictures(restored))
    assert forest.alt.startswith("Forest plot of 80 estimates")
    assert "by NUTS" in forest.caption
    assert forest.height > 80 * 0.2 * 96
    assert [alt.split(" with")[0] for alt in alts(figures.study_pictures(gums))] == [
        "Forest plot of 5 estimates of AL",
        "Forest plot of 5 estimates of PD",
    ]


def test_a_forest_that_nobody_could_read_is_not_drawn(vaccine, monkeypatch):
    monkeypatch.setattr(figures, "MOST_ROWS", 12)
    assert figures.study_pictures(vaccine) == ()


def test_heterogeneity_against_each_of_its_moderators(restored, vaccine):
    (drawn,) = alts(figures.heterogeneity_pictures(restored))
    assert drawn.endswith("against habitat, with its interval.")
    assert figures.heterogeneity_pictures(vaccine) == ()


def test_estimates_by_category_and_against_numbers(restored, vaccine, gums):
    assert [alt.split(",")[0] for alt in alts(figures.prediction_pictures(restored))] == [
        "All estimates by habitat",
        "Estimates against duration with the mean and the spread of the true effects.",
    ]
    assert len(alts(figures.prediction_pictures(vaccine))) == 1
    # The year is hidden in I(year - 1983).
    assert not any("against" in alt for alt in alts(figures.prediction_pictures(gums)))


def test_influence_needs_a_likelihood(restored, vaccine):
    assert len(alts(figures.influence_pictures(restored))) == 1
    assert figures.influence_pictures(replace(vaccine, likelihood=None)) == ()


def test_funnel_and_radial_plot_of_every_outcome(gums):
    (section,) = figures.small_study_section(gums)
    assert len(alts(section.blocks)) == 4
    assert section.anchor == "small"


@pytest.mark.parametrize("formula", ["yi ~ year + alloc + meta_V(vi)", "yi ~ log(ablat) + meta_V(vi)"])
def test_moderators_of_any_form(formula):
    model = ld.model(formula, data=ld.load_data("bcg_rr"))
    about = synthesis(study(model, [model.fit("reml")], "", "sas"))
    drawn = alts(figures.prediction_pictures(about))
    assert len(drawn) == (2 if "alloc" in formula else 1)


def test_a_category_of_many_levels_makes_no_subgroups():
    data = ld.load_data("restoration")
    data["site"] = np.char.add("s", (np.arange(80) % 10).astype(str))
    model = ld.model("yi ~ site + meta_V(vi)", data=data)
    about = synthesis(study(model, [model.fit("reml")], "", "sas"))
    assert alts(figures.prediction_pictures(about)) == ["All estimates, with means and prediction intervals."]
