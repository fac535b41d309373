"""Advice on origins and units."""

import numpy as np
import pytest

import laird as ld
from laird.fitting.scaling import scaling_checks


@pytest.fixture(scope="module")
def years():
    rng = np.random.default_rng(0)
    g = np.repeat(np.arange(12), 8)
    year = 2000.0 + np.tile(np.arange(8), 12)
    y = rng.normal(size=12)[g] + 0.1 * (1 + rng.normal(size=12)[g]) * (year - 2003.5) + rng.normal(size=96)
    return {"y": y, "g": g, "year": year, "income": rng.normal(4e4, 1e4, 96), "sex": np.tile([0, 1], 48)}


def notes(formula, data):
    return {check.check: check for check in scaling_checks(ld.model(formula, data=data).design)}


def test_random_slopes_far_from_zero_are_advised_to_be_centred(years):
    (check,) = notes("y ~ year + (year | g)", years).values()
    assert check.check == "origin(g: year)"
    assert check.status == "note"
    assert "outside the data (2000 to 2007" in check.message
    assert check.value == pytest.approx(2003.5 / np.std(np.arange(8)))
    assert "`center(year)`" in check.remedy


def test_without_the_correlation_the_fit_depends_on_the_origin(years):
    assert notes("y ~ year + (year || g)", years)["origin(g: year)"].status == "warning"
    fits = [
        ld.model(f"y ~ {x} + ({x} || g)", data=years).fit("reml").loglik for x in ("year", "center(year)")
    ]
    assert abs(fits[0] - fits[1]) > 0.1


@pytest.mark.parametrize(
    "formula", ["y ~ year + (center(year) | g)", "y ~ year + (1 | g)", "y ~ year + (0 + year | g)"]
)
def test_what_is_centred_or_has_no_intercept_needs_no_advice(years, formula):
    assert notes(formula, years) == {}


def test_following_the_advice_ends_it(years):
    assert notes("y ~ center(year) + (center(year) | g)", years) == {}


def test_priors_are_about_the_origin_too(years):
    """The likelihood is the same at another origin, the posterior is not."""
    data = {**years, "t": years["year"] - 2003.5}
    (check,) = scaling_checks(ld.model("y ~ year + (year | g)", data=years).design, priors=True)
    assert check.status == "warning"
    assert "the priors of their sd" in check.message
    fits = {
        (method, x): ld.model(f"y ~ {x} + ({x} | g)", data=data).fit(method, **options).loglik
        for method, options in {"reml": {}, "eb": {"draws": 100, "random_seed": 1}}.items()
        for x in ("year", "t")
    }
    assert fits["reml", "year"] == pytest.approx(fits["reml", "t"], rel=1e-8)
    assert abs(fits["eb", "year"] - fits["eb", "t"]) > 0.01
    found = ld.model("y ~ year + (year | g)", data=years).fit("eb", draws=100, random_seed=1)
    assert found.check().set_index("check").status["origin(g: year)"] == "warning"


@pytest.mark.parametrize("big", ["income:year", "I(income ^ 2)"])
def test_advice_on_made_columns_is_no_impossible_formula(years, big):
    check = notes(f"y ~ income + year + {big}", years)["scales"]
    assert check.remedy == f"Use larger units of the columns that `{big}` is made of, or centre them."


def test_very_different_scales_are_noted(years):
    check = notes("y ~ income + year", years)["scales"]
    assert check.status == "note"
    assert check.value == pytest.approx(np.std(years["income"]) / np.std(years["year"]))
    assert "sd 1.05e+04 of `income`" in check.message or "of `income`" in check.message
    assert "I(income / " in check.remedy


def test_indicators_have_no_scale(years):
    assert notes("y ~ income + sex", years) == {}


def test_the_rows_are_among_those_of_the_fit(years):
    fit = ld.model("y ~ year + income + (year | g)", data=years).fit("reml")
    assert {"origin(g: year)", "scales"} <= set(fit.check().check)
    assert fit.status in ("ok", "boundary")
