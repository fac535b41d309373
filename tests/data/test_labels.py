"""Labels: text of values, their order, and labels that look alike."""

import numpy as np
import pytest

from laird.data.labels import level_labels, level_order, look_alikes


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([1, 2], ("1", "2")),
        ([np.float64(3.0), 0.25], ("3", "0.25")),
        ([2**53 + 1], ("9007199254740993",)),
        (["1317", "a b", ""], ("1317", "a b", "")),
        ([True, False], ("True", "False")),
    ],
)
def test_labels_are_what_a_user_would_write(values, labels):
    assert level_labels(values) == labels


@pytest.mark.parametrize(
    ("labels", "ordered"),
    [
        (["10", "9", "100"], ["9", "10", "100"]),
        (["-1", "0.5", "-10"], ["-10", "-1", "0.5"]),
        (["b10", "b9"], ["b10", "b9"]),
        (["nan", "1"], ["1", "nan"]),
        (["01", "1"], ["01", "1"]),
        ([], []),
    ],
)
def test_order_is_by_number_only_when_all_are_numbers(labels, ordered):
    assert [labels[position] for position in level_order(labels)] == ordered


def test_look_alikes_differ_in_spaces_or_case_only():
    assert look_alikes(["New York", "new  york ", "Boston"]) == (("New York", "new  york "),)
    assert look_alikes(["1", "10", "a", "b"]) == ()
