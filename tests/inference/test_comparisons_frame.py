"""Contrasts of a variable, and the designs at both of its values."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import laird as ld
from laird.inference.comparisons_frame import contrasts, derivative, difference, variable_of


@pytest.fixture(scope="module")
def fit():
    return ld.model("mathach ~ log(ses + 5) * Sector + (1 | school)", data=ld.load_data("hs")).fit()


def test_labels_and_values(fit):
    hs, schema = ld.load_data("hs"), fit.problem.schema
    number, category = variable_of(fit, "ses", hs), variable_of(fit, "Sector", hs)
    assert [own.label for own in contrasts(schema, number, None)] == ["+ 1"]
    assert [own.label for own in contrasts(schema, number, -0.5)] == ["- 0.5"]
    assert [own.label for own in contrasts(schema, number, (0, 2))] == ["2 - 0"]
    assert [own.label for own in contrasts(schema, category, None)] == ["Public - Catholic"]
    own = contrasts(schema, number, -0.5)[0]
    np.testing.assert_allclose(own.high - own.low, -0.5)


@pytest.mark.parametrize("library", [dict, pl.DataFrame])
def test_the_difference_is_that_of_the_columns(fit, library):
    new = library({"ses": [0.0, 1.0], "Sector": ["Public", "Catholic"]})
    column = variable_of(fit, "ses", new)
    (own,) = contrasts(fit.problem.schema, column, 2.0)
    found = difference(fit, new, "population", "ses", own)
    step = np.log([7.0 / 5.0, 8.0 / 6.0])
    np.testing.assert_allclose(found.X, np.outer(step, [0, 1, 0, 0]) + np.diag(step)[:, :1] @ [[0, 0, 0, 1]])
    slope = difference(fit, new, "population", "ses", derivative(fit.problem.schema, column))
    np.testing.assert_allclose(slope.X[:, 1], [1 / 5, 1 / 6], rtol=1e-8, err_msg="central differences")


def test_a_variable_that_is_a_group_has_no_contrast():
    data = {"g": np.repeat([1, 2, 3, 4], 5), "y": np.random.default_rng(1).normal(size=20)}
    fit = ld.model("y ~ g + (1 | g)", data=data | {"g": data["g"].astype(float)}).fit()
    with pytest.raises(ld.FitError, match="says which `g` a row is in"):
        ld.comparisons(fit, "g", data, values=(1.0, 2.0), groups="existing")


@pytest.mark.parametrize(
    ("variable", "values", "message"),
    [
        ("sess", None, "does not use `sess`"),
        ("ses", (1, 2, 3), "not two values"),
        ("ses", "much", "values = 'much'"),
        ("ses", 0, "values = 0"),
        ("Sector", 1, "is a category"),
        ("Sector", ("Public", "Private"), "Private"),
    ],
)
def test_what_cannot_be_is_said(fit, variable, values, message):
    with pytest.raises(ld.LairdError, match=message):
        ld.comparisons(fit, variable, ld.load_data("hs"), values=values, groups="population")


def test_a_category_has_no_slope(fit):
    with pytest.raises(ld.FitError, match="it has no slope"):
        ld.slopes(fit, "Sector", ld.load_data("hs"), groups="population")


@pytest.mark.parametrize(
    ("variable", "message"),
    [("school", "no predictor"), ("mathach", "no predictor"), ("sess", "does not use"), (5, "does not use")],
)
def test_only_predictors_of_the_mean_are_compared(fit, variable, message):
    with pytest.raises(ld.FitError, match=message) as caught:
        variable_of(fit, variable, ld.load_data("hs"))
    assert "ses" in caught.value.allowed
