import pytest

from laird.errors import SpecError
from laird.spec.functions import (
    FUNCTIONS,
    NUMERIC,
    averaging_groups,
    checked_call,
    checked_terms,
    is_group_mean,
    signature,
)
from laird.spec.parser import parse
from laird.spec.spec import parse_spec, spec_variables
from laird.spec.writing import text

CANONICAL = {
    "cvar(x=ses, g=school)": "cvar(ses, school)",
    "cvar(g=school, x=ses)": "cvar(ses, school)",
    "dvar(log(ses), school)": "dvar(log(ses), school)",
    "cvar(ses, school:class)": "cvar(ses, school:class)",
    "cvar(C(grade), school)": "cvar(C(grade), school)",
    "cvar(I(x + z), school)": "cvar(I(x + z), school)",
    "cvar(ses, school, loo=True)": "cvar(ses, school, loo=True)",
    "cvar(ses, school, loo=False)": "cvar(ses, school)",
    "cvar(ses, school, True)": "cvar(ses, school, loo=True)",
    "cvar(ses, school, weights=w, loo=True)": "cvar(ses, school, loo=True, weights=w)",
    "dvar(ses, class, school)": "dvar(ses, class, school)",
    "dvar(ses, class, above=school, weights=w)": "dvar(ses, class, school, weights=w)",
    "poly(x, degree=2)": "poly(x, 2)",
    "poly(x, 2.0)": "poly(x, 2)",
    "bs(x, 5)": "bs(x, df=5)",
    "C(x)": "C(x)",
    "I(-ni/100 + 2*x^2)": "I(-ni / 100 + 2 * x ^ 2)",
    "log(abs(x) + 1)": "log(abs(x) + 1)",
    "center(cvar(ses, school))": "center(cvar(ses, school))",
    "meta_V(vi)": "meta_V(vi)",
    "meta_V(V = vi)": "meta_V(vi)",
    "meta_V(vi, scale='additive')": "meta_V(vi)",
    "meta_V(vi, 'proportional')": 'meta_V(vi, scale="proportional")',
}

CVAR = "cvar(x, g, loo=False, weights=…)"
DVAR = "dvar(x, g, above=…, loo=False, weights=…)"

ERRORS = {
    "lgo(x)": ("There is no function `lgo`.", "Nearest: `log`."),
    "mean(x)": ("There is no function `mean`.", "Compute any other variable as a column"),
    "cvar(ses)": ("lacks the argument `g`", f"Write {CVAR}."),
    "dvar(ses, class, school, True, w, 2)": ("has too many arguments", f"Write {DVAR}."),
    "cvar(ses, group=school)": ("has no argument `group`", f"Write {CVAR}."),
    "cvar(ses, x=ses)": ("gets `x` twice", f"Write {CVAR}."),
    "cvar(ses, 2)": (
        "The argument `g` of `cvar` must be the name of a column, or of several joined by a colon.",
        f"Write {CVAR}.",
    ),
    "cvar(ses, a:2)": ("must be the name of a column, or of several joined by a colon", ""),
    "cvar(ses, a/b)": ("must be the name of a column, or of several joined by a colon", ""),
    "dvar(ses, class, 'school')": ("The argument `above` of `dvar` must be the name of a column", ""),
    "cvar(ses, school, loo=1)": ("The argument `loo` of `cvar` must be True or False.", ""),
    "cvar(ses, school, loo=yes)": ("must be True or False.", ""),
    "cvar(ses, school, weights=2)": ("must be the name of a column.", ""),
    "cvar(ses, school, weights=log(w))": ("must be the name of a column.", ""),
    "center(cvar(ses + z, school))": ("only as a term of its own", "cvar(I(…), …)"),
    "cvar(ses - z, school)": ("takes several variables only as a term of its own", "cvar(I(…), …)"),
    "cvar(C(log(x)), school)": ("The argument `x` of `C` must be the name of a column.", ""),
    "cvar(poly(x, 2), school)": ("Inside a function only arithmetic", ""),
    "cvar(1, school)": ("`cvar` needs a column; there is none in its argument.", ""),
    "C(log(x))": ("The argument `x` of `C` must be the name of a column.", ""),
    "poly(x, 1.5)": ("must be a whole number, at least 1", "Write poly(x, degree)."),
    "poly(x, 0)": ("must be a whole number, at least 1", ""),
    "bs(x)": ("lacks the argument `df`", "Write bs(x, df=…)."),
    "bs(x, df=2)": ("must be a whole number, at least 3", ""),
    "meta_V()": ("lacks the argument `V`", 'Write meta_V(V, scale="additive").'),
    "meta_V(vi, scale='prop')": ('must be "additive" or "proportional"', ""),
    "meta_V(vi / 2)": ("must be the name of a column", ""),
    "I(2)": ("`I` needs a column; there is none in its argument.", "Write I(x)."),
    "log('x')": ("`log` needs a column", ""),
    "log(x:z)": ("Inside a function only arithmetic on columns is possible.", "Write interactions"),
    "log(poly(x, 2))": ("Inside a function only arithmetic", ""),
    "log(meta_V(x))": ("Inside a function only arithmetic", ""),
    "log((1 | x))": ("Inside a function only arithmetic", ""),
    "log(sqr(x))": ("There is no function `sqr`.", "Nearest: `sqrt`."),
}


