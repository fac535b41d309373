import pytest

from laird.errors import SpecError
from laird.spec.functions import FUNCTIONS, NUMERIC, checked_call, signature
from laird.spec.parser import parse
from laird.spec.writing import text

CANONICAL = {
    "cvar(x=ses, g=school)": "cvar(ses, school)",
    "cvar(g=school, x=ses)": "cvar(ses, school)",
    "dvar(log(ses), school)": "dvar(log(ses), school)",
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

ERRORS = {
    "lgo(x)": ("There is no function `lgo`.", "Nearest: `log`."),
    "mean(x)": ("There is no function `mean`.", "Compute any other variable as a column"),
    "cvar(ses)": ("lacks the argument `g`", "Write cvar(x, g)."),
    "dvar(ses, school, 2)": ("has too many arguments", "Write dvar(x, g)."),
    "cvar(ses, group=school)": ("has no argument `group`", "Write cvar(x, g)."),
    "cvar(ses, x=ses)": ("gets `x` twice", "Write cvar(x, g)."),
    "cvar(ses, 2)": ("The argument `g` of `cvar` must be the name of a column.", "Write cvar(x, g)."),
    "cvar(ses, a:b)": ("must be the name of a column", ""),
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
