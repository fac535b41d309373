"""Colours that every reader can tell apart, legends that fit, and no setting changed."""

from __future__ import annotations

from itertools import combinations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from laird.plots.style import (
    CHAINS,
    ESTIMATORS,
    LOOKS,
    METHODS,
    axes,
    extent,
    label,
    legend_above,
    mark_clipped,
    panels,
)

# Dichromats of Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
APART = 15.0
"""Distance in CIELAB; about 2 is just noticeable side by side."""


def linear(colour: str) -> np.ndarray:
    c = np.array(to_rgb(colour))
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    t = TO_XYZ @ np.clip(rgb, 0, 1) / TO_XYZ.sum(axis=1)
    f = np.where(t > 216 / 24389, np.cbrt(t), (24389 / 27 * t + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("looks", [LOOKS, METHODS, ESTIMATORS], ids=["estimates", "methods", "estimators"])
def test_colours_are_told_apart(looks, vision):
    seen = {name: lab(VISION[vision] @ linear(look.colour)) for name, look in looks.items()}
    assert min(np.linalg.norm(seen[a] - seen[b]) for a, b in combinations(seen, 2)) > APART


@pytest.mark.parametrize("looks", [LOOKS, METHODS, ESTIMATORS], ids=["estimates", "methods", "estimators"])
def test_markers_are_told_apart(looks):
    assert len({(look.marker, look.filled) for look in looks.values()}) == len(looks)


def test_colours_stand_out_from_white():
    colours = {look.colour for looks in (LOOKS, METHODS, ESTIMATORS) for look in looks.values()} | set(CHAINS)
    contrast = {colour: 1.05 / (float(TO_XYZ[1] @ linear(colour)) + 0.05) for colour in colours}
    assert min(contrast.values()) >= 3.0  # WCAG 2.2, 1.4.11, for graphical objects


def test_a_kind_of_estimate_has_one_colour_in_all_pictures():
    pairs = {"ols": "blue", "reml": "eblup", "eb": "eb", "nuts": "posterior"}
    assert all(METHODS[method].colour == LOOKS[kind].colour for method, kind in pairs.items())


def test_axes_given_are_used_and_pyplot_is_left_alone():
    ax = Figure().add_subplot()
    assert axes(ax) is ax
    assert plt.get_fignums() == []


def test_without_axes_pyplot_makes_a_figure():
    ax = axes(None, (3.0, 2.0))
    assert plt.gcf() is ax.figure
    assert ax.figure.get_size_inches().tolist() == [3.0, 2.0]


def test_no_setting_of_matplotlib_is_changed():
    before = dict(mpl.rcParams)
    label(axes(None), "x", "y")
    panels(None, 2, 1, (2.0, 1.0))
    assert dict(mpl.rcParams) == before


def test_panels_are_as_many_as_asked_for():
    figure = Figure()
    assert len(panels(figure, 5, 3, (2.0, 1.0))) == 5
    assert len(figure.axes) == 5


def test_extent_is_in_points():
    ax = Figure(figsize=(4.0, 2.0), dpi=200).add_axes((0.0, 0.0, 0.5, 1.0))
    assert extent(ax) == pytest.approx((144.0, 144.0))


@pytest.mark.parametrize("size", [(3.4, 3.0), (5.0, 4.0), (7.0, 4.5)])
def test_legend_stays_within_the_figure_and_off_the_data(size):
    ax = axes(None, size)
    for look in LOOKS.values():
        ax.plot([0, 1], [0, 1], label=look.label)
    ax.plot([0, 1], [0, 1], label="GLS means 1.805, 3.194")
    legend_above(ax)
    ax.figure.draw_without_rendering()
    box = ax.get_legend().get_window_extent()
    assert box.x1 <= ax.figure.bbox.x1
    assert box.y0 >= ax.bbox.y1 - 1  # one pixel for the frame's own padding


def test_long_labels_are_broken():
    ax = axes(None, (3.0, 2.0))
    label(ax, "a label that is much longer than the axes are wide, word by word", "y", ["a note"])
    lines = ax.get_xlabel().splitlines()
    assert len(lines) > 2
    assert lines[-1] == "a note"


def test_clipped_points_lie_on_the_edge_they_left_by():
    ax = Figure().add_subplot()
    ax.set(xlim=(0, 1), ylim=(0, 1))
    count = mark_clipped(
        ax, np.array([0.5, 0.5, 9.0, -9.0, np.nan]), np.array([0.5, 7.0, 0.4, 0.3, 0.5]), LOOKS["blue"]
    )
    assert count == 3
    marks = {line.get_marker(): line.get_xydata().tolist() for line in ax.lines}
    assert marks == {"^": [[0.5, 1.0]], ">": [[1.0, 0.4]], "<": [[0.0, 0.3]]}
