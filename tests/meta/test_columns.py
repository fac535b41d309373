"""Columns given one by one: what is read, and what is refused by name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from laird import DataError
from laird.meta.columns import read_columns, refuse, refuse_below


@pytest.mark.parametrize(
    "values",
    [
        [1, None, 3],
        np.array([1.0, np.nan, 3.0]),
        pd.Series([1, None, 3], dtype="Int64"),
        pl.Series([1, None, 3]),
    ],
    ids=["list", "array", "nullable", "polars"],
)
def test_every_kind_of_column_is_read_with_missing_as_nan(values):
    columns, _ = read_columns({"x": values})
    np.testing.assert_array_equal(columns["x"], [1.0, np.nan, 3.0])


def test_the_index_is_that_of_the_first_pandas_column():
    _, index = read_columns({"a": [1, 2], "b": pd.Series([3, 4], index=["p", "q"]), "c": 1.0})
    assert index.tolist() == ["p", "q"]


def test_a_single_number_is_repeated():
    columns, _ = read_columns({"a": [1, 2, 3], "b": 7})
    assert columns["b"].tolist() == [7.0, 7.0, 7.0]


def test_columns_of_different_lengths_are_refused_with_their_lengths():
    with pytest.raises(DataError, match=r"`a` 2, `b` 3"):
        read_columns({"a": [1, 2], "b": [1, 2, 3]})


def test_text_is_refused_even_when_it_looks_like_numbers():
    with pytest.raises(DataError, match="`a` is not a column of numbers"):
        read_columns({"a": ["1", "2"]})


def test_a_matrix_is_refused():
    with pytest.raises(DataError, match=r"shape \(2, 2\)"):
        read_columns({"a": np.eye(2)})


def test_infinite_entries_are_named():
    with pytest.raises(DataError, match=r"`a` is infinite in 1 of 3 entries.\n    entry 2"):
        read_columns({"a": [1.0, 2.0, np.inf]})


def test_only_the_first_bad_entries_are_listed():
    with pytest.raises(DataError, match=r"5 of 6 entries.\n    entries 0, 1, 2, …"):
        refuse(np.array([True] * 5 + [False]), "`a` is odd", "Correct it.")


def test_bounds_say_whether_they_are_allowed():
    with pytest.raises(DataError, match="`n` must be at least 2"):
        refuse_below({"n": np.array([1.0])}, ["n"], 2)
    with pytest.raises(DataError, match="`s` must be above 0"):
        refuse_below({"s": np.array([0.0])}, ["s"], 0, strict=True)
