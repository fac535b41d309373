"""Heterogeneity against a moderator."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure
from tests.plots.meta_fits import ablat, assink, bcg, restoration

import laird as ld
from laird.errors import FitError
from laird.plots.studies import studies
from laird.plots.taus import heterogeneity, interpolated, taus


def test_levels_are_those_of_the_table(labelled):
    ax = heterogeneity(restoration(), "habitat")
    new = {"habitat": ["grassland", "forest"], "duration": [0.0, 0.0]}
    table = ld.heterogeneity_at(restoration(), new, simulate=0)
    assert labelled(ax, "τ, REML").get_ydata() == pytest.approx(table["tau"].to_numpy())
    ends = np.array(ax.collections[0].get_segments())[:, :, 1]
    assert ends == pytest.approx(table[["tau_lower", "tau_upper"]].to_numpy(), abs=1e-4)  # two searches
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["grassland\nk = 40", "forest\nk = 40"]


def test_a_curve_goes_through_the_values(labelled):
    x, y = labelled(heterogeneity(ablat(), "ablat", interval="none", points=5), "τ, ML").get_data()
    alpha = ablat().scale
    assert (x[0], x[-1]) == (13.0, 55.0)
    assert y[[0, 30, -1]] == pytest.approx(np.exp(alpha["Intercept"] + alpha["ablat"] * x[[0, 30, -1]]))


def test_a_band_of_draws_holds_the_curve(labelled):
    ax = heterogeneity(restoration("eb"), "duration", points=3)
    (band,) = ax.collections
    assert band.get_label() == "95 % interval of draws"
    outline = band.get_paths()[0].vertices
    tau = labelled(ax, "τ, EB").get_ydata()
    assert outline[:, 1].min() < tau.min() <= tau.max() < outline[:, 1].max()


def test_studies_are_a_rug(labelled):
    rug = labelled(heterogeneity(ablat(), "ablat", interval="none"), "studies")
    assert rug.get_xdata().tolist() == ld.load_data("bcg_rr")["ablat"].tolist()


def test_levels_of_heterogeneity():
    data = ld.load_data("assink2016")
    fit = ld.model("yi ~ pubstatus + meta_V(vi) + (1 | study)", data=data).fit()
    own, sds = studies(fit), fit.varcorr.set_index("group")["sdcor"]
    for level in ("study", "residual"):
        found = taus(own, "pubstatus", [0, 1], level=level, interval="none")
        assert found.tau == pytest.approx([sds[level]] * 2)
    total = taus(own, "pubstatus", [0], interval="none")
    assert total.tau == pytest.approx([np.sqrt((sds**2).sum())])


def test_other_moderators_are_averaged():
    data = ld.load_data("restoration")
    fit = ld.model("yi ~ 1 + meta_V(vi)", "sigma ~ habitat + duration", data=data).fit("ml")
    found = taus(studies(fit), "habitat", ["forest"], interval="none")
    alpha = fit.scale
    log_sd = alpha["Intercept"] + alpha["habitat[forest]"] + alpha["duration"] * data["duration"]
    assert found.tau == pytest.approx([np.sqrt(np.mean(np.exp(2 * log_sd)))])


def test_interpolation_does_not_overshoot():
    x = np.array([0.0, 1.0, 2.0, 3.0])
    found = interpolated(np.linspace(0, 3, 50), x, np.array([0.0, 0.0, 1.0, 1.0]))
    assert (found.min(), found.max()) == (0.0, 1.0)
    gap = interpolated(np.array([0.5, 2.5]), x, np.array([1.0, 1.0, 1.0, np.inf]))
    assert gap[0] == 1.0
    assert not np.isfinite(gap[1])


def test_drawn_into_the_axes_given():
    ax = Figure().add_subplot()
    assert heterogeneity(restoration(), "habitat", interval="none", ax=ax) is ax
    assert ax.get_ylim()[0] == 0.0
    assert ax.get_ylabel() == "τ, sd of true effects of yi"


def test_bad_input():
    with pytest.raises(FitError, match="no level `school`"):
        heterogeneity(restoration(), "habitat", level="school")
    with pytest.raises(FitError, match="no moderator `habitat`"):
        heterogeneity(assink(), "habitat")
    with pytest.raises(FitError, match="interval"):
        heterogeneity(restoration(), "habitat", interval="wald")
    with pytest.raises(FitError, match="no moderator"):
        heterogeneity(bcg(), "ablat")
