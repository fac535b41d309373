"""Arrows and caterpillar: what is drawn is what the table says."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.figure import Figure

from laird.compare.shrinkage import shrinkage
from laird.errors import FitError
from laird.plots.groups import caterpillar, shrinkage_arrows
from laird.plots.style import LOOKS

BLUE, EBLUP = LOOKS["blue"].label, LOOKS["eblup"].label


def shafts(ax):
    (lines,) = [c for c in ax.collections if c.get_label() == "shrinkage"]
    return np.array([segment for segment in lines.get_segments() if len(segment) == 2])


def heads(ax, marker):
    """Heads are shifted off the data by the size of a marker."""
    return next(
        line for line in ax.lines if line.get_marker() == marker and line.get_transform() != ax.transData
    )


def test_points_and_arrows_are_those_of_the_table(hs_fit, labelled):
    rows = shrinkage(hs_fit("reml")).query("term == 'ses'")
    ax = shrinkage_arrows(hs_fit("reml"), "ses")
    assert np.array_equal(labelled(ax, BLUE).get_xydata(), rows[["n", "blue"]])
    assert np.array_equal(labelled(ax, EBLUP).get_xydata(), rows[["n", "eblup"]])
    assert np.array_equal(shafts(ax)[:, 0], rows[["n", "blue"]])
    assert np.array_equal(shafts(ax)[:, 1], rows[["n", "eblup"]])


def test_heads_point_from_blue_to_eblup(table):
    ax = shrinkage_arrows(table(np.array([-8.0, 6.0, 0.01]), n=np.array([5, 9, 20])))
    assert heads(ax, "^").get_xydata().tolist() == [[5.0, -4.0]]
    assert heads(ax, "v").get_xydata().tolist() == [[9.0, 3.0]]  # none for the arrow without length


def test_each_distinct_mean_is_a_line(hs_fit):
    ax = shrinkage_arrows(hs_fit("reml"), "ses")
    beta = hs_fit("reml").fixef
    across = [line for line in ax.lines if np.array_equal(line.get_xdata(), [0, 1])]
    drawn = sorted(float(line.get_ydata()[0]) for line in across)
    assert drawn == pytest.approx([beta["ses"], beta["ses"] + beta["ses:Sector[Public]"]])
    assert across[0].get_label() == "GLS means 1.805, 3.194"


def test_many_means_are_drawn_at_the_groups(table, labelled):
    mean = np.arange(8.0)
    ax = shrinkage_arrows(table(np.zeros(8), n=np.arange(10, 18), mean=mean))
    assert labelled(ax, "GLS mean of the group").get_ydata().tolist() == mean.tolist()


def test_groups_of_one_size_stand_side_by_side_and_the_axis_says_so(table, labelled):
    ax = shrinkage_arrows(table(np.array([3.0, 1.0, 2.0, 5.0])))
    x, y = labelled(ax, BLUE).get_data()
    assert len(set(x)) == 4
    assert np.argsort(x).tolist() == np.argsort(y).tolist()
    assert ax.get_xticks().tolist() == [10]
    assert "groups of one size stand side by side" in ax.get_xlabel()


def test_a_wild_blue_does_not_squeeze_the_others(table):
    ax = shrinkage_arrows(
        table(np.array([*np.linspace(-1, 1, 19), 1e4]), n=np.arange(20, 40)).assign(eblup=0.0)
    )
    assert ax.get_ylim()[1] < 2
    assert "1 of 20 BLUEs outside the picture" in ax.get_xlabel()


def test_groups_without_a_blue_have_no_arrow_and_are_counted(table):
    ax = shrinkage_arrows(table(np.array([1.0, np.nan, 2.0]), n=np.array([3, 1, 4])))
    assert shafts(ax)[:, 0, 0].tolist() == [3.0, 4.0]
    assert "1 of 3 groups too small for a BLUE" in ax.get_xlabel()


def test_very_different_sizes_are_on_a_logarithmic_axis(table):
    assert shrinkage_arrows(table(np.arange(3.0), n=np.array([2, 30, 900]))).get_xscale() == "log"


def test_arrows_lead_to_the_estimate_asked_for(hs_fit):
    fits = [hs_fit("reml"), hs_fit("nuts")]
    ax = shrinkage_arrows(fits, "ses", to="posterior")
    assert np.array_equal(shafts(ax)[:, 1, 1], hs_fit("nuts").group_coef("school")["ses"])


def test_pictures_are_drawn_into_the_axes_given(table):
    ax = Figure().add_subplot()
    assert shrinkage_arrows(table(np.arange(5.0)), ax=ax) is ax
    assert caterpillar(table(np.arange(5.0)), ax=Figure().add_subplot()).has_data()


def test_caterpillar_is_in_the_order_of_the_eblup(hs_fit, labelled):
    rows = shrinkage(hs_fit("reml")).query("term == 'Intercept'").sort_values("eblup")
    ax = caterpillar(hs_fit("reml"))
    at = np.argsort(labelled(ax, EBLUP).get_xdata())
    assert np.array_equal(labelled(ax, EBLUP).get_ydata()[at], rows["eblup"])
    assert np.array_equal(labelled(ax, BLUE).get_ydata()[at], rows["blue"])
    assert [tick.get_text() for tick in ax.get_xticklabels()] == list(rows["group"])


def intervals(ax, kind):
    """Lower and upper ends drawn in the colour of `kind`, by group."""
    from matplotlib.colors import to_rgb

    (lines,) = [c for c in ax.collections if to_rgb(c.get_color()[0][:3]) == to_rgb(LOOKS[kind].colour)]
    return np.array(lines.get_segments())[:, :, 1]


@pytest.mark.parametrize(("prob", "z"), [(0.95, 1.959964), (0.5, 0.674490)])
def test_intervals_are_estimate_plus_minus_z_sd(hs_fit, prob, z):
    rows = shrinkage(hs_fit("reml")).query("term == 'Intercept'")
    ax = caterpillar(hs_fit("reml"), prob=prob)
    for kind in ("blue", "eblup"):
        ends = np.column_stack([rows[kind] - z * rows[f"{kind}_sd"], rows[kind] + z * rows[f"{kind}_sd"]])
        assert intervals(ax, kind) == pytest.approx(ends, abs=1e-5)  # z is given to six decimals
    assert f"{100 * prob:g} % intervals" in ax.get_xlabel()


def test_methods_stand_side_by_side_in_a_group(hs_fit, labelled):
    fits = [hs_fit(method) for method in ("reml", "eb", "nuts")]
    ax = caterpillar(fits, "ses")
    places = [labelled(ax, LOOKS[kind].label).get_xdata() for kind in ("eblup", "eb", "posterior")]
    assert (places[0] < places[1]).all()
    assert (places[1] < places[2]).all()
    assert float(np.max(np.abs(places[2] - np.round(places[2])))) < 0.5


@pytest.mark.parametrize(("J", "labels"), [(40, (40, 40)), (160, (30, 80)), (3000, (0, 0))])
def test_as_many_groups_are_named_as_can_be_read(table, J, labels):
    ax = caterpillar(table(np.linspace(-1, 1, J)))
    named = [tick.get_text() for tick in ax.get_xticklabels() if tick.get_text()]
    assert labels[0] <= len(named) <= labels[1]
    assert f"group ({J})" in ax.get_xlabel()


def test_labels_do_not_overlap(table):
    ax = caterpillar(table(np.linspace(-1, 1, 40)))
    ax.figure.draw_without_rendering()
    boxes = [tick.get_window_extent() for tick in ax.get_xticklabels()]
    assert all(left.x1 <= right.x0 + 1 for left, right in pairwise(boxes))


def test_long_names_keep_their_beginning_and_their_end(table):
    data = table(np.arange(3.0))
    data["group"] = [f"Saint Somebody's hospital of the town number {k}" for k in range(3)]
    assert [tick.get_text()[-2:] for tick in caterpillar(data).get_xticklabels()] == [" 0", " 1", " 2"]


def test_ends_of_thousands_of_intervals_are_lines_along_them(table):
    ax = caterpillar(table(np.linspace(-1, 1, 3000)))
    lower, upper = [line for line in ax.lines if line.get_drawstyle() == "steps-mid"]
    width = upper.get_ydata() - lower.get_ydata()
    assert width == pytest.approx(np.full(len(width), 2 * 0.5 * 1.959964), rel=1e-6)


def test_bad_probability(table):
    with pytest.raises(FitError, match="prob = 95"):
        caterpillar(table(np.arange(3.0)), prob=95)
