import numpy as np
from tests.fitting.problems import grouped_frame

import laird as ld
from laird.fitting.degrees import inner_outer


def degrees(formula, data):
    design = ld.model(formula, data=data).design
    return dict(zip(design.names, inner_outer(design, design.random).tolist(), strict=True))


def test_inner_and_outer_columns_of_the_slides(hs):
    """nlme's degrees of freedom: 1977 - (40 + 2) within schools, 40 - (1 + 1) between."""
    found = degrees("mathach ~ ses * Sector + (1 + ses | school)", hs)
    assert found == {"Intercept": 1935, "ses": 1935, "Sector[Public]": 38, "ses:Sector[Public]": 1935}


def test_group_means_are_outer_and_deviations_inner(hs):
    found = degrees("mathach ~ cvar(ses, school) + dvar(ses, school) + (1 | school)", hs)
    assert found == {"Intercept": 1936, "cvar(ses, school)": 38, "dvar(ses, school)": 1936}


def test_without_an_intercept_the_outer_level_has_one_more(hs):
    found = degrees("mathach ~ 0 + Sector + (1 | school)", hs)
    assert set(found.values()) == {40 - 2}


def test_without_groups_they_are_those_of_a_regression(hs):
    found = degrees("mathach ~ ses", hs)
    assert set(found.values()) == {1975}


def test_they_are_at_least_one():
    data = {"y": [1.0, 3.0, 2.0, 5.0, 4.0, 1.0], "w": [0, 0, 1, 1, 5, 5], "g": [1, 1, 2, 2, 3, 3]}
    found = degrees("y ~ w + I(w ** 2) + (1 | g)", data)
    assert set(found.values()) == {1, 3}


def test_several_outcomes_are_counted_each_in_its_own_rows():
    frame = grouped_frame(J=9, seed=6)
    frame["z"] = frame.y + np.random.default_rng(0).normal(size=len(frame))
    frame.loc[::4, "z"] = np.nan
    both = ld.model("y ~ x + w + (1 | g)", "z ~ w + (1 | g)", data=frame).design
    first = ld.model("y ~ x + w + (1 | g)", data=frame).design
    second = ld.model("z ~ w + (1 | g)", data=frame.dropna()).design
    expected = [*inner_outer(first, first.random), *inner_outer(second, second.random)]
    assert inner_outer(both, both.random).tolist() == expected
    assert inner_outer(both, ()).tolist() == [*inner_outer(first, ()), *inner_outer(second, ())]


def test_groups_of_one_row_are_rows():
    """`sigma ~ 1` and one group per row are the same model, and have the same intervals."""
    data = ld.load_data("bcg_rr")
    rows = ld.model("yi ~ ablat + meta_V(vi)", data=data).fit("reml").summary()
    groups = ld.model("yi ~ ablat + meta_V(vi) + (1 | trial)", "sigma ~ 0", data=data).fit("reml").summary()
    names = ["estimate", "se", "lower", "upper"]
    np.testing.assert_allclose(groups[names], rows[names], rtol=1e-6)  # two optimisers


def test_a_weight_counts_as_so_many_rows():
    data = {"y": [1.0, 3.0, 2.0, 5.0], "x": [1.0, 2.0, 3.0, 5.0], "w": [2.0, 1.0, 3.0, 1.0]}
    design = ld.model("y ~ x", data=data, weights="w").design
    assert inner_outer(design, ()).tolist() == [5.0, 5.0]
