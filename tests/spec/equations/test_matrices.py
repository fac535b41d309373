from __future__ import annotations

import pytest

from laird.spec import parse_spec
from laird.spec.equations import equations


def matrix(formula, *parts, **options):
    lines = equations(parse_spec(formula, *parts), **options).matrix
    return [line.replace(r"\,", " ") for line in lines]


def test_plain_regression_has_no_index():
    assert matrix("y ~ x") == [
        r"\mathbf{Y} = \mathbf{X} \boldsymbol{\beta} + \mathbf{r}",
        r"\mathbf{r} \sim N\left(\mathbf{0}, \boldsymbol{\Sigma}\right), \quad "
        r"\boldsymbol{\Sigma} = \sigma^{2} \mathbf{I}",
    ]


def test_contents_need_one_grouping_factor():
    lines = matrix("y ~ x + (1 | a) + (1 | b)", notation="laird-ware")
    assert not any("vdots" in line for line in lines)


@pytest.mark.parametrize(
    ("formula", "parts", "spread"),
    [
        ("y ~ 1 + (1 | g)", ["sigma ~ x"], r"\operatorname{diag}\left(\sigma_{ij}^{2}\right)"),
        ("y ~ 1 + (1 | g) + meta_V(v)", [], r"\mathbf{V}_{j} + \sigma^{2} \mathbf{I}"),
    ],
)
@pytest.mark.parametrize("notation", ["sas", "laird-ware"])
def test_residual_covariance_follows_the_scale(formula, parts, spread, notation):
    assert matrix(formula, *parts, notation=notation)[-1].endswith(rf"\mathbf{{R}}_{{j}} = {spread}")


def test_pinheiro_bates_writes_sigma_outside_only_where_it_is_constant():
    assert matrix("y ~ 1 + (1 | g)", "sigma ~ x", notation="pinheiro-bates")[-1] == (
        r"\boldsymbol{\varepsilon}_{i} \sim N\left(\mathbf{0}, \boldsymbol{\Lambda}_{i}\right), \quad "
        r"\boldsymbol{\Lambda}_{i} = \operatorname{diag}\left(\sigma_{ij}^{2}\right)"
    )


def test_modelled_group_sd_gives_every_group_its_covariance():
    assert matrix("y ~ 1 + (1 | g)", "sd(g) ~ x")[1].endswith(r"\mathbf{T}_{j}\right)")
    crossed = matrix("y ~ 1 + (1 | a) + (1 | b)", "sd(a) ~ x")
    assert r"\operatorname{blockdiag}\left(\mathbf{T}_{j}^{(u)}\right)" in crossed[1]
    assert r"\mathbf{I} \otimes \mathbf{T}^{(v)}" in crossed[2]
