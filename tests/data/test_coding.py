"""Coding of terms, against formulaic's column spaces and hand-checked names."""

from itertools import product

import formulaic
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laird.data.coding import code
from laird.data.schema import learn
from laird.design import bind
from laird.spec import parse_spec

RNG = np.random.default_rng(11)
# every combination of levels ten times, so that no design is deficient for want of rows
CELLS = list(product("uvw", "pq", ("no", "yes"))) * 10
DATA = pd.DataFrame(CELLS, columns=["a", "b", "c"]).assign(
    x=RNG.normal(size=len(CELLS)), z=RNG.normal(size=len(CELLS)), y=RNG.normal(size=len(CELLS))
)


def names(formula):
    return bind(parse_spec(formula), DATA)[1].names


@pytest.mark.parametrize(
    ("right", "expected"),
    [
        ("1", ["Intercept"]),
        ("x + a", ["Intercept", "x", "a[v]", "a[w]"]),
        ("0 + a", ["a[u]", "a[v]", "a[w]"]),
        ("0 + b + a", ["b[p]", "b[q]", "a[v]", "a[w]"]),
        ("0 + x + b", ["x", "b[p]", "b[q]"]),
        ("x:b", ["Intercept", "x:b[p]", "x:b[q]"]),
        ("x + x:b", ["Intercept", "x", "x:b[q]"]),
        ("x * b", ["Intercept", "x", "b[q]", "x:b[q]"]),
        ("b * x", ["Intercept", "b[q]", "x", "b[q]:x"]),
        ("b + a:b", ["Intercept", "b[q]", "a[v]:b[p]", "a[w]:b[p]", "a[v]:b[q]", "a[w]:b[q]"]),
        ("0 + a:b", ["a[u]:b[p]", "a[v]:b[p]", "a[w]:b[p]", "a[u]:b[q]", "a[v]:b[q]", "a[w]:b[q]"]),
        ("b * c", ["Intercept", "b[q]", "c[yes]", "b[q]:c[yes]"]),
        ("x * z", ["Intercept", "x", "z", "x:z"]),
        ("poly(x, 2):b", ["Intercept"] + [f"poly(x, 2)[{k}]:b[{b}]" for b in "pq" for k in (1, 2)]),
        ("C(c)", ["Intercept", "C(c)[yes]"]),
    ],
)
def test_names(right, expected):
    assert list(names(f"y ~ {right}")) == expected


FACTORS = st.sampled_from(["a", "b", "c", "x", "z"])
TERMS = st.lists(st.lists(FACTORS, min_size=1, max_size=3, unique=True).map(":".join), min_size=1, max_size=4)


@settings(max_examples=60)
@given(TERMS, st.booleans())
def test_columns_are_independent_and_span_what_formulaic_spans(terms, intercept):
    right = f"{int(intercept)} + {' + '.join(terms)}"
    X = bind(parse_spec(f"y ~ {right}"), DATA)[1].X
    reference = np.asarray(formulaic.model_matrix(right, DATA), dtype=float)
    rank = np.linalg.matrix_rank(X)
    assert rank == X.shape[1]
    assert rank == np.linalg.matrix_rank(reference)
    assert rank == np.linalg.matrix_rank(np.hstack([X, reference]))


def test_values_are_products_of_columns():
    _, design = bind(parse_spec("y ~ 0 + x:a:b"), DATA)
    column = design.X[:, design.names.index("x:a[v]:b[q]")]
    np.testing.assert_array_equal(column, DATA["x"] * (DATA["a"] == "v") * (DATA["b"] == "q"))


def test_a_column_knows_its_term():
    spec = parse_spec("y ~ x * b")
    columns = code(spec.locations[0].terms, learn(spec, DATA))
    assert tuple(column.term for column in columns) == spec.locations[0].terms
