"""Reading a question: arrays, levels, formulas of the mixed models, bad input."""

import numpy as np
import pytest
from tests.fitting.problems import grouped_frame

from laird.compare.question import read_question
from laird.errors import DataError, FitError, LairdError, SpecError


@pytest.fixture(scope="module")
def frame():
    data = grouped_frame(J=8, sizes=(4, 8), seed=2)
    by_group = data.g.map({label: "abc"[k % 3] for k, label in enumerate(sorted(data.g.unique()))})
    return data.assign(v=by_group, z=np.arange(len(data)) % 3, sex=np.where(data.index % 2, "f", "m"))


def read(formula, frame, between="", *, group="g", levels=None, missing="error"):
    return read_question(formula, group, between, frame, levels, missing)


def test_arrays(frame):
    found = read("y ~ x + z", frame, "w")
    sample = found.sample
    np.testing.assert_array_equal(sample.y, frame.y)
    np.testing.assert_array_equal(sample.x, frame[["x", "z"]])
    np.testing.assert_array_equal(sample.w, np.column_stack([np.ones(8), frame.groupby("g").w.first()]))
    assert sample.w_names == ("Intercept", "w")
    assert [sample.groups[j] for j in sample.ids] == frame.g.tolist()
    assert found.title == "y ~ x + z, by w; groups: g"


@pytest.mark.parametrize(
    ("between", "names", "weights"),
    [
        ("", ["all"], [[1]]),
        ("v", ["a", "b", "c", "b - a", "c - a"], [[1, 0, 0], [1, 1, 0], [1, 0, 1], [0, 1, 0], [0, 0, 1]]),
    ],
)
def test_levels(frame, between, names, weights):
    levels = read("y ~ x", frame, between).levels
    assert [level.name for level in levels] == names
    np.testing.assert_array_equal([level.weights for level in levels], weights)


def test_levels_of_numbers_are_the_average_and_units(frame):
    average, unit = read("y ~ x", frame, "w").levels
    assert (average.name, unit.name) == ("average", "per unit of w")
    np.testing.assert_allclose(average.weights, [1, frame.groupby("g").w.first().mean()])
    np.testing.assert_array_equal(unit.weights, [0, 1])
    assert read("y ~ x", frame, "w").separate_levels == ()


def test_order_of_categories(frame):
    found = read("y ~ x + sex", frame, "v", levels={"v": ["c", "b", "a"], "sex": ["m", "f"]})
    assert [level.name for level in found.separate_levels] == ["c", "b", "a"]
    assert found.sample.x_names == ("x", "sex[f]")
    assert found.contextual("common").options == {"levels": {"v": ("c", "b", "a"), "sex": ("m", "f")}}


def test_group_means_of_categories_by_their_own_name(frame):
    request = read("y ~ x + sex", frame).contextual("common")
    assert request.formula == "y ~ dvar(x, g) + dvar(sex, g) + cvar(x, g) + cvar(sex, g) + (1 | g)"
    assert request.columns == (("x", ""), ("sex", "[m]"))


def test_group_means_of_products_are_those_of_their_columns(frame):
    request = read("y ~ x * sex", frame, "v", levels={"v": ["b", "a", "c"]}).contextual("common")
    assert "cvar(`x:sex[m]`, g)" in request.formula
    assert list(request.data) == ["y", "g", "x", "sex[m]", "x:sex[m]", "v"]
    assert request.options == {"levels": {"v": ("b", "a", "c")}}
    np.testing.assert_array_equal(request.data["x:sex[m]"], frame.x * (frame.sex == "m"))


def test_odd_names(frame):
    odd = frame.rename(columns={"x": "the x", "g": "my group", "w": "w (mean)"})
    found = read("y ~ `the x`", odd, "`w (mean)`", group="my group")
    assert found.mixed("random").formula == "y ~ `the x` * `w (mean)` + (1 + `the x` | `my group`)"
    assert found.sample.group == "my group"


def test_missing_rows_are_left_out_everywhere(frame):
    gaps = frame.assign(w=frame.w.where(frame.g != "g03"))
    with pytest.raises(DataError, match="missing"):
        read("y ~ x", gaps, "w")
    found = read("y ~ x", gaps, "w", missing="drop")
    assert found.sample.J == 7
    assert len(found.sample.y) == len(found.mixed("random").data) == np.sum(frame.g != "g03")


@pytest.mark.parametrize(
    ("formula", "between", "error", "what", "remedy"),
    [
        ("y ~ w", "", DataError, "`w` is constant within each group of `g`", 'between="w"'),
        ("y ~ x", "z", DataError, "`z` varies within groups of `g`", "right of ~"),
        ("y ~ x", "sex", DataError, "`sex\\[m\\]` varies within", "right of ~"),
        ("y ~ 0 + x", "", SpecError, "an intercept and at least one variable", "y ~ x"),
        ("y ~ 1", "", SpecError, "an intercept and at least one variable", "y ~ x"),
        ("y ~ x", "1", SpecError, "an intercept and at least one variable", "between"),
        ("y ~ x + (1 | g)", "", SpecError, "its within variables only", 'group="school"'),
        ("sigma ~ x", "", SpecError, "formula of an outcome", "y ~ x"),
        ("y ~ q", "", DataError, "There is no column `q`", "Correct the name"),
        ("y ~ x", "q", DataError, "There is no column `q`", "Correct the name"),
        ("y ~ x", "w + I(2 * w)", DataError, "linear combination of `w`", "Leave one"),
    ],
)
def test_bad_questions(frame, formula, between, error, what, remedy):
    with pytest.raises(error, match=what) as raised:
        read(formula, frame, between)
    assert remedy in raised.value.remedy


def test_bad_groups(frame):
    with pytest.raises(DataError, match="There is no column `h`"):
        read("y ~ x", frame, group="h")
    with pytest.raises(DataError, match="Every group of `row` has one row"):
        read("y ~ x", frame.assign(row=[f"r{i}" for i in frame.index]), group="row")
    with pytest.raises(DataError, match="`one` has one group"):
        read("y ~ x", frame.assign(one="a"), group="one")


def test_an_exact_outcome_has_no_error_to_estimate(frame):
    with pytest.raises(FitError, match="exact linear function"):
        read("y ~ x", frame.assign(y=2 * frame.x))


def test_varying_between_variables_name_the_groups(frame):
    wrong = frame.assign(w=frame.w.where(frame.index != 0, 99.0))
    with pytest.raises(LairdError) as raised:
        read("y ~ x", wrong, "w")
    assert raised.value.where.strip() == '1 group, first "g00"'


def test_other_frames(frame):
    pl = pytest.importorskip("polars")
    found = read("y ~ x", pl.from_pandas(frame), "v")
    np.testing.assert_array_equal(found.sample.x[:, 0], frame.x)
