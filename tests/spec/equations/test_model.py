r"""Equations of whole models, checked by hand against the slides.

The slides write ``Y_{ij} = \beta_{0j} + \beta_{1j} X_{ij} + r_{ij}``; laird puts a thin space
between factors and names in ``\text{}``, nothing else differs.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from laird.errors import SpecError
from laird.spec import parse_spec
from laird.spec.equations import NOTATIONS, equations
from laird.spec.multilevel import to_multilevel


class Row(NamedTuple):
    """A row of the slides' table: formula, level 1, level 2, combined, number of fixed columns."""

    formula: str
    level1: str
    level2: tuple[str, ...]
    combined: str
    columns: int


INTERCEPT_ONLY = r"Y_{ij} = \beta_{0j} + r_{ij}"
ONE_SLOPE = r"Y_{ij} = \beta_{0j} + \beta_{1j} X_{ij} + r_{ij}"
CENTRED = r"\left(X_{ij} - \overline{X}_{j}\right)"
SLIDES = {
    "one-way ANOVA with random effects": Row(
        "Y ~ 1 + (1 | school)",
        INTERCEPT_ONLY,
        (r"\beta_{0j} = \gamma_{00} + u_{0j}",),
        r"Y_{ij} = \gamma_{00} + u_{0j} + r_{ij}",
        1,
    ),
    "means as outcomes": Row(
        "Y ~ 1 + W + (1 | school)",
        INTERCEPT_ONLY,
        (r"\beta_{0j} = \gamma_{00} + \gamma_{01} W_{j} + u_{0j}",),
        r"Y_{ij} = \gamma_{00} + \gamma_{01} W_{j} + u_{0j} + r_{ij}",
        2,
    ),
    "one-way ANCOVA": Row(
        "Y ~ 1 + X + (1 | school)",
        ONE_SLOPE,
        (r"\beta_{0j} = \gamma_{00} + u_{0j}", r"\beta_{1j} = \gamma_{10}"),
        r"Y_{ij} = \gamma_{00} + \gamma_{10} X_{ij} + u_{0j} + r_{ij}",
        2,
    ),
    "random coefficients": Row(
        "Y ~ 1 + X + (1 + X | school)",
        ONE_SLOPE,
        (r"\beta_{0j} = \gamma_{00} + u_{0j}", r"\beta_{1j} = \gamma_{10} + u_{1j}"),
        r"Y_{ij} = \gamma_{00} + \gamma_{10} X_{ij} + u_{0j} + u_{1j} X_{ij} + r_{ij}",
        2,
    ),
    "intercepts and slopes as outcomes": Row(
        "Y ~ 1 + X + W + X:W + (1 + X | school)",
        ONE_SLOPE,
        (
            r"\beta_{0j} = \gamma_{00} + \gamma_{01} W_{j} + u_{0j}",
            r"\beta_{1j} = \gamma_{10} + \gamma_{11} W_{j} + u_{1j}",
        ),
        r"Y_{ij} = \gamma_{00} + \gamma_{01} W_{j} + \gamma_{10} X_{ij} + \gamma_{11} W_{j} X_{ij} "
        r"+ u_{0j} + u_{1j} X_{ij} + r_{ij}",
        4,
    ),
    "non random slopes": Row(
        "Y ~ 1 + X + W + X:W + (1 | school)",
        ONE_SLOPE,
        (
            r"\beta_{0j} = \gamma_{00} + \gamma_{01} W_{j} + u_{0j}",
            r"\beta_{1j} = \gamma_{10} + \gamma_{11} W_{j}",
        ),
        r"Y_{ij} = \gamma_{00} + \gamma_{01} W_{j} + \gamma_{10} X_{ij} + \gamma_{11} W_{j} X_{ij} "
        r"+ u_{0j} + r_{ij}",
        4,
    ),
    "parallel mean slopes": Row(
        "Y ~ 1 + X + W + (1 + X | school)",
        ONE_SLOPE,
        (
            r"\beta_{0j} = \gamma_{00} + \gamma_{01} W_{j} + u_{0j}",
            r"\beta_{1j} = \gamma_{10} + u_{1j}",
        ),
        r"Y_{ij} = \gamma_{00} + \gamma_{01} W_{j} + \gamma_{10} X_{ij} + u_{0j} + u_{1j} X_{ij} + r_{ij}",
        3,
    ),
    "contextual, centred within groups": Row(
        "Y ~ 1 + cvar(X, school) + dvar(X, school) + (1 + dvar(X, school) | school)",
        rf"Y_{{ij}} = \beta_{{0j}} + \beta_{{1j}} {CENTRED} + r_{{ij}}",
        (
            r"\beta_{0j} = \gamma_{00} + \gamma_{01} \overline{X}_{j} + u_{0j}",
            r"\beta_{1j} = \gamma_{10} + u_{1j}",
        ),
        rf"Y_{{ij}} = \gamma_{{00}} + \gamma_{{01}} \overline{{X}}_{{j}} + \gamma_{{10}} {CENTRED} "
        rf"+ u_{{0j}} + u_{{1j}} {CENTRED} + r_{{ij}}",
        3,
    ),
    "contextual, raw": Row(
        "Y ~ 1 + cvar(X, school) + X + (1 + dvar(X, school) | school)",
        rf"Y_{{ij}} = \beta_{{0j}} + \beta_{{1j}} X_{{ij}} + \beta_{{2j}} {CENTRED} + r_{{ij}}",
        (
            r"\beta_{0j} = \gamma_{00} + \gamma_{01} \overline{X}_{j} + u_{0j}",
            r"\beta_{1j} = \gamma_{10}",
            r"\beta_{2j} = u_{2j}",
        ),
        rf"Y_{{ij}} = \gamma_{{00}} + \gamma_{{01}} \overline{{X}}_{{j}} + \gamma_{{10}} X_{{ij}} "
        rf"+ u_{{0j}} + u_{{2j}} {CENTRED} + r_{{ij}}",
        3,
    ),
    "contextual, intercepts and slopes as outcomes": Row(
        "Y ~ 1 + (cvar(X, school) + dvar(X, school)) * W + (1 + dvar(X, school) | school)",
        rf"Y_{{ij}} = \beta_{{0j}} + \beta_{{1j}} {CENTRED} + r_{{ij}}",
        (
            r"\beta_{0j} = \gamma_{00} + \gamma_{01} \overline{X}_{j} + \gamma_{02} W_{j} "
            r"+ \gamma_{03} \overline{X}_{j} W_{j} + u_{0j}",
            r"\beta_{1j} = \gamma_{10} + \gamma_{11} W_{j} + u_{1j}",
        ),
        rf"Y_{{ij}} = \gamma_{{00}} + \gamma_{{01}} \overline{{X}}_{{j}} + \gamma_{{02}} W_{{j}} "
        rf"+ \gamma_{{03}} \overline{{X}}_{{j}} W_{{j}} + \gamma_{{10}} {CENTRED} "
        rf"+ \gamma_{{11}} W_{{j}} {CENTRED} + u_{{0j}} + u_{{1j}} {CENTRED} + r_{{ij}}",
        6,
    ),
}
every_row = pytest.mark.parametrize("row", SLIDES.values(), ids=SLIDES)
every_notation = pytest.mark.parametrize("notation", NOTATIONS)


