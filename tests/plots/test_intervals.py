"""Intervals end at the axes."""

from __future__ import annotations

from matplotlib.figure import Figure

from laird.plots.intervals import draw_intervals


def test_ends_outside_are_cut_and_marked():
    ax = Figure().add_subplot()
    ax.set_xlim(-1.0, 1.0)
    draw_intervals(ax, [0, 1, 2], [-0.5, -9.0, 0.2], [0.5, 0.3, 9.0], head=4.0, color="black")
    ends = [segment[:, 0].tolist() for segment in ax.collections[0].get_segments()]
    assert ends == [[-0.5, 0.5], [-1.0, 0.3], [0.2, 1.0]]
    heads = {line.get_marker(): line.get_xydata().tolist() for line in ax.lines}
    assert heads == {"<": [[-1.0, 1.0]], ">": [[1.0, 2.0]]}


def test_an_interval_inside_has_no_arrow():
    ax = Figure().add_subplot()
    ax.set_xlim(-1.0, 1.0)
    draw_intervals(ax, 0, -0.5, 0.5, head=4.0, color="black")
    assert list(ax.lines) == []
