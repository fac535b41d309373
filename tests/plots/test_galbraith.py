"""The radial plot: points, band and arc agree."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure
from tests.plots.meta_fits import bcg, restoration

import laird as ld
from laird.errors import FitError
from laird.plots.galbraith import Scale, radial
from laird.plots.studies import studies


def test_points_are_standardised_estimates_against_precision(labelled):
    own = studies(bcg())
    x, z = labelled(radial(bcg()), "estimates").get_data()
    assert x == pytest.approx(1 / own.total_sd)
    assert z / x == pytest.approx(own.y)


def test_the_line_has_the_slope_of_the_mean(labelled):
    x, z = labelled(radial(bcg()), "mean").get_data()
    assert z[1] / x[1] == pytest.approx(bcg().fixef["Intercept"])


def test_the_band_is_one_sd_of_a_study_times_z():
    (band,) = radial(bcg(), prob=0.9).collections
    corners = band.get_paths()[0].vertices
    at_origin = corners[corners[:, 0] == 0.0, 1]
    assert (at_origin.min(), at_origin.max()) == pytest.approx((-1.6448536, 1.6448536))


def test_the_interval_of_the_mean_is_on_the_arc(labelled):
    x, z = labelled(radial(bcg()), "95 % interval of the mean").get_data()
    row = ld.prediction_interval(bcg()).iloc[0]
    assert (z / x)[[0, -1]] == pytest.approx(row[["lower", "upper"]].to_numpy(dtype=float))


def test_ticks_of_the_arc_lie_on_the_lines_of_their_effects():
    for text in radial(bcg()).texts:
        x, z = text.get_position()
        assert z / x == pytest.approx(float(text.get_text().replace("−", "-")))
    ratios = [
        (text.get_position(), float(text.get_text())) for text in radial(bcg(), exponentiate=True).texts
    ]
    assert len(ratios) >= 3
    assert all(z / x == pytest.approx(np.log(ratio)) for (x, z), ratio in ratios)


@pytest.mark.parametrize("fit", [bcg, restoration])
def test_the_arc_is_beyond_all_studies_and_inside_the_axes(fit):
    ax = radial(fit())
    arc = max(ax.lines, key=lambda line: len(line.get_xdata())).get_xydata()
    points = next(line for line in ax.lines if line.get_label() == "estimates").get_xydata()
    for x, z in points:
        beside = arc[np.argmin(np.abs(arc[:, 1] / arc[:, 0] - z / x))]
        assert np.hypot(*beside) > np.hypot(x, z)
    assert np.abs(arc[:, 1]).max() < ax.get_ylim()[1]


def test_a_location_scale_fit_is_about_zero(labelled):
    own = studies(restoration(), by="habitat")
    z = labelled(radial(restoration(), by="habitat"), "grassland").get_ydata()
    assert z == pytest.approx(((own.y - own.mean) / own.total_sd)[own.ids == 0])
    assert labelled(radial(restoration()), "mean").get_ydata() == pytest.approx([0.0, 0.0])


def test_an_arc_is_an_ellipse():
    x, z = Scale(3.0, 6.0).at(np.array([-2.0, 0.5, 3.0]))
    assert (x / 3.0) ** 2 + (z / 6.0) ** 2 == pytest.approx(np.ones(3))


def test_drawn_into_the_axes_given_and_bad_input():
    ax = Figure().add_subplot()
    assert radial(bcg("eb"), ax=ax) is ax
    with pytest.raises(FitError, match="prob = 2"):
        radial(bcg(), prob=2)