def write(formula, *parts, notation="bryk-raudenbush", **options):
    return equations(parse_spec(formula, *parts), notation=notation, between=["W"], **options)


def as_slides(lines):
    """Undo the two differences from the slides: thin spaces and upright names."""
    return tuple(re.sub(r"\\text\{(\w+)\}", r"\1", line).replace(r"\,", " ") for line in lines)


def lines_of(written):
    return [str(line) for section in written.sections for line in section.lines]


@every_row
def test_scalar_forms_are_those_of_the_slides(row):
    written = write(row.formula)
    assert as_slides(written.level1) == (row.level1,)
    assert as_slides(written.level2) == row.level2
    assert as_slides(written.combined) == (row.combined,)


@every_row
@every_notation
def test_one_symbol_for_each_fixed_column(row, notation):
    written = write(row.formula, notation=notation)
    symbols = [symbol for _, symbol in written.coefficients]
    assert len(symbols) == len(set(symbols)) == row.columns
    fixed = re.escape(NOTATIONS[notation].fixed)
    for lines in (written.level2, written.combined):
        used = re.findall(fixed + r"_\{\d+\}", " ".join(lines))
        assert sorted(used) == sorted(symbols)


@every_row
def test_level2_agrees_with_the_multilevel_form(row):
    form = to_multilevel(parse_spec(row.formula).locations[0], between=["W"])
    written = write(row.formula)
    assert len(written.level2) == len(form.level2)
    for line, (level1, terms) in zip(written.level2, form.level2, strict=True):
        assert line.count(r"\gamma") == len(terms)
        assert ("u_" in line) is (level1 in form.random)


