"""Data in three dimensions: rows, planes and the lines of groups where they belong."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure

from laird.bound import model
from laird.errors import DataError, FitError, SpecError
from laird.plots.dataspace import MESH, data_space

CONTEXT = "mathach ~ ses + cvar(ses, school)"


def curves(ax, style):
    return [np.array(line.get_data_3d()) for line in ax.lines if line.get_linestyle() == style]


def test_points_are_the_rows_of_each_category(hs):
    ax = data_space("mathach ~ ses + Size", data=hs, split="Sector", plane=False)
    for points, sector in zip(curves(ax, "None"), ("Catholic", "Public"), strict=True):
        rows = hs[hs["Sector"] == sector]
        assert np.array_equal(points.T, rows[["ses", "Size", "mathach"]].to_numpy(float))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["Catholic", "Public"]
    assert len(ax.collections) == 0


def test_the_plane_is_that_of_least_squares(hs):
    ax = data_space(CONTEXT, data=hs)
    fixef = model(CONTEXT, data=hs).fit("ols").fixef
    wires = np.array(ax.collections[1]._segments3d)  # matplotlib has no other way to them
    assert wires.shape == (2 * MESH, MESH, 3)
    x, mean, height = wires.reshape(-1, 3).T
    expected = fixef["Intercept"] + fixef["ses"] * x + fixef["cvar(ses, school)"] * mean
    assert height == pytest.approx(expected)


def test_lines_and_means_of_groups_stand_at_their_place(hs):
    ax = data_space(CONTEXT, data=hs, group="school")
    lines, means = curves(ax, "-"), curves(ax, "-")[1::2]
    schools = hs.groupby(hs["school"].astype(str))
    for (_, rows), line, mean in zip(schools, lines[::2], means, strict=True):
        slope, intercept = np.polyfit(rows["ses"], rows["mathach"], 1)
        assert line[1] == pytest.approx(rows["ses"].mean())
        assert line[2] == pytest.approx(intercept + slope * line[0])
        assert mean.ravel() == pytest.approx([rows["ses"].mean(), rows["ses"].mean(), rows["mathach"].mean()])


def test_any_frame_and_axes_given(hs):
    ax = Figure().add_subplot(projection="3d")
    frame = pl.DataFrame({name: hs[name] for name in ("mathach", "ses", "Size")})
    assert data_space("mathach ~ ses + Size", data=frame, ax=ax) is ax
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_zlabel()) == ("ses", "Size", "mathach")


@pytest.mark.parametrize(
    "formula", ["mathach ~ ses", "mathach ~ ses + Size + PRACAD", "mathach ~ 0 + ses + Size"]
)
def test_other_than_two_predictors_are_refused(hs, formula):
    with pytest.raises(SpecError, match="an outcome and two numeric predictors"):
        data_space(formula, data=hs)


def test_bad_arguments(hs):
    with pytest.raises(DataError, match="varies within groups of `school`"):
        data_space(
            "mathach ~ ses + minority",
            data=hs.assign(minority=(hs["Minority"] == "Yes") * 1.0),
            group="school",
        )
    with pytest.raises(DataError, match="at most 4"):
        data_space(CONTEXT, data=hs, split="school")
    with pytest.raises(DataError, match="`sector`"):
        data_space(CONTEXT, data=hs, split="sector")
    with pytest.raises(FitError, match="needs three-dimensional axes"):
        data_space(CONTEXT, data=hs, ax=Figure().subplots())
