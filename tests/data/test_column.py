"""Columns: every kind of value, the same from every frame library."""

import datetime
from decimal import Decimal

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from laird.data.column import decoded, read_column
from laird.errors import DataError


def read(values):
    return read_column("v", nw.from_native(values, series_only=True))


def labelled(column):
    """The label of each row, None where it is missing."""
    return [
        None if gone else column.labels[code]
        for code, gone in zip(column.values, column.missing, strict=True)
    ]


NUMBERS = {
    "pandas float": pd.Series([1.5, np.nan, -2.0]),
    "pandas Float64": pd.Series([1.5, None, -2.0], dtype="Float64"),
    "pandas object": pd.Series([1.5, None, -2.0], dtype=object),
    "pandas decimal": pd.Series([Decimal("1.5"), None, Decimal(-2)]),
    "polars": pl.Series([1.5, None, -2.0]),
    "polars NaN": pl.Series([1.5, float("nan"), -2.0]),
    "polars decimal": pl.Series([Decimal("1.5"), None, Decimal(-2)]),
    "pyarrow": pa.chunked_array([[1.5, None], [-2.0]]),
}


@pytest.mark.parametrize("values", NUMBERS.values(), ids=NUMBERS)
def test_numbers(values):
    column = read(values)
    assert column.kind == "number"
    assert column.values.dtype == np.float64
    assert column.missing.tolist() == [False, True, False]
    assert column.values[[0, 2]].tolist() == [1.5, -2.0]


INTEGERS = {
    "pandas int64": pd.Series([2**53 + 1, 7]),
    "pandas Int64": pd.Series([2**53 + 1, 7], dtype="Int64"),
    "polars": pl.Series([2**53 + 1, 7]),
    "pyarrow": pa.chunked_array([[2**53 + 1, 7]]),
}


@pytest.mark.parametrize("values", INTEGERS.values(), ids=INTEGERS)
def test_integers_stay_exact(values):
    assert read(values).values.tolist() == [2**53 + 1, 7]


def test_integers_stay_exact_beside_missing_values():
    column = read(pd.Series([2**53 + 1, None], dtype="Int64"))
    assert column.values[0] == 2**53 + 1
    assert column.missing.tolist() == [False, True]


TEXT = {
    "pandas str": pd.Series(["b", None, "a", "b"]),
    "pandas object": pd.Series(["b", None, "a", "b"], dtype=object),
    "polars": pl.Series(["b", None, "a", "b"]),
    "pyarrow": pa.chunked_array([["b", None], ["a", "b"]]),
}


@pytest.mark.parametrize("values", TEXT.values(), ids=TEXT)
def test_text(values):
    column = read(values)
    assert column.kind == "text"
    assert labelled(column) == ["b", None, "a", "b"]


CATEGORIES = {
    "pandas": (pd.Series(pd.Categorical(["b", None, "a"], ["c", "b", "a"])), ("c", "b", "a")),
    "pandas ordered": (
        pd.Series(pd.Categorical(["b", None, "a"], ["c", "b", "a"], ordered=True)),
        ("c", "b", "a"),
    ),
    "polars Enum": (pl.Series(["b", None, "a"], dtype=pl.Enum(["c", "b", "a"])), ("c", "b", "a")),
    "polars Categorical": (pl.Series(["b", None, "a"], dtype=pl.Categorical), None),
    "pyarrow": (pa.chunked_array([pa.array(["b", None, "a"]).dictionary_encode()]), ("b", "a")),
}


@pytest.mark.parametrize(("values", "labels"), CATEGORIES.values(), ids=CATEGORIES)
def test_categories_keep_the_order_of_the_data_type(values, labels):
    column = read(values)
    assert column.kind == "category"
    assert labelled(column) == ["b", None, "a"]
    assert labels is None or column.labels == labels


