from __future__ import annotations

import pytest

from laird.spec import parse_spec
from laird.spec.equations import equations


def distributions(formula, *parts, **options):
    lines = equations(parse_spec(formula, *parts), **options).distributions
    return [line.replace(r"\,", " ") for line in lines]


def test_one_random_coefficient_has_a_variance():
    assert distributions("y ~ 1 + (1 | g)") == [
        r"u_{0j} \sim N\left(0, \tau_{00}\right)",
        r"r_{ij} \sim N\left(0, \sigma^{2}\right)",
    ]


def test_correlated_coefficients_have_a_covariance_matrix():
    assert distributions("y ~ x + (1 + x | g)")[:2] == [
        r"\mathbf{u}_{j} = \begin{bmatrix} u_{0j} \\ u_{1j} \end{bmatrix} "
        r"\sim N\left(\mathbf{0}, \mathbf{T}\right)",
        r"\mathbf{T} = \begin{bmatrix} \tau_{00} & \tau_{01} \\ \tau_{10} & \tau_{11} \end{bmatrix}",
    ]


def test_double_bar_has_zeros():
    assert distributions("y ~ x + (1 + x || g)")[1] == (
        r"\mathbf{T} = \begin{bmatrix} \tau_{00} & 0 \\ 0 & \tau_{11} \end{bmatrix}"
    )


def test_terms_of_one_factor_in_blocks_have_zeros_between_blocks():
    matrix = distributions("y ~ x + z + (1 + x | g) + (0 + z | g)")[1]
    assert matrix == (
        r"\mathbf{T} = \begin{bmatrix} \tau_{00} & \tau_{01} & 0 \\ \tau_{10} & \tau_{11} & 0 \\ "
        r"0 & 0 & \tau_{22} \end{bmatrix}"
    )


def test_known_variance_adds_to_the_modelled_one():
    assert distributions("yi ~ habitat + meta_V(vi)", "sigma ~ habitat") == [
        r"r_{i} \sim N\left(0, \text{vi}_{i} + \sigma_{i}^{2}\right)",
        r"\log \sigma_{i} = \alpha_{0} + \alpha_{1} \text{habitat}_{i}",
    ]


def test_known_variance_may_be_a_factor_times_a_column():
    (line,) = distributions('yi ~ 1 + meta_V(vi, scale="proportional")')
    assert line == r"r_{i} \sim N\left(0, \phi \text{vi}_{i} + \sigma^{2}\right)"


def test_known_matrix_is_written_for_all_rows():
    assert distributions("yi ~ 1 + meta_V(V)", matrices=["V"]) == [
        r"\mathbf{r} \sim N\left(\mathbf{0}, \mathbf{V} + \sigma^{2} \mathbf{I}\right)"
    ]


def test_group_sd_regression_of_one_coefficient():
    assert distributions("yi ~ 1 + (1 | study)", "sd(study) ~ habitat")[:2] == [
        r"u_{0j} \sim N\left(0, \tau_{0j}^{2}\right)",
        r"\log \tau_{0j} = \delta_{00} + \delta_{01} \text{habitat}_{j}",
    ]


def test_group_sd_regression_of_several_coefficients():
    assert distributions("y ~ x + (1 + x | g)", "sd(g) ~ w")[:6] == [
        r"\mathbf{u}_{j} = \begin{bmatrix} u_{0j} \\ u_{1j} \end{bmatrix} "
        r"\sim N\left(\mathbf{0}, \mathbf{T}_{j}\right)",
        r"\mathbf{T}_{j} = \mathbf{D}_{j} \mathbf{C} \mathbf{D}_{j}",
        r"\mathbf{D}_{j} = \operatorname{diag}\left(\tau_{0j}, \tau_{1j}\right)",
        r"\mathbf{C} = \begin{bmatrix} 1 & \rho_{01} \\ \rho_{10} & 1 \end{bmatrix}",
        r"\log \tau_{0j} = \delta_{00} + \delta_{01} \text{w}_{j}",
        r"\log \tau_{1j} = \delta_{10} + \delta_{11} \text{w}_{j}",
    ]


def test_two_outcomes_share_a_residual_covariance():
    lines = distributions("y1 ~ 1", "y2 ~ 1", "sigma(y1) ~ x", "rho(y1, y2) ~ x")
    assert lines[1] == (
        r"\boldsymbol{\Sigma}_{i} = \begin{bmatrix} \left(\sigma_{i}^{(1)}\right)^{2} & "
        r"\rho_{i}^{(1,2)} \sigma_{i}^{(1)} \sigma^{(2)} \\ "
        r"\rho_{i}^{(1,2)} \sigma_{i}^{(1)} \sigma^{(2)} & \left(\sigma^{(2)}\right)^{2} \end{bmatrix}"
    )
    assert lines[2] == r"\log \sigma_{i}^{(1)} = \alpha_{0}^{(1)} + \alpha_{1}^{(1)} \text{x}_{i}"
    assert lines[3] == (
        r"\operatorname{artanh} \rho_{i}^{(1,2)} = \kappa_{0}^{(1,2)} + \kappa_{1}^{(1,2)} \text{x}_{i}"
    )


