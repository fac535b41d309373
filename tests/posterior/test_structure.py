"""Which structure the rows of a design reduce to."""

from dataclasses import replace

import numpy as np
import pytest
from tests.posterior.designs import design, two_outcomes

from laird.design import KnownDesign, ScaleDesign
from laird.gaussian.composite import Composite
from laird.gaussian.crossproducts import Grouped
from laird.gaussian.hierarchy import Hierarchy
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
