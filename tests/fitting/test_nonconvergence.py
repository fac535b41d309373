"""Why a search did not converge."""

from dataclasses import replace

import numpy as np
import pytest

import laird as ld
from laird.fitting.freecoordinates import free_coordinates
from laird.fitting.newton import MAX_ITERATIONS, minimise
from laird.fitting.nonconvergence import coordinate_names, reasons
from laird.gaussian.hierarchy import Hierarchy

NAMES = ("the sd of `a`", "the sd of `b`")


def ended(objective, **changes):
    """A search that is stopped at its start."""
    found = minimise(objective, np.array([0.3, 0.2]), max_iterations=0)
    return replace(found, converged=False, **changes)


def valley(x):
    return float((x[0] - 1.0) ** 2), np.array([2 * (x[0] - 1.0), 0.0])


def saddle(x):
    return float((x[0] - 1.0) ** 2 - x[1] ** 2), np.array([2 * (x[0] - 1.0), -2 * x[1]])


def bowl(x):
    return float((x[0] - 1.0) ** 2 + x[1] ** 2), np.array([2 * (x[0] - 1.0), 2 * x[1]])


@pytest.mark.parametrize(
    ("objective", "changes", "words"),
    [
        (valley, {}, "hardly changes with the sd of `b`:"),
        (saddle, {}, "still falls when the sd of `b` changes"),
        (
            bowl,
            {"iterations": MAX_ITERATIONS},
            "stopped after 200 iterations, last moving along the sd",
        ),
        (bowl, {}, "No step along the sd of `a` lowered the deviance"),
    ],
)
def test_the_reason_names_the_direction(objective, changes, words):
    (check,) = reasons(ended(objective, **changes), NAMES)
    assert words in check.message.replace(" and the sd of `b`", "")
    assert check.status == "note"
    assert check.remedy


def test_a_search_without_named_coordinates_has_a_reason_too():
    (check,) = reasons(ended(valley))
    assert "hardly changes with the variance parameters" in check.message


def test_a_deviance_that_is_not_finite():
    (check,) = reasons(ended(bowl, hessian=np.full((2, 2), np.nan)), NAMES)
    assert "not finite" in check.message


def test_a_search_that_arrived_has_none():
    assert list(reasons(minimise(bowl, np.zeros(2)), NAMES)) == []


@pytest.mark.parametrize(
    ("formulas", "name"),
    [
        (["Reaction ~ Days + (Days | Subject)"], "sleepstudy"),
        (["yi ~ habitat + meta_V(vi)", "sigma ~ habitat"], "restoration"),
        (["yi ~ 1 + (1 | district) + meta_V(vi)"], "konstantopoulos2011"),
        (["mathach ~ ses + (1 | school)", "sd(school) ~ Sector"], "hs"),
        (["mathach ~ ses"], "hs"),
    ],
)
def test_every_coordinate_has_a_name(formulas, name):
    """As many as the search had."""
    fit = ld.model(*formulas, data=ld.load_data(name)).fit("reml")
    profiled = 0 if isinstance(fit.problem.data, Hierarchy) else 1  # sigma, of plain models
    names, x = coordinate_names(fit.problem), free_coordinates(fit.problem, fit.theta).x
    assert len(set(names)) == len(names)
    assert len(x) == len(names) + profiled
