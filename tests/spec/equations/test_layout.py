from __future__ import annotations

import pytest

from laird.spec import parse_spec
from laird.spec.equations.latex import Place
from laird.spec.equations.layout import columns, joined, lay_out, numbered
from laird.spec.equations.notations import BRYK_RAUDENBUSH, SAS

PLACE = Place(row="ij", own="i", group="j", letters=(("g", "j"),), between=frozenset({"g", "w"}))


def location(formula):
    return parse_spec(formula).locations[0]


def names(formula, coding):
    return [column.name for column in columns(location(formula).terms, coding)]


def test_uncoded_terms_have_one_column():
    assert names("y ~ x * w", {}) == ["Intercept", "x", "w", "x:w"]


def test_interaction_of_coded_terms_has_all_products():
    coding = {"a": ["a[2]", "a[3]"], "w": ["w[y]", "w[z]"]}
    assert names("y ~ a:w", coding) == [
        "Intercept",
        "a[2]:w[y]",
        "a[2]:w[z]",
        "a[3]:w[y]",
        "a[3]:w[z]",
    ]


def test_coding_of_the_interaction_itself_comes_first():
    assert names("y ~ a:w", {"a": ["a[2]"], "a:w": ["a[1]:w", "a[2]:w"]})[1:] == ["a[1]:w", "a[2]:w"]


@pytest.mark.parametrize("name", ["a[x:y]:w", "poly(x, 2)[1]:w"])
def test_colons_inside_brackets_do_not_split(name):
    column = columns(location("y ~ x:w").terms, {"x:w": [name]})[1]
    assert [factor.label for factor in column.factors] == [name.rpartition(":")[0], ""]


def test_factors_are_split_by_level():
    column = columns(location("y ~ x:w").terms, {})[1]
    assert column.part(PLACE, between=True) + column.part(PLACE, between=False) == column.ordered(PLACE)
    assert [factor.latex(PLACE) for factor in column.ordered(PLACE)] == [r"\text{w}_{j}", r"\text{x}_{ij}"]


def test_numbers_are_pairs_or_single_as_the_notation_says():
    mean = location("y ~ x * w + (1 + x | g)")
    pairs = lay_out(mean, PLACE, BRYK_RAUDENBUSH, {})
    singles = lay_out(mean, PLACE, SAS, {})
    assert [column.index for column in pairs.fixed] == ["00", "01", "10", "11"]
    assert [column.index for column in singles.fixed] == ["0", "1", "2", "3"]
    assert [column.column.name for column in singles.fixed] == ["Intercept", "x", "w", "x:w"]


def test_zero_is_kept_for_the_intercept():
    without = columns(location("y ~ 0 + x").terms, {})
    assert [column.number for column in numbered(without)] == [(1,)]


def test_random_only_coefficient_has_an_empty_equation():
    layout = lay_out(location("y ~ 1 + (1 + x | g)"), PLACE, BRYK_RAUDENBUSH, {})
    assert [(equation.number, len(equation.outer), equation.is_random) for equation in layout.level2] == [
        (0, 1, True),
        (1, 0, True),
    ]


def test_links_follow_the_bars():
    (grouping,) = lay_out(location("y ~ x + (1 + x || g)"), PLACE, BRYK_RAUDENBUSH, {}).groupings
    first, second = (column.column for column in grouping.columns)
    assert not grouping.are_linked(first, second)
    assert grouping.are_linked(first, first)


def test_index_of_two_digits_has_a_comma():
    assert joined(1, 10) == "1,10"
