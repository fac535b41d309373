"""Contextual terms: values against pandas, also for new data, and what is refused."""

import warnings

import numpy as np
import pandas as pd
import pytest

from laird.data.averages import group_names, means_of
from laird.design import bind, build_new
from laird.errors import DataError, LairdWarning
from laird.spec import parse_spec, text

RNG = np.random.default_rng(11)
N = 60
DATA = pd.DataFrame(
    {
        "y": RNG.normal(size=N),
        "x": RNG.normal(2.0, 1.0, N),
        "z": RNG.normal(size=N),
        "w": RNG.uniform(0.5, 2.0, N),
        "sex": RNG.choice(["f", "m"], N),
        "kind": pd.Categorical(RNG.choice(["a", "b", "c"], N), ["c", "a", "b"]),
        "class": np.repeat(np.arange(12), 5),
        "number": np.repeat(np.arange(12) % 3, 5),
        "school": np.repeat(np.arange(4), 15),
        "other": np.arange(N) % 4,
    }
).assign(size=lambda d: d["school"] * 10.0, day=np.tile(np.arange(5.0), 12), one=3.0)
BY_CLASS, BY_SCHOOL = DATA.groupby("class"), DATA.groupby("school")
# sums of at most 15 numbers, in another order than pandas'
ROUNDING = 1e-13


def columns(formula, data=DATA):
    _, design = bind(parse_spec(f"y ~ {formula}"), data)
    return dict(zip(design.names, design.X.T, strict=True))


def call(source):
    return parse_spec(f"y ~ {source}").locations[0].terms[1].factors[0]


def others(frame, by, x):
    sums, counts = frame.groupby(by)[x].transform("sum"), frame.groupby(by)[x].transform("count")
    return (sums - frame[x]) / (counts - 1)


def weighted(by):
    products = (DATA["w"] * DATA["x"]).groupby(DATA[by]).transform("sum")
    return products / DATA.groupby(by)["w"].transform("sum")


EXPECTED = {
    "cvar(x, school)": BY_SCHOOL["x"].transform("mean"),
    "cvar(x, school:number)": BY_CLASS["x"].transform("mean"),
    "dvar(x, school:number)": DATA["x"] - BY_CLASS["x"].transform("mean"),
    "dvar(x, class, school)": BY_CLASS["x"].transform("mean") - BY_SCHOOL["x"].transform("mean"),
    "cvar(x, school, loo=True)": others(DATA, "school", "x"),
    "dvar(x, school, loo=True)": DATA["x"] - others(DATA, "school", "x"),
    "cvar(x, school, weights=w)": weighted("school"),
    "dvar(x, class, school, weights=w)": weighted("class") - weighted("school"),
    "cvar(log(w), school)": np.log(DATA["w"]).groupby(DATA["school"]).transform("mean"),
    "cvar(I(x + z), school)": (DATA["x"] + DATA["z"]).groupby(DATA["school"]).transform("mean"),
}


@pytest.mark.parametrize("formula", EXPECTED)
def test_values_are_those_of_pandas(formula):
    np.testing.assert_allclose(columns(formula)[formula], EXPECTED[formula], rtol=ROUNDING, atol=ROUNDING)


def test_several_variables_have_a_column_each():
    found = columns("cvar(x + z, school)")
    assert list(found) == ["Intercept", "cvar(x, school)", "cvar(z, school)"]
    np.testing.assert_allclose(found["cvar(z, school)"], BY_SCHOOL["z"].transform("mean"), atol=ROUNDING)


def test_categories_have_the_share_of_each_level_but_the_first():
    found = columns("cvar(sex + kind, school)")
    assert list(found)[1:] == ["cvar(sex, school)[m]", "cvar(kind, school)[a]", "cvar(kind, school)[b]"]
    for name, column, level in [
        (name, *name[5:-1].replace(", school)[", " ").split()) for name in found if "[" in name
    ]:
        share = (DATA[column] == level).groupby(DATA["school"]).transform("mean")
        np.testing.assert_allclose(found[name], share, atol=ROUNDING, err_msg=name)


def test_an_indicator_is_its_share_and_its_deviation():
    found = columns("cvar(sex, school) + dvar(sex, school)")
    total = found["cvar(sex, school)[m]"] + found["dvar(sex, school)[m]"]
    np.testing.assert_allclose(total, DATA["sex"] == "m", atol=ROUNDING)


def test_numbers_and_truth_values_are_categories_when_asked():
    data = DATA.assign(girl=DATA["sex"] == "f", grade=DATA["other"] % 2)
    found = columns("cvar(girl, school) + cvar(C(grade), school)", data)
    assert list(found)[1:3] == ["cvar(girl, school)[True]", "cvar(C(grade), school)[1]"]
    np.testing.assert_allclose(
        found["cvar(girl, school)[True]"], data.groupby("school")["girl"].transform("mean"), atol=ROUNDING
    )


