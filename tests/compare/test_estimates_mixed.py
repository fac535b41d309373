"""The mixed estimators: formulas, and coefficients picked from the fits."""

import numpy as np
import pytest
from tests.compare.samples import schools

from laird.bound import model
from laird.compare.estimates import common_slopes
from laird.compare.estimates_mixed import Request, contextual, contextual_formula, mixed, mixed_formula


@pytest.mark.parametrize(
    ("within", "between", "slopes", "mixed_text", "contextual_text"),
    [
        (
            ["x"],
            ["w"],
            "random",
            "y ~ x * w + (1 + x | g)",
            "y ~ (dvar(x, g) + cvar(x, g)) * w + (1 + dvar(x, g) | g)",
        ),
        (
            ["x", "z"],
            ["v", "w"],
            "common",
            "y ~ (x + z) * (v + w) + (1 | g)",
            "y ~ (dvar(x, g) + dvar(z, g) + cvar(x, g) + cvar(z, g)) * (v + w) + (1 | g)",
        ),
        (["log(x)"], [], "common", "y ~ log(x) + (1 | g)", "y ~ dvar(log(x), g) + cvar(log(x), g) + (1 | g)"),
        (
            ["x"],
            ["log(v)"],
            "common",
            "y ~ x * log(v) + (1 | g)",
            "y ~ (dvar(x, g) + cvar(x, g)) * log(v) + (1 | g)",
        ),
    ],
)
def test_formulas(within, between, slopes, mixed_text, contextual_text):
    assert mixed_formula("y", within, between, "g", slopes) == mixed_text
    assert contextual_formula("y", within, between, "g", slopes) == contextual_text


def test_the_mixed_model_is_the_fit(hs, hs_fit):
    formula = mixed_formula("mathach", ["ses"], ["Sector"], "school", "random")
    fit, found = mixed(schools(hs), Request(formula, hs, {}))
    assert fit.spec.formula == hs_fit("reml").spec.formula
    np.testing.assert_allclose(found.coefficients, hs_fit("reml").fixef[list(found.terms)], rtol=1e-9)
    np.testing.assert_allclose(found.se, hs_fit("reml").se[list(found.terms)], rtol=1e-9)
    assert found.reference.name == "satterthwaite"


@pytest.fixture(scope="module")
def contextual_fit(hs):
    formula = contextual_formula("mathach", ["ses"], ["Sector"], "school", "common")
    return contextual(schools(hs), Request(formula, hs, {}, (("ses", ""),), "school"))


def test_between_is_within_plus_contextual(contextual_fit):
    _, within, between, difference = contextual_fit
    slopes = [1, 3]
    np.testing.assert_allclose(
        between.coefficients[slopes] - within.coefficients[slopes], difference.coefficients, rtol=1e-12
    )
    assert difference.terms == ("ses", "ses:Sector[Public]")


def test_with_common_slopes_the_effect_within_is_that_of_fixed_effects(hs, contextual_fit):
    """Raudenbush & Bryk (2002), p. 138: deviations are orthogonal to everything between groups."""
    within, fixed = contextual_fit[1], common_slopes(schools(hs))
    np.testing.assert_allclose(within.coefficients[[1, 3]], fixed.coefficients, rtol=1e-8)


def test_the_contextual_effect_is_the_coefficient_of_the_mean_beside_the_variable(hs, contextual_fit):
    raw = model("mathach ~ (ses + cvar(ses, school)) * Sector + (1 | school)", data=hs).fit()
    names = ["cvar(ses, school)", "cvar(ses, school):Sector[Public]"]
    difference = contextual_fit[3]
    np.testing.assert_allclose(difference.coefficients, raw.fixef[names], rtol=1e-6)
    np.testing.assert_allclose(difference.se, raw.se[names], rtol=1e-6)


def test_the_line_within_is_that_of_a_group_with_average_means(hs, contextual_fit):
    """Its intercept is what the model with raw ses predicts at ses = 0 in such a group."""
    raw = model("mathach ~ (ses + cvar(ses, school)) * Sector + (1 | school)", data=hs).fit()
    average = hs.groupby("school").ses.mean().mean()
    expected = raw.fixef["Intercept"] + average * raw.fixef["cvar(ses, school)"]
    assert contextual_fit[1].coefficients[0] == pytest.approx(expected, rel=1e-6)


def test_the_line_between_is_that_of_the_means(contextual_fit):
    fit, _, between, _ = contextual_fit
    assert between.coefficients[0] == pytest.approx(fit.fixef["Intercept"], rel=1e-12)
    assert between.coefficients[1] == pytest.approx(fit.fixef["cvar(ses, school)"], rel=1e-12)
