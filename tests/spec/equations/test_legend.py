from __future__ import annotations

import re

import pytest

from laird.spec import parse_spec
from laird.spec.equations import NOTATIONS, equations


def legend(formula, *parts, **options):
    return dict(equations(parse_spec(formula, *parts), **options).where)


def test_legend_says_who_is_who():
    assert legend("mathach ~ cvar(ses, school) + (1 + ses | school)") == {
        r"\text{mathach}_{ij}": "mathach in row i of school j",
        r"\overline{\text{ses}}_{j}": "mean of ses in school",
        r"\gamma_{pq}": "fixed effects",
        r"\beta_{pj}": "coefficients of school j",
        r"u_{pj}": "random effects: how far the coefficients of school j are from their expectation",
        r"\mathbf{T}": "covariance matrix of the random effects of school",
        r"r_{ij}": "residual",
        r"\sigma^{2}": "residual variance",
    }


@pytest.mark.parametrize("notation", NOTATIONS)
def test_every_letter_of_the_combined_form_is_explained(notation):
    written = equations(parse_spec("y ~ x + (1 + x | g)"), notation=notation)
    explained = {re.split("_", symbol)[0] for symbol, _ in written.where} | {r"\text{x}"}
    summands = re.split(r" = | \+ |\\,", written.combined[0])
    assert {re.split("_", part)[0] for part in summands} <= explained


def test_meta_analysis():
    pairs = legend("yi ~ 1 + (1 | study) + meta_V(vi)", "sigma ~ x", "sd(study) ~ x")
    assert pairs[r"\text{vi}_{ij}"] == "known sampling variance, on the diagonal of V"
    assert pairs[r"\sigma_{ij}"] == "residual standard deviation"
    assert pairs[r"\tau_{pj}"] == "standard deviations of the random effects of study"
    matrices = legend("yi ~ 1 + meta_V(V)", matrices=["V"])
    assert matrices[r"\mathbf{V}"] == "known sampling variances and covariances"


def test_names_are_read_without_backticks():
    assert legend("`math score` ~ 1")[r"\text{math score}_{i}"] == "math score in row i"


def test_a_sigma_of_zero_is_not_explained():
    assert not any("sigma" in written for written in legend("yi ~ 1 + meta_V(vi)", "sigma ~ 0"))


def test_correlations_of_outcomes_are_explained():
    two, three = legend("a ~ 1", "b ~ 1"), legend("a ~ 1", "b ~ 1", "c ~ 1")
    assert two[r"\rho"] == "correlation of the residuals of two outcomes"
    assert "partial" in three[r"\rho"]
