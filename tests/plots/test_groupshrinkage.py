"""The picture of one group: points and ellipses are those of the fit."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from laird.bound import model
from laird.compare.shrinkage import shrinkage
from laird.errors import FitError
from laird.plots.groupshrinkage import group_shrinkage


@pytest.fixture(scope="module")
def sleep(sleepstudy):
    return model("Reaction ~ Days + (Days | Subject)", data=sleepstudy).fit("reml")


def test_points_are_those_of_the_shrinkage_table(sleep, labelled):
    table = shrinkage(sleep).query("group == '335'").set_index("term").loc[["Intercept", "Days"]]
    ax = group_shrinkage(sleep, "335")
    for column, name in (
        ("mean", "mean and G"),
        ("blue", "BLUE and V"),
        ("eblup", "EBLUP and what stays uncertain"),
    ):
        assert labelled(ax, name).get_xydata()[0] == pytest.approx(table[column].to_numpy())


def test_thin_ellipses_pass_through_the_predictor(sleep, labelled):
    ax = group_shrinkage(sleep, "308")
    blup = labelled(ax, "EBLUP and what stays uncertain").get_xydata()[0]
    thin = [line.get_xydata() for line in ax.lines if line.get_linewidth() == 0.6]
    scale = np.ptp(np.concatenate(thin), axis=0)
    assert len(thin) == 2
    for outline in thin:  # 181 points: the nearest is within a step of the outline
        assert np.abs((outline - blup) / scale).max(axis=1).min() < 0.02


def test_axes_may_be_swapped_and_given(sleep):
    ax = Figure(figsize=(6, 5)).add_subplot()
    assert group_shrinkage(sleep, "335", "Days", ax=ax) is ax
    assert ax.get_xlabel().startswith("Coefficient of Days (Reaction)")
    assert ax.get_ylabel() == "Intercept (Reaction)"
    assert ax.get_title(loc="left") == "Subject 335"


def test_bad_arguments(sleep, sleepstudy, dyestuff):
    with pytest.raises(FitError, match="no group of `Subject` `1`"):
        group_shrinkage(sleep, "1")
    with pytest.raises(FitError, match="Nearest: `Days`"):
        group_shrinkage(sleep, "335", "Day")
    with pytest.raises(FitError, match="does not shrink"):
        group_shrinkage(model("Reaction ~ Days + (Days | Subject)", data=sleepstudy).fit("ols"), "335")
    with pytest.raises(FitError, match="the plane needs two"):
        group_shrinkage(model("Yield ~ 1 + (1 | Batch)", data=dyestuff).fit("reml"), "A")
