from __future__ import annotations

import numpy as np

import laird as ld
from laird.report.meta.grid import EVERY, MOST, moderator_grid


def grid_of(*parts, data="restoration", **more):
    return moderator_grid(ld.model(ld.parse_spec(*parts, data=data)), **more)


def test_categories_are_combined_and_numbers_varied_one_at_a_time():
    grid = grid_of("yi ~ habitat + duration + meta_V(vi)")
    duration = np.sort(ld.load_data("restoration").duration)
    assert grid.central == 2
    assert grid.frame.habitat.tolist() == ["grassland", "forest", "grassland", "grassland"]
    # Values that occur, nearest to the median and to the first and last decile.
    assert grid.frame.duration.tolist() == [duration[40], duration[40], duration[8], duration[71]]
    assert grid.labels[1] == "habitat forest, duration 0.00"


def test_without_moderators_there_is_one_place():
    grid = grid_of("yi ~ 1 + meta_V(vi)")
    assert (grid.frame, grid.labels, grid.central) == (None, (EVERY,), 1)


def test_the_scale_has_its_own_moderators():
    parts = ("yi ~ duration + meta_V(vi)", "sigma ~ habitat")
    grid = grid_of(*parts, scale_only=True)
    assert grid.labels == ("habitat grassland", "habitat forest")
    assert set(grid.frame) == {"habitat", "duration"}
    assert grid.frame.duration.nunique() == 1
    assert grid_of("yi ~ duration + meta_V(vi)", scale_only=True).labels == (EVERY,)


def test_functions_are_of_columns():
    assert list(grid_of("yi ~ I(duration ^ 2) + meta_V(vi)").frame) == ["duration"]


def test_whole_numbers_are_shown_as_they_are():
    assert grid_of("yi ~ year + meta_V(vi)", data="bcg_rr").labels[0] == "year 1969"


def test_means_of_groups_have_no_simple_choice():
    assert (
        grid_of("yi ~ cvar(year, district) + (1 | district) + meta_V(vi)", data="konstantopoulos2011") is None
    )


def test_there_are_never_many_combinations():
    data = ld.load_data("bangertdrowns2004").assign(when=lambda d: d.year.astype(str))
    spec = ld.parse_spec("yi ~ when + ni + meta_V(vi)")
    grid = moderator_grid(ld.model(spec, data=data[data.groupby("when").when.transform("size") > 1]))
    assert len(grid.frame) <= MOST
