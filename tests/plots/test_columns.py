"""Columns of text stand beside the axes, cells aligned."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from laird.plots.columns import GAP, Column, column_width, draw_columns, text_width, total_width

NAMES = Column(["Study", "a", "a longer name", "a note over everything"], "left", 0.0)
NUMBERS = Column(["Weight", "1.25", "−10.5", ""])


@pytest.fixture
def ax():
    return Figure(figsize=(6, 4)).add_subplot()


def extents(ax):
    ax.figure.draw_without_rendering()
    return {text.get_text(): text.get_window_extent() for text in ax.texts}


def test_a_column_is_as_wide_as_its_widest_cell():
    assert column_width(NAMES, 10) == text_width("a note over everything", 10)
    assert column_width(NAMES, 10, spanning={3}) == text_width("a longer name", 10)
    assert column_width(NUMBERS, 10, bold={0}) == text_width("Weight", 10, bold=True)
    assert total_width([NAMES, NUMBERS], 10) == column_width(NAMES, 10) + GAP + column_width(NUMBERS, 10)


def test_a_wide_header_does_not_count():
    upper = Column(["95 % interval", "1.0]"], wide_header=True)
    assert column_width(upper, 10) == text_width("1.0]", 10)


@pytest.mark.parametrize("side", ["left", "right"])
def test_cells_are_aligned_and_beside_the_axes(ax, side):
    draw_columns(ax, [NAMES, NUMBERS], [0.1, 0.3, 0.5, 0.7], side, 9.0, spanning={3})
    boxes = extents(ax)
    assert boxes["a"].x0 == pytest.approx(boxes["a longer name"].x0, abs=1.0)  # a pixel of bearing
    assert boxes["1.25"].x1 == pytest.approx(boxes["−10.5"].x1, abs=1.0)
    assert boxes["a longer name"].x1 < boxes["−10.5"].x0
    if side == "left":
        assert boxes["−10.5"].x1 <= ax.bbox.x0
    else:
        assert boxes["a longer name"].x0 >= ax.bbox.x1


def test_cells_are_at_the_height_of_their_rows(ax):
    ax.set_ylim(4.0, 0.0)
    draw_columns(ax, [NUMBERS], np.array([0.5, 1.5, 2.5, 3.5]), "right", 9.0)
    assert {text.get_text(): text.xy[1] for text in ax.texts} == {"Weight": 0.5, "1.25": 1.5, "−10.5": 2.5}
