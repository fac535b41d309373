"""Levels and their codes."""

import numpy as np
import pandas as pd
import pytest

from laird.data.factors import Codes, crossed, discrete, ordered, quoted
from laird.data.frame import read_table
from laird.errors import DataError


def column(values):
    return read_table({"v": values}, ["v"]).column("v")


def labels_of(codes):
    return [codes.labels[code] for code in codes.codes]


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        ([10, 9, 10], ("9", "10")),
        ([2.0, 1.0, 2.5], ("1", "2", "2.5")),
        ([-1, 2**53 + 1, 2**53], ("-1", "9007199254740992", "9007199254740993")),
        (["10", "9", "b"], ("10", "9", "b")),
        (["1317", "205"], ("205", "1317")),
        ([True, False], ("False", "True")),
        (pd.Categorical(["b", "a"], ["b", "unused", "a"]), ("b", "a")),
    ],
)
def test_levels_are_in_data_order_for_categories_and_sorted_otherwise(values, levels):
    assert ordered(column(values)).labels == levels


def test_codes_say_the_level_of_each_row():
    assert labels_of(ordered(column(["b", "a", "b"]))) == ["b", "a", "b"]
    assert labels_of(ordered(column([3.0, 1.0, 3.0]))) == ["3", "1", "3"]


def test_chosen_levels_must_cover_the_data():
    assert ordered(column(["u", "v"]), ["w", "v", "u"]).labels == ("v", "u")
    with pytest.raises(DataError, match=r'not among its levels: "v"\.\nLevels given: "u"'):
        ordered(column(["u", "v"]), ["u"])


def test_recoding_marks_unknown_labels():
    found = discrete(column(["u", "zz", "v"]))
    assert found.recoded(("v", "u")).codes.tolist() == [1, -1, 0]


def test_nothing_is_copied_when_nothing_changes():
    found = discrete(column([3, 1, 2]))
    assert found.recoded(("1", "2", "3")) is found
    assert found.taken([0, 1, 2]) is found
    assert labels_of(found.taken([2, 0, 1])) == labels_of(found)


def test_crossed_levels_are_those_that_occur_in_order_of_the_parts():
    a, b = ordered(column([2, 1, 2, 10])), ordered(column(["y", "x", "x", "y"]))
    both = crossed([a, b])
    assert both.labels == ("1:x", "2:x", "2:y", "10:y")
    assert labels_of(both) == ["2:y", "1:x", "2:x", "10:y"]
    assert crossed([a]) is a


def test_unused_labels():
    assert Codes(np.array([0, 2, 0]), ("a", "b", "c")).unused() == ("b",)


def test_long_lists_are_cut():
    assert quoted([str(k) for k in range(9)], at_most=2) == '"0", "1", … (9 in all)'


INTEGERS = {
    "small range": np.array([7, -3, 7, 0], dtype=np.int8),
    "all of the type": np.array([127, -128, 3] * 100, dtype=np.int8),
    "unsigned": np.array([5, 2, 5], dtype=np.uint8),
    "beyond signed": np.array([2**64 - 1, 2**64 - 2, 2**64 - 1], dtype=np.uint64),
    "wide": np.array([2**62, -(2**62), 5]),
}


@pytest.mark.parametrize("values", INTEGERS.values(), ids=INTEGERS)
def test_integers_have_codes_into_their_ascending_values(values):
    labels, codes = np.unique(values, return_inverse=True)
    found = discrete(column(values))
    assert found.labels == tuple(map(str, labels.tolist()))
    np.testing.assert_array_equal(found.codes, codes)
    assert found.codes.dtype == np.int64
