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


LEVELLED = {
    "one factor": ["{} ~ x + w + (1 + x | g)"],
    "no groups": ["{} ~ x + w"],
    "crossed factors": ["{} ~ x + w + (1 | g) + (1 | h)"],
    "sigma by x": ["{} ~ x + w + (1 | g)", "sigma ~ x"],
}


BY_METHOD = [
    pytest.param(method, parts, id=f"{method}-{name}")
    for name, parts in LEVELLED.items()
    for method in (["ols", "reml"] if len(parts) == 1 else ["reml"])  # least squares has one sigma
]


@pytest.mark.parametrize(("method", "parts"), BY_METHOD)
@pytest.mark.parametrize("size", [1e-5, 1e-7, 1e-9])
def test_a_small_but_real_residual_is_analysed_to_many_digits(frame, parts, size, method):
    """Equivariance: adding 3 - 2x + w to a small y adds that to the coefficients, and nothing else.

    The sum rounds y at 1e-16, that is at 1e-16 / size of its residual.
    """
    frame = frame.assign(h=np.arange(len(frame)) % 7, small=size * frame.y)
    frame = frame.assign(y=3 - 2 * frame.x + frame.w + frame.small)
    fits = [ld.model(parts[0].format(y), *parts[1:], data=frame).fit(method) for y in ("small", "y")]
    expected, found = fits
    tolerance = 1e-7 + 1e-14 / size
    assert found.status == expected.status
    np.testing.assert_allclose(found.sigma, expected.sigma, rtol=tolerance)
    np.testing.assert_allclose(found.fixef - [3, -2, 1], expected.fixef, rtol=0, atol=100 * tolerance * size)
    np.testing.assert_allclose(found.se, expected.se, rtol=tolerance)
    if method == "reml":
        np.testing.assert_allclose(found.varcorr.sdcor, expected.varcorr.sdcor, rtol=10 * tolerance)
    if method == "reml" and "g" in expected.ngroups:
        np.testing.assert_allclose(found.ranef("g"), expected.ranef("g"), rtol=0, atol=100 * tolerance * size)
    assert found.loglik == pytest.approx(expected.loglik, rel=1e-7)


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
