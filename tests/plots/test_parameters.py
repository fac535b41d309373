"""Estimates by method: every number drawn is one of the summaries."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from laird.errors import FitError
from laird.fitting.display import row_name
from laird.plots.parameters import estimates, panel_limits

METHODS = ("ols", "reml", "eb", "nuts")


@pytest.fixture
def fits(hs_fit):
    return [hs_fit(method) for method in METHODS]


def panel(axes, name):
    return next(ax for ax in axes if ax.get_title(loc="left").replace("\n", " ") == name)


def test_a_panel_for_each_parameter_in_the_order_of_the_summary(fits):
    names = [
        row_name(*key)
        for key in fits[1].summary()[["component", "group", "term"]].itertuples(index=False, name=None)
    ]
    assert [ax.get_title(loc="left").replace("\n", " ") for ax in estimates(fits)] == names


def test_points_and_intervals_are_those_of_the_summaries(fits):
    ax = panel(estimates(fits, prob=0.8), "ses")
    for place, fit in enumerate(fits):
        row = fit.summary(0.8).set_index(["component", "term"]).loc[("fixed", "ses")]
        assert ax.lines[place if ax.get_xlim()[0] > 0 else place + 1].get_xydata().tolist() == [
            [row["estimate"], place]
        ]
        assert ax.collections[place].get_segments()[0].tolist() == [
            [row["lower"], place],
            [row["upper"], place],
        ]


def test_methods_are_named_top_down(fits):
    ax = estimates(fits)[0]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["OLS", "REML", "EB", "NUTS"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]


def test_least_squares_has_no_sds(fits):
    ax = panel(estimates(fits), "sd(school, Intercept)")
    assert len(ax.collections) == 3


def test_an_interval_far_too_long_ends_in_an_arrow(fits):
    ax = panel(estimates(fits), "sd(school, ses)")
    upper = fits[1].summary().set_index(["component", "term"]).loc[("sd", "ses"), "upper"]
    assert upper > 5 * ax.get_xlim()[1] / 3
    (arrow,) = [line for line in ax.lines if line.get_marker() == ">"]
    assert arrow.get_xydata().tolist() == [[ax.get_xlim()[1], 1.0]]


def test_drawn_into_the_figure_given(fits):
    figure = Figure()
    assert all(ax.figure is figure for ax in estimates(fits, figure=figure))


@pytest.mark.parametrize(
    "rows", [[[np.nan, np.nan, np.nan]], [[0.5, np.nan, np.nan]], [[0.0, 0.0, 0.0]], [[1.0, np.nan, 2.0]]]
)
def test_limits_without_intervals(rows):
    lower, upper = panel_limits(rows)
    assert lower < upper
    assert not (np.isfinite(rows[0][0]) and not lower < rows[0][0] < upper)


def test_two_fits_by_one_method(hs_fit):
    with pytest.raises(FitError, match="Two fits are by one method"):
        estimates([hs_fit("reml"), hs_fit("reml")])
