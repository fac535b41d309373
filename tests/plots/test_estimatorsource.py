"""Levels, variables and estimates that pictures of estimators ask for."""

from __future__ import annotations

import pytest

from laird.compare.estimators import estimators
from laird.errors import FitError
from laird.plots.estimatorsource import as_estimators, choose_levels, choose_x, estimate_at, groups_at


@pytest.fixture(scope="module")
def found(hs):
    return estimators("mathach ~ ses", group="school", between="Sector", data=hs)


def test_levels_with_and_without_differences(found):
    assert [level.name for level in choose_levels(found, None, differences=False)] == ["Catholic", "Public"]
    assert [level.name for level in choose_levels(found, None, differences=True)][2:] == ["Public - Catholic"]
    assert [level.name for level in choose_levels(found, "Public", differences=False)] == ["Public"]


def test_groups_of_a_level_are_those_of_the_data(found, hs):
    public = hs[hs["Sector"] == "Public"]["school"].astype(str)
    groups = groups_at(found.sample, choose_levels(found, "Public", differences=False)[0])
    assert {found.sample.groups[j] for j in groups} == set(public)


def test_an_average_of_groups_holds_all(hs):
    found = estimators("mathach ~ ses", group="school", between="PRACAD", data=hs)
    (level,) = choose_levels(found, None, differences=False)
    assert level.name == "average"
    assert len(groups_at(found.sample, level)) == 40


def test_an_estimate_at_a_level_is_that_of_the_table(found):
    level = choose_levels(found, "Public", differences=False)[0]
    table = found.by_level().query("estimator == 'pooled' and level == 'Public'")
    assert estimate_at(found, "pooled", level).coefficients == pytest.approx(table["estimate"].to_numpy())
    assert estimate_at(found, "nothing", level) is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda found: choose_levels(found, "public", differences=False), "Nearest: `Public`"),
        (lambda found: choose_levels(found, [], differences=False), "no levels to draw"),
        (lambda found: choose_levels(found, "Public - Catholic", differences=False), "no level"),
        (lambda found: choose_x(found, "SES"), "Nearest: `ses`"),
        (lambda found: as_estimators(found.fits["mixed"]), "estimators side by side"),
    ],
)
def test_bad_arguments(found, call, message):
    with pytest.raises(FitError, match=message):
        call(found)
