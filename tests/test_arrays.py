"""Arrays of several outcomes, taken apart again."""

import numpy as np

import laird as ld
from laird.arrays import outcome_designs

RNG = np.random.default_rng(5)
WIDE = {name: RNG.normal(size=40) for name in ("a", "b", "x")} | {"g": np.repeat(np.arange(8), 5)}


def test_the_design_of_an_outcome_alone_is_that_of_its_own_model():
    both = ld.model("a ~ x + (x | g)", "b ~ 1 + (1 | g)", "sigma(a) ~ x", data=WIDE).design
    alone = [
        ld.model("a ~ x + (x | g)", "sigma ~ x", data=WIDE).design,
        ld.model("b ~ 1 + (1 | g)", "sigma ~ 1", data=WIDE).design,
    ]
    for part, expected in zip(outcome_designs(both), alone, strict=True):
        assert (part.outcome, part.names) == (expected.outcome, expected.names)
        for name in ("y", "X", "rows"):
            np.testing.assert_array_equal(getattr(part, name), getattr(expected, name))
        (g,), (expected_g,) = part.random, expected.random
        assert (g.names, g.blocks, g.levels) == (expected_g.names, expected_g.blocks, expected_g.levels)
        np.testing.assert_array_equal(g.Z, expected_g.Z)
        (sigma,), (expected_sigma,) = part.scales, expected.scales
        assert (sigma.group, sigma.names) == (expected_sigma.group, expected_sigma.names)
        np.testing.assert_array_equal(sigma.W, expected_sigma.W)


def test_a_single_outcome_stays_as_it_is():
    design = ld.model("a ~ x", data=WIDE).design
    assert outcome_designs(design) == (design,)


def test_a_factor_of_one_outcome_is_absent_from_the_other():
    a, b = outcome_designs(ld.model("a ~ x + (1 | g)", "b ~ 1", data=WIDE).design)
    assert [one.group for one in a.random] == ["g"]
    assert b.random == ()