@pytest.mark.parametrize(
    ("notation", "level2", "combined", "matrix"),
    [
        (
            "bryk-raudenbush",
            r"\beta_{1j} = \gamma_{10} + \gamma_{11} W_{j} + u_{1j}",
            r"Y_{ij} = \gamma_{00} + \gamma_{01} W_{j} + \gamma_{10} X_{ij} + \gamma_{11} W_{j} X_{ij} "
            r"+ u_{0j} + u_{1j} X_{ij} + r_{ij}",
            (
                r"\mathbf{Y}_{j} = \mathbf{X}_{j} \boldsymbol{\gamma} + \mathbf{Z}_{j} \mathbf{u}_{j} "
                r"+ \mathbf{r}_{j}",
                r"\mathbf{u}_{j} \sim N\left(\mathbf{0}, \mathbf{T}\right)",
                r"\mathbf{r}_{j} \sim N\left(\mathbf{0}, \boldsymbol{\Sigma}_{j}\right), \quad "
                r"\boldsymbol{\Sigma}_{j} = \sigma^{2} \mathbf{I}",
            ),
        ),
        (
            "sas",
            r"b_{1j} = \beta_{1} + \beta_{3} W_{j} + \gamma_{1j}",
            r"Y_{ij} = \beta_{0} + \beta_{1} X_{ij} + \beta_{2} W_{j} + \beta_{3} W_{j} X_{ij} "
            r"+ \gamma_{0j} + \gamma_{1j} X_{ij} + \epsilon_{ij}",
            (
                r"\mathbf{y}_{j} = \mathbf{X}_{j} \boldsymbol{\beta} + \mathbf{Z}_{j} "
                r"\boldsymbol{\gamma}_{j} + \boldsymbol{\epsilon}_{j}",
                r"\boldsymbol{\gamma}_{j} \sim N\left(\mathbf{0}, \mathbf{G}\right)",
                r"\boldsymbol{\epsilon}_{j} \sim N\left(\mathbf{0}, \mathbf{R}_{j}\right), \quad "
                r"\mathbf{R}_{j} = \sigma^{2} \mathbf{I}",
            ),
        ),
        (
            "pinheiro-bates",
            r"\phi_{1i} = \beta_{1} + \beta_{3} W_{i} + b_{1i}",
            r"Y_{ij} = \beta_{0} + \beta_{1} X_{ij} + \beta_{2} W_{i} + \beta_{3} W_{i} X_{ij} "
            r"+ b_{0i} + b_{1i} X_{ij} + \varepsilon_{ij}",
            (
                r"\mathbf{y}_{i} = \mathbf{X}_{i} \boldsymbol{\beta} + \mathbf{Z}_{i} \mathbf{b}_{i} "
                r"+ \boldsymbol{\varepsilon}_{i}",
                r"\mathbf{b}_{i} \sim N\left(\mathbf{0}, \boldsymbol{\Psi}\right)",
                r"\boldsymbol{\varepsilon}_{i} \sim N\left(\mathbf{0}, \sigma^{2} "
                r"\boldsymbol{\Lambda}_{i}\right), \quad \boldsymbol{\Lambda}_{i} = \mathbf{I}",
            ),
        ),
    ],
)
def test_each_notation_has_its_own_symbols(notation, level2, combined, matrix):
    written = write("Y ~ X * W + (1 + X | school)", notation=notation)
    assert as_slides(written.level2)[1] == level2
    assert as_slides(written.combined) == (combined,)
    assert as_slides(written.matrix) == matrix


