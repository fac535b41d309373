"""The funnel plot."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure
from tests.plots.meta_fits import assink, bcg, restoration

from laird.errors import FitError
from laird.plots.funnels import funnel
from laird.plots.studies import studies

Z = {0.9: 1.6448536269514722, 0.95: 1.9599639845400545, 0.99: 2.5758293035489004}


def edges(ax, name):
    """Corners of the regions of a contour."""
    (region,) = [each for each in ax.collections if each.get_label() == name]
    return region.get_paths()[0].vertices


def test_estimates_against_standard_errors(labelled):
    own = studies(bcg())
    x, y = labelled(funnel(bcg()), "estimates").get_data()
    assert x.tolist() == own.y.tolist()
    assert y == pytest.approx(np.sqrt(own.v))


def test_precise_studies_stand_on_top():
    lower, upper = funnel(bcg()).get_ylim()
    assert lower > upper == 0.0


@pytest.mark.parametrize(("level", "name"), [(0.9, "p < 0.1"), (0.95, "p < 0.05"), (0.99, "p < 0.01")])
def test_contours_are_about_no_effect(level, name):
    ax = funnel(bcg())
    deepest = ax.get_ylim()[0]
    corner = edges(ax, name)[np.isclose(edges(ax, name)[:, 1], deepest), 0].max()
    assert corner == pytest.approx(-Z[level] * deepest)


def test_limits_about_the_mean_without_and_with_heterogeneity(labelled):
    ax, mean, tau = funnel(bcg()), bcg().fixef["Intercept"], bcg().sigma
    assert labelled(ax, "mean").get_xdata() == [mean, mean]
    x, se = labelled(ax, "95 %, sampling error alone").get_data()
    assert x == pytest.approx(mean - Z[0.95] * se)
    x, se = labelled(ax, "95 %, with heterogeneity").get_data()
    assert x == pytest.approx(mean - Z[0.95] * np.sqrt(se**2 + tau**2))


def test_residuals_of_a_location_scale_fit_against_their_own_sd(labelled):
    own, fit = studies(restoration(), by="habitat"), restoration()
    ax = funnel(fit, by="habitat")
    x, y = labelled(ax, "forest").get_data()
    assert x == pytest.approx(fit.residuals(level="population")[own.ids == 1])
    assert y == pytest.approx(np.sqrt(own.v + fit.sigma**2)[own.ids == 1])
    assert ax.get_xlabel() == "yi − model's mean"


def test_a_multilevel_fit_counts_all_levels(labelled):
    ax = funnel(assink())
    tau2 = assink().varcorr["vcov"].sum()
    x, se = labelled(ax, "95 %, with heterogeneity").get_data()
    assert x == pytest.approx(assink().fixef["Intercept"] - Z[0.95] * np.sqrt(se**2 + tau2))


def test_all_points_are_inside():
    ax, own = funnel(assink()), studies(assink())
    left, right = ax.get_xlim()
    assert left < own.y.min() < own.y.max() < right


def test_residuals_of_a_constant_model_if_asked_for(labelled):
    ax = funnel(bcg(), kind="residuals", contours=())
    assert labelled(ax, "estimates").get_xdata() == pytest.approx(bcg().residuals())
    assert list(ax.collections) == []


def test_drawn_into_the_axes_given_and_from_draws(labelled):
    ax = Figure().add_subplot()
    assert funnel(bcg("eb"), ax=ax) is ax
    assert labelled(ax, "mean").get_xdata()[0] == bcg("eb").fixef["Intercept"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"contours": (0.99, 0.9)}, "cannot be drawn"),
        ({"contours": (0.5, 0.9, 0.95, 0.99)}, "up to three"),
        ({"contours": (95,)}, "prob = 95"),
        ({"kind": "precision"}, "no kind of funnel `precision`"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(FitError, match=message):
        funnel(bcg(), **options)


def test_no_funnel_of_effects_where_means_differ():
    with pytest.raises(FitError, match="no one funnel"):
        funnel(restoration(), kind="effects")
