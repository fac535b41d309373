"""Studies that the report's tests share: few draws, since only their words and places are looked at."""

from __future__ import annotations

import pytest
from tests.report.browser import CHROMIUM, browser

from laird.bound import Model, model
from laird.report.estimates import Comparison
from laird.report.study import Study, study

OPTIONS = {
    "eb": {"draws": 400, "random_seed": 1},
    "nuts": {"draws": 200, "tune": 300, "chains": 2, "random_seed": 1, "progress": False},
}
NOTATION = "bryk-raudenbush"


def fitted(bound: Model, methods: str, command: str = "") -> Study:
    """A study of a model by methods, ``"ols reml"``."""
    fits = [bound.fit(method, **OPTIONS.get(method, {})) for method in methods.split()]
    return study(bound, fits, command, NOTATION)


@pytest.fixture(scope="session")
def chromium():
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with browser() as started:
        yield started


@pytest.fixture(scope="session")
def slopes(hs) -> Study:
    """A random slope on two levels, by every method that a report uses."""
    formula = "mathach ~ cvar(ses, school) + dvar(ses, school) * Sector + (dvar(ses, school) | school)"
    return fitted(model(formula, data=hs), "ols reml eb nuts", "laird report slopes.toml")


@pytest.fixture(scope="session")
def boundary(hsfull) -> Study:
    """REML on the boundary: a correlation of 1."""
    return fitted(model("mathach ~ ses * Sector + (1 + ses | school)", data=hsfull), "ols reml eb")


@pytest.fixture(scope="session")
def one_way(dyestuff) -> Study:
    """Six groups, no predictor."""
    return fitted(model("Yield ~ 1 + (1 | Batch)", data=dyestuff), "ols ml reml")


@pytest.fixture(scope="session")
def no_variance(dyestuff2) -> Study:
    """An sd between groups of zero."""
    return fitted(model("Yield ~ 1 + (1 | Batch)", data=dyestuff2), "ols reml eb")


@pytest.fixture(scope="session")
def plain(hs) -> Study:
    """No groups at all."""
    return fitted(model("mathach ~ ses + Sex", data=hs), "ols reml")


@pytest.fixture(scope="session")
def independent(hs) -> Study:
    """Independent effects, and rows dropped for missing values."""
    holed = hs.copy()
    holed.loc[holed.index[:7], "ses"] = float("nan")
    return fitted(model("mathach ~ ses + (ses || school)", data=holed, missing="drop"), "reml eb")


@pytest.fixture(scope="session")
def comparison(slopes) -> Comparison:
    return Comparison(slopes.fits)
