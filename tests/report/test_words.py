from __future__ import annotations

from math import inf, nan

import pytest

from laird.report import words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.5, "−0.500"),
        (1977.4, "1,977"),
        (nan, "–"),
        (inf, "∞"),
        (-inf, "−∞"),
        (1e-9, "1.00e-09"),
    ],
)
def test_numbers_have_three_digits_and_a_minus(value, text):
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("estimate", "se", "text"),
    [
        (1527.5, 19.38, "1,528 ± 19"),
        (0.0123456, 0.00012, "0.01235 ± 0.00012"),
        (1e-9, 2e-10, "1.00e-09 ± 2.00e-10"),
        (1.0, 0.0, "1.00"),
        (2.5, nan, "2.50"),
        (-0.001, 0.45, "0.00 ± 0.45"),
    ],
)
def test_an_estimate_is_shown_to_the_second_digit_of_its_error(estimate, se, text):
    assert words.with_error(estimate, se) == text


def test_intervals_share_the_decimals_of_their_error():
    assert words.interval(-1.234, 5.678, 0.45) == "−1.23 to 5.68"
    assert words.interval(nan, 1.0, 0.45) == "–"


def test_lists_read_as_a_sentence():
    assert [words.listed(items) for items in (["a"], ["a", "b"], ["a", "b", "c"])] == [
        "a",
        "a and b",
        "a, b and c",
    ]


def test_names_with_backticks_are_left_alone():
    assert words.code("`odd name`") == "`odd name`"
