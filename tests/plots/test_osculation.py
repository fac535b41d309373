"""One group's shrinkage: predictors, touching ellipses and the curve on which they touch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laird.bound import model
from laird.errors import FitError
from laird.fitting import ols
from laird.plots.osculation import osculation, shrunk


@pytest.fixture(scope="module")
def sleep(sleepstudy):
    return model("Reaction ~ Days + (Days | Subject)", data=sleepstudy).fit("reml")


def of(fit, group, level, at=(0, 1)):
    return shrunk(fit, ols.fit(fit.problem).group_coef(group).to_numpy(), group, level, at)


def test_covariances_are_those_of_the_rows(sleep, sleepstudy):
    found = of(sleep, "Subject", "335")
    days = sleepstudy[sleepstudy["Subject"].astype(str) == "335"]["Days"].to_numpy(float)
    X = np.column_stack([np.ones_like(days), days])
    M = X.T @ X / sleep.sigma**2
    assert np.linalg.inv(found.V) == pytest.approx(M)
    assert found.left == pytest.approx(np.linalg.inv(np.linalg.inv(found.G) + M))
    expected = found.mean + found.G @ np.linalg.inv(found.G + found.V) @ (found.blue - found.mean)
    assert found.blup == pytest.approx(expected)


def test_the_radii_are_distances_of_the_predictor(sleep):
    found = of(sleep, "Subject", "308")
    d, e = found.blup - found.mean, found.blup - found.blue
    expected = np.sqrt([d @ np.linalg.solve(found.G, d), e @ np.linalg.solve(found.V, e)])
    assert found.radii == pytest.approx(expected)


def test_the_predictor_is_on_the_curve_and_ellipses_touch_along_it(sleep):
    found = of(sleep, "Subject", "335")
    gaps = np.linalg.norm(found.curve - found.blup[:, None], axis=0)
    assert gaps.min() < 1e-9 * np.linalg.norm(found.blue - found.mean)
    for b in found.curve.T[60:-60:20]:
        normals = np.linalg.solve(found.G, b - found.mean), np.linalg.solve(found.V, b - found.blue)
        cosine = normals[0] @ normals[1] / np.prod([np.linalg.norm(n) for n in normals])
        assert cosine == pytest.approx(-1.0)


@given(st.floats(0.1, 5), st.floats(0.1, 5), st.floats(-0.9, 0.9))
def test_the_curve_leads_from_the_mean_to_the_estimate(a, b, r):
    G = np.array([[a * a, r * a * b], [r * a * b, b * b]])
    curve = osculation(np.zeros(2), np.array([1.0, 2.0]), G, np.diag([2.0, 1.0]))
    assert curve[:, 0].tolist() == [0.0, 0.0]
    assert curve[:, -1] == pytest.approx([1.0, 2.0], rel=2e-4)  # the last s is 10⁴ over an eigenvalue
    steps = np.linalg.norm(np.diff(curve, axis=1), axis=0)
    assert steps.max() < 0.05 * np.linalg.norm([1.0, 2.0])  # no jump at either end


def test_a_singular_g_keeps_the_curve_in_its_direction(hsfull):
    fit = model("mathach ~ ses * Sector + (ses | school)", data=hsfull).fit("reml")
    assert fit.status == "boundary"
    found = of(fit, "school", "1224")
    values, vectors = np.linalg.eigh(found.G)
    across = vectors[:, 0] @ (found.curve - found.mean[:, None])
    assert values[0] < 1e-6 * values[1]
    assert np.abs(across).max() < 1e-3 * np.linalg.norm(found.blue - found.mean)
    assert np.isfinite(found.radii).all()


def test_of_three_coefficients_two_are_drawn_and_nothing_touches(hs):
    fit = model("mathach ~ ses + Minority + (ses + Minority || school)", data=hs).fit("reml")
    found = of(fit, "school", "2458", (0, 2))
    own = fit.group_coef("school").loc["2458"].to_numpy()[[0, 2]]
    assert found.blup == pytest.approx(own)
    assert np.linalg.norm(found.curve - own[:, None], axis=0).min() < 1e-6
    assert np.isnan(found.radii).all()


def test_groups_that_cannot_be_drawn(sleep):
    with pytest.raises(FitError, match="no group of `Subject` `3350`"):
        of(sleep, "Subject", "3350")
    data = {"g": [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 5], "x": [0, 1, 2, 0, 1, 2, 0, 1, 3, 0, 1, 1.0]}
    data["y"] = [1.0, 2.1, 2.9, 2.0, 1.7, 4.4, 3.0, 4.0, 5.5, 1.0, 2.5, 4.0]
    small = model("y ~ x + (x | g)", data=data).fit("reml")
    with pytest.raises(FitError, match="too small"):
        of(small, "g", "5")
