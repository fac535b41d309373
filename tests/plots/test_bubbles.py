"""The bubble plot."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import FillBetweenPolyCollection, PathCollection
from matplotlib.figure import Figure
from tests.plots.meta_fits import ablat, bcg, berkey, restoration

import laird as ld
from laird.errors import FitError
from laird.plots.bubbles import bubble
from laird.plots.studies import studies

BCG = ld.load_data("bcg_rr")


def bands(ax):
    """Vertices of the bands that are drawn, the first of the true effects."""
    shapes = [each for each in ax.collections if isinstance(each, FillBetweenPolyCollection)]
    return [shape.get_paths()[0].vertices for shape in shapes if len(shape.get_paths())]


def ends_at(outline, x):
    heights = outline[np.isclose(outline[:, 0], x), 1]
    return heights.min(), heights.max()


def test_bubbles_are_the_studies_and_their_areas_the_weights():
    (bubbles,) = [each for each in bubble(ablat(), "ablat").collections if isinstance(each, PathCollection)]
    own = studies(ablat())
    assert bubbles.get_offsets().tolist() == np.column_stack([BCG["ablat"], BCG["yi"]]).tolist()
    assert bubbles.get_sizes() / bubbles.get_sizes().max() == pytest.approx(
        own.weight / own.weight.max(), abs=0.03
    )


def test_line_and_bands_are_those_of_the_tables(labelled):
    ax = bubble(ablat(), "ablat", prob=0.9, points=5)
    x, y = labelled(ax, "mean").get_data()
    table = ld.prediction_interval(ablat(), {"ablat": x}, prob=0.9)
    assert x == pytest.approx(np.linspace(13, 55, 5))
    assert y == pytest.approx(table["estimate"].to_numpy())
    spread, mean = bands(ax)[:2]
    for k, row in table.iterrows():
        assert ends_at(mean, x[k]) == pytest.approx((row["lower"], row["upper"]))
        tau = row["tau"]
        assert ends_at(spread, x[k]) == pytest.approx((row["estimate"] - tau, row["estimate"] + tau))


def test_limits_of_prediction():
    ax = bubble(ablat(), "ablat", points=3, prediction=True)
    dashed = [line for line in ax.lines if line.is_dashed() and len(line.get_xdata())]
    table = ld.prediction_interval(ablat(), {"ablat": np.linspace(13, 55, 3)})
    assert dashed[0].get_ydata() == pytest.approx(table["pi_lower"].to_numpy())
    assert dashed[1].get_ydata() == pytest.approx(table["pi_upper"].to_numpy())


def test_a_line_for_each_level_over_its_own_range(labelled):
    ax, data = bubble(restoration(), "duration", by="habitat"), ld.load_data("restoration")
    for name in ("grassland", "forest"):
        x, y = labelled(ax, f"{name}: mean").get_data()
        own = data.loc[data["habitat"] == name, "duration"]
        assert (x[0], x[-1]) == (own.min(), own.max())
        expected = ld.prediction_interval(restoration(), {"duration": x, "habitat": [name] * len(x)})
        assert y == pytest.approx(expected["estimate"].to_numpy())


def test_other_moderators_are_as_the_studies_have_them(labelled):
    x, y = labelled(bubble(restoration(), "duration", points=3), "mean").get_data()
    beta = restoration().fixef
    assert y == pytest.approx(beta["Intercept"] + beta["habitat[forest]"] / 2 + beta["duration"] * x)


def test_a_moderator_within_a_function_from_the_data(labelled):
    data = ld.load_data("berkey1998_wide")
    ax = bubble(berkey(), "year", outcome="PD", data=data, points=2)
    x, y = labelled(ax, "mean").get_data()
    beta = berkey().fixef
    assert y == pytest.approx(beta["PD: Intercept"] + beta["PD: I(year - 1983)"] * (x - 1983))
    with pytest.raises(FitError, match="only within functions"):
        bubble(berkey(), "year", outcome="PD")


def test_draws_and_the_axes_given(labelled):
    ax = Figure().add_subplot()
    assert bubble(restoration("eb"), "duration", ax=ax) is ax
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("duration", "yi")
    slope = np.ptp(labelled(ax, "mean").get_ydata()) / np.ptp(labelled(ax, "mean").get_xdata())
    assert slope == pytest.approx(restoration("eb").fixef["duration"])


def test_bad_input():
    with pytest.raises(FitError, match="`habitat` is a category"):
        bubble(restoration(), "habitat")
    with pytest.raises(FitError, match="no moderator `age`"):
        bubble(restoration(), "age")
    with pytest.raises(FitError, match="no moderator `ablat`"):
        bubble(bcg(), "ablat")
    with pytest.raises(FitError, match="prob = 95"):
        bubble(ablat(), "ablat", prob=95)
