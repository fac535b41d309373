"""Rows of a forest plot and the means among them."""

from __future__ import annotations

import numpy as np
import pytest
from tests.plots.meta_fits import assink, bcg, berkey, restoration

import laird as ld
from laird.errors import FitError
from laird.plots.forest_rows import (
    TOO_FEW,
    Row,
    forest_rows,
    heterogeneity_text,
    of_subgroups,
    overall,
    places,
)
from laird.plots.means import means
from laird.plots.studies import studies

BCG = ld.load_data("bcg_rr")


def rows_of(own, groups=(), order="data", prediction=True):
    total = overall(own, None, None, 0.95)
    return forest_rows(own, groups, total, order, prediction=prediction, prob=0.95)


def test_from_the_header_to_the_note():
    rows = rows_of(studies(bcg(), BCG["author"]))
    assert [row.kind for row in rows] == ["header", *["study"] * 13, "gap", "mean", "interval", "note", "gap"]
    assert [row.text for row in rows[1:14]] == list(BCG["author"])
    assert [row.number for row in rows[1:14]] == list(range(13))
    assert rows[-3].text == "95 % prediction interval"


def test_without_prediction_intervals():
    assert "interval" not in {row.kind for row in rows_of(studies(bcg()), prediction=False)}


@pytest.mark.parametrize(("order", "column"), [("estimate", "yi"), ("precision", "vi")])
def test_order_of_studies(order, column):
    numbers = [row.number for row in rows_of(studies(bcg()), order=order) if row.kind == "study"]
    assert BCG[column].iloc[numbers].is_monotonic_increasing


def test_unknown_order():
    with pytest.raises(FitError, match="order = 'year'"):
        rows_of(studies(bcg()), order="year")


def test_a_label_is_written_once():
    rows = [row for row in rows_of(studies(assink())) if row.kind == "study"]
    assert [row.text for row in rows if row.text] == [str(k) for k in range(1, 18)]


@pytest.mark.filterwarnings("ignore:`sigma` is estimated from")  # that is what is tested
def test_subgroups_of_a_model_without_moderators_are_fits_of_their_own():
    own = studies(bcg(), by=BCG["alloc"])
    found = of_subgroups(own, BCG["alloc"], None, 0.95)
    for name, summary in zip(own.names, found, strict=True):
        alone = ld.model("yi ~ 1 + meta_V(vi)", data=BCG[BCG["alloc"] == name]).fit()
        table = ld.prediction_interval(alone).iloc[0]
        assert summary.label == f"Mean of {name}"
        assert summary.means.estimate[0] == pytest.approx(table["estimate"], rel=1e-6)  # two optimisations
        assert summary.means.pi_upper[0] == pytest.approx(table["pi_upper"], rel=1e-5)
        assert summary.note == heterogeneity_text(alone)


def test_a_subgroup_of_one_study_has_no_mean():
    by = ["one", *["rest"] * 12]
    own = studies(bcg(), by=by)
    groups = of_subgroups(own, by, None, 0.95)
    assert (groups[0].means, groups[0].note) == (None, TOO_FEW)
    rows = rows_of(own, groups)
    assert [row.kind for row in rows[:5]] == ["header", "group", "study", "note", "gap"]


def test_subgroups_of_a_model_with_moderators_are_its_averages():
    own = studies(restoration(), by="habitat")
    found = of_subgroups(own, "habitat", None, 0.95)
    expected = means(restoration(), restoration().problem.design, own.ids)
    assert [s.means.estimate[0] for s in found] == expected.estimate.tolist()
    assert [s.note for s in found] == [f"τ = {tau:.2f}" for tau in expected.tau]


def test_groups_of_the_model_have_their_predicted_means():
    own = studies(assink(), by="study")
    found = of_subgroups(own, "study", None, 0.95)
    lines, sds = assink().group_coef("study")["Intercept"], assink().group_coef_sd("study")["Intercept"]
    assert [s.means.estimate[0] for s in found] == pytest.approx(lines.tolist())
    assert [s.means.upper[0] for s in found] == pytest.approx((lines + 1.959964 * sds).tolist(), abs=1e-6)
    assert all(np.isnan(s.means.pi_upper[0]) for s in found)


def test_groups_of_the_model_are_at_their_own_moderators():
    data = ld.load_data("konstantopoulos2011")
    fit = ld.model("yi ~ year + meta_V(vi) + (1 | district)", data=data).fit()
    own = studies(fit, by="district")
    found = of_subgroups(own, "district", None, 0.95)
    year = data.groupby("district")["year"].mean()
    year.index = year.index.astype(str)
    expected = fit.fixef["Intercept"] + fit.fixef["year"] * year + fit.ranef("district")["Intercept"]
    assert {s.label.removeprefix("Mean of "): s.means.estimate[0] for s in found} == pytest.approx(
        expected.to_dict()
    )
    widths = np.array([s.means.upper[0] - s.means.estimate[0] for s in found])
    assert (widths < 2 * fit.ranef_sd("district")["Intercept"].max()).all()


def test_groups_with_random_slopes_have_no_one_mean():
    data = ld.load_data("assink2016")
    data["year"] = np.arange(100) % 7 / 7
    fit = ld.model("yi ~ year + meta_V(vi) + (1 + year || study)", "sigma ~ 0", data=data).fit()
    own = studies(fit, by="study")
    assert all(summary.means is None for summary in of_subgroups(own, "study", None, 0.95))


def test_means_at_given_moderators():
    new = {"habitat": ["forest", "grassland"], "duration": [0.0, 1.5]}
    found = overall(studies(restoration()), new, None, 0.95)
    table = ld.prediction_interval(restoration(), new)
    assert [s.label for s in found] == ["habitat forest, duration 0", "habitat grassland, duration 1.5"]
    assert [s.means.estimate[0] for s in found] == pytest.approx(table["estimate"].tolist())
    assert [bool(s.note) for s in found] == [False, True]


def test_means_of_one_of_several_outcomes():
    own = studies(berkey(), outcome="PD")
    (found,) = overall(own, None, None, 0.95)
    design = berkey().problem.design
    assert found.means.estimate[0] == pytest.approx(
        (design.X @ berkey().fixef.to_numpy())[design.which == 1].mean()
    )
    assert "Q(" not in found.note


def test_text_about_heterogeneity():
    found = ld.heterogeneity(assink())
    tau = found.table.set_index("level")["tau"]
    text = heterogeneity_text(assink())
    assert f"τ = {tau['total']:.2f} (residual {tau['residual']:.2f}, study {tau['study']:.2f})" in text
    assert text.endswith("Q(99) = 809.5, p < 0.001")


def test_places_are_the_middles_of_the_rows():
    rows = [Row("header"), Row("study"), Row("gap"), Row("mean")]
    assert places(rows, dense=False).tolist() == [0.5, 1.5, 2.25, 3.0]
    assert places(rows, dense=True).tolist() == pytest.approx([0.5, 1.7, 2.65, 3.65])