def test_three_levels_add_up_to_the_variable():
    found = columns("dvar(x, class) + dvar(x, class, school) + cvar(x, school)")
    np.testing.assert_allclose(sum(found.values()) - 1.0, DATA["x"], rtol=ROUNDING)


ALL = [
    "cvar(x, school) + dvar(x, school) + (1 | school)",
    "cvar(sex, school) * x + (1 | school)",
    "x + cvar(x, school, loo=True)",
    "cvar(kind, school, loo=True)",
    "cvar(x, school, weights=w)",
    "dvar(x, class, school) + cvar(x, school)",
]


@pytest.mark.parametrize("formula", ALL)
def test_the_fitted_rows_given_again_have_their_own_values(formula):
    schema, design = bind(parse_spec(f"y ~ {formula}"), DATA)
    some = np.flatnonzero(DATA["x"] > 2.0)
    again = build_new(schema, DATA.iloc[some])
    np.testing.assert_array_equal(again.X, design.X[some])


def test_stored_means_do_not_move_with_new_rows():
    schema, design = bind(parse_spec("y ~ cvar(x, school) + cvar(sex, school)"), DATA)
    new = DATA.iloc[[0, 20]].assign(x=100.0, sex="f")
    np.testing.assert_array_equal(build_new(schema, new).X, design.X[[0, 20]])


def test_unseen_groups_are_refused_or_have_the_means_of_their_rows():
    schema, _ = bind(parse_spec("y ~ cvar(x, school) + cvar(sex, school) + (1 | school)"), DATA)
    new = DATA.iloc[:4].assign(school=["9", "9", "0", "0"], sex=["f", "m", "f", "f"], x=[1.0, 2.0, 3.0, 4.0])
    with pytest.raises(DataError, match='`school` has groups that the fitted data did not have: "9"'):
        build_new(schema, new)
    with pytest.warns(LairdWarning, match=r'new groups of `school` \("9"\) are those of the rows given'):
        X = build_new(schema, new, groups="new").X
    np.testing.assert_array_equal(X[:2, 1:], [[1.5, 0.5], [1.5, 0.5]])
    with pytest.raises(DataError, match='`sex` has levels that the fitted data did not have: "x"'):
        build_new(schema, new.assign(school="0", sex="x"))


REFUSED = {
    "cvar(one, school)": "`cvar(one, school)`: `one` has the same value in all 60 rows.",
    "dvar(one, school)": "`dvar(one, school)`: `one` has the same value in all 60 rows.",
    "dvar(size, school)": "is 0 in all rows: `size` is constant within each group of `school`.",
    "cvar(day, class)": "`cvar(day, class)` is 2 in every group of `class`: there is nothing between groups.",
    "dvar(x, other, school)": "needs groups of `other` within groups of `school`; they are crossed.",
    "dvar(x, number, school)": "write school:number",
    "dvar(x, school, class)": "needs groups of `school` within groups of `class`; they are crossed.",
    "cvar(x, school, weights=z)": "The weights of `cvar(x, school, weights=z)` must be positive; `z` is not",
    "cvar(x, school, weights=sex)": "Column `sex` holds text, but numbers are needed here",
    "center(cvar(sex, school))": "`cvar(sex, school)` is of categories, so it is not one number in each row.",
}


@pytest.mark.parametrize("formula", REFUSED)
def test_what_has_no_answer_is_refused_with_a_remedy(formula):
    with pytest.raises(DataError) as caught:
        columns(formula)
    assert REFUSED[formula] in str(caught.value)
    assert caught.value.remedy


def test_groups_of_one_row_have_no_others():
    data = DATA.assign(school=np.where(np.arange(N) == 7, 99, DATA["school"]))
    with pytest.raises(
        DataError, match=r"the mean of the other rows of a group; in `school` some groups \(1\) have one row"
    ) as caught:
        columns("cvar(x, school, loo=True)", data)
    assert "in row 7" in caught.value.where


def test_the_mean_of_a_variable_of_the_groups_is_labelled_as_itself():
    with pytest.warns(LairdWarning, match=r"is `size` itself, which is constant within"):
        found = columns("cvar(size, school)")
    np.testing.assert_array_equal(found["cvar(size, school)"], DATA["size"])


def test_crossed_factors_have_a_mean_each():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = columns("x + cvar(x, school) + cvar(x, other) + (1 | school) + (1 | other)")
    np.testing.assert_allclose(
        found["cvar(x, other)"], DATA.groupby("other")["x"].transform("mean"), rtol=ROUNDING
    )


def test_calls_know_their_groups_and_means():
    three = call("dvar(x, school:number, school, weights=w)")
    assert group_names(three) == ("school:number", "school")
    assert list(map(text, means_of(three))) == [
        "cvar(x, school:number, weights=w)",
        "cvar(x, school, weights=w)",
    ]
