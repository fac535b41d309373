"""Lines of the groups against NumPy's least squares and the fit's own tables."""

from __future__ import annotations

import numpy as np
import pytest

from laird.bound import model
from laird.compare.question import read_question
from laird.data.factors import Codes
from laird.errors import SpecError
from laird.plots.grouplines import (
    fitted_lines,
    own_coefficients,
    own_lines,
    parallel_lines,
    split_lines,
    x_column,
)


@pytest.fixture(scope="module")
def question(hs):
    return read_question("mathach ~ ses", "school", "Sector", hs, None, "error")


@pytest.fixture(scope="module")
def by_school(hs):
    return {str(name): rows for name, rows in hs.groupby(hs["school"].astype(str))}


def test_own_lines_are_least_squares_within_the_range_of_x(question, by_school):
    lines = own_lines(question.sample)
    for j, name in enumerate(question.sample.groups):
        rows = by_school[name]
        slope, intercept = np.polyfit(rows["ses"], rows["mathach"], 1)
        x = np.array([rows["ses"].min(), rows["ses"].max()])
        assert lines.x[j] == pytest.approx(x)
        assert lines.y[j] == pytest.approx(intercept + slope * x)
        assert own_coefficients(question.sample)[j] == pytest.approx([intercept, slope])


def test_parallel_lines_are_least_squares_with_school_dummies(question, hs):
    """mathach ~ 0 + school + ses:Sector, by a matrix of all columns."""
    school, public = question.sample.ids, (hs["Sector"] == "Public").to_numpy(float)
    ses = hs["ses"].to_numpy()
    X = np.column_stack([np.eye(40)[school], ses * (1 - public), ses * public])
    fitted = X @ np.linalg.lstsq(X, hs["mathach"].to_numpy(), rcond=None)[0]
    lines = parallel_lines(question.sample)
    for j in range(40):
        rows = school == j
        drawn = np.interp(ses[rows], lines.x[j], lines.y[j])
        assert drawn == pytest.approx(fitted[rows])


def test_a_group_without_spread_of_x_has_no_line_of_its_own():
    data = {
        "g": [1, 1, 1, 2, 2, 2, 3, 3, 3],
        "x": [0, 1, 2, 5, 5, 5, 3, 4, 6],
        "y": [1, 3, 2, 4, 6, 5, 7, 6, 9],
    }
    question = read_question("y ~ x", "g", "", data, None, "error")
    assert np.isnan(own_lines(question.sample).y).any(axis=1).tolist() == [False, True, False]
    assert np.isfinite(parallel_lines(question.sample).y).all()


def test_split_lines_are_least_squares_of_the_rows_of_a_kind(question, by_school, hs):
    kinds = Codes((hs["Sex"] == "Male").to_numpy(np.int64), ("Female", "Male"))
    for sex, lines in zip(kinds.labels, split_lines(question.sample, kinds), strict=True):
        for j, name in enumerate(question.sample.groups):
            rows = by_school[name][by_school[name]["Sex"] == sex]
            if not len(rows):  # a school for the other sex only
                assert np.isnan(lines.y[j]).all()
                continue
            slope, intercept = np.polyfit(rows["ses"], rows["mathach"], 1)
            assert lines.x[j] == pytest.approx([rows["ses"].min(), rows["ses"].max()])
            assert lines.y[j] == pytest.approx(intercept + slope * lines.x[j])


def test_lines_of_a_fit_are_those_of_its_groups(question, hs, hs_fit):
    fit = hs_fit("reml")
    lines = fitted_lines(question, hs, fit)
    own = fit.group_coef("school").loc[list(question.sample.groups)].to_numpy()
    assert lines.y == pytest.approx(own[:, :1] + own[:, 1:] * lines.x)


def test_other_variables_of_a_fit_stand_at_mean_and_mode_of_the_group(question, hs):
    """cvar of the fitted group stays, whatever x is."""
    fit = model("mathach ~ ses + cvar(ses, school) + Minority + Size + (1 | school)", data=hs).fit("reml")
    lines = fitted_lines(question, hs, fit)
    name = "8854"
    j, rows = question.sample.groups.index(name), hs[hs["school"].astype(str) == name]
    mode = rows["Minority"].mode()[0]
    b = fit.fixef
    level = (
        b["Intercept"]
        + b["cvar(ses, school)"] * rows["ses"].mean()
        + b["Minority[Yes]"] * (mode == "Yes")
        + b["Size"] * rows["Size"].iloc[0]
        + fit.ranef("school").loc[name, "Intercept"]
    )
    assert lines.y[j] == pytest.approx(level + b["ses"] * lines.x[j])


@pytest.mark.parametrize(
    "formula", ["mathach ~ ses + Minority", "mathach ~ log(Size + ses + 5)", "mathach ~ Sex"]
)
def test_the_x_axis_is_one_numeric_column(hs, formula):
    question = read_question(formula, "school", "", hs, None, "error")
    with pytest.raises(SpecError, match="x axis is one numeric column"):
        x_column(question)
