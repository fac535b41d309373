"""Joining a school file and a pupil file: what comes out, and every mistake that is listed."""

import pandas as pd
import pytest
from tests.data.frames import KINDS, to_pandas

from laird.data.joins import join_levels
from laird.data.levels import between
from laird.errors import DataError, LairdWarning

SCHOOLS = pd.DataFrame({"school": [1, 2, 3], "sector": ["P", "C", "P"], "size": [10.0, 20.0, None]})
PUPILS = pd.DataFrame({"school": ["2", "1", "2", "3"], "y": [1.0, 2.0, 3.0, 4.0]}, index=[7, 3, 5, 4])


@pytest.mark.parametrize("kind", KINDS)
def test_the_two_files_of_the_slides_give_the_long_file_again(hs, kind):
    schools = between(hs, "school")
    pupils = hs[["school", "mathach", "ses", "Sex", "Minority"]].sample(frac=1.0, random_state=1)
    found = join_levels(KINDS[kind](schools), KINDS[kind](pupils), on="school")
    assert type(found) is type(KINDS[kind](hs))
    expected = pupils.merge(schools.astype({"school": str}), on="school", how="left")
    result = to_pandas(found)
    assert list(result.columns) == list(hs.columns)
    for name in result:
        assert result[name].tolist() == expected[name].tolist(), name


def test_rows_keep_their_order_and_groups_match_by_label():
    found = join_levels(SCHOOLS, PUPILS, on="school")
    assert found["y"].tolist() == [1.0, 2.0, 3.0, 4.0]
    assert found["sector"].tolist() == ["C", "P", "C", "P"]
    assert found["school"].tolist() == PUPILS["school"].tolist()
    assert found.index.tolist() == [0, 1, 2, 3]


def test_two_columns_may_name_the_group():
    above = {"district": [1, 1, 2], "school": [1, 2, 1], "sector": ["P", "C", "Q"]}
    below = {"school": [1, 1, 2], "district": [2, 1, 1], "y": [1.0, 2.0, 3.0]}
    assert join_levels(above, below, on="district:school")["sector"].tolist() == ["Q", "P", "C"]


def test_what_both_files_say_alike_stands_once():
    pupils = PUPILS.assign(sector=["C", None, "C", "P"])
    found = join_levels(SCHOOLS, pupils, on="school")
    assert list(found.columns) == ["school", "y", "sector", "size"]
    assert found["sector"].tolist() == ["C", "P", "C", "P"]


def refused(level2, level1, **options):
    with pytest.raises(DataError) as caught:
        join_levels(level2, level1, on="school", **options)
    assert caught.value.remedy or caught.value.allowed
    return str(caught.value)


def test_groups_that_occur_twice_are_listed_with_what_differs():
    twice = pd.concat([SCHOOLS, SCHOOLS.iloc[[1, 2]].assign(sector=["Q", "P"])])
    message = refused(twice, PUPILS)
    assert 'school "2": 2 rows, different in sector' in message
    assert 'school "3": 2 rows, all alike' in message


def test_values_entered_inconsistently_are_listed():
    message = refused(SCHOOLS, PUPILS.assign(sector=["C", "Q", "P", "P"], size=[20, 10, 20, 30]))
    assert 'sector of school "1": P, but Q in row 1' in message
    assert 'sector of school "2": C, but P in row 2' in message
    assert 'size of school "3": missing, but 30 in row 3' in message
    assert 'size of school "1"' not in message


def test_rows_without_a_group_above_are_refused_or_dropped_and_counted():
    message = refused(SCHOOLS.iloc[1:], PUPILS)
    assert 'lack groups of `school` that 1 row of the level-1 data name: "1"' in message
    assert "in row 1" in message
    with pytest.warns(LairdWarning, match="They were dropped"):
        found = join_levels(SCHOOLS.iloc[1:], PUPILS, on="school", unmatched="drop")
    assert found["y"].tolist() == [1.0, 3.0, 4.0]


def test_groups_without_rows_are_named():
    with pytest.warns(LairdWarning, match='without rows in the level-1 data were left out: "3"'):
        found = join_levels(SCHOOLS, PUPILS.iloc[:3], on="school")
    assert len(found) == 3


def test_other_mistakes():
    assert "No row of the level-1 data has a group" in refused(SCHOOLS.assign(school=[7, 8, 9]), PUPILS)
    assert "There is no column `school`" in refused(SCHOOLS.drop(columns="school"), PUPILS)
    assert "1 row without a group" in refused(SCHOOLS, PUPILS.assign(school=["2", None, "1", "3"]))
    assert "unmatched = 'keep' is not possible" in refused(SCHOOLS, PUPILS, unmatched="keep")
    assert "of different kinds" in refused(KINDS["polars"](SCHOOLS), PUPILS)
