"""Frames: what is accepted, what is refused, and missing values."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from laird.data.frame import complete, numeric_names, read_table
from laird.errors import DataError

VALUES = {"y": [1.0, 2.0, 4.0], "g": ["a", "b", "a"]}


@pytest.mark.parametrize(
    "frame",
    [VALUES, pd.DataFrame(VALUES), pl.DataFrame(VALUES), pa.table(VALUES)],
    ids=lambda f: type(f).__name__,
)
def test_any_eager_frame_and_a_mapping_read_alike(frame):
    table = read_table(frame, ["g", "y"])
    assert [column.name for column in table.columns] == ["g", "y"]
    assert table.column("y").values.tolist() == VALUES["y"]
    assert [table.column("g").labels[code] for code in table.column("g").values] == VALUES["g"]


def test_rows_are_positions_whatever_the_index():
    frame = pd.DataFrame(VALUES, index=[7, 7, "z"])
    assert read_table(frame, ["y"]).rows.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "data",
    [[1, 2], np.ones((2, 2)), pd.Series([1.0]), pl.LazyFrame(VALUES), "hs", None],
    ids=lambda d: type(d).__name__,
)
def test_what_is_not_a_frame_is_refused_with_what_to_pass(data):
    with pytest.raises(DataError, match="not an eager data frame") as error:
        read_table(data, ["y"])
    assert type(data).__name__ in str(error.value)
    assert "pandas.DataFrame(data)" in error.value.remedy


def test_a_mapping_of_unequal_or_two_dimensional_columns_is_refused():
    with pytest.raises(DataError, match=r"Shapes: y \(2,\), x \(1,\)"):
        read_table({"y": [1, 2], "x": [1]}, ["y"])
    with pytest.raises(DataError, match=r"Shapes: y \(2, 2\)"):
        read_table({"y": np.ones((2, 2))}, ["y"])


def test_odd_column_names_are_refused():
    frame = pd.DataFrame({"y": [1.0], "x": [2.0]})
    with pytest.raises(DataError, match="several levels"):
        read_table(frame.set_axis(pd.MultiIndex.from_tuples([("a", "y"), ("a", "x")]), axis=1), ["y"])
    with pytest.raises(DataError, match=r"more than once: y\."):
        read_table(frame.set_axis(["y", "y"], axis=1), ["y"])
    with pytest.raises(DataError, match="these are not: 3"):
        read_table(frame.set_axis(["y", 3], axis=1), ["y"])
    with pytest.raises(DataError, match="more than once"):
        read_table(pa.table([[1], [2]], names=["y", "y"]), ["y"])


def test_an_absent_column_is_shown_in_the_formula_with_the_nearest_names():
    with pytest.raises(DataError) as error:
        read_table({"y": [1.0], "ses": [1.0]}, ["y", "sess"], formula="y ~ 1 + sess2 + sess")
    assert str(error.value) == (
        "There is no column `sess` in the data.\n"
        "    y ~ 1 + sess2 + sess\n"
        "                    ^^^^\n"
        "Nearest: `ses`.\n"
        "Correct the name in the formula, or add the column to the data."
    )


def test_no_rows_are_refused():
    with pytest.raises(DataError, match="The data have 0 rows"):
        read_table(pd.DataFrame(VALUES).iloc[:0], ["y"])


def missing_frame():
    x = np.arange(300.0)
    x[[4, 17, 230, 231]] = np.nan
    z = np.arange(300.0)
    z[5] = -np.inf
    return pd.DataFrame({"x": x, "z": z, "g": ["only"] + ["other"] * 298 + [None]})


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("x", "column x: 4 missing values, first in rows 4, 17, 230"),
        ("z", "column z: 1 infinite value, in row 5"),
        ("g", "column g: 1 missing value, in row 299"),
    ],
)
def test_missing_and_infinite_values_are_named_with_count_and_rows(column, message):
    with pytest.raises(DataError, match=f"Column `{column}` has missing or infinite values") as error:
        complete(read_table(missing_frame(), [column]), "error")
    assert error.value.where.strip() == message
    assert 'missing="drop"' in error.value.remedy
    assert "counted from 0" in error.value.what


def test_dropping_keeps_positions_and_counts_rows_and_groups():
    frame = missing_frame()
    frame.loc[0, "x"] = np.nan
    table = complete(read_table(frame, ["x", "z", "g"]), "drop", groups=["g"])
    assert table.dropped == (("x", 5), ("z", 1), ("g", 1))
    assert table.lost == (("g", 1),)
    assert table.rows.tolist() == sorted(set(range(300)) - {0, 4, 5, 17, 230, 231, 299})
    assert np.isfinite(table.column("x").values).all()


def test_dropping_everything_is_refused():
    with pytest.raises(DataError, match="No row is left"):
        complete(read_table({"x": [None, None]}, ["x"]), "drop")


TYPED = "pe\N{COMBINING GRAVE ACCENT}re"
WRITTEN = "p\N{LATIN SMALL LETTER E WITH GRAVE}re"


@pytest.mark.parametrize("convert", [pd.DataFrame, pl.DataFrame, pa.table])
def test_names_are_compared_as_unicode_nfc(convert):
    table = read_table(convert({TYPED: [1.0, 2.0]}), [WRITTEN])
    assert table.column(WRITTEN).values.tolist() == [1.0, 2.0]
    assert table.available == (WRITTEN,)


def test_one_name_typed_in_two_ways_is_refused():
    with pytest.raises(DataError, match="same name, typed in two ways"):
        read_table({TYPED: [1.0], WRITTEN: [2.0]}, [WRITTEN])


def test_a_value_may_be_missing_where_that_is_allowed():
    table = read_table({"y": [1.0, None, None]}, ["y"])
    kept = complete(table, "drop", allowed={"y": np.array([False, True, False])})
    assert kept.rows.tolist() == [0, 1]
    with pytest.raises(DataError, match="column y: 1 missing value, in row 2"):
        complete(table, "error", allowed={"y": np.array([False, True, False])})


def test_numeric_columns_are_named_whatever_the_frame():
    frame = {"a": [1, 2], "b": ["x", "y"], "c": [0.5, None], "d": [True, False]}
    for convert in (pd.DataFrame, pl.DataFrame, pa.table):
        assert numeric_names(convert(frame)) == ("a", "c")
