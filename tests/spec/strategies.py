"""Random formulas, as text and as trees."""

from __future__ import annotations

from hypothesis import strategies as st

from laird.spec.parser import shortest
from laird.spec.syntax import Binary, Call, Name, Number, Unary

WITHIN = ("ses", "x.1", "père", "`my x`", "dvar(ses, school)", "log(I(x.1 / 100))", "poly(x.1, 2)")
BETWEEN = ("Sector", "size", "cvar(ses, school)", "log(size)")
COLUMNS = (*WITHIN, *BETWEEN)
GROUPS = ("school", "district/school", "year:school", "`group id`", "a/b/c")
PRIORS = ("flat", "normal(0, 2.5)", "student_t(3, -1e-07, 1)", "uniform(-1, 1)", "exponential(0.5)")


def _combine(operands: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    binary = st.tuples(operands, st.sampled_from("+*:/"), operands).map(lambda parts: f"({' '.join(parts)})")
    power = st.tuples(operands, operands).map(lambda parts: f"({parts[0]} + {parts[1]})^2")
    return binary | power


right_sides = st.recursive(st.sampled_from(COLUMNS), _combine, max_leaves=6)
simple_sums = st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=3, unique=True).map(" + ".join)
random_terms = st.tuples(
    st.sampled_from(("1", "0 + ses", "ses", "1 + ses * size", "x.1 + ses")),
    st.sampled_from(("|", "||")),
    st.sampled_from(GROUPS),
).map(lambda parts: f"({' '.join(parts)})")
intercepts = st.sampled_from(("", "1 + ", "0 + ", "-1 + "))
known = st.sampled_from(("", " + meta_V(vi)", ' + meta_V(vi, scale="proportional")'))

formulas = st.builds(
    lambda intercept, right, random, v: f"y ~ {' + '.join([intercept + right, *random])}{v}",
    intercepts,
    right_sides,
    st.lists(random_terms, max_size=2),
    known,
)

numbers = st.floats(0, 1e12, allow_nan=False).map(lambda value: Number(value, shortest(value)))
names = st.sampled_from(("x", "z.1", "my x", "2nd", "père")).map(Name)


def _arithmetic(operands):
    return (
        st.builds(Binary, st.sampled_from("+-*/^:"), operands, operands)
        | st.builds(Unary, st.sampled_from("+-"), operands)
        | st.builds(lambda operand: Call("log", (operand,), (("base", Number(2.0, "2")),)), operands)
    )


trees = st.recursive(numbers | names, _arithmetic, max_leaves=12)
