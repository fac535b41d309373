"""Levels of variables and the level-2 frame, on every kind of frame, and the slides' school file."""

import numpy as np
import pandas as pd
import pytest
from tests.data.frames import KINDS, to_pandas

from laird.data.levels import between, levels
from laird.errors import DataError

DATA = pd.DataFrame(
    {
        "school": list("aaabbbcc"),
        "class": [1, 1, 2, 1, 2, 2, 1, 1],
        "x": [1.0, 2.0, 3.0, 4.0, np.nan, 6.0, 7.0, 8.0],
        "sector": ["p", "p", "p", "q", "q", None, "p", "p"],
        "room": [1, 1, 2, 3, 4, 4, 5, 5],
        "typo": [3.5] * 3 + [2.5, 2.5, 2.0] + [1.0] * 2,
        "one": [1] * 8,
        "kind": ["v", "u", "u", "v", "u", "w", "w", "v"],
    }
)


def by_name(*groups, data=DATA):
    return to_pandas(levels(data, *groups)).set_index("variable")


def test_every_variable_has_its_level():
    found = by_name("school")
    assert found["level"].to_dict() == {
        "school": 2, "class": 1, "x": 1, "sector": 2, "room": 1, "typo": 1, "one": 2, "kind": 1,
    }  # fmt: skip
    assert found.loc["school", "kind"] == "group"
    assert found.loc["sector", ["kind", "n_missing"]].tolist() == ["constant", 1]
    assert found.loc["typo", ["kind", "n_varying", "varying"]].tolist() == ["varies", 1, '"b"']


def test_three_levels():
    found = by_name("school:class", "school")
    assert found["level"].to_dict() == {
        "school": 3, "class": 1, "x": 1, "sector": 3, "room": 2, "typo": 1, "one": 3, "kind": 1,
    } | {"class": 2}  # fmt: skip
    assert found.loc["room", ["kind", "n_varying", "varying"]].tolist() == ["constant", 2, '"a", "b"']
    assert found.loc["typo", "varying"] == '"b:2"'


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_frame_gives_its_own_kind(hs, kind):
    data = KINDS[kind](hs)
    for result in (levels(data, "school"), between(data, "school"), between(data, "school", all=True)):
        assert type(result) is type(data)
    found = to_pandas(levels(data, "school")).set_index("variable")
    assert found.index[found["level"] == 2].tolist() == [
        "school",
        "Size",
        "Sector",
        "PRACAD",
        "DISCLIM",
        "HIMINTY",
    ]


def test_the_school_file_of_the_slides(hs, golden):
    schools = between(hs, "school", all=True).set_index("school")
    assert len(schools) == 40
    assert list(between(hs, "school").columns) == ["school", "Size", "Sector", "PRACAD", "DISCLIM", "HIMINTY"]
    for school, means in golden("seed_numbers")["school_means"].items():
        for variable, value in means.items():
            # as printed: eight decimals at most
            assert schools.loc[school, variable] == pytest.approx(
                value, abs=5e-7 if variable == "mathach" else 5e-9
            )
    sexes = schools.loc[["1317", "2629", "2658", "3992", "5640", "5650"], "Sex"]
    assert sexes.tolist() == ["Female", "Male", "Female", "Male", "Male", "Female"]


def test_the_frame_of_the_groups_keeps_types_and_the_order_of_the_groups(hs):
    schools = between(hs.iloc[::-1], "school")
    assert schools["school"].tolist() == hs["school"].cat.categories.tolist()
    assert schools.index.tolist() == list(range(40))
    pd.testing.assert_series_equal(schools.dtypes, hs[schools.columns].dtypes)


def test_missing_values_are_left_out_of_summaries():
    found = between(DATA, "school", all=True)
    assert found["x"].tolist() == [2.0, 5.0, 7.5]
    assert found["sector"].tolist() == ["p", "q", "p"]
    # equally frequent: the first level
    assert found["kind"].tolist() == ["u", "u", "v"]
    nothing = between(DATA.assign(x=DATA["x"].where(DATA["school"] == "a")), "school", all=True)
    assert nothing["x"].iloc[0] == 2.0
    assert nothing["x"].isna().tolist() == [False, True, True]


def test_crossed_columns_are_groups():
    found = between(DATA, "school:class")
    assert found[["school", "class"]].to_numpy().tolist() == [
        ["a", 1],
        ["a", 2],
        ["b", 1],
        ["b", 2],
        ["c", 1],
    ]


@pytest.mark.parametrize(
    ("data", "group", "message"),
    [
        (DATA, "shool", "There is no column `shool` in the data.\nNearest: `school`."),
        (DATA, "x", "Column `x` has missing values: 1 row without a group.\n.*in row 4"),
        (DATA.iloc[:0], "school", "The data have 0 rows"),
        ([1, 2], "school", "are not an eager data frame"),
    ],
)
def test_bad_input_is_refused(data, group, message):
    for function in (levels, between):
        with pytest.raises(DataError, match=message):
            function(data, group)


def test_levels_need_a_group():
    with pytest.raises(DataError, match="No grouping column is named"):
        levels(DATA)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (("sector", "school"), r'sector "p" is in school "a", "c"\nName the inner groups first'),
        (("class", "school"), 'class "1" is in school "a", "b", "c"\n.*write "school:class" if numbers'),
    ],
)
def test_groups_must_lie_within_those_named_after_them(groups, message):
    with pytest.raises(
        DataError, match=f"Groups of `{groups[0]}` do not lie within groups of `school`.\n.*" + message
    ):
        levels(DATA.ffill(), *groups)


def test_a_mapping_gives_pandas():
    assert isinstance(between({"g": [1, 1], "x": [2, 2]}, "g"), pd.DataFrame)
