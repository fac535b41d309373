"""Panels of the groups: their rows, their lines, one scale."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure

from laird.errors import DataError, FitError
from laird.plots.grouppanels import group_panels
from laird.plots.style import ESTIMATORS, METHODS

SCHOOLS = ["8854", "1317", "9586"]


@pytest.fixture(scope="module")
def arguments(hs):
    return {"group": "school", "between": "Sector", "data": hs}


def points(ax):
    return np.concatenate([line.get_xydata() for line in ax.lines if line.get_marker() == "o"])


def test_every_panel_has_the_rows_of_its_group(hs, arguments):
    axes = group_panels("mathach ~ ses", **arguments, select=SCHOOLS, lines=[])
    for ax, school in zip(axes, SCHOOLS, strict=True):
        rows = hs[hs["school"].astype(str) == school]
        assert ax.get_title(loc="left") == school
        assert np.array_equal(points(ax), rows[["ses", "mathach"]])
        assert len(ax.lines) == 1


def test_panels_are_ordered_by_level_2_variables_and_all_of_them_share_one_scale(hs, arguments):
    axes = group_panels("mathach ~ ses", **arguments, order=["Sector", "Size"], lines=["least_squares"])
    shown = [ax.get_title(loc="left").replace("\n", ", ").split(", ") for ax in axes]
    assert shown == sorted(shown, key=lambda parts: (parts[1], int(parts[2])))
    assert len({(ax.get_xlim(), ax.get_ylim()) for ax in axes}) == 1
    low, high = axes[0].get_ylim()
    assert low < hs["mathach"].min() < hs["mathach"].max() < high


def test_the_mixed_line_is_that_of_the_reml_fit(arguments, hs_fit, labelled):
    axes = group_panels("mathach ~ ses", **arguments, select=SCHOOLS)
    own = hs_fit("reml").group_coef("school")
    for ax, school in zip(axes, SCHOOLS, strict=True):
        x, y = labelled(ax, ESTIMATORS["mixed"].label).get_data()
        assert y == pytest.approx(own.loc[school, "Intercept"] + own.loc[school, "ses"] * x)


def test_fits_given_take_the_place_of_the_mixed_line(arguments, hs_fit, labelled):
    (ax,) = group_panels("mathach ~ ses", **arguments, select="1317", fits=[hs_fit("reml"), hs_fit("eb")])
    names = {line.get_label() for line in ax.lines}
    assert {METHODS["reml"].label, METHODS["eb"].label} <= names
    assert ESTIMATORS["mixed"].label not in names
    own = hs_fit("eb").group_coef("school").loc["1317"]
    x, y = labelled(ax, METHODS["eb"].label).get_data()
    assert y == pytest.approx(own["Intercept"] + own["ses"] * x)


def test_points_are_split_by_a_category(hs, arguments, labelled):
    ax = group_panels("mathach ~ ses", **arguments, select=["1906"], split="Sex", lines=[])[0]
    rows = hs[hs["school"].astype(str) == "1906"]
    for sex in ("Female", "Male"):
        assert np.array_equal(labelled(ax, sex).get_xydata(), rows[rows["Sex"] == sex][["ses", "mathach"]])


def test_each_category_has_a_line_inside_one_panel(hs):
    """Slides, p. 39: achievement on SES in each sector, a line for each sex."""
    axes = group_panels("mathach ~ ses", group="Sector", data=hs, split="Sex", lines=["split"])
    assert [ax.get_title(loc="left") for ax in axes] == ["Catholic", "Public"]
    for ax, sector in zip(axes, ("Catholic", "Public"), strict=True):
        lines = [line for line in ax.lines if line.get_linestyle() == "-"]
        for line, sex in zip(lines, ("Female", "Male"), strict=True):
            rows = hs[(hs["Sector"] == sector) & (hs["Sex"] == sex)]
            slope, intercept = np.polyfit(rows["ses"], rows["mathach"], 1)
            assert line.get_ydata() == pytest.approx(intercept + slope * line.get_xdata())


def test_dozens_of_panels_fit_the_page_without_an_overlap(arguments):
    axes = group_panels("mathach ~ ses", **arguments, order="Size", lines=["least_squares"])
    figure = axes[0].figure
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    boxes = [ax.get_tightbbox(renderer) for ax in axes]
    overlaps = [
        (i, k)
        for i, a in enumerate(boxes)
        for k, b in enumerate(boxes[:i])
        if min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 1
    ]
    assert overlaps == []
    assert figure.get_size_inches()[0] < 11


def test_any_frame_and_axes_given(hs):
    figure = Figure(figsize=(6, 3), layout="constrained")
    given = figure.subplots(1, 2)
    frame = pl.DataFrame(
        {
            name: hs[name].astype(str) if name == "school" else hs[name]
            for name in ("school", "ses", "mathach")
        }
    )
    axes = group_panels(
        "mathach ~ ses", group="school", data=frame, select=["1317", "1906"], axes=list(given)
    )
    assert list(axes) == list(given)
    assert [ax.get_xlabel() for ax in axes] == ["ses", "ses"]


def test_bad_arguments(arguments):
    with pytest.raises(FitError, match="lines = 'ols' is not possible"):
        group_panels("mathach ~ ses", **arguments, lines=["ols"])
    with pytest.raises(DataError, match="need the column that tells the categories"):
        group_panels("mathach ~ ses", **arguments, lines=["split"])
    with pytest.raises(DataError, match="at most 4"):
        group_panels("mathach ~ ses", **arguments, split="Size", lines=[])
    with pytest.raises(FitError, match="drawn from fits"):
        group_panels("mathach ~ ses", **arguments, fits=["reml"])
