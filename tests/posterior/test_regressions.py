"""Priors of sds and correlations with predictors."""

from dataclasses import replace

import numpy as np
import pytest
from tests.posterior.designs import design, two_outcomes

from laird.design import KnownDesign, ScaleDesign
from laird.errors import SpecError
from laird.gaussian.standardise import standard_columns
from laird.posterior import prior_table
from laird.posterior.regressions import slopes
from laird.spec.terms import Prior


def with_scales(*scales, **changes):
    return replace(design(q=1), scales=scales, **changes)


def predictors(n=40):
    return np.column_stack([np.ones(n), np.random.default_rng(3).normal(5.0, 3.0, n)])


def rows(table):
    return {row.parameter: row for row in table}


def test_slopes_are_those_of_standardised_columns():
    """α of V = WA is the slope times the predictor's sd, whatever the coding."""
    rng = np.random.default_rng(0)
    indicators = np.eye(3)[rng.integers(0, 3, 40)]
    for W, names in [
        (predictors(), ("Intercept", "x")),
        (indicators, ("a", "b", "c")),
        (np.column_stack([indicators, rng.normal(2, 1, 40)]), ("a", "b", "c", "x")),
        (predictors()[:, 1:], ("x",)),
    ]:
        has_constant, own = slopes(W, names)
        A = standard_columns(W)[1]
        g = rng.normal(size=W.shape[1])
        coefficients = A @ g
        for place, slope in enumerate(own, start=int(has_constant)):
            expected = coefficients[slope.column]
            if " - " in slope.name:
                expected -= coefficients[names.index(slope.name.split(" - ")[1])]
            assert g[place] / slope.size == pytest.approx(expected, rel=1e-9)


def test_a_regression_of_sigma():
    d = with_scales(ScaleDesign("sigma", "", predictors(), ("Intercept", "x")))
    found = rows(prior_table([], d))
    assert found["sigma"].rule == "sd(score), at average predictors"
    slope = found["log_sigma(x)"]
    assert slope.values == pytest.approx((0.0, 0.5 / predictors()[:, 1].std()), rel=1e-12)
    assert slope.rule == "0.5 / sd(x)"
    # exp(±1.645/2) per sd of x: 90 % of a normal.
    assert str(prior_table([], d)).splitlines()[5].split("× ")[1].startswith("0.439 to 2.28")


@pytest.mark.parametrize("name", ["log_sigma", "log_sigma(x)", "*"])
def test_slopes_are_overridden_by_name(name):
    d = with_scales(ScaleDesign("sigma", "", predictors(), ("Intercept", "x")))
    assert rows(prior_table([Prior(name, "flat")], d))["log_sigma(x)"].family == "flat"


def test_levels_without_intercept_are_compared_with_the_one_left_out():
    W = np.eye(2)[np.arange(40) % 2]
    d = with_scales(ScaleDesign("sigma", "", W, ("habitat[a]", "habitat[b]")))
    table = prior_table([Prior("log_sigma(habitat)", "normal", (0.0, 2.0))], d)
    assert [row.parameter for row in table.of("sigma", "log_sigma")] == [
        "sigma",
        "log_sigma(habitat[b] - habitat[a])",
    ]


def test_a_sigma_of_zero_has_no_prior():
    d = with_scales(ScaleDesign("sigma", "", np.zeros((40, 0)), ()))
    assert prior_table([], d).of("sigma", "log_sigma") == ()


def test_a_regression_of_a_group_sd_counts_groups_not_rows():
    base = design(q=1)
    ids, x = base.random[0].ids, np.arange(6.0)
    W = np.column_stack([np.ones(40), x[ids]])
    table = prior_table([], replace(base, scales=(ScaleDesign("sd", "school", W, ("Intercept", "x")),)))
    slope = rows(table)["log_sd(school, x)"]
    assert slope.values[1] == pytest.approx(0.5 / x.std(), rel=1e-12)
    assert (slope.kind, slope.group) == ("log_sd", "school")


def test_a_group_sd_needs_a_constant():
    base = design(q=1)
    W = np.arange(6.0)[base.random[0].ids][:, None]
    with pytest.raises(SpecError, match="has no constant"):
        prior_table([], replace(base, scales=(ScaleDesign("sd", "school", W, ("x",)),)))


def test_a_proportional_v_has_phi():
    known = KnownDesign("v", True, np.linspace(0.1, 1, 40))
    phi = rows(prior_table([], replace(design(), known=known)))["phi"]
    assert (phi.family, phi.values) == ("lognormal", (0.0, 1.0))
    plain = replace(known, proportional=False)
    assert "phi" not in rows(prior_table([], replace(design(), known=plain)))


def test_several_outcomes_are_named_and_sized_one_by_one():
    d = two_outcomes()
    found = rows(prior_table([], d))
    assert list(found) == [
        *("a: Intercept", "a: x", "b: Intercept", "b: x", "sigma(a)", "sigma(b)", "log_sigma(b, x)"),
        *("rho(a, b)", "atanh_rho(a, b, x)"),
    ]
    b = d.y[d.which == 1]
    assert found["b: Intercept"].values == pytest.approx((b.mean(), 2.5 * b.std(ddof=1)), rel=1e-12)
    assert found["sigma(b)"].values[1] == pytest.approx(b.std(ddof=1), rel=1e-12)
    assert (found["rho(a, b)"].family, found["rho(a, b)"].eta, found["rho(a, b)"].size) == ("lkj", 2.0, 2)


@pytest.mark.parametrize(
    ("name", "family", "values", "parameter"),
    [
        ("b:x", "normal", (0.0, 3.0), "b: x"),
        ("x", "flat", (), "a: x"),
        ("sigma(b)", "exponential", (1.0,), "sigma(b)"),
        ("rho", "flat", (), "rho(a, b)"),
        ("log_sigma(b, x)", "flat", (), "log_sigma(b, x)"),
        ("atanh_rho(a, b, x)", "flat", (), "atanh_rho(a, b, x)"),
    ],
)
def test_parameters_of_an_outcome_are_overridden_by_name(name, family, values, parameter):
    found = rows(prior_table([Prior(name, family, values)], two_outcomes()))[parameter]
    assert (found.family, found.values) == (family, values)


def test_published_priors_are_named_in_the_rule():
    prior = Prior(
        "sigma", "lognormal", (-1.975, 0.67), "turner(all-cause mortality, pharmacological vs placebo)"
    )
    row = prior_table([prior], design()).sigma
    assert row.rule == f'given for "sigma": {prior.published}'
    assert row.prior == "lognormal(-1.98, 0.67)"
