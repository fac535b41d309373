"""Panels in a new figure, in a given one, or in given axes."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from laird.errors import FitError
from laird.plots.grid import grid, label_grid, legend_of, share_limits


def labels_shown(ax):
    return ax.xaxis.get_tick_params()["labelbottom"], ax.yaxis.get_tick_params()["labelleft"]


def test_tick_labels_stand_at_the_edges_only():
    drawn = grid(5, 3, (2.0, 2.0))
    share_limits(drawn, (0.0, 1.0), (2.0, 3.0))
    assert [labels_shown(ax) for ax in drawn.axes] == [
        (False, True),
        (False, False),
        (True, False),  # nothing below
        (True, True),
        (True, False),
    ]
    assert {(*ax.get_xlim(), *ax.get_ylim()) for ax in drawn.axes} == {(0.0, 1.0, 2.0, 3.0)}


def test_a_figure_has_one_legend_with_every_entry_once_and_one_label_for_each_axis():
    figure = Figure(figsize=(6.0, 3.0), layout="constrained")
    drawn = grid(2, 2, (2.0, 2.0), figure)
    for ax, own in zip(drawn.axes, ("left", "right"), strict=True):
        ax.plot([0], [0], label="both")
        ax.plot([0], [0], label=own)
    legend_of(drawn)
    label_grid(drawn, "ses", "mathach", ["a note"])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["both", "left", "right"]
    assert figure.get_supxlabel() == "ses\na note"
    assert figure.get_supylabel() == "mathach"


def test_axes_given_have_labels_and_legend_of_their_own():
    figure = Figure()
    given = [figure.add_subplot(1, 2, k) for k in (1, 2)]
    drawn = grid(2, 5, (2.0, 2.0), axes=given)
    drawn.axes[0].plot([0], [0], label="line")
    share_limits(drawn, (0.0, 1.0), (0.0, 1.0))
    label_grid(drawn, "x", "y")
    legend_of(drawn)
    assert drawn.axes == tuple(given)
    assert figure.legends == []
    assert given[0].get_legend() is not None
    assert [(ax.get_xlabel(), ax.get_ylabel(), labels_shown(ax)) for ax in given] == 2 * [
        ("x", "y", (True, True))
    ]


def test_nothing_to_explain_is_no_legend():
    drawn = grid(1, 1, (2.0, 2.0), Figure())
    legend_of(drawn)
    assert drawn.figure.legends == []


def test_another_number_of_axes_is_refused():
    figure = Figure()
    ax = figure.add_subplot()
    with pytest.raises(FitError, match="needs 2 axes; given were 1"):
        grid(2, 2, (2.0, 2.0), axes=ax)
    with pytest.raises(FitError, match="a figure as well"):
        grid(1, 1, (2.0, 2.0), figure, ax)
