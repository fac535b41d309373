import pytest

from laird.errors import SpecError
from laird.spec.priors import FAMILIES, POSITIVE_FAMILIES, families_of, parameter_kind, parse_priors
from laird.spec.terms import Prior

PRIORS = {
    ("b", "normal(0, 2.5)"): Prior("b", "normal", (0.0, 2.5)),
    ("Intercept", "student_t(3, -1.5, 10)"): Prior("Intercept", "student_t", (3.0, -1.5, 10.0)),
    ("ses", "student_t(mu=0, nu=3, sigma=1)"): Prior("ses", "student_t", (3.0, 0.0, 1.0)),
    ("ses : Sector", "flat"): Prior("ses:Sector", "flat"),
    ("ses:Sector[Public]", "flat()"): Prior("ses:Sector[Public]", "flat"),
    ("cvar(ses,school)", "cauchy(0, 1)"): Prior("cvar(ses, school)", "cauchy", (0.0, 1.0)),
    ("sigma", "uniform(0, 100)"): Prior("sigma", "uniform", (0.0, 100.0)),
    ("sigma(y1)", "exponential(1)"): Prior("sigma(y1)", "exponential", (1.0,)),
    ("sd", "half_student_t(3, 2.5)"): Prior("sd", "half_student_t", (3.0, 2.5)),
    ("sd( school,ses )", "half_normal(sigma = 1e-3)"): Prior("sd(school, ses)", "half_normal", (0.001,)),
    ("sd(a:b)", "lognormal(-1, 0.5)"): Prior("sd(a:b)", "lognormal", (-1.0, 0.5)),
    ("cor(school)", "lkj(2)"): Prior("cor(school)", "lkj", (2.0,)),
    ("cor", "flat"): Prior("cor", "flat"),
    ("*", "flat"): Prior("*", "flat"),
    ("sd(g, y1: x)", "flat"): Prior("sd(g, y1:x)", "flat"),
    ("*", " informative "): Prior("*", "informative"),
}

ERRORS = {
    ("b", "norml(0, 1)"): ("There is no prior family `norml`.", "Nearest: `normal`"),
    ("b", "falt"): ("There is no prior family `falt`.", "Nearest: `flat`."),
    ("b", "normal(0)"): ("`normal` takes 2 values.", "Write normal(mu, sigma)."),
    ("b", "normal"): ("`normal` takes 2 values.", "Write normal(mu, sigma)."),
    ("b", "normal(0, 1, 2)"): ("`normal` takes 2 values.", ""),
    ("b", "normal(0, mu=1)"): ("`normal` takes 2 values.", ""),
    ("b", "normal(0, sd=1)"): ("`normal` takes 2 values.", ""),
    ("sd", "half_normal()"): ("`half_normal` takes 1 value.", "Write half_normal(sigma)."),
    ("b", "flat(1)"): ("`flat` takes 0 values.", "Write flat()."),
    ("b", "normal(0, x)"): ("The value of `sigma` must be a number.", ""),
    ("b", "normal(0, -1)"): ("The value of `sigma` must be greater than 0.", "             ^^"),
    ("b", "normal(0, 0)"): ("The value of `sigma` must be greater than 0.", ""),
    ("b", "student_t(0, 0, 1)"): ("The value of `nu` must be greater than 0.", ""),
    ("b", "uniform(2, 1)"): ("The lower limit must be less than the upper limit.", ""),
    ("sigma", "uniform(-1, 1)"): ("`sigma` is a standard deviation: its lower limit is 0.", ""),
    ("sd(g)", "normal(0, 1)"): ("`sd(g)` cannot have the family `normal`.", "Allowed: half_normal,"),
    ("cor", "normal(0, 1)"): ("`cor` cannot have the family `normal`.", "Allowed: lkj, flat."),
    ("b", "lkj(2)"): ("`b` cannot have the family `lkj`.", "Allowed: normal,"),
    ("*", "normal(0, 1)"): ("There is no set of priors `normal(0, 1)`.", "Allowed: flat, weakly"),
    ("*", "informativ"): (
        "There is no set of priors `informativ`.",
        "weakly_informative, informative, boundary_avoiding.",
    ),
    ("b", "informative"): ("`informative` is a set of priors", 'Write {"*": "informative"} beside'),
    ("b", "normal(0, 1) + 1"): ("This is not a family.", "Write for example"),
    ("b", "normal(0, 1"): ("This ( is never closed.", "normal(0, 1"),
    ("b", ""): ("The prior of `b` must be text such as", ""),
    ("b", 3): ("The prior of `b` must be text such as", "3"),
    ("a + b", "flat"): ("This is not the name of one parameter.", "Write Intercept, b,"),
    ("(1 | g)", "flat"): ("This is not the name of one parameter.", ""),
    ("1", "flat"): ("This is not the name of one parameter.", ""),
    ("lgo(x)", "flat"): ("There is no function `lgo`.", "Nearest: `log`."),
}


@pytest.mark.parametrize(("parameter", "written"), PRIORS)
def test_rows(parameter, written):
    assert parse_priors({parameter: written}) == (PRIORS[parameter, written],)


@pytest.mark.parametrize(("parameter", "written"), ERRORS)
def test_errors(parameter, written):
    what, rest = ERRORS[parameter, written]
    with pytest.raises(SpecError) as caught:
        parse_priors({parameter: written})
    assert what in caught.value.what
    assert rest in str(caught.value)


def test_errors_name_the_parameter():
    with pytest.raises(
        SpecError, match=r"The prior of `sd\(school, ses\)` is not valid\. The value of `sigma`"
    ):
        parse_priors({"sd(school,ses)": "half_normal(0)"})


def test_flat_everywhere():
    assert parse_priors("flat") == (Prior("*", "flat"),)


def test_nothing_given():
    assert parse_priors(None) == parse_priors({}) == ()


def test_order_is_by_parameter():
    rows = parse_priors({"sd": "half_normal(1)", "b": "flat", "Intercept": "flat"})
    assert [row.parameter for row in rows] == ["Intercept", "b", "sd"]


def test_one_prior_a_parameter():
    with pytest.raises(SpecError, match=r"There are two priors of `sd\(g\)`"):
        parse_priors({"sd(g)": "half_normal(1)", "sd( g )": "half_normal(2)"})


def test_a_list_is_no_table_of_priors():
    with pytest.raises(SpecError, match="Priors must be a mapping"):
        parse_priors(["normal(0, 1)"])


def test_kinds():
    kinds = {
        "ses": "coefficient",
        "sd(g, x)": "scale",
        "sigma": "scale",
        "cor(g)": "correlation",
        "*": "everything",
    }
    assert {parameter: parameter_kind(parameter) for parameter in kinds} == kinds


def test_every_family_is_a_prior_of_something():
    assert {family for parameter in ("b", "sd", "cor") for family in families_of(parameter)} == set(FAMILIES)
    assert set(POSITIVE_FAMILIES) < set(families_of("sd"))


def test_coefficients_of_several_outcomes_have_the_outcome_in_front():
    written = {"AL: Intercept": "normal(0, 1)", "PD:  b : a": "normal(0, 2)", "b:a": "normal(0, 3)"}
    assert [row.parameter for row in parse_priors(written)] == ["AL: Intercept", "PD: b:a", "b:a"]


def test_parameters_have_names():
    with pytest.raises(SpecError, match="must be text, not 3"):
        parse_priors({3: "normal(0, 1)"})