@pytest.mark.parametrize("source", CANONICAL)
def test_canonical_form(source):
    call = checked_call(parse(source), source)
    assert text(call) == CANONICAL[source]
    assert checked_call(parse(text(call)), text(call)) == call


@pytest.mark.parametrize("source", ERRORS)
def test_errors(source):
    what, rest = ERRORS[source]
    with pytest.raises(SpecError) as caught:
        checked_call(parse(source), source)
    assert what in caught.value.what
    assert rest in str(caught.value)
    assert "^" in caught.value.where


def test_the_caret_marks_the_name_of_an_unknown_function():
    with pytest.raises(SpecError) as caught:
        checked_call(parse("log(sqr(x))"), "log(sqr(x))")
    assert caught.value.where == "    log(sqr(x))\n        ^^^"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_has_a_signature(function):
    assert signature(function).startswith(f"{function}(")


def test_numeric_functions_are_functions():
    assert set(NUMERIC) < set(FUNCTIONS)


def several(source):
    return [text(call) for call in checked_terms(parse(source), source)]


def test_a_sum_of_variables_is_one_contextual_term_each():
    assert several("cvar(ses + Sex, school, loo=True)") == [
        "cvar(ses, school, loo=True)",
        "cvar(Sex, school, loo=True)",
    ]
    assert several("dvar(g=school, x=a + log(b) + C(d))") == [
        "dvar(a, school)",
        "dvar(log(b), school)",
        "dvar(C(d), school)",
    ]
    assert several("log(a + b)") == ["log(a + b)"]
    with pytest.raises(SpecError, match="there is none in its argument") as caught:
        several("cvar(ses + 1, school)")
    assert caught.value.where.endswith(" ^")


def test_a_formula_takes_contextual_terms_of_several_variables_at_once():
    spec = parse_spec("y ~ cvar(ses + Sex, school) * Sector")
    assert str(spec) == str(
        parse_spec(
            "y ~ cvar(ses, school) + cvar(Sex, school) + Sector + "
            "cvar(ses, school):Sector + cvar(Sex, school):Sector"
        )
    )
    assert parse_spec(spec.formula) == spec
    assert "True" not in spec_variables(parse_spec("y ~ cvar(ses, school, loo=True, weights=w)"))


@pytest.mark.parametrize(
    ("source", "groups", "constant"),
    [
        ("cvar(x, school)", (("school",),), True),
        ("dvar(x, school)", (("school",),), False),
        ("cvar(x, school:class)", (("school", "class"),), False),
        ("dvar(x, school:class, school)", (("school", "class"), ("school",)), False),
        ("dvar(x, school, district)", (("school",), ("district",)), True),
        ("cvar(x, school, loo=True)", (("school",),), False),
        ("cvar(x, school, weights=w)", (("school",),), True),
    ],
)
def test_groups_of_contextual_terms(source, groups, constant):
    call = checked_call(parse(source), source)
    assert averaging_groups(call) == groups
    assert is_group_mean(call, {"school", "district"}) is constant
