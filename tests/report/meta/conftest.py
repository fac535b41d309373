"""Meta-analyses of every kind, with few draws: only words, numbers and places are looked at."""

from __future__ import annotations

import pytest
from tests.report.conftest import fitted

from laird.bound import model
from laird.report.meta.synthesis import Synthesis, synthesis
from laird.report.study import Study
from laird.spec import read_spec


@pytest.fixture(scope="session")
def study_of(root):
    def made(name: str, methods: str) -> Study:
        return fitted(model(read_spec(root / "models" / f"{name}.toml")), methods, f"laird report {name}")

    return made


@pytest.fixture(scope="session")
def restoration_study(study_of) -> Study:
    """Moderators of location and scale, by every method."""
    return study_of("restoration", "reml eb nuts")


@pytest.fixture(scope="session")
def restored(restoration_study) -> Synthesis:
    return synthesis(restoration_study)


@pytest.fixture(scope="session")
def gums(study_of) -> Synthesis:
    """Two outcomes with a moderator, correlated sampling errors."""
    return synthesis(study_of("berkey_year", "reml eb"))


@pytest.fixture(scope="session")
def juveniles(study_of) -> Synthesis:
    """Several effects a study, with correlated sampling errors."""
    return synthesis(study_of("assink_rho06", "ml reml"))


@pytest.fixture(scope="session")
def teachers(study_of) -> Synthesis:
    """A heterogeneity of zero."""
    return synthesis(study_of("raudenbush1985_weeks", "reml eb"))


@pytest.fixture(scope="session")
def vaccine(study_of) -> Synthesis:
    """The plainest of all."""
    return synthesis(study_of("bcg", "reml"))
