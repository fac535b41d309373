"""The simulated school: lines and ellipses are those of the school."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from laird.compare.simulated_school import simulated_school as simulate
from laird.errors import FitError
from laird.plots.simulatedschool import simulated_school

OUTLINE = 2e-4
"""181 points miss an extreme of the ellipse by at most 1 - cos(1°) of its size."""


@pytest.fixture(scope="module")
def school():
    return simulate(random_seed=3)


def test_points_of_beta_space_are_lines_of_the_space_of_the_data(school, labelled):
    data, beta = simulated_school(school)
    names = {"population γ": "population", "true line β": "true", "least squares β̂": "least squares"}
    names["best predictor β̃"] = "best predictor"
    for label, row in names.items():
        point = labelled(beta, label)
        assert point.get_xydata()[0] == pytest.approx(school.lines().loc[row].to_numpy())
        (line,) = [
            line
            for line in data.lines
            if len(line.get_xdata()) == 2 and line.get_color() == point.get_color()
        ]
        x, y = line.get_data()
        assert [
            y[0] - x[0] * np.ptp(y) / np.ptp(x) * np.sign(y[1] - y[0]),
            np.diff(y)[0] / np.diff(x)[0],
        ] == (pytest.approx(point.get_xydata()[0]))


def test_the_data_are_the_rows(school, labelled):
    data, _ = simulated_school(school)
    assert np.array_equal(labelled(data, "data").get_xydata(), np.column_stack([school.x, school.y]))


@pytest.mark.parametrize(
    ("name", "centre", "cov"),
    [
        ("G about γ", "gamma", "G"),
        ("V = G + σ²(X'X)⁻¹ about γ", "gamma", "V"),
        ("σ²(X'X)⁻¹ about β", "beta", "blue_cov"),
    ],
)
def test_shadows_are_one_sd(school, labelled, name, centre, cov):
    _, beta = simulated_school(school)
    outline = np.array(labelled(beta, name).get_data())
    middle, half = (outline.max(axis=1) + outline.min(axis=1)) / 2, np.ptp(outline, axis=1) / 2
    assert half == pytest.approx(np.sqrt(np.diag(getattr(school, cov))), rel=OUTLINE)
    assert middle == pytest.approx(getattr(school, centre), abs=OUTLINE * half.max())


def test_the_band_is_one_sd_of_true_lines(school):
    data, _ = simulated_school(school)
    corners = data.collections[0].get_paths()[0].vertices
    x = corners[:, 0].min()
    low, high = sorted(set(corners[np.isclose(corners[:, 0], x), 1]))[
        :: len(set(corners[np.isclose(corners[:, 0], x), 1])) - 1
    ]
    sd = np.sqrt(np.array([1.0, x]) @ school.G @ np.array([1.0, x]))
    mean = school.gamma @ [1.0, x]
    assert [low, high] == pytest.approx([mean - sd, mean + sd])


def test_axes_given_and_bad_arguments(school):
    given = Figure().subplots(1, 2)
    assert list(simulated_school(school, axes=list(given))) == list(given)
    with pytest.raises(FitError, match="simulated school"):
        simulated_school("a school")
    with pytest.raises(FitError, match="needs 2 axes"):
        simulated_school(school, axes=given[0])
