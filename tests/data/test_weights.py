"""Weights: what they may be, and the warning where variances were meant."""

import warnings

import numpy as np
import pandas as pd
import pytest

from laird.data.frame import read_table
from laird.data.weights import note_inverse_variance, row_weights
from laird.errors import DataError, LairdWarning
from laird.spec import parse_spec

V = np.array([0.1, 0.2, 0.4, 0.5])
DATA = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0], "w": 3 / V, "v": V, "n": [1, 2, 3, 4], "t": list("abcd")})


def noted(formula, frame=DATA):
    spec = parse_spec(formula, weights="w")
    table = read_table(frame, ["y", "w"], optional=["v"])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        note_inverse_variance(spec, table, frame)
    return [str(one.message) for one in caught if one.category is LairdWarning]


@pytest.mark.parametrize("formula", ["y ~ 1 + meta_V(v)", "y ~ 1"])
def test_inverse_variances_are_warned_of_and_meta_V_is_named(formula):
    (message,) = noted(formula)
    assert message.startswith("The weights `w` are 1 / `v` up to a factor.")
    assert "meta_V(v)" in message


@pytest.mark.parametrize(
    ("formula", "changes"),
    [
        ("y ~ 1", {"w": [1.0, 2.0, 2.0, 3.0]}),
        ("y ~ 1", {"w": 1.0, "v": 2.0}),
        ("y ~ 1 + meta_V(v)", {"v": [1.0, 2.0, 3.0, 4.0], "u": V}),
        ("y ~ 1", {"y": V, "v": 1.0}),
        ("y ~ 1", {"w": np.append(1 / V[:3], 0.0)}),
    ],
    ids=["others", "no spread", "of another column than V", "of the outcome", "with a zero"],
)
def test_other_weights_are_not_warned_of(formula, changes):
    assert noted(formula, DATA.assign(**changes)) == []


def test_rows_left_out_do_not_hide_inverse_variances():
    frame = pd.concat([DATA, DATA.assign(w=1.0)], ignore_index=True)
    table = read_table(frame, ["y", "w"]).take(np.arange(8) < 4)
    with pytest.warns(LairdWarning, match="1 / `v`"):
        note_inverse_variance(parse_spec("y ~ 1", weights="w"), table, frame)


def test_zero_is_a_weight():
    table = read_table(DATA.assign(w=[0, 1, 2, 0]), ["w"])
    assert row_weights(parse_spec("y ~ 1", weights="w"), table).tolist() == [0.0, 1.0, 2.0, 0.0]
    assert row_weights(parse_spec("y ~ 1"), table) is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, -1.0, 1.0, -2.0], "The weights `w` are negative in 2 of 4 rows"),
        ([0.0, 0.0, 0.0, 0.0], "The weights `w` are 0 in all 4 rows"),
        (list("abcd"), "Column `w` holds text"),
    ],
)
def test_what_is_no_weight_is_refused(values, message):
    with pytest.raises(DataError, match=message) as error:
        row_weights(parse_spec("y ~ 1", weights="w"), read_table(DATA.assign(w=values), ["w"]))
    assert error.value.remedy
