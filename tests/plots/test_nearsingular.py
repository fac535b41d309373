"""Near-singular G: bars are the lengths of its axes, the surface is its ellipsoid."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from laird.bound import model
from laird.errors import FitError
from laird.plots.axesofg import axes_of, principal_axes_of
from laird.plots.nearsingular import LONG, REACH, SHORT, ellipsoid, ellipsoid_surface, principal_axes
from laird.plots.style import ESTIMATORS


@pytest.fixture(scope="module")
def flat(hs):
    """A fit at the boundary."""
    fit = model("mathach ~ ses + Minority + (ses + Minority | school)", data=hs).fit("reml")
    assert fit.status == "boundary"
    return fit


def test_bars_are_the_lengths_and_the_flat_one_stands_out(flat):
    ax = principal_axes(flat)
    found = axes_of(flat)
    assert [bar.get_width() for bar in ax.patches] == pytest.approx(found.lengths.tolist())
    colours = [bar.get_facecolor()[:3] for bar in ax.patches]
    assert colours[0] == colours[1] != colours[2]
    assert ax.lines[0].get_xdata() == pytest.approx(found.lengths[2:])
    texts = [text.get_text() for text in ax.texts]
    assert texts[1::2] == [found.in_words(k) for k in range(3)]
    assert texts[0] == f"{100 * found.shares[0]:.1f} % of the variance"


def test_the_surface_is_where_the_mahalanobis_distance_is_the_radius():
    G = np.array([[4.0, 1.0, 0.5], [1.0, 1.0, -0.2], [0.5, -0.2, 2.0]])
    found = principal_axes_of("school", ("a", "b", "c"), G)
    R = G / np.outer(found.sd, found.sd)
    surface = ellipsoid_surface(found).reshape(3, -1)
    distance = np.einsum("ik,ij,jk->k", surface, np.linalg.inv(R), surface)
    assert distance == pytest.approx(np.full(surface.shape[1], REACH**2))


def test_points_are_the_predictors_over_the_sds(flat):
    ax = ellipsoid(flat)
    points = next(line for line in ax.lines if line.get_marker() == "o")
    expected = flat.ranef("school").to_numpy() / np.sqrt(np.diag(flat.covariance("school")))
    drawn = np.array(points.get_data_3d()).T
    assert drawn == pytest.approx(expected)
    assert [ax.get_xlabel(), ax.get_ylabel(), ax.get_zlabel()] == [
        f"{name} / {sd:.{digits}f}"
        for name, sd, digits in zip(
            ("Intercept", "ses", "Minority[Yes]"),
            np.sqrt(np.diag(flat.covariance("school"))),
            (2, 3, 3),
            strict=True,
        )
    ]


def test_shadows_on_the_walls_have_the_radius(flat):
    ax = ellipsoid(flat)
    shadows = [np.array(line.get_data_3d()) for line in ax.lines if len(line.get_data_3d()[0]) == 181]
    assert len(shadows) == 3
    for wall, curve in enumerate(shadows):
        assert np.ptp(curve[wall]) == 0.0
        rest = [k for k in range(3) if k != wall]
        assert np.ptp(curve[rest], axis=1) == pytest.approx([2 * REACH, 2 * REACH], rel=2e-4)  # 181 points


def test_the_pancake_is_seen_from_its_edge(flat):
    ax = ellipsoid(flat)
    elevation, azimuth = np.deg2rad([ax.elev, ax.azim])
    towards = np.array(
        [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)]
    )
    assert abs(towards @ axes_of(flat).directions[:, 2]) == pytest.approx(np.sin(np.deg2rad(14)))
    assert elevation >= 0


def test_three_of_four_coefficients_and_axes_given(hs):
    fit = model("mathach ~ ses + Minority + Sex + (ses + Minority + Sex || school)", data=hs).fit("reml")
    ax = Figure().add_subplot(projection="3d")
    assert ellipsoid(fit, ["Intercept", "Sex[Male]", "ses"], ax=ax) is ax
    assert ax.get_ylabel().startswith("Sex[Male] ")


def test_bad_arguments(flat, sleepstudy):
    sleep = model("Reaction ~ Days + (Days | Subject)", data=sleepstudy).fit("reml")
    with pytest.raises(FitError, match="three coefficients; `Subject` has Intercept, Days"):
        ellipsoid(sleep)
    with pytest.raises(FitError, match="Nearest: `ses`"):
        ellipsoid(flat, ["Intercept", "Ses", "Minority[Yes]"])
    with pytest.raises(FitError, match="three coefficients"):
        ellipsoid(flat, ["Intercept", "ses", "ses"])
    with pytest.raises(FitError, match="three-dimensional"):
        ellipsoid(flat, ax=Figure().add_subplot())


def test_colours_are_those_of_all_pictures():
    assert {LONG, SHORT} <= {look.colour for look in ESTIMATORS.values()}
