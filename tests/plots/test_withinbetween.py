"""Within, between and pooled lines: slopes and ends by least squares of their own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from laird.compare.estimators import estimators
from laird.errors import FitError
from laird.plots.withinbetween import within_between


@pytest.fixture(scope="module")
def found(hs):
    return estimators("mathach ~ ses", group="school", between="Sector", data=hs)


@pytest.fixture(scope="module")
def public(hs):
    return hs[hs["Sector"] == "Public"].assign(school=lambda d: d["school"].astype(str))


def ends(ax, name):
    (line,) = [line for line in ax.lines if line.get_label() == name]
    return line.get_xydata()


def test_the_pooled_line_is_least_squares_of_the_rows(found, public):
    ax = within_between(found)[1]
    slope, intercept = np.polyfit(public["ses"], public["mathach"], 1)
    x = np.array([public["ses"].min(), public["ses"].max()])
    assert ends(ax, "pooled") == pytest.approx(np.column_stack([x, intercept + slope * x]))


def test_the_line_between_is_least_squares_of_the_means(found, public, labelled):
    ax = within_between(found)[1]
    means = public.groupby("school")[["ses", "mathach"]].mean()
    slope, intercept = np.polyfit(means["ses"], means["mathach"], 1)
    x = np.array([means["ses"].min(), means["ses"].max()])
    assert ends(ax, "between groups") == pytest.approx(np.column_stack([x, intercept + slope * x]))
    assert labelled(ax, "group means").get_xydata() == pytest.approx(means.to_numpy())


def test_short_lines_have_the_common_slope_and_reach_one_sd(found, public):
    ax = within_between(found)[1]
    groups = public.groupby("school")
    dx, dy = (public[name] - groups[name].transform("mean") for name in ("ses", "mathach"))
    slope = (dx * dy).sum() / (dx**2).sum()
    (short,) = [c for c in ax.collections if c.get_label() == "within groups"]
    segments = np.array(short.get_segments())
    run, rise = (segments[:, 1] - segments[:, 0]).T
    assert rise / run == pytest.approx(np.full(len(run), slope))
    assert run == pytest.approx(2 * groups["ses"].std().to_numpy())
    assert segments.mean(axis=1) == pytest.approx(groups[["ses", "mathach"]].mean().to_numpy())


def test_headings_name_the_slopes_and_panels_share_their_scale(found):
    left, right = within_between(found)
    assert left.get_title(loc="left") == "Catholic: within 1.70, between 4.03, pooled 2.30"
    assert (left.get_xlim(), left.get_ylim()) == (right.get_xlim(), right.get_ylim())
    assert (left.figure.get_supxlabel(), left.figure.get_supylabel()) == ("ses", "mathach")


def test_one_level_in_axes_given(found):
    ax = Figure().add_subplot()
    assert within_between(found, "Public", axes=ax) == (ax,)
    assert ax.get_title(loc="left").startswith("Public: within 2.90")


def test_opposite_slopes_are_drawn_as_they_are():
    means = np.array([0.0, 2.0, 4.0, 6.0])
    g = np.repeat(np.arange(4), 5)
    dx = np.tile([-2.0, -1.0, 0.0, 1.0, 2.0], 4)
    noise = np.tile([0.1, -0.1, 0.0, -0.1, 0.1], 4)  # orthogonal to dx
    data = pd.DataFrame({"g": g, "x": means[g] + dx, "y": means[g] - dx + noise})
    (ax,) = within_between(estimators("y ~ x", group="g", data=data))
    assert ax.get_title(loc="left").startswith("within -1.00, between 1.0")


def test_other_within_variables_stand_at_their_means(hs):
    found = estimators("mathach ~ ses + Minority", group="school", data=hs)
    (ax,) = within_between(found)
    minority = (hs["Minority"] == "Yes").to_numpy(float)
    X = np.column_stack([np.ones(len(hs)), hs["ses"], minority])
    b = np.linalg.lstsq(X, hs["mathach"], rcond=None)[0]
    x = np.array([hs["ses"].min(), hs["ses"].max()])
    line = b[0] + b[2] * minority.mean() + b[1] * x
    assert ends(ax, "pooled")[:, 1] == pytest.approx(line)


def test_balanced_data_have_no_line_between():
    data = pd.DataFrame(
        {"g": np.repeat(range(6), 4), "x": np.tile([0.0, 1.0, 2.0, 3.0], 6), "y": np.arange(24.0) % 7}
    )
    (ax,) = within_between(estimators("y ~ x", group="g", data=data))
    assert "between" not in ax.get_title(loc="left")
    assert np.isnan(ends(ax, "between groups")[:, 1]).all()


def test_bad_arguments(found):
    with pytest.raises(FitError, match="estimators side by side"):
        within_between("mathach ~ ses")
    with pytest.raises(FitError, match="no level `Privat`"):
        within_between(found, "Privat")
    with pytest.raises(FitError, match="no within variable `Ses`"):
        within_between(found, x="Ses")
