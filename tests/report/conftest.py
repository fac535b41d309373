"""Studies that the report's tests share: few draws, since only their words and places are looked at."""

from __future__ import annotations

from dataclasses import replace
from warnings import catch_warnings

import numpy as np
import pytest
from tests.beyond_normal import with_families
from tests.report.browser import CHROMIUM, browser

from laird.bound import Model, model
from laird.compare.families import normal_model
from laird.errors import LairdWarning
from laird.fitting.standard import shape_names
from laird.report.estimates import Comparison
from laird.report.families import Families, families_of
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


def beyond_normal(bound: Model) -> Study:
    """A study of families: draws of the normal model, with shapes beside them about these values."""
    normal, rng = normal_model(bound).fit("nuts", **OPTIONS["nuts"]), np.random.default_rng(1)
    size, known = normal.draws.shape, bound.design.known
    deviations = None if known is None else rng.normal(size=(*size, len(bound.design.y)))
    own = with_families(normal, {}, deviations, **dict(bound.spec.families))
    names = [name for names in shape_names(bound.design).values() for name in names]
    drawn = {name: 3.0 + rng.gamma(2.0, size=size) for name in names}
    fit = replace(own, draws=replace(own.draws, shapes=drawn), priors=bound.priors)
    return study(bound, [fit], "laird report families.toml", NOTATION)


@pytest.fixture(scope="session")
def robust(sleepstudy) -> Study:
    """Errors and effects that are not normal."""
    families = {"errors": "t", "Subject": "skew_normal"}
    return beyond_normal(model("Reaction ~ Days + (Days || Subject)", data=sleepstudy, families=families))


@pytest.fixture(scope="session")
def families(robust) -> Families:
    """The same beside the normal model."""
    with catch_warnings(action="ignore", category=LairdWarning):  # of predictions by few draws
        found = families_of(robust)
    assert found is not None
    return found
