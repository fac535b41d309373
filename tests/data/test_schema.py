"""Schema: kinds, levels, groups, stored means."""

import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest

from laird.data.schema import ColumnInfo, learn, read
from laird.errors import DataError, LairdWarning
from laird.spec import parse_spec

CONTEXTUAL = parse_spec(
    "mathach ~ (cvar(ses, school) + dvar(ses, school)) * Sector + (1 + dvar(ses, school) | school)"
)


def test_high_school(hs):
    schema = learn(CONTEXTUAL, hs)
    assert schema.n == 1977
    assert schema.columns == (ColumnInfo("Sector", "categorical", ("Catholic", "Public")),)
    assert schema.group("school").levels == tuple(hs["school"].cat.categories)
    ((call, means),) = schema.states
    assert call.function == "cvar"
    # pandas sums in another order
    np.testing.assert_allclose(means, hs.groupby("school", observed=True)["ses"].mean(), rtol=1e-12)


def test_between_names_the_variables_of_the_groups(hs):
    spec = parse_spec("mathach ~ ses * Sector + Size + Minority + log(PRACAD) + (1 | school) + (1 | Sex)")
    with pytest.warns(LairdWarning, match="`Sex` has 2 groups"):
        schema = learn(spec, hs)
    assert schema.between("school") == ("Sector", "Size", "PRACAD")
    assert schema.between("Sex") == ()


@pytest.mark.parametrize("convert", [pd.DataFrame, pl.from_pandas], ids=["pandas", "polars"])
def test_frames_of_any_library_teach_the_same(hs, convert):
    assert learn(CONTEXTUAL, convert(hs)).columns == learn(CONTEXTUAL, hs).columns
    assert learn(CONTEXTUAL, convert(hs)).groups == learn(CONTEXTUAL, hs).groups


DATA = {
    "y": [1.0, 2.0, 4.0, 3.0, 0.0, 1.0],
    "x": [0, 1, 2, 0, 1, 2],
    "b": [True, False] * 3,
    "g": [2.0, 2.0, 10.0, 10.0, 1.0, 1.0],
    "h": ["p", "q"] * 3,
}


@pytest.mark.parametrize(
    ("formula", "levels", "expected"),
    [
        ("y ~ x", {}, ColumnInfo("x", "numeric")),
        ("y ~ C(x)", {}, ColumnInfo("C(x)", "categorical", ("0", "1", "2"))),
        ("y ~ b", {}, ColumnInfo("b", "categorical", ("False", "True"))),
        ("y ~ h", {}, ColumnInfo("h", "categorical", ("p", "q"))),
        ("y ~ h", {"h": ["q", "p"]}, ColumnInfo("h", "categorical", ("q", "p"))),
        ("y ~ x", {"x": [2, 1, 0]}, ColumnInfo("x", "categorical", ("2", "1", "0"))),
    ],
)
def test_kinds_and_levels(formula, levels, expected):
    assert learn(parse_spec(formula), DATA, levels).columns == (expected,)
    assert learn(
        parse_spec(formula, levels={k: list(map(str, v)) for k, v in levels.items()}), DATA
    ).columns == (expected,)


def test_group_labels_are_plain_and_sorted():
    schema = learn(parse_spec("y ~ 1 + (1 | g/h)"), DATA)
    assert schema.group("g").levels == ("1", "2", "10")
    assert schema.group("g:h").levels == ("1:p", "1:q", "2:p", "2:q", "10:p", "10:q")
    assert schema.group("g:h").columns == ("g", "h")


def test_unused_levels_are_dropped_with_a_note_and_make_no_phantom_groups():
    frame = pd.DataFrame(DATA)
    frame["h"] = pd.Categorical(frame["h"], ["none", "q", "p"])
    frame["g"] = pd.Categorical(frame["g"], [10.0, 5.0, 1.0, 2.0])
    with pytest.warns(LairdWarning, match='Column `h`: levels without rows were dropped: "none"'):
        schema = learn(parse_spec("y ~ h + (1 | g)"), frame)
    assert schema.columns[0].levels == ("q", "p")
    assert schema.group("g").levels == ("10", "1", "2")


