"""Expressions: values, states, and what is refused."""

import numpy as np
import pytest

from laird.data.evaluate import Context, calls, evaluate, learn_states, width
from laird.data.frame import read_table
from laird.errors import DataError
from laird.spec import parse_spec, text

DATA = {
    "x": [1.0, 2.0, 4.0, 8.0],
    "n": [1, 2, 3, 5],
    "a": ["u", "v", "u", "v"],
    "g": ["p", "p", "q", "q"],
    "w": [0.1, 0.1, 0.7, 0.7],
}
X, N = np.array(DATA["x"]), np.array(DATA["n"])
IDS = {"g": np.array([0, 0, 1, 1])}
TABLE = read_table(DATA, DATA)


def expression(formula):
    return parse_spec(f"y ~ 0 + {formula}").locations[0].terms[0].factors[0]


def value(formula):
    expr = expression(formula)
    return evaluate(expr, Context(TABLE, IDS, learn_states([expr], TABLE, IDS)))


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("x", X),
        ("n", N),
        ("I(x / 2 + n * 3 - 1)", X / 2 + N * 3 - 1),
        ("I(-x ^ 2)", -(X**2)),
        ("log(x)", np.log(X)),
        ("log2(x)", [0, 1, 2, 3]),
        ("log10(I(x / 2))", np.log10(X / 2)),
        ("log1p(x)", np.log1p(X)),
        ("exp(x)", np.exp(X)),
        ("expm1(x)", np.expm1(X)),
        ("sqrt(x)", np.sqrt(X)),
        ("abs(I(x - 4))", [3, 2, 0, 4]),
        ("center(x)", X - 3.75),
        ("scale(n)", (N - 2.75) / N.std(ddof=1)),
        ("cvar(x, g)", [1.5, 1.5, 6.0, 6.0]),
        ("dvar(x, g)", [-0.5, 0.5, -2.0, 2.0]),
        ("cvar(log2(x), g)", [0.5, 0.5, 2.5, 2.5]),
        ("log(cvar(x, g))", np.log([1.5, 1.5, 6.0, 6.0])),
        ("center(dvar(x, g))", [-0.5, 0.5, -2.0, 2.0]),
    ],
)
def test_values(formula, expected):
    # one or two roundings of functions that are themselves rounded
    np.testing.assert_allclose(value(formula), expected, rtol=1e-15, atol=1e-15)


def test_bases_have_several_columns():
    assert value("poly(x, 2)").shape == (4, 2)
    assert value("bs(x, df=3)").shape == (4, 3)
    assert width(expression("bs(x, df=3)")) == (3,)


def test_calls_come_inner_first():
    found = calls([expression("log(I(cvar(x, g) + 1))")])
    assert [text(call) for call in found] == ["cvar(x, g)", "I(cvar(x, g) + 1)", "log(I(cvar(x, g) + 1))"]


def test_states_are_read_only_and_shared_by_cvar_and_dvar():
    states = learn_states([expression("cvar(x, g)"), expression("dvar(x, g)")], TABLE, IDS)
    assert [text(key) for key in states] == ["cvar(x, g)"]
    (means,) = states.values()
    with pytest.raises(ValueError, match="read-only"):
        means[0] = 0.0


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        (
            "log(I(x - 4))",
            r"`log\(I\(x - 4\)\)` is not a finite number in 3 of 4 rows.\n.* in rows? .*0, 1, 2",
        ),
        ("I(1 / (x - 4))", "in row 2"),
        ("exp(I(x * 1000))", "is not a finite number in 4 of 4 rows"),
        ("log(a)", "Column `a` holds text, but numbers are needed here"),
        ("cvar(a, g)", "Column `a` holds text, but numbers are needed here"),
        ("dvar(w, g)", "is 0 in all rows: `w` is constant within each group of `g`"),
        ("poly(w, 2)", r"`poly\(w, 2\)` needs at least 3 different values of `w`"),
        ("scale(I(x * 0))", "needs at least 2 different values"),
    ],
)
def test_what_has_no_value_is_refused(formula, message):
    with pytest.raises(DataError, match=message):
        value(formula)


def test_a_spline_does_not_extrapolate():
    expr = expression("bs(x, df=3)")
    states = learn_states([expr], TABLE, IDS)
    beyond = read_table({"x": [1.0, 9.0]}, ["x"])
    with pytest.raises(DataError, match="in row 1") as error:
        evaluate(expr, Context(beyond, {}, states))
    assert "within the range of the fitted data" in error.value.remedy
