"""Every equation that laird writes must convert to well-formed MathML that browsers can show."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from tests.spec.strategies import random_terms, simple_sums

from laird.report.mathml import to_mathml
from laird.spec import parse_spec
from laird.spec.equations import NOTATIONS, equations

MODELS = {
    "one-way ANOVA": ["mathach ~ 1 + (1 | school)"],
    "means as outcomes": ["mathach ~ Sector + (1 | school)"],
    "one-way ANCOVA": ["mathach ~ ses + (1 | school)"],
    "random coefficients": ["mathach ~ ses + (1 + ses | school)"],
    "intercepts and slopes as outcomes": ["mathach ~ ses * Sector + (1 + ses | school)"],
    "non random slopes": ["mathach ~ ses * Sector + (1 | school)"],
    "parallel mean slopes": ["mathach ~ ses + Sector + (1 + ses | school)"],
    "contextual": ["mathach ~ cvar(ses, school) + dvar(ses, school) + (1 + dvar(ses, school) | school)"],
    "contextual raw": ["mathach ~ cvar(ses, school) + ses + (1 + dvar(ses, school) | school)"],
    "contextual outcomes": [
        "mathach ~ (cvar(ses, school) + dvar(ses, school)) * Sector + (1 + dvar(ses, school) | school)"
    ],
    "regression": ["y ~ x"],
    "crossed": ["y ~ x + (1 + x | a) + (1 | b:c)"],
    "meta-analysis": ["yi ~ habitat + (1 | study) + meta_V(vi)", "sigma ~ habitat", "sd(study) ~ habitat"],
    "two outcomes": ["y1 ~ x + (1 | g)", "y2 ~ x + (1 | g)", "rho(y1, y2) ~ x"],
    "functions": ["log(y) ~ sqrt(x) + I((a + b) / 100) + abs(z) + poly(x, 2) + log10(center(z)) + (1 | g)"],
    "odd names": ['`<y> & "co"_1` ~ `50% {x}` + `#a$b~c^d\\e` + größe + `it\'s (a` + (1 | `g_1`)'],
}
NAMESPACE = "{http://www.w3.org/1998/Math/MathML}"
every_notation = pytest.mark.parametrize("notation", NOTATIONS)


def parsed(latex, **options):
    return ElementTree.fromstring(to_mathml(latex, **options))


def texts(math):
    return "".join(math.itertext()).replace("\N{NO-BREAK SPACE}", " ")


def pieces(formulas, notation):
    written = equations(
        parse_spec(*formulas), notation=notation, between=["Sector"], coding={"Sector": ["Sector[Public]"]}
    )
    yield str(written)
    yield from (section.latex for section in written.sections)
    yield from (str(line) for section in written.sections for line in section.lines)
    yield from (symbol for _, symbol in written.coefficients)
    yield from (symbol for symbol, _ in written.where)


@every_notation
@pytest.mark.parametrize("formulas", MODELS.values(), ids=MODELS)
def test_every_equation_becomes_well_formed_and_nothing_stays_latex(formulas, notation):
    for latex in pieces(formulas, notation):
        math = parsed(latex)
        assert math.tag == NAMESPACE + "math"
        assert texts(math).strip()
        if formulas is not MODELS["odd names"]:
            assert not {"\\", "&", "{", "}"} & set(texts(math)), latex


@settings(max_examples=40)  # one conversion takes about 5 ms
@given(simple_sums, random_terms)
def test_equations_of_any_formula_become_well_formed(fixed, random):
    assert parsed(str(equations(parse_spec(f"y ~ {fixed} + {random}")))).tag == NAMESPACE + "math"


def test_comma_is_followed_by_a_space():
    (comma,) = (element for element in parsed("0, 1").iter(NAMESPACE + "mo"))
    assert float(comma.get("rspace").removesuffix("em")) > 0


def test_names_survive_as_written():
    written = equations(parse_spec(*MODELS["odd names"]))
    shown = texts(parsed(str(written)))
    for name in ('<y> & "co"_1', "50% {x}", "größe", "it's (a"):
        assert name in shown


@pytest.mark.parametrize(("display", "mode"), [(True, "block"), (False, "inline")])
def test_display_mode(display, mode):
    assert parsed("x", display=display).get("display") == mode


def test_aligned_block_is_a_table_with_sides():
    rows = parsed(r"\begin{aligned} a &= b \\ &\quad + c \end{aligned}").findall(f".//{NAMESPACE}mtr")
    sides = [[cell.get("style").split(";")[0] for cell in row] for row in rows]
    assert sides == [["text-align: right", "text-align: left"]] * 2


@pytest.mark.parametrize(
    ("latex", "character"),
    [
        (r"\mathbf{Y}", "\N{MATHEMATICAL BOLD CAPITAL Y}"),
        (r"\mathbf{0}", "\N{MATHEMATICAL BOLD DIGIT ZERO}"),
        (r"\boldsymbol{\gamma}", "\N{MATHEMATICAL BOLD ITALIC SMALL GAMMA}"),
        (r"\boldsymbol{\varepsilon}", "\N{MATHEMATICAL BOLD ITALIC SMALL EPSILON}"),
        (r"\boldsymbol{\epsilon}", "\N{MATHEMATICAL BOLD ITALIC EPSILON SYMBOL}"),
        (r"\boldsymbol{\Sigma}", "\N{MATHEMATICAL BOLD CAPITAL SIGMA}"),
        (r"\boldsymbol{\Lambda}", "\N{MATHEMATICAL BOLD CAPITAL LAMDA}"),
    ],
)
def test_bold_symbols_are_characters(latex, character):
    math = parsed(latex)
    assert texts(math) == character
    assert not [element for element in math.iter() if element.get("mathvariant") == "bold"]


def test_relation_is_an_operator():
    operators = [element.text for element in parsed(r"u \sim N").iter(NAMESPACE + "mo")]
    assert operators == ["\N{TILDE OPERATOR}"]


def test_brackets_of_a_matrix_are_drawn():
    math = parsed(r"\begin{bmatrix} a \\ b \end{bmatrix}")
    assert "[" not in texts(math)
    assert "border" in math.find(f".//{NAMESPACE}mtable").get("style")


def test_brackets_without_a_matrix_are_kept():
    assert texts(parsed("[a]")) == "[a]"


def test_overline_is_drawn_over_the_whole_name():
    math = parsed(r"\overline{\text{ses}}_{j}")
    lined = [element for element in math.iter() if "border-top" in element.get("style", "")]
    assert [texts(element) for element in lined] == ["ses"]


def test_function_keeps_a_space_before_a_symbol_but_not_before_a_parenthesis():
    (space,) = parsed(r"\log \sigma").iter(NAMESPACE + "mo")
    assert space.get("rspace") != "0"
    enclosed = next(parsed(r"\log\left(x\right)").iter(NAMESPACE + "mo"))
    assert enclosed.get("rspace") == "0"