def test_a_sigma_of_zero_leaves_the_known_variance():
    assert distributions("yi ~ 1 + (1 | study) + meta_V(vi)", "sigma ~ 0")[1:] == [
        r"r_{ij} \sim N\left(0, \text{vi}_{ij}\right)"
    ]
    assert distributions("yi ~ 1 + meta_V(V)", "sigma ~ 0", matrices=["V"]) == [
        r"\mathbf{r} \sim N\left(\mathbf{0}, \mathbf{V}\right)"
    ]


def test_known_variances_of_two_outcomes_are_a_diagonal():
    lines = distributions("y1 ~ 1 + meta_V(v1)", "y2 ~ 1", "sigma(y1) ~ 0")
    assert lines == [
        r"\begin{bmatrix} r_{i}^{(1)} \\ r_{i}^{(2)} \end{bmatrix} \sim "
        r"N\left(\mathbf{0}, \mathbf{V}_{i} + \boldsymbol{\Sigma}_{i}\right)",
        r"\mathbf{V}_{i} = \operatorname{diag}\left(\text{v1}_{i}, 0\right)",
        r"\boldsymbol{\Sigma}_{i} = \begin{bmatrix} 0 & 0 \\ 0 & \left(\sigma^{(2)}\right)^{2} \end{bmatrix}",
    ]


def test_a_known_matrix_of_two_outcomes_is_written_for_all_rows():
    formulas = ('y1 ~ 1 + meta_V(V, scale="proportional")', "y2 ~ 1", "rho(y1, y2) ~ 0")
    lines = distributions(*formulas, matrices=["V"])
    assert lines[0] == (
        r"\mathbf{r} \sim N\left(\mathbf{0}, \phi \mathbf{V} + "
        r"\operatorname{blockdiag}\left(\boldsymbol{\Sigma}_{i}\right)\right)"
    )
    assert r"& 0 \\ 0 &" in lines[1]
    assert len(lines) == 2


def test_correlations_of_three_outcomes_are_partial_ones():
    lines = distributions(
        "y1 ~ 1", "y2 ~ 1", "y3 ~ 1", "rho(y1, y2) ~ x", "rho(y2, y3) ~ 0", "rho(y1, y3) ~ 0"
    )
    assert lines[-2:] == [
        r"\operatorname{artanh} \rho_{i}^{(1,2)} = \kappa_{0}^{(1,2)} + \kappa_{1}^{(1,2)} \text{x}_{i}",
        r"\operatorname{artanh} \rho_{i}^{(2,3 \mid 1)} = 0",
    ]
    assert lines[1].count(r"\rho_{i}^{(2,3)}") == 2
    assert r"\rho_{i}^{(1,3)}" not in lines[1]


def test_random_effects_of_two_outcomes_are_correlated_by_the_bar():
    lines = distributions("y1 ~ x + (x | g)", "y2 ~ 1 + (1 | g)")
    assert lines[3] == (
        r"\operatorname{Cov}\left(\mathbf{u}_{j}^{(1)}, u_{0j}^{(2)}\right) = "
        r"\begin{bmatrix} \tau_{00}^{(1,2)} \\ \tau_{10}^{(1,2)} \end{bmatrix}"
    )
    (single,) = [line for line in distributions("y1 ~ 1 + (1 | g)", "y2 ~ 1 + (1 | g)") if "Cov" in line]
    assert single.endswith(r"= \tau_{00}^{(1,2)}")
    modelled = distributions("y1 ~ 1 + (1 | g)", "y2 ~ 1 + (1 | g)", "sd(g) ~ x")
    assert any(line.endswith(r"\right) = \mathbf{T}_{j}^{(1,2)}") for line in modelled)
    assert not any("Cov" in line for line in distributions("y1 ~ 1 + (1 || g)", "y2 ~ 1 + (1 || g)"))


@pytest.mark.parametrize(
    ("formula", "families", "expected"),
    [
        ("y ~ x + (1 | g)", {"g": "t"}, r"u_{0j} \sim t_{\nu_{\text{g}}}\left(0, \tau_{00}\right)"),
        ("y ~ x + (1 | g)", {"errors": "t"}, r"r_{ij} \sim t_{\nu}\left(0, \sigma^{2}\right)"),
        (
            "y ~ 1 + meta_V(v)",
            {"true_effects": "skew_normal"},
            r"r_{i} \sim \operatorname{SN}_{\alpha}\left(0, \sigma^{2}\right) + "
            r"N\left(0, \text{v}_{i}\right)",
        ),
    ],
)
def test_families_that_are_not_normal(formula, families, expected):
    found = equations(parse_spec(formula, families=families))
    assert expected in found.distributions
    words = dict(found.where).values()
    assert any("degrees of freedom" in meaning or "skewness" in meaning for meaning in words)
