"""Names of meta_V and the V of the rows that are used, of one outcome and of several."""

import numpy as np
import pandas as pd
import pytest

from laird.data.known import check_aligned, check_named, known_design, named
from laird.data.schema import read
from laird.data.stack import present, stacked
from laird.errors import DataError, SpecError
from laird.spec import parse_spec

NAN = float("nan")
WIDE = pd.DataFrame(
    {
        "a": [1.0, 2.0, NAN, 4.0],
        "b": [5.0, NAN, 7.0, 8.0],
        "x": [1.0, 2.0, 3.0, NAN],
        "v": [0.1, 0.2, NAN, 0.4],
    }
)
JOINT = np.diag(np.arange(1.0, 9.0)) + 0.5 * np.eye(8, k=1) + 0.5 * np.eye(8, k=-1)
"""Rows 2i and 2i + 1 are the outcomes a and b of row i; neighbours are correlated."""


def known_of(spec, frame, known=None, *, fitted=True):
    given = named(known)
    table = read(spec, frame, given)
    return known_design(spec, table, stacked(present(spec, table)), given, "r{}".format, fitted=fitted)


def test_a_matrix_of_several_outcomes_keeps_the_rows_that_are_used():
    spec = parse_spec("a ~ 1 + meta_V(V)", "b ~ x", missing="drop")
    V = known_of(spec, WIDE, {"V": JOINT})
    kept = [0, 1, 2, 5]  # a and b of row 0, a of row 1, b of row 2; row 3 lacks x
    np.testing.assert_array_equal(V.variances, np.diag(JOINT)[kept])
    (block,) = V.blocks
    assert block.rows.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(block.V, JOINT[:3, :3])
    assert (V.name, V.proportional) == ("V", False)


def test_each_outcome_may_have_its_own_column_or_matrix():
    frame = WIDE.assign(x=0.0)
    U = np.eye(4) + 0.1
    V = known_of(
        parse_spec("a ~ 1 + meta_V(v)", "b ~ 1 + meta_V(U)"), frame.assign(v=[0.1, 0.2, NAN, 0.4]), {"U": U}
    )
    np.testing.assert_array_equal(V.variances, [0.1, 1.1, 0.2, 1.1, 0.4, 1.1])
    (block,) = V.blocks
    assert block.rows.tolist() == [1, 3, 5]
    np.testing.assert_array_equal(block.V, U[:3, :3])
    assert V.name == "v, U"


def test_an_outcome_without_V_has_sampling_variances_of_zero():
    V = known_of(parse_spec("a ~ 1 + meta_V(v)", "b ~ 1"), WIDE)
    assert V.variances.tolist() == [0.1, 0.0, 0.2, 0.0, 0.4, 0.0]


def test_one_name_in_two_formulas_is_of_both():
    V = known_of(parse_spec("a ~ 1 + meta_V(V)", "b ~ 1 + meta_V(V)"), WIDE, {"V": [0.1, 0.2, 0.3, 0.4]})
    assert V.variances.tolist() == [0.1, 0.1, 0.2, 0.3, 0.4, 0.4]


def test_proportional_is_said():
    assert known_of(
        parse_spec('x ~ 1 + meta_V(u, scale="proportional")'), WIDE.assign(x=1.0, u=0.1)
    ).proportional


def test_values_of_rows_that_are_dropped_do_not_matter():
    V = np.diag([0.1, 0.2, NAN, -1.0])
    found = known_of(parse_spec("a ~ x + meta_V(V)", missing="drop"), WIDE, {"V": V})
    assert found.variances.tolist() == [0.1, 0.2]


def test_new_data_need_no_V():
    spec = parse_spec("a ~ x + meta_V(v)")
    table = read(parse_spec("a ~ x"), WIDE.iloc[:2])
    stack = stacked(present(spec, table))
    assert known_design(spec, table, stack, {}, str, fitted=False) is None
    assert known_design(spec, table, stack, {"v": [0.0, 0.0]}, str, fitted=False).variances.tolist() == [
        0.0,
        0.0,
    ]