def test_look_alike_groups_are_warned_of_once():
    frame = pd.DataFrame(DATA).assign(g=["1", "1 ", "2", "3", "2", "3"])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        learn(parse_spec("y ~ cvar(x, g) + (1 | g)"), frame)
    assert [str(warning.message) for warning in caught] == [
        'Column `g`: labels that differ only in spaces or case are kept apart: "1", "1 ".'
    ]


@pytest.mark.parametrize(
    ("changes", "formula", "message"),
    [
        ({"y": ["a"] * 6}, "y ~ x", "The response `y` holds text"),
        ({"g": [1] * 6}, "y ~ x + (1 | g)", "`g` has one group"),
        ({"h": ["p"] * 6}, "y ~ h", "Column `h` has one level"),
        ({"x": pd.date_range("2020-01-01", periods=6)}, "y ~ x", "Column `x` holds dates"),
        (
            {"h": list("ppqppq")},
            "y ~ center(cvar(h, g))",
            r"`center\(cvar\(h, g\)\)`: `cvar\(h, g\)` is of categories",
        ),
    ],
)
def test_unfit_columns_are_refused(changes, formula, message):
    with pytest.raises(DataError, match=message):
        learn(parse_spec(formula), {**DATA, **changes})


def test_one_row_is_refused():
    with pytest.raises(DataError, match="The data have 1 row"):
        learn(parse_spec("y ~ x + (1 | g)"), pd.DataFrame(DATA).iloc[:1])


def test_a_date_may_be_a_group_or_an_explicit_category():
    frame = pd.DataFrame(DATA).assign(t=np.repeat(pd.date_range("2020-01-01", periods=3), 2))
    schema = learn(parse_spec("y ~ C(t) + (1 | t)"), frame)
    assert schema.columns[0].levels == schema.group("t").levels
    assert schema.group("t").levels[0].startswith("2020-01-01")


def test_missing_values_are_refused_or_dropped_and_counted():
    frame = pd.DataFrame(DATA).assign(x=[0.0, 1.0, np.nan, np.nan, 1.0, 2.0])
    with pytest.raises(DataError, match="column x: 2 missing values, in rows 2, 3"):
        learn(parse_spec("y ~ x + (1 | g)"), frame)
    with pytest.warns(LairdWarning, match="`g` has 2 groups"):
        schema = learn(parse_spec("y ~ x + (1 | g)", missing="drop"), frame)
    assert (schema.n, schema.dropped, schema.lost) == (4, (("x", 2),), (("g", 1),))
    assert schema.group("g").levels == ("1", "2")


def test_a_sampling_variance_is_read_where_the_data_have_it(restoration):
    spec = parse_spec("yi ~ habitat + meta_V(vi)")
    assert read(spec, restoration).column("vi").kind == "number"
    with pytest.raises(DataError, match="column vi: 1 missing value, in row 7"):
        read(spec, restoration.assign(vi=restoration["vi"].mask(restoration.index == 7)))
    without = restoration.drop(columns="vi")
    assert len(read(spec, without, {"vi": restoration["vi"]})) == 80
    with pytest.raises(DataError, match="there is no column `vi` in the data, and `known` does not give it"):
        read(spec, without)


def test_what_names_the_rows_may_be_missing_unless_the_model_uses_it():
    nan = float("nan")
    data = {"y": [1.0, 2.0, 4.0], "year": [1990.0, nan, 1992.0], "author": ["a", None, "b"]}
    table = read(parse_spec("y ~ 1", study=["author", "year"]), data)
    assert table.column("author").missing.tolist() == [False, True, False]
    with pytest.raises(DataError, match="column year: 1 missing value"):
        read(parse_spec("y ~ year", study=["author", "year"]), data)
    with pytest.raises(DataError, match="no column `autor`"):
        read(parse_spec("y ~ 1", study=["autor"]), data)


def test_a_schema_is_frozen_and_survives_pickling(hs):
    schema = learn(CONTEXTUAL, hs)
    with pytest.raises(AttributeError):
        schema.n = 3
    copy = pickle.loads(pickle.dumps(schema))
    assert (copy.spec, copy.columns, copy.groups) == (schema.spec, schema.columns, schema.groups)
    np.testing.assert_array_equal(copy.states[0][1], schema.states[0][1])
