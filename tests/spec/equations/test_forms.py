from __future__ import annotations

from laird.spec import parse_spec
from laird.spec.equations.forms import combined, fixed_base, level1, level2, numbered_index
from laird.spec.equations.latex import Place
from laird.spec.equations.layout import lay_out
from laird.spec.equations.notations import BRYK_RAUDENBUSH

PLACE = Place(row="ij", own="i", group="j", letters=(("g", "j"),), between=frozenset({"g"}))


def layout(formula):
    return lay_out(parse_spec(formula).locations[0], PLACE, BRYK_RAUDENBUSH, {})


def test_substituting_level_2_into_level_1_gives_the_combined_form():
    """Every summand of the combined form is one of level 2, times what it multiplies in level 1."""
    laid = layout("y ~ x + (1 + x | g)")
    (first,) = level1(laid, BRYK_RAUDENBUSH)
    multiplied = {part.split(r"\,")[0]: part.split(r"\,")[1:] for part in first.summands[:-1]}
    substituted = {
        r"\,".join([summand, *multiplied[line.left]])
        for line in level2(laid, BRYK_RAUDENBUSH)
        for summand in line.summands
    }
    assert substituted | {first.summands[-1]} == set(combined(laid, BRYK_RAUDENBUSH).summands)


def test_outcome_may_be_transformed():
    assert combined(layout("log(y) ~ 1 + (1 | g)"), BRYK_RAUDENBUSH).left == r"\log\left(\text{y}_{ij}\right)"


def test_model_without_levels_has_the_letter_of_regression():
    assert fixed_base(layout("y ~ x"), BRYK_RAUDENBUSH) == r"\beta"
    assert level1(layout("y ~ x"), BRYK_RAUDENBUSH) == ()


def test_index_of_a_coefficient_of_one_group():
    assert (numbered_index("j", 1), numbered_index("jk", 0), numbered_index("", 2)) == ("1j", "0jk", "2")
