"""Rows of the fixed part along a path, against rows of new data and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from laird.bound import model
from laird.errors import FitError
from laird.fitting.parts import parts_of
from laird.plots.effectrows import Path, effect_rows
from laird.spec.syntax import Name

SES = np.array([-1.0, 0.0, 0.5, 2.0])


def part(formula, data):
    return parts_of(model(formula, data=data).fit("ols").problem)[0]


def rows(own, mean=None, *, formula, data, at=(), x="ses"):
    return effect_rows(part(formula, data), Path(Name(x), own, mean), at)


def test_others_stand_at_means_and_shares(hs):
    found = rows(SES, formula="mathach ~ ses * Sector + Size", data=hs)
    public, size = (hs["Sector"] == "Public").mean(), hs["Size"].mean()
    expected = np.column_stack([np.ones(4), SES, np.full(4, public), np.full(4, size), SES * public])
    names = part("mathach ~ ses * Sector + Size", hs).columns
    assert [column.name for column in names] == [
        "Intercept",
        "ses",
        "Sector[Public]",
        "Size",
        "ses:Sector[Public]",
    ]
    assert found == pytest.approx(expected)


@pytest.mark.parametrize(
    "term", ["log(ses + 5)", "poly(ses, 2)", "bs(ses, 4)", "center(ses)", "scale(ses)", "ses + I(ses^2)"]
)
def test_functions_of_x_are_those_of_the_fitted_data(hs, term):
    fit = model(f"mathach ~ {term}", data=hs).fit("ols")
    path = Path(Name("ses"), SES[:3], None)
    found = effect_rows(parts_of(fit.problem)[0], path) @ fit.point.beta
    assert found == pytest.approx(fit.predict({"ses": SES[:3]})["estimate"].to_numpy())


RAW = "mathach ~ ses + cvar(ses, school) + (1 | school)"
CENTRED = "mathach ~ dvar(ses, school) + cvar(ses, school) + (1 | school)"


@pytest.mark.parametrize(
    ("own", "mean", "slope"),
    [(SES, None, "within"), (SES, SES, "between"), (None, SES, "contextual")],
)
def test_both_ways_to_write_a_contextual_model_have_the_same_line(hs, own, mean, slope):
    lines = []
    for formula in (RAW, CENTRED):
        fit = model(formula, data=hs).fit("reml")
        lines.append(effect_rows(parts_of(fit.problem)[0], Path(Name("ses"), own, mean)) @ fit.point.beta)
    effects = fit.contextual("ses").set_index("effect")["estimate"]
    assert lines[0] == pytest.approx(lines[1])
    assert np.diff(lines[0]) / np.diff(SES) == pytest.approx(np.full(3, effects[slope]))


def test_a_group_mean_told_where_to_stand_stands_there_in_both(hs):
    at = (("cvar(ses, school)", 0.4),)
    lines = []
    for formula in (RAW, CENTRED):
        fit = model(formula, data=hs).fit("reml")
        lines.append(effect_rows(parts_of(fit.problem)[0], Path(Name("ses"), SES, None), at) @ fit.point.beta)
    b = model(RAW, data=hs).fit("reml").fixef
    assert lines[0] == pytest.approx(b["Intercept"] + b["ses"] * SES + 0.4 * b["cvar(ses, school)"])
    assert lines[1] == pytest.approx(lines[0])


def test_levels_of_a_category_and_their_shares(hs):
    codes = np.array([0.0, 1.0])
    formula = "mathach ~ Minority + cvar(Minority, school)"
    share = (hs["Minority"] == "Yes").mean()
    within = rows(codes, formula=formula, data=hs, x="Minority")
    assert within == pytest.approx(np.array([[1, 0, share], [1, 1, share]]))
    between = rows(codes, codes, formula=formula, data=hs, x="Minority")
    assert between.tolist() == [[1, 0, 0], [1, 1, 1]]
    centred = rows(
        codes, formula="mathach ~ dvar(Minority, school) + cvar(Minority, school)", data=hs, x="Minority"
    )
    assert centred == pytest.approx(np.array([[1, -share, share], [1, 1 - share, share]]))


def test_a_factor_moves_by_itself(hs):
    own = part(RAW, hs)
    cvar = own.columns[2].factors[0][0]
    found = effect_rows(own, Path(cvar, SES, None))
    assert found == pytest.approx(np.column_stack([np.ones(4), np.full(4, hs["ses"].mean()), SES]))


def test_what_has_no_single_value_is_refused(hs):
    with pytest.raises(FitError, match="on other variables at once"):
        rows(SES, formula="mathach ~ I(ses * Size)", data=hs)
    with pytest.raises(FitError, match="only deviations of `ses`"):
        rows(SES, formula="mathach ~ dvar(ses, school)", data=hs)
