"""The Baujat plot against refits and dense matrices."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure
from tests.plots.meta_fits import assink, bcg, dense_sigma

import laird as ld
from laird.errors import FitError
from laird.plots.contributions import Box, baujat, contributions, free_places

BCG = ld.load_data("bcg_rr")


def test_of_single_rows():
    found = contributions(bcg())
    beta, tau2 = bcg().fixef["Intercept"], bcg().sigma ** 2
    assert found.misfit == pytest.approx(((BCG["yi"] - beta) ** 2 / (BCG["vi"] + tau2)).to_numpy())
    for k in (0, 7):
        rest = ld.model("yi ~ 1 + meta_V(vi)", data=BCG.drop(index=k)).fit()
        change = (beta - rest.fixef["Intercept"]) / rest.se["Intercept"]
        assert found.influence[k] == pytest.approx(change**2, rel=1e-6)  # two optimisations


def test_of_studies_of_several_rows():
    found, fit = contributions(assink()), assink()
    design, Sigma = fit.problem.design, dense_sigma(fit)
    residual = design.y - fit.fixef["Intercept"]
    for label in ("3", "11"):
        i = np.flatnonzero([design.random[0].levels[j] == label for j in design.random[0].ids])
        expected = residual[i] @ np.linalg.solve(Sigma[np.ix_(i, i)], residual[i])
        assert found.misfit[found.labels.index(label)] == pytest.approx(expected)
    data = ld.load_data("assink2016")
    rest = ld.model("yi ~ 1 + meta_V(vi) + (1 | study)", data=data[data["study"].astype(str) != "11"]).fit()
    change = (fit.fixef["Intercept"] - rest.fixef["Intercept"]) / rest.se["Intercept"]
    assert found.influence[found.labels.index("11")] == pytest.approx(change**2, rel=1e-4)  # optimisations


def test_points_are_the_contributions():
    (points,) = baujat(bcg()).lines
    found = contributions(bcg())
    assert points.get_xdata().tolist() == found.misfit.tolist()
    assert points.get_ydata().tolist() == found.influence.tolist()


def test_another_method_is_used_throughout():
    found, reml = contributions(bcg("eb"), method="reml"), contributions(bcg())
    assert found.misfit == pytest.approx(reml.misfit, rel=1e-6)
    assert found.influence == pytest.approx(reml.influence, rel=1e-5)


def test_names_do_not_run_over_each_other():
    ax = baujat(bcg(), labels=[f"{a} {y}" for a, y in zip(BCG["author"], BCG["year"], strict=True)])
    ax.figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert len(boxes) >= 10
    crossing = [(a, b) for k, a in enumerate(boxes) for b in boxes[:k] if a.overlaps(b)]
    assert crossing == []


def test_the_farthest_are_named():
    names = {text.get_text() for text in baujat(assink()).texts}
    assert {"3", "11", "16"} <= names


def test_a_study_without_which_nothing_is_identified():
    by = [0] * 6 + [1] + [2] * 6
    data = BCG.assign(late=[0] * 6 + [1] + [0] * 6)
    fit = ld.model("yi ~ late + meta_V(vi)", data=data).fit()
    ax = baujat(fit, labels=by)
    assert "1 of 3 without which the model is not identified" in ax.get_xlabel().replace("\n", " ")


def test_places_of_names():
    far = [0.0, 300.0]
    assert free_places(far, far, [50.0, 50.0], [1, 0], 320.0) == [(1, "left"), (0, "right")]
    assert free_places([10.0, 20.0], [0.0, 0.0], [20.0, 20.0], [0, 1], 60.0)[0] == (0, "above")
    assert Box(0.0, 10.0, 0.0).meets(Box(5.0, 20.0, 4.0))
    assert not Box(0.0, 10.0, 0.0).meets(Box(5.0, 20.0, 40.0))


def test_drawn_into_the_axes_given_and_bad_input():
    ax = Figure().add_subplot()
    assert baujat(bcg(), ax=ax) is ax
    with pytest.raises(FitError, match="labels have 2 entries"):
        baujat(bcg(), labels=["a", "b"])
    with pytest.raises(FitError, match="no known sampling variances"):
        baujat(ld.model("yi ~ 1", data=BCG).fit("ols"))
