from dataclasses import replace

import numpy as np
import pytest
from tests.posterior.designs import design

import laird as ld
from laird.errors import DataError, SpecError
from laird.posterior import check_overrides, prior_table
from laird.spec.terms import Prior


def row(table, parameter):
    return next(r for r in table if r.parameter == parameter)


def test_defaults_are_on_the_scale_of_the_data():
    d = design()
    table, s = prior_table([], d), np.std(d.y, ddof=1)
    x = np.std(d.X[:, 1], ddof=1)
    expected = {
        "Intercept": ("normal", (d.y.mean(), 2.5 * s)),
        "x1": ("normal", (0, 2.5 * s / x)),
        "sigma": ("half_student_t", (3, s)),
        "sd(school, Intercept)": ("half_student_t", (3, s)),
        "sd(school, x1)": ("half_student_t", (3, s / np.std(d.random[0].Z[:, 1], ddof=1))),
        "cor(school)": ("lkj", (2,)),
    }
    for parameter, (family, values) in expected.items():
        assert row(table, parameter).family == family
        assert row(table, parameter).values == pytest.approx(values, rel=1e-12)  # same formula, rounding only
    assert [r.parameter for r in table] == ["Intercept", "x1", "x2", *list(expected)[2:]]
    assert row(table, "x1").rule == "2.5 sd(score) / sd(x1)"
    assert row(table, "Intercept").rule == "mean(score), 2.5 sd(score), at average predictors"


def test_defaults_follow_units_and_ignore_offsets():
    d = design()
    moved = replace(d, y=1e6 + 10 * d.y, X=d.X * [1, 100, 1] + [0, 1e8, 0])
    before, after = prior_table([], d), prior_table([], moved)
    # An offset of 1e8 leaves about 8 of 16 digits.
    assert row(after, "x1").values[1] == pytest.approx(row(before, "x1").values[1] / 10, rel=1e-6)
    assert row(after, "sigma").values[1] == pytest.approx(10 * row(before, "sigma").values[1], rel=1e-6)


def test_without_intercept_sizes_are_about_zero():
    d = design(intercept=False)
    x1 = row(prior_table([], d), "x1")
    expected = 2.5 * np.sqrt(np.mean(d.y**2)) / np.sqrt(np.mean(d.X[:, 0] ** 2))
    assert x1.values[1] == pytest.approx(expected, rel=1e-12)
    assert x1.rule == "2.5 rms(score) / rms(x1)"


def test_constant_random_column_counts_with_its_size():
    d = design(q=1)
    random = replace(d.random[0], Z=np.full((40, 1), -2.0), names=("two",))
    sd = row(prior_table([], replace(d, random=(random,))), "sd(school, two)")
    assert sd.values[1] == pytest.approx(np.std(d.y, ddof=1) / 2, rel=1e-12)
    assert sd.rule == "sd(score) / rms(two)"


PRECEDENCE = [
    ({"*"}, "x1", "*"),
    ({"*", "b"}, "x1", "b"),
    ({"*", "b", "x1"}, "x1", "x1"),
    ({"*", "b"}, "Intercept", "*"),
    ({"*", "sd"}, "sd(school, x1)", "sd"),
    ({"sd", "sd(school)"}, "sd(school, x1)", "sd(school)"),
    ({"sd(school, x1)", "sd(school)"}, "sd(school, x1)", "sd(school, x1)"),
    ({"sd(school, x1)", "sd(school)"}, "sd(school, Intercept)", "sd(school)"),
    ({"*", "sigma"}, "sigma", "sigma"),
    ({"*", "cor"}, "cor(school)", "cor"),
    ({"cor", "cor(school)"}, "cor(school)", "cor(school)"),
]


@pytest.mark.parametrize(("given", "parameter", "winner"), PRECEDENCE)
def test_most_specific_override_wins(given, parameter, winner):
    table = prior_table([Prior(name, "flat") for name in sorted(given)], design())
    assert row(table, parameter).rule == f'given for "{winner}"'
    assert row(table, parameter).family == "flat"


def test_term_names_all_its_columns_and_a_column_beats_its_term():
    d = replace(design(), names=("Intercept", "Sector[Public]", "Sector[Other]"))
    table = prior_table([Prior("Sector", "cauchy", (0, 1)), Prior("Sector[Other]", "flat")], d)
    assert [r.family for r in table.coefficients] == ["normal", "cauchy", "flat"]


def test_spaces_after_commas_do_not_matter():
    table = prior_table([Prior("sd(school,x1)", "exponential", (1.0,))], design())
    assert row(table, "sd(school, x1)").family == "exponential"


def test_unknown_target_names_the_nearest():
    with pytest.raises(SpecError, match=r"prior for `sd\(scool\)` fits no parameter") as caught:
        prior_table([Prior("sd(scool)", "flat")], design())
    assert caught.value.allowed.startswith("Nearest: `sd(school)`")
    assert "`sd(g, term)`" in caught.value.remedy


def test_a_column_called_sigma_does_not_take_the_prior_of_sigma():
    d = replace(design(), names=("Intercept", "sigma", "x2"))
    table = prior_table([Prior("sigma", "flat")], d)
    assert table.sigma.family == "flat"
    assert table.coefficients[1].family == "normal"


def test_constant_outcome_has_no_default_but_takes_given_priors():
    d = design()
    flat_y = replace(d, y=np.full(40, 3.0))
    with pytest.raises(DataError, match="outcome `score` does not vary"):
        prior_table([], flat_y)
    assert all(r.family == "flat" for r in prior_table([Prior("*", "flat")], flat_y))


@pytest.mark.parametrize("name", ["sd(school, y1: Intercept)", "sd(school, y1:Intercept)"])
def test_sds_of_one_of_several_outcomes_go_by_both_spellings(name):
    d = design(q=1)
    table = prior_table(
        [Prior(name, "exponential", (2.0,))],
        replace(d, random=(replace(d.random[0], names=("y1: Intercept",)),)),
    )
    assert row(table, "sd(school, y1: Intercept)").prior == "exponential(2)"


def test_overrides_are_checked_where_models_are_made():
    """Least squares and REML have no use for priors, but their models do."""
    d, data = design(q=1), {"y": np.arange(8.0) % 5, "x": np.arange(8.0)}
    with pytest.raises(SpecError, match="fits no parameter"):
        check_overrides([Prior("z", "flat")], d)
    check_overrides([Prior("*", "informative"), Prior("x1", "flat")], d)
    with pytest.raises(SpecError, match="Nearest: `x`"):
        ld.model("y ~ x", data=data, priors={"xx": "flat"})