SIZES = {
    "one outcome": (("x ~ 1 + meta_V(V)",), [0.1] * 3, "has 3 rows, but the data have 4 rows."),
    "two outcomes": (
        ("a ~ 1 + meta_V(V)", "b ~ 1"),
        [0.1] * 6,
        "has 6 rows, but the data have 4 rows of 2 outcomes.",
    ),
}


@pytest.mark.parametrize(("formulas", "V", "message"), SIZES.values(), ids=SIZES)
def test_another_number_of_rows_is_refused_with_those_allowed(formulas, V, message):
    with pytest.raises(DataError) as error:
        known_of(parse_spec(*formulas, missing="drop"), WIDE, {"V": V})
    assert message in error.value.what
    assert "4, one for each row of the data frame, those that are dropped too" in error.value.allowed
    assert ("8 (first a, b of the first row" in error.value.allowed) is (len(formulas) == 2)


REFUSED = {
    "text": ("x ~ 1 + meta_V(u)", {"u": list("abcd")}, None, "`u` does not hold numbers"),
    "zero": ("x ~ 1 + meta_V(u)", {"u": 0.0}, None, "are 0 in all 4 rows"),
    "negative": (
        "x ~ 1 + meta_V(u)",
        {"u": [1.0, 1.0, -1.0, 1.0]},
        None,
        "entry 3 of u, counted from 1, is -1\n    3: r2",
    ),
    "missing in known": (
        "x ~ 1 + meta_V(V)",
        {},
        [0.1, 0.1, NAN, 0.1],
        "entry 3 of V, counted from 1, is nan\n    3: r2",
    ),
}


@pytest.mark.parametrize(("formula", "changes", "V", "message"), REFUSED.values(), ids=REFUSED)
def test_bad_values_are_refused(formula, changes, V, message):
    with pytest.raises(DataError) as error:
        known_of(parse_spec(formula), WIDE.assign(x=1.0, **changes), None if V is None else {"V": V})
    assert message in str(error.value)
    assert error.value.remedy


def test_a_joint_matrix_leaves_nothing_to_others():
    with pytest.raises(DataError, match="covariances of all outcomes"):
        known_of(parse_spec("a ~ 1 + meta_V(V)", "b ~ 1 + meta_V(u)"), WIDE.assign(u=0.1), {"V": JOINT})


def test_names_must_meet():
    spec = parse_spec("a ~ 1 + meta_V(Vmat)")
    assert check_named(spec, ["a"], {"Vmat": 1}) is None
    with pytest.raises(SpecError, match="`known` gives `U`, which no meta_V") as error:
        check_named(spec, ["a", "Vmat"], {"U": 1})
    assert error.value.allowed == "Available: `Vmat`."
    with pytest.raises(
        DataError, match="no column `Vmat` in the data, and `known` does not give it"
    ) as error:
        check_named(spec, ["a", "V_mat"], {})
    assert error.value.allowed == "Nearest: `V_mat`."
    with pytest.raises(DataError, match="`Vmat` is given twice: by a column of the data"):
        check_named(spec, ["a", "Vmat"], {"Vmat": 1})
    with pytest.raises(DataError, match="`known` must be a mapping"):
        named([1.0])


def test_names_are_compared_as_unicode_nfc():
    spec = parse_spec("a ~ 1 + meta_V(`p\N{LATIN SMALL LETTER E WITH GRAVE}re`)")
    assert check_named(spec, ["a"], named({"pe\N{COMBINING GRAVE ACCENT}re": 1})) is None


def test_what_is_rearranged_by_its_index_is_not_taken_by_position():
    shuffled = WIDE.v.iloc[::-1]
    with pytest.raises(DataError, match="rows of the data in another order") as error:
        check_aligned({"V": shuffled}, WIDE)
    assert "V.loc[data.index]" in error.value.remedy
    for given in (WIDE.v, WIDE.v.reset_index(drop=True).set_axis(list("abcd")), shuffled.to_numpy(), JOINT):
        check_aligned({"V": given}, WIDE)
