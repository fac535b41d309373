"""Which structure the rows of a design reduce to."""

from dataclasses import replace

import numpy as np
import pytest
from tests.posterior.designs import design, two_outcomes

from laird.design import KnownDesign, ScaleDesign
from laird.gaussian.composite import Composite
from laird.gaussian.crossproducts import Grouped
from laird.gaussian.hierarchy import Hierarchy
from laird.gaussian.marginal import log_density, marginal
from laird.posterior.structure import grouped, is_plain, joined_columns, structure


def crossed():
    base = design(q=2)
    other = replace(
        design(q=1, group="rater", J=4).random[0], ids=np.arange(40) % 4, levels=("a", "b", "c", "d")
    )
    return replace(base, random=(base.random[0], other))


DESIGNS = {
    "no groups": (design(q=0), Grouped),
    "one factor": (design(q=2), Grouped),
    "two factors": (crossed(), Composite),
    "known variances": (replace(design(), known=KnownDesign("v", False, np.full(40, 0.2))), Hierarchy),
    "weights": (replace(design(q=0), weights=np.linspace(1, 2, 40)), Hierarchy),
    "sigma by x": (
        replace(design(), scales=(ScaleDesign("sigma", "", design().X[:, :2], ("Intercept", "x1")),)),
        Hierarchy,
    ),
    "two outcomes": (two_outcomes(), Hierarchy),
}


@pytest.mark.parametrize("name", DESIGNS)
def test_the_simplest_structure_that_can_say_it(name):
    d, kind = DESIGNS[name]
    assert isinstance(structure(d), kind)
    assert is_plain(d) == (kind is not Hierarchy)


def test_a_constant_sigma_that_is_written_down_is_plain():
    d = replace(design(), scales=(ScaleDesign("sigma", "", np.ones((40, 1)), ("Intercept",)),))
    assert isinstance(structure(d), Grouped)


def test_one_factor_of_several_alone():
    d = crossed()
    assert grouped(d, d.random[1]).J == 4
    assert grouped(d, None).q == 0


def test_factors_stand_side_by_side():
    assert joined_columns(crossed().random) == (slice(0, 2), slice(2, 3))
    assert joined_columns(()) == ()


def near_a_plane(small):
    """y = small + 3 + 2x₁ - x₂."""
    return replace(small, y=small.y + small.X @ [3.0, 2.0, -1.0])


def test_what_is_left_of_an_outcome_near_a_plane_is_analysed():
    """The same priors about the plane give the same density, of given and of integrated coefficients.

    Priors are of centred coefficients: the plane's is its height at the mean predictors.
    """
    base = design(q=2)
    small = replace(base, y=1e-7 * base.y)
    mean, precision = np.array([0.4, -0.2, 0.1]) * 1e-7, np.array([0.0, 1e14, 1e13])
    b = np.array([3.0, 2.0, -1.0])
    centred = b + np.append(b[1:] @ base.X[:, 1:].mean(axis=0), [0, 0])
    L, sigma, given = 1e-7 * np.array([[0.8, 0.0], [0.2, 0.5]]), 2e-7, [2]
    expected = log_density(marginal(whole(small), mean, precision, given), L, sigma, mean[given])
    data = whole(near_a_plane(small))
    found = log_density(marginal(data, mean + centred, precision, given), L, sigma, (mean + centred)[given])
    assert data.scaling.line.any()
    # The sum rounds y at 10⁻⁹ of what is left; centred coefficients are added at 10⁻¹⁶ of 10⁻⁷.
    assert found[0] == pytest.approx(expected[0], rel=1e-6)
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-5, atol=1e-5 * np.abs(expected[1]).max())
    np.testing.assert_allclose(found[3], expected[3], rtol=1e-5)


def whole(d):
    return grouped(d, d.random[0])


@pytest.mark.parametrize("name", ["one factor", "two factors", "known variances", "sigma by x"])
def test_every_structure_takes_the_plane_away(name):
    base = DESIGNS[name][0]
    known = base.known and KnownDesign("v", False, 1e-14 * base.known.variances)
    data = structure(near_a_plane(replace(base, y=1e-7 * base.y, known=known)))
    assert data.scaling.y_scale < 1e-5
    np.testing.assert_allclose(data.scaling.line[1:], [2.0, -1.0], rtol=1e-6)
    assert not structure(base).scaling.line.any()
