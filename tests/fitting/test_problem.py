"""Data that no method can use are refused with a reason and a remedy; odd but usable data are used."""

import numpy as np
import pandas as pd
import pytest
from tests.fitting.problems import bound_problem, grouped_frame

import laird as ld


def refused(formula, data):
    with pytest.raises(ld.LairdError) as caught:
        bound_problem(formula, data)
    assert caught.value.remedy
    return caught.value


@pytest.fixture
def frame():
    return grouped_frame()


def test_an_outcome_that_does_not_vary_within_groups(frame):
    """Case 7 of the list of bad inputs: y is the mean of its group."""
    error = refused("y ~ 1 + (1 | g)", frame.assign(y=frame.groupby("g").y.transform("mean")))
    assert "does not vary around the lines of the groups of `g`" in error.what


def test_an_outcome_on_the_lines_of_its_groups(frame):
    slope = frame.g.astype("category").cat.codes
    error = refused("y ~ x + (1 + x | g)", frame.assign(y=slope * frame.x + slope**2))
    assert "does not vary around the lines" in error.what


@pytest.mark.parametrize("formula", ["y ~ x", "y ~ x + (1 | g)"])
def test_a_perfect_fit(frame, formula):
    """Case 8: y = 2x."""
    error = refused(formula, frame.assign(y=2 * frame.x))
    assert "exact linear function of the predictors" in error.what
    assert "`y`" in error.what


def test_a_perfect_fit_far_from_zero(frame):
    """As floating-point numbers around 10⁸ the outcome is exact to 1e-8, a hundred-thousandth of its sd."""
    assert "perfect fit" in refused("y ~ x", frame.assign(y=1e8 + 1e-3 * frame.x)).what


def test_a_small_but_real_residual_is_no_perfect_fit(frame):
    noise = np.random.default_rng(0).normal(0, 1e-5, len(frame))
    fit = ld.model("y ~ x", data=frame.assign(y=2 * frame.x + noise)).fit("reml")
    assert fit.sigma == pytest.approx(1e-5, rel=0.2)


def test_one_group(frame):
    """Case 11."""
    assert "group" in refused("y ~ x + (1 | g)", frame.assign(g="a")).what


def test_one_row_per_group(frame):
    """Case 13: τ and σ cannot be told apart."""
    refused("y ~ x + (1 | g)", frame.assign(g=np.arange(len(frame))))


def test_a_group_effect_that_the_fixed_part_already_holds(frame):
    error = refused("y ~ g + (1 | g)", frame)
    assert "already hold a separate `Intercept` for every group of `g`" in error.what
    assert error.where == "    (1 | g)"


def test_two_groups_are_fitted_with_a_warning(frame):
    with pytest.warns(ld.LairdWarning, match="2 groups"):
        model = ld.model("y ~ x + (1 | g)", data=frame.assign(g=np.arange(len(frame)) % 2))
    check = model.fit("reml").check().set_index("check").loc["groups"]
    assert (check.status, check.value) == ("warning", 2)


def test_one_giant_group_with_many_singletons():
    rng = np.random.default_rng(3)
    ids = np.concatenate([np.zeros(2000, dtype=int), np.arange(1, 300)])
    u = rng.normal(0, 2, 300)
    data = pd.DataFrame({"y": 1 + u[ids] + rng.normal(0, 1, len(ids)), "g": ids})
    fit = ld.model("y ~ 1 + (1 | g)", data=data).fit("reml")
    assert fit.status == "ok"
    assert fit.sigma == pytest.approx(1, abs=0.06)  # 2000 rows: standard error 0.016
    assert fit.varcorr.sdcor[0] == pytest.approx(2, abs=0.4)  # 300 groups: standard error 0.1
    assert ld.shrinkage(fit).eblup.notna().all()


def test_a_model_without_groups_has_no_random_part(frame):
    problem = bound_problem("y ~ x", frame)
    assert problem.random is None
    assert problem.data.q == 0


def test_the_random_part_is_that_of_the_design(frame):
    problem = bound_problem("y ~ x + (1 + x | g)", frame)
    assert problem.random is problem.design.random[0]
    assert problem.data.q == 2


def test_an_outcome_among_several_that_does_not_vary_within_groups_is_named(frame):
    """Its likelihood has no maximum: sigma would go to zero."""
    constant = frame.assign(z=frame.g.map(lambda g: float(str(g)[-1]) ** 2))
    with pytest.raises(ld.FitError, match="`z` does not vary around the lines of the groups of `g`"):
        ld.model("y ~ x + (1 | g)", "z ~ 1 + (1 | g)", data=constant).fit("ml")
