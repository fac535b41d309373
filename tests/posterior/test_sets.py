"""Sets of priors by name."""

import numpy as np
import pytest
from tests.posterior.designs import design

from laird.posterior import prior_table
from laird.posterior.sets import SETS
from laird.spec import parse_spec, priors
from laird.spec.terms import Prior


def rows(name, *others):
    return {row.parameter: row for row in prior_table([Prior("*", name), *others], design())}


def test_every_set_that_specs_name_has_its_numbers():
    assert {*SETS, "flat"} == {*priors.SETS}


def test_the_default_set_is_the_weakly_informative_one():
    named = prior_table([Prior("*", "weakly_informative")], design())
    assert str(named) == str(prior_table([], design()))


def test_informative_priors_are_narrower_in_every_row():
    wide, narrow = rows("weakly_informative"), rows("informative")
    for name, row in narrow.items():
        own, other = row.interval(), wide[name].interval()
        assert own[1] < other[1], name
        assert own[0] > other[0] or row.kind in ("sigma", "sd"), name


def test_informative_priors_are_in_data_units():
    d, found = design(), rows("informative")
    s, x = np.std(d.y, ddof=1), np.std(d.X[:, 1], ddof=1)
    assert found["x1"].values == pytest.approx((0.0, 0.5 * s / x), rel=1e-12)  # same formula, rounding only
    assert found["x1"].rule == "0.5 sd(score) / sd(x1)"
    assert found["Intercept"].rule == "mean(score), sd(score), at average predictors"
    assert found["sd(school, Intercept)"].prior == f"half_normal({0.5 * s:.3g})"
    assert found["sd(school, Intercept)"].rule == "0.5 sd(score)"
    assert found["cor(school)"].prior == "lkj(4)"


def test_parameters_depart_from_a_set():
    found = rows("informative", Prior("sigma", "exponential", (1.0,)))
    assert found["sigma"].prior == "exponential(1)"
    assert found["sd(school, Intercept)"].family == "half_normal"


def test_sets_survive_a_file():
    for given in ("informative", {"*": "informative", "sigma": "half_normal(2.0)"}):
        spec = parse_spec("score ~ x1 + (1 | school)", priors=given)
        assert '"informative"' in spec.to_toml()
        assert spec.priors[0] == Prior("*", "informative")
