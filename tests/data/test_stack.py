"""Several outcomes in one column: order of rows, and which values may be missing."""

import numpy as np
import pandas as pd
import pytest

from laird.data.frame import complete, read_table
from laird.data.stack import everywhere, may_be_missing, present, stacked, unobserved
from laird.errors import DataError
from laird.spec import parse_spec

NAN = float("nan")
DATA = pd.DataFrame({"a": [1.0, NAN, 3.0], "b": [4.0, 5.0, NAN], "v": [0.1, NAN, 0.3], "x": [1.0, 2.0, 3.0]})
SPEC = parse_spec("a ~ x + meta_V(v)", "log(b) ~ 1")


def table_of(frame, spec=SPEC):
    table = read_table(frame, frame.columns)
    return complete(table, spec.missing, allowed=may_be_missing(spec, table))


def test_rows_of_a_unit_follow_each_other_without_those_that_are_missing():
    stack = stacked(present(SPEC, table_of(DATA)))
    assert stack.rows.tolist() == [0, 0, 1, 2]
    assert stack.which.tolist() == [0, 1, 1, 0]
    assert stack.count == 2


def test_positions_count_all_rows_of_the_users_frame():
    spec = parse_spec("a ~ x", "b ~ 1", missing="drop")
    table = table_of(DATA.assign(x=[NAN, 2.0, 3.0]).drop(columns="v"), spec)
    stack = stacked(present(spec, table))
    assert stack.positions(table).tolist() == [3, 4]
    assert table.total == 3


def test_new_data_have_every_outcome_in_every_row():
    stack = stacked(everywhere(SPEC, table_of(DATA)))
    assert stack.which.tolist() == [0, 1, 0, 1, 0, 1]


def test_a_column_is_zero_in_the_rows_of_other_outcomes():
    stack = stacked(np.array([[True, True], [True, False]]))
    joined = stack.join([np.array([1.0, 2.0]), np.array([3.0, 4.0])], [1, 0])
    assert joined.tolist() == [[0.0, 3.0], [1.0, 0.0], [0.0, 4.0]]


def test_rows_without_an_outcome_are_counted():
    assert unobserved(SPEC, table_of(DATA)) == (("a", 1), ("log(b)", 1))
    assert unobserved(parse_spec("x ~ 1"), table_of(DATA)) == ()


REFUSED = {
    "no outcome at all": ({"b": [4.0, NAN, NAN]}, "column a: 1 missing value, in row 1"),
    "a variance of an outcome that is there": ({"v": [NAN, NAN, 0.3]}, "column v: 1 missing value, in row 0"),
    "a predictor": ({"x": [1.0, 2.0, NAN]}, "column x: 1 missing value, in row 2"),
    "an infinite outcome": ({"b": [4.0, np.inf, NAN]}, "column b: 1 infinite value, in row 1"),
}


@pytest.mark.parametrize(("changes", "message"), REFUSED.values(), ids=REFUSED)
def test_other_gaps_are_refused(changes, message):
    with pytest.raises(DataError) as error:
        table_of(DATA.assign(**changes))
    assert message in error.value.where


def test_a_variance_that_is_a_predictor_too_must_be_there():
    spec = parse_spec("a ~ sqrt(v) + meta_V(v)", "b ~ 1")
    with pytest.raises(DataError, match="column v: 1 missing value, in row 1"):
        table_of(DATA, spec)
