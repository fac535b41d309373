"""Effect plots: lines are predictions, bands are those of Wald tests or of draws."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from laird.bound import model
from laird.errors import FitError
from laird.inference.wald import wald
from laird.plots.effect import effect


def band(ax, k=0):
    """Lower and upper edge over increasing x."""
    path = ax.collections[k].get_paths()[0].vertices
    x = np.unique(path[:, 0])
    return np.array([[path[path[:, 0] == value, 1].min(), path[path[:, 0] == value, 1].max()] for value in x])


def test_lines_are_predictions_for_the_population(hs_fit, labelled):
    fit = hs_fit("reml")
    ax = effect(fit, "ses", by="Sector")
    for sector in ("Catholic", "Public"):
        x, y = labelled(ax, f"Sector: {sector}").get_data()
        new = {"ses": x, "Sector": [sector] * len(x)}
        assert y == pytest.approx(fit.predict(new, groups="population")["estimate"].to_numpy())


def test_bands_are_intervals_of_the_wald_test(hs_fit):
    fit = hs_fit("reml")
    ax = effect(fit, "ses", by="Sector", values=[-1.0, 1.0], prob=0.9)
    tested = wald(fit, [[1, -1, 1, -1], [1, 1, 1, 1]], prob=0.9).rows[["lower", "upper"]].to_numpy()
    assert band(ax, 1) == pytest.approx(tested)


def test_bands_of_draws_are_their_quantiles(hs_fit):
    fit = hs_fit("eb")
    ax = effect(fit, "ses", values=[0.0, 2.0], at={"Sector": "Catholic"})
    draws = fit.draws.flat("beta")
    expected = [np.quantile(draws[:, 0] + x * draws[:, 1], [0.025, 0.975]) for x in (0.0, 2.0)]
    assert band(ax) == pytest.approx(np.array(expected))


def test_levels_of_a_category_are_points_with_intervals(hs_fit):
    fit = hs_fit("reml")
    ax = effect(fit, "Sector", at={"ses": 0.5})
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["Catholic", "Public"]
    new = {"ses": [0.5, 0.5], "Sector": ["Catholic", "Public"]}
    predicted = fit.predict(new, groups="population")
    assert ax.lines[0].get_ydata() == pytest.approx(predicted["estimate"].to_numpy())
    bars = np.array(ax.collections[0].get_segments())[:, :, 1]
    tested = wald(fit, [[1, 0.5, 0, 0], [1, 0.5, 1, 0.5]]).rows[["lower", "upper"]].to_numpy()
    assert bars == pytest.approx(tested)


@pytest.mark.parametrize("method", ["reml", "eb"])
def test_a_difference_is_the_test_of_the_gap_at_each_value(hs_fit, labelled, method):
    """Slides, Lab 1: the gap between two kinds of groups, with its confidence band."""
    fit = hs_fit(method)
    ax = effect(fit, "ses", by="Sector", values=[-1.0, 1.0], difference=True)
    line = labelled(ax, "Sector: Public − Catholic")
    tested = wald(fit, [[0, 0, 1, -1], [0, 0, 1, 1]]).rows
    assert line.get_ydata() == pytest.approx(tested["estimate"].to_numpy())
    assert band(ax) == pytest.approx(tested[["lower", "upper"]].to_numpy())
    assert ax.get_ylabel() == "Difference in mathach"
    with pytest.raises(FitError, match="there is one line"):
        effect(fit, "ses", difference=True)


def test_labels_say_what_is_drawn(hs):
    fit = model("mathach ~ ses + cvar(ses, school) + Sex + (1 | school)", data=hs).fit("reml")
    ax = effect(fit, "ses", ax=Figure(figsize=(7, 4)).add_subplot())
    assert ax.get_ylabel() == "Predicted mathach"
    words = ax.get_xlabel().replace("\n", " ")
    assert words == "ses, within groups 95 % bands; at their means: cvar(ses, school), Sex"
    assert ax.get_legend() is None
    assert effect(fit, "ses", effect="between").get_xlabel().startswith("ses, between groups")


def test_the_slope_of_one_outcome_of_two(two_outcomes):
    ax = effect(two_outcomes, "ses", values=[0.0, 1.0], outcome="reading")
    assert np.diff(ax.lines[0].get_ydata()) == pytest.approx([two_outcomes.fixef["reading: ses"]])
    assert ax.get_ylabel() == "Predicted reading"


def test_bad_arguments(hs_fit):
    with pytest.raises(FitError, match="effect = 'total' is not possible"):
        effect(hs_fit("reml"), "ses", effect="total")
    with pytest.raises(FitError, match="drawn from one fit"):
        effect([hs_fit("reml")], "ses")
    with pytest.raises(FitError, match="not a probability"):
        effect(hs_fit("reml"), "ses", prob=1.0)
