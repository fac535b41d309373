"""Groups of a frame and results of its kind."""

import numpy as np
import pandas as pd
import pytest
from tests.data.frames import KINDS

from laird.data.grouping import codes_of, column_of, grouped, listed, of_kind, series_of_kind, values_at
from laird.errors import DataError

DATA = pd.DataFrame({"g": ["b", "a", "b"], "x": [1.0, None, 3.0], "k": [1, 2, 1]}, index=[4, 5, 6])


def test_groups_are_ordered_and_know_their_rows():
    own = grouped(DATA, "g")
    assert own.labels == ("a", "b")
    assert [rows.tolist() for rows in own.rows()] == [[1], [0, 2]]
    assert own.sizes.tolist() == [1, 2]
    assert own.first().tolist() == [1, 0]
    assert own.first(np.array([False, False, True])).tolist() == [-1, 2]
    assert [column.name for column in own.others()] == ["x", "k"]


def test_missing_values_do_not_vary():
    own = grouped(DATA, "g")
    assert own.varying(own.column("x")).tolist() == [False, True]
    assert own.constant("k").values.tolist() == [1, 2, 1]
    with pytest.raises(DataError, match=r'`x` varies within groups of `g`\.\n    1 group, first "b"'):
        own.constant("x")


def test_means_leave_out_missing_values():
    own = grouped(DATA, "g")
    np.testing.assert_array_equal(own.means(own.column("x")), [np.nan, 2.0])


def test_a_column_called_with_a_colon_is_a_column():
    assert grouped({"a:b": [1, 2], "a": [1, 1]}, "a:b").columns == ("a:b",)


@pytest.mark.parametrize("kind", KINDS)
def test_results_have_the_kind_of_the_frame(kind):
    own = grouped(KINDS[kind](DATA), "g")
    native = own.frame.to_native()
    assert type(of_kind(own.frame, {"a": [1], "b": values_at(own.frame, "g", np.array([2]))})) is type(native)
    assert type(series_of_kind(own.frame, "s", np.arange(3))) is type(native["k"])


def test_pandas_series_keep_the_index():
    own = grouped(DATA, "g")
    assert series_of_kind(own.frame, "s", np.arange(3)).index.tolist() == [4, 5, 6]
    assert values_at(own.frame, "k", np.array([1])).index.tolist() == [0]


def test_codes_of_missing_values():
    own = grouped(DATA, "g")
    assert codes_of(column_of(own.frame, "x")).codes.tolist() == [0, -1, 1]
    assert codes_of(own.column("x").take(np.array([False, True, False]))).labels == ()


def test_long_lists_are_cut():
    assert listed(["a", "b"]) == "    a\n    b"
    assert listed(map(str, range(10)), at_most=2) == "    0\n    1\n    … (10 in all)"
