"""Which groups have a panel, and in which order."""

from __future__ import annotations

import numpy as np
import pytest

from laird.compare.question import read_question
from laird.data.grouping import grouped
from laird.errors import DataError
from laird.plots.arrangement import arrange, complete_rows


@pytest.fixture
def own():
    return grouped(
        {
            "g": ["d", "d", "c", "b", "b", "a"],
            "size": [2, 2, 9, 9, 9, 5],
            "kind": ["u", "u", "v", "u", "u", "v"],
            "share": [0.5, 0.5, np.nan, 0.25, 0.25, 1 / 3],
            "x": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        },
        "g",
    )


def labels(arranged):
    return [arranged.own.labels[j] for j in arranged.groups]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (None, ["a", "b", "c", "d"]),
        ("size", ["d", "a", "b", "c"]),  # b and c have 9
        (["kind", "size"], ["d", "b", "a", "c"]),
        ("share", ["b", "a", "d", "c"]),  # c has none
    ],
)
def test_order(own, order, expected):
    assert labels(arrange(own, None, order, 60)) == expected


def test_headings_hold_label_and_values(own):
    assert arrange(own, None, ["kind", "share"], 60).headings() == [
        ("b", "u", "0.250"),
        ("d", "u", "0.500"),
        ("a", "v", "0.333"),
        ("c", "v", "?"),
    ]


def test_groups_named_come_in_the_order_named_unless_ordered(own):
    assert labels(arrange(own, ["c", "a", "c"], None, 60)) == ["c", "a"]
    assert labels(arrange(own, ["c", "a"], "size", 60)) == ["a", "c"]


def test_groups_stand_as_in_the_sample(hs):
    data = hs.iloc[::-1].reset_index(drop=True)
    question = read_question("mathach ~ ses", "school", "", data, None, "error")
    own = complete_rows(data, question, "school")
    assert own.labels == question.sample.groups
    assert np.array_equal(own.ids, question.sample.ids)


def test_incomplete_rows_are_left_out(hs):
    data = hs.copy()
    data.loc[data["school"].astype(str) == "1317", "ses"] = np.nan
    question = read_question("mathach ~ ses", "school", "", data, None, "drop")
    own = complete_rows(data, question, "school")
    assert "1317" not in own.labels
    assert own.labels == question.sample.groups


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda own: arrange(own, ["e"], None, 60), "no group `e`"),
        (lambda own: arrange(own, [], None, 60), "`select` is empty"),
        (lambda own: arrange(own, None, "x", 60), "`x` varies within groups of `g`"),
        (lambda own: arrange(own, None, "size", 3), "4 groups of `g` are too many"),
        (lambda own: arrange(own, None, "sizes", 60), "no column `sizes`"),
        (lambda own: arrange(own, None, None, 60).category("x"), "6 values; at most 4"),
    ],
)
def test_bad_arguments(own, call, message):
    with pytest.raises(DataError, match=message):
        call(own)