def test_laird_ware_leads_with_the_matrices_of_the_slides():
    written = write("Y ~ X * W + (1 + X | school)", notation="laird-ware")
    assert written.sections[0].name == "matrix"
    assert as_slides(written.matrix) == (
        r"\mathbf{Y}_{j} = \mathbf{X}_{j} \boldsymbol{\gamma} + \mathbf{Z}_{j} \mathbf{u}_{j} "
        r"+ \mathbf{r}_{j}",
        r"\mathbf{X}_{j} = \begin{bmatrix} 1 & W_{j} & X_{1j} & W_{j} X_{1j} \\ "
        r"\vdots & \vdots & \vdots & \vdots \\ "
        r"1 & W_{j} & X_{n_{j}j} & W_{j} X_{n_{j}j} \end{bmatrix}",
        r"\mathbf{Z}_{j} = \begin{bmatrix} 1 & X_{1j} \\ \vdots & \vdots \\ 1 & X_{n_{j}j} \end{bmatrix}",
        r"\boldsymbol{\gamma} = \begin{bmatrix} \gamma_{00} \\ \gamma_{01} \\ \gamma_{10} \\ \gamma_{11} "
        r"\end{bmatrix}, \quad \mathbf{u}_{j} = \begin{bmatrix} u_{0j} \\ u_{1j} \end{bmatrix}",
        r"\mathbf{u}_{j} \sim N\left(\mathbf{0}, \mathbf{G}\right)",
        r"\mathbf{r}_{j} \sim N\left(\mathbf{0}, \mathbf{R}_{j}\right), \quad "
        r"\mathbf{R}_{j} = \sigma^{2} \mathbf{I}",
    )


def test_factor_of_three_levels_has_two_coefficients():
    coding = {"W": ["W[b]", "W[c]"]}
    written = write("Y ~ X * W + (1 | school)", coding=coding)
    assert (
        written.level2[1]
        == r"\beta_{1j} = \gamma_{10} + \gamma_{11}\,\text{W[b]}_{j} + \gamma_{12}\,\text{W[c]}_{j}"
    )
    assert dict(written.coefficients)["X:W[c]"] == r"\gamma_{12}"


def test_coding_of_one_part_leaves_the_others_alone():
    coding = {"W": ["W[b]"], "sigma: W": ["W[a]", "W[b]"]}
    written = write("Y ~ W", "sigma ~ 0 + W", coding=coding)
    assert written.combined == (r"\text{Y}_{i} = \beta_{0} + \beta_{1}\,\text{W[b]}_{i} + r_{i}",)
    assert written.distributions[-1] == (
        r"\log \sigma_{i} = \alpha_{1}\,\text{W[a]}_{i} + \alpha_{2}\,\text{W[b]}_{i}"
    )


def test_column_name_that_does_not_split_is_kept_whole():
    written = write("Y ~ X:Z + (1 | school)", coding={"X:Z": ["score"]})
    assert written.level2[1:] == (r"\beta_{1j} = \gamma_{10}",)
    assert r"\beta_{1j}\,\text{score}_{ij}" in written.level1[0]


def test_without_between_every_column_is_level_1():
    written = equations(parse_spec("Y ~ W + (1 | school)"))
    assert as_slides(written.level1) == (r"Y_{ij} = \beta_{0j} + \beta_{1j} W_{ij} + r_{ij}",)


def test_location_may_stand_for_the_spec():
    spec = parse_spec("Y ~ X + (1 | school)")
    assert str(equations(spec.locations[0])) == str(equations(spec))


def test_plain_regression_has_no_levels():
    written = write("Y ~ X")
    assert written.level1 == written.level2 == ()
    assert as_slides(written.combined) == (r"Y_{i} = \beta_{0} + \beta_{1} X_{i} + r_{i}",)


def test_group_mean_in_a_plain_regression_has_the_index_of_its_group():
    written = write("Y ~ cvar(X, school) + W")
    assert as_slides(written.combined) == (
        r"Y_{ij} = \beta_{0} + \beta_{1} \overline{X}_{j} + \beta_{2} W_{j} + r_{ij}",
    )


def test_crossed_factors_have_their_own_symbol_and_index():
    written = write("Y ~ X + (1 + X | subject) + (1 | item)")
    assert written.level1 == written.level2 == ()
    assert as_slides(written.combined) == (
        r"Y_{ijk} = \gamma_{0} + \gamma_{1} X_{ijk} + u_{0j} + u_{1j} X_{ijk} + v_{0k} + r_{ijk}",
    )
    assert r"v_{0k} \sim N\left(0, \tau_{00}^{(v)}\right)" in written.distributions
    assert written.matrix[2] == (
        r"\mathbf{v} \sim N\left(\mathbf{0}, \mathbf{I} \otimes \mathbf{T}^{(v)}\right)"
    )