def test_polars_categories_of_other_columns_do_not_appear():
    pl.Series(["elsewhere"], dtype=pl.Categorical)
    assert set(read(pl.Series(["b", "a"], dtype=pl.Categorical)).labels) == {"a", "b"}


BOOLEANS = {
    "pandas object": pd.Series([True, None, False]),
    "pandas boolean": pd.Series([True, None, False], dtype="boolean"),
    "polars": pl.Series([True, None, False]),
    "pyarrow": pa.chunked_array([[True, None, False]]),
}


@pytest.mark.parametrize("values", BOOLEANS.values(), ids=BOOLEANS)
def test_truth_values(values):
    column = read(values)
    assert column.kind == "boolean"
    assert labelled(column) == ["True", None, "False"]


DATES = {
    "pandas": pd.Series(pd.to_datetime(["2020-01-02", None])),
    "pandas with zone": pd.Series(pd.to_datetime(["2020-01-02", None])).dt.tz_localize("Europe/Berlin"),
    "objects": pd.Series([datetime.date(2020, 1, 2), None]),
    "polars": pl.Series([datetime.date(2020, 1, 2), None]),
}


@pytest.mark.parametrize("values", DATES.values(), ids=DATES)
def test_dates(values):
    column = read(values)
    assert column.kind == "date"
    assert column.labels[0].startswith("2020-01-02")
    assert column.missing.tolist() == [False, True]


def test_a_column_without_any_value_is_missing_throughout():
    assert read(pd.Series([None, None])).missing.all()
    assert read(pl.Series([None, None])).missing.all()


UNUSABLE = {
    "complex": (pd.Series(np.array([1 + 1j, 2])), "complex numbers"),
    "lists": (pd.Series([[1, 2], [3, 4]]), "several values in each row"),
    "polars lists": (pl.Series([[1, 2], [3, 4]]), "several values in each row"),
    "polars arrays": (pl.Series([[1, 2], [3, 4]], dtype=pl.Array(pl.Int64, 2)), "several values in each row"),
    "mixed": (pd.Series([1, "a"]), r"values of several kinds \(int, str\)"),
    "objects": (pd.Series([object(), object()]), "`object` objects"),
}


@pytest.mark.parametrize(("values", "content"), UNUSABLE.values(), ids=UNUSABLE)
def test_what_is_not_one_value_per_row_is_refused(values, content):
    with pytest.raises(DataError, match=rf"Column `v` holds {content}\.\nA column of a model is one number"):
        read(values)


def test_infinite_values_are_not_missing():
    column = read(pd.Series([np.inf, 1.0, -np.inf]))
    assert column.infinite().tolist() == [True, False, True]
    assert not column.missing.any()


def test_large_whole_numbers_among_objects_stay_exact():
    """2⁵³ + 1 and 2⁵³ are one floating-point number: two groups would become one."""
    column = read(pd.Series([2**53, 2**53 + 1], dtype=object))
    assert (column.kind, column.values.tolist()) == ("number", [2**53, 2**53 + 1])


def test_whole_numbers_of_more_than_64_bits_are_refused():
    with pytest.raises(DataError, match="more than 64 bits") as raised:
        read(pd.Series([2**70, 2**70 + 1]))
    assert "to text" in raised.value.remedy


def test_decoded_columns_are_read_as_they_were():
    frame = pd.DataFrame(
        {
            "number": [1, 2, 3],
            "real": [0.5, np.nan, 1.0],
            "truth": [True, False, True],
            "text": ["b", None, "a"],
            "category": pd.Categorical(["x", "y", "x"], categories=["y", "x", "unused"]),
        }
    )
    for name in frame:
        column = read_column(name, nw.from_native(frame[name], series_only=True))
        again = read_column(name, nw.from_native(decoded(column), series_only=True))
        assert again.labels == column.labels
        np.testing.assert_array_equal(again.missing, column.missing)
        np.testing.assert_array_equal(again.values[~again.missing], column.values[~column.missing])
