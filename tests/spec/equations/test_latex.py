from __future__ import annotations

import pytest
from hypothesis import given
from tests.spec.strategies import trees

from laird.spec.equations.latex import (
    LINE_WIDTH,
    Line,
    Place,
    aligned,
    expression,
    group_calls,
    matrix,
    multiplicand,
    squared,
    symbol,
    words,
)
from laird.spec.parser import parse
from laird.spec.spec import parse_spec

PLACE = Place(
    row="ij", own="i", group="j", letters=(("school", "j"),), between=frozenset({"school", "Sector"})
)


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("mathach", r"\text{mathach}"),
        ("math score", r"\text{math score}"),
        ("größe", r"\text{größe}"),
        ("a_b", r"{\text{a}\_\text{b}}"),
        ("50%", r"{\text{50}\%}"),
        ("R&D #1 $", r"{\text{R}\&\text{D }\#\text{1 }\$}"),
        ("{x}", r"{\{\text{x}\}}"),
        ("a\\b~c^d", r"{\text{a}\backslash\text{b}{\sim}\text{c}{\wedge}\text{d}}"),
    ],
)
def test_words_are_safe(name, latex):
    assert words(name) == latex


@pytest.mark.parametrize(
    ("formula", "latex"),
    [
        ("ses", r"\text{ses}_{ij}"),
        ("Sector", r"\text{Sector}_{j}"),
        ("cvar(ses, school)", r"\overline{\text{ses}}_{j}"),
        ("dvar(ses, school)", r"\left(\text{ses}_{ij} - \overline{\text{ses}}_{j}\right)"),
        ("cvar(log(ses), school)", r"\overline{\log\left(\text{ses}\right)}_{j}"),
        ("center(ses)", r"\left(\text{ses}_{ij} - \overline{\text{ses}}\right)"),
        ("log(ses)", r"\log\left(\text{ses}_{ij}\right)"),
        ("log10(ses)", r"\log_{10}\left(\text{ses}_{ij}\right)"),
        ("log1p(ses)", r"\log\left(1 + \text{ses}_{ij}\right)"),
        ("expm1(ses)", r"\left(\exp\left(\text{ses}_{ij}\right) - 1\right)"),
        ("sqrt(ses)", r"\sqrt{\text{ses}_{ij}}"),
        ("abs(ses)", r"\left|\text{ses}_{ij}\right|"),
        ("poly(ses, 2)", r"\operatorname{poly}\left(\text{ses}_{ij}, 2\right)"),
        ("bs(ses, df=4)", r"\operatorname{bs}\left(\text{ses}_{ij}, 4\right)"),
        ("I(ses^2)", r"\text{ses}_{ij}^{2}"),
        ("I((a + b)^2)", r"\left(\text{a}_{ij} + \text{b}_{ij}\right)^{2}"),
        ("I((a + b) / 100)", r"\frac{\text{a}_{ij} + \text{b}_{ij}}{100}"),
        ("I(a - (b - c))", r"\text{a}_{ij} - \left(\text{b}_{ij} - \text{c}_{ij}\right)"),
        ("I((a + b) * c)", r"\left(\text{a}_{ij} + \text{b}_{ij}\right)\,\text{c}_{ij}"),
        ("I(-a)", r"-\text{a}_{ij}"),
    ],
)
def test_expressions(formula, latex):
    assert expression(parse(formula), PLACE) == latex


@given(trees)
def test_any_arithmetic_has_balanced_braces(tree):
    latex = expression(tree, PLACE)
    assert latex.count("{") == latex.count("}")
    assert latex.count(r"\left(") == latex.count(r"\right)")


def test_sums_stand_in_parentheses_in_a_product():
    assert multiplicand(parse("I(a + b)"), PLACE) == r"\left(\text{a}_{ij} + \text{b}_{ij}\right)"


def test_plain_names_keep_their_index():
    place = Place(row="ij", group="j", letters=(("school", "j"),), plain_names=True)
    assert expression(parse("cvar(ses, school)"), place) == r"\text{cvar(ses, school)}_{j}"
    assert expression(parse("dvar(ses, school)"), place) == r"\text{dvar(ses, school)}_{ij}"


@pytest.mark.parametrize(
    ("formula", "is_between"),
    [
        ("Sector", True),
        ("log(Sector)", True),
        ("I(Sector * ses)", False),
        ("cvar(ses, school)", True),
        ("cvar(ses, classroom)", False),
        ("dvar(ses, school)", False),
    ],
)
def test_what_is_constant_within_the_group(formula, is_between):
    assert PLACE.is_between(parse(formula)) is is_between


@pytest.mark.parametrize(
    ("formula", "latex"),
    [
        ("dvar(x, class, school)", r"\left(\overline{\text{x}}_{k} - \overline{\text{x}}_{j}\right)"),
        ("cvar(x, school:class)", r"\overline{\text{x}}_{jk}"),
        ("cvar(x, school, loo=True)", r"\overline{\text{x}}^{(\setminus i)}_{j}"),
        ("cvar(x, school, weights=w)", r"\overline{\text{x}}^{(\text{w})}_{j}"),
    ],
)
def test_contextual_terms(formula, latex):
    place = Place(row="ijk", own="i", letters=(("school", "j"), ("class", "k")))
    (call,) = group_calls(parse_spec(f"y ~ {formula}").locations[0].terms)
    assert expression(call, place) == latex


def test_marks_join_and_squares_stay_readable():
    assert symbol("u", "0j", "", "1", "v") == "u_{0j}^{(1,v)}"
    assert squared(r"\tau", "0j", "v") == r"\left(\tau_{0j}^{(v)}\right)^{2}"


def test_group_calls_are_found_inside_other_calls():
    terms = parse_spec("y ~ log(cvar(x, g)) + dvar(x, g):z + (1 | g)").locations[0].terms
    assert [call.function for call in group_calls(terms)] == ["cvar", "dvar"]


def test_short_line_stays_one_row():
    line = Line("y", (("a", "b"), ("r",)))
    assert str(line) == "y = a + b + r"
    assert line.rows() == ("y &= a + b + r",)


def test_long_line_breaks_between_groups_and_loses_nothing():
    fixed = tuple(rf"\gamma_{{{n}}}\,\text{{variable {n}}}" for n in range(9))
    line = Line("y", (fixed, ("u", "r")))
    rows = line.rows()
    assert rows[-1] == r"&\quad + u + r"
    assert "".join(rows).replace(r"&\quad", "").replace(" ", "").replace("&", "") == str(line).replace(
        " ", ""
    )
    assert all(len(row) < 4 * LINE_WIDTH for row in rows)


def test_empty_sum_is_zero():
    assert str(Line("y", ((),))) == "y = 0"


def test_blocks():
    assert matrix([["1", "x"]]) == r"\begin{bmatrix} 1 & x \end{bmatrix}"
    assert aligned(["a &= b", "c &= d"]) == "\\begin{aligned}\na &= b \\\\\nc &= d\n\\end{aligned}"