def test_nested_factors_have_nested_indices():
    written = write("Y ~ 1 + (1 | batch/cask)")
    assert as_slides(written.combined) == (r"Y_{ijk} = \gamma_{0} + u_{0j} + v_{0jk} + r_{ijk}",)


def test_more_factors_than_symbols_stay_distinct():
    groups = " + ".join(f"(1 | g{number})" for number in range(6))
    (combined,) = write(f"Y ~ 1 + {groups}").combined
    effects = combined.split(" = ")[1].split(" + ")
    assert len(set(effects)) == len(effects) == 8
    assert "u'_{0" in combined


def test_many_grouping_columns_never_run_out_of_letters():
    groups = " + ".join(f"(1 | g{number})" for number in range(14))
    (combined,) = write(f"Y ~ 1 + {groups}").combined
    effects = combined.split(" = ")[1].split(" + ")
    assert len({effect.split("_{0")[1] for effect in effects[1:-1]}) == 14


def test_random_coefficient_of_a_group_level_column_has_the_combined_form_only():
    written = write("Y ~ W + (1 + W | school)")
    assert written.level1 == ()
    assert as_slides(written.combined) == (
        r"Y_{ij} = \gamma_{0} + \gamma_{1} W_{j} + u_{0j} + u_{1j} W_{j} + r_{ij}",
    )


def test_no_intercept_keeps_zero_free():
    written = write("Y ~ 0 + X + (0 + X | school)")
    assert as_slides(written.level2) == (r"\beta_{1j} = \gamma_{10} + u_{1j}",)


def test_more_than_nine_columns_are_numbered_with_commas():
    names = [f"W[{number}]" for number in range(12)]
    written = write("Y ~ W + (1 | school)", coding={"W": names})
    symbols = [symbol for _, symbol in written.coefficients]
    assert symbols[9:] == [r"\gamma_{09}", r"\gamma_{0,10}", r"\gamma_{0,11}", r"\gamma_{0,12}"]


def test_two_outcomes_are_marked():
    written = write("y1 ~ X + (1 | g)", "y2 ~ X + (1 | g)")
    assert as_slides(written.combined) == (
        r"y1_{ij} = \gamma_{00}^{(1)} + \gamma_{10}^{(1)} X_{ij} + u_{0j}^{(1)} + r_{ij}^{(1)}",
        r"y2_{ij} = \gamma_{00}^{(2)} + \gamma_{10}^{(2)} X_{ij} + u_{0j}^{(2)} + r_{ij}^{(2)}",
    )
    assert [name for name, _ in written.coefficients] == [
        "y1: Intercept",
        "y1: X",
        "y2: Intercept",
        "y2: X",
    ]


def test_plain_names():
    written = write("Y ~ cvar(X, school) + (1 | school)", plain_names=True)
    assert r"\text{cvar(X, school)}_{j}" in written.level2[0]
    assert not any("overline" in symbol for symbol, _ in written.where)


@every_row
@every_notation
def test_text_is_one_block_that_holds_every_line(row, notation):
    written = write(row.formula, notation=notation)
    block = str(written)
    assert block.startswith("\\begin{aligned}\n")
    assert block.endswith("\n\\end{aligned}")
    assert block.count("{") == block.count("}")
    flat = re.sub(r"\s|&|\\quad|\\\\\n", "", block)
    for line in lines_of(written):
        left = re.sub(r"\s|&|\\quad", "", line.split(" ")[0])
        assert left in flat
    for section in written.sections:
        assert rf"\text{{{section.title}}}" in block


def test_notebook_shows_the_block_as_display_maths():
    written = write("Y ~ 1 + (1 | school)")
    assert written._repr_latex_() == f"$$\n{written}\n$$"
    assert repr(written) == str(written)


def test_equations_are_frozen():
    with pytest.raises(AttributeError):
        write("Y ~ 1").notation = "sas"


def test_unknown_notation_is_an_error():
    with pytest.raises(SpecError, match="no notation `lme4`"):
        write("Y ~ 1", notation="lme4")
