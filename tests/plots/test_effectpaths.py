"""What an effect plot is asked for: ranges, levels, curves, messages."""

from __future__ import annotations

import numpy as np
import pytest

from laird.bound import model
from laird.errors import FitError
from laird.plots.effectpaths import course


@pytest.fixture(scope="module")
def contextual(hs):
    return model("mathach ~ (ses + cvar(ses, school)) * Sector + Size + (1 | school)", data=hs).fit("reml")


def asked(fit, x="ses", by=None, moving="within", values=None, at=None, outcome=None):
    return course(fit, x, by, moving, values, at or {}, outcome)


def ends(found):
    return found.axis.values[[0, -1]]


@pytest.mark.parametrize(
    "formula",
    [
        "mathach ~ ses",
        "mathach ~ center(ses)",
        "mathach ~ scale(ses)",
        "mathach ~ dvar(ses, school) + cvar(ses, school)",
    ],
)
def test_the_axis_is_the_range_of_x(hs, formula):
    found = asked(model(formula, data=hs).fit("ols"))
    assert ends(found) == pytest.approx([hs["ses"].min(), hs["ses"].max()])


def test_between_groups_it_is_the_range_of_the_means(hs, contextual):
    means = hs.groupby(hs["school"].astype(str))["ses"].mean()
    for moving in ("between", "contextual"):
        assert ends(asked(contextual, moving=moving)) == pytest.approx([means.min(), means.max()])


def test_values_given_are_the_axis_in_order(contextual):
    assert asked(contextual, values=[2, -1]).axis.values.tolist() == [-1.0, 2.0]


def test_curves_are_levels_or_mean_and_one_sd_to_either_side(hs, contextual):
    by_sector = asked(contextual, by="Sector").curves
    assert [(c.name, c.at) for c in by_sector] == [
        ("Sector: Catholic", (("Sector", "Catholic"),)),
        ("Sector: Public", (("Sector", "Public"),)),
    ]
    sizes = [dict(c.at)["Size"] for c in asked(contextual, by="Size").curves]
    mean, sd = hs["Size"].mean(), np.std(hs["Size"])
    assert sizes == pytest.approx([mean - sd, mean, mean + sd])


def test_values_of_the_curves_may_be_given(contextual):
    found = asked(
        contextual, by="cvar(ses, school)", at={"cvar(ses, school)": [-0.5, 0.5], "Sector": "Public"}
    )
    assert [c.name for c in found.curves] == ["cvar(ses, school) = -0.500", "cvar(ses, school) = 0.500"]
    assert found.curves[0].at == (("Sector", "Public"), ("cvar(ses, school)", -0.5))


@pytest.mark.parametrize(
    ("moving", "standing"),
    [
        ("within", ("cvar(ses, school)", "Sector", "Size")),
        ("between", ("Sector", "Size")),
        ("contextual", ("ses", "Sector", "Size")),
    ],
)
def test_what_stands_still(contextual, moving, standing):
    assert asked(contextual, moving=moving).standing == standing
    assert asked(contextual, moving=moving, at={"Size": 900}).standing == standing[:-1]


def test_one_of_several_outcomes(two_outcomes):
    assert asked(two_outcomes, "Size", outcome="reading").part.outcome == "reading"
    with pytest.raises(FitError, match="several outcomes"):
        asked(two_outcomes, "ses")
    with pytest.raises(FitError, match="no outcome `read`"):
        asked(two_outcomes, "ses", outcome="read")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": "Ses"}, "Nearest: `ses`"),
        ({"by": "ses"}, "no variable that stands still `ses`"),
        ({"by": "sector"}, "Nearest: `Sector`"),
        ({"moving": "between", "at": {"cvar(ses, school)": 0.0}}, "no variable that stands still"),
        ({"at": {"Sector": "Private"}}, "no level of `Sector` `Private`"),
        ({"at": {"Size": "large"}}, "must be a finite number, not 'large'"),
        ({"values": [0.0, np.inf]}, "one or more finite numbers"),
        ({"values": []}, "one or more finite numbers"),
        ({"outcome": "ses"}, "no outcome `ses`"),
    ],
)
def test_bad_arguments(contextual, arguments, message):
    with pytest.raises(FitError, match=message):
        asked(contextual, **arguments)


def test_a_range_that_is_not_known_must_be_said(hs):
    fit = model("mathach ~ log(Size)", data=hs).fit("ols")
    with pytest.raises(FitError, match="its range is not known"):
        asked(fit, "Size")
    assert asked(fit, "Size", values=[300, 900]).axis.values.tolist() == [300.0, 900.0]
