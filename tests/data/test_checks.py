"""What data must satisfy: the messages, word by word where they matter."""

import warnings

import pandas as pd
import pytest

from laird.data import checks
from laird.data.factors import ordered
from laird.data.frame import read_table
from laird.errors import DataError, LairdWarning


def column(values):
    return read_table({"v": values}, ["v"]).column("v")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["1", "2"], "The response `v` holds text, not numbers."),
        (pd.Categorical(["a", "b"]), "The response `v` is a category, not numbers."),
        ([True, False], "The response `v` holds truth values, not numbers."),
        (pd.to_datetime(["2020-01-01", "2020-01-02"]), "The response `v` holds dates, not numbers."),
    ],
)
def test_a_response_must_be_numeric(values, message):
    with pytest.raises(DataError) as error:
        checks.check_response(column(values))
    assert error.value.what == message
    assert error.value.remedy


def test_a_numeric_response_passes():
    assert checks.check_response(column([1, 2])) is None


def test_a_constant_response_is_refused():
    with pytest.raises(DataError, match="The response is constant: `y` is 3 in all 2 rows"):
        checks.check_varies("y", column([3.0, 3.0]).values)


def test_one_group_is_refused_and_two_are_warned_of():
    with pytest.raises(DataError, match=r'`school` has one group \("1317"\)'):
        checks.check_groups("school", ["1317"])
    with pytest.warns(LairdWarning, match="is as its prior has it"):
        checks.check_groups("school", ["1317"], stated=True)
    with pytest.warns(LairdWarning, match="`school` has 2 groups"):
        checks.check_groups("school", ["a", "b"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert checks.check_groups("school", ["a", "b", "c"]) is None


def test_one_level_has_no_contrast():
    only = column(["u", "u"])
    with pytest.raises(DataError, match='Column `v` has one level, "u", in all rows; it has no contrast'):
        checks.check_levels(only, ordered(only))


def test_labels_with_colons_may_not_coincide():
    with pytest.raises(DataError, match="two different groups have one label"):
        checks.check_unambiguous("a:b", ["x:y:z", "x:y:z"])


def test_levels_of_other_columns_are_refused():
    with pytest.raises(DataError, match=r"`levels` names `Sectr`.*\nNearest: `Sector`"):
        checks.check_chosen_levels(["Sectr"], ["Sector", "ses"])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["1", "1 ", "2"], 'differ only in spaces or case are kept apart: "1", "1 "'),
        (["Yes", "yes", "no"], '"Yes", "yes"'),
        (["", "a", "b"], "a blank label is kept as a level of its own"),
    ],
)
def test_suspect_labels_are_warned_of(values, message):
    with pytest.warns(LairdWarning, match=message):
        checks.note_look_alikes(column(values))


@pytest.mark.parametrize("largest", [1e149, 1.0, 1e-149, 0.0])
def test_numbers_that_can_be_squared_are_kept(largest):
    assert checks.check_magnitude("x", -largest, largest) is None


@pytest.mark.parametrize(("low", "high"), [(0.0, 1e200), (-1e200, 1.0), (0.0, 1e-200), (-1e-200, 0.0)])
def test_numbers_that_cannot_be_squared_are_refused(low, high):
    with pytest.raises(DataError, match=r"`x` has absolute values up to 1e[+-]200") as raised:
        checks.check_magnitude("x", low, high)
    assert "another unit" in raised.value.remedy
