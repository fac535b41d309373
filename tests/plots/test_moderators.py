"""Moderators are read back from the arrays of a model, and varied."""

from __future__ import annotations

import numpy as np
import pytest
from tests.plots.meta_fits import berkey, restoration

import laird as ld
from laird.errors import FitError
from laird.plots.moderators import moderators, varied

DATA = ld.load_data("restoration")


def test_values_are_those_of_the_data():
    found = moderators(restoration())
    assert found["duration"].tolist() == DATA["duration"].tolist()
    assert found["habitat"].tolist() == DATA["habitat"].tolist()


def test_a_moderator_of_the_heterogeneity_alone():
    fit = ld.model("yi ~ 1 + meta_V(vi)", "sigma ~ 0 + habitat", data=DATA).fit("ml")
    assert moderators(fit)["habitat"].tolist() == DATA["habitat"].tolist()


def test_categories_that_are_numbers():
    data = ld.load_data("bangertdrowns2004")
    fit = ld.model("yi ~ C(grade) + meta_V(vi)", data=data).fit("ml")
    assert moderators(fit)["grade"].tolist() == [str(int(grade)) for grade in data["grade"]]
    assert moderators(fit, data)["grade"].tolist() == moderators(fit)["grade"].tolist()


def test_one_moderator_is_varied_and_the_others_stay():
    rows, ids = varied(restoration(), np.ones(80, dtype=bool), "duration", [0.0, 2.0])
    design = restoration().problem.design
    column = design.names.index("duration")
    assert rows.X[ids == 1, column].tolist() == [2.0] * 80
    others = [k for k in range(design.X.shape[1]) if k != column]
    assert np.array_equal(rows.X[ids == 0][:, others], design.X[:, others])
    assert np.array_equal(rows.scales[0].W[ids == 1], design.scales[0].W)


def test_some_rows_and_a_category():
    some = np.arange(80) < 10
    rows, ids = varied(restoration(), some, "habitat", ["forest", "grassland"])
    forest = rows.X[:, rows.names.index("habitat[forest]")]
    assert forest.tolist() == [1.0] * 10 + [0.0] * 10
    assert ids.tolist() == [0] * 10 + [1] * 10


def test_of_several_outcomes_the_rows_of_one():
    first = berkey().problem.design.which == 1
    data = ld.load_data("berkey1998_wide")
    rows, _ = varied(berkey(), first, "year", [1983, 1990], data)
    assert set(rows.which) == {1}
    assert sorted(set(rows.X[:, 3].round(9))) == [0.0, 7.0]


def test_what_the_arrays_do_not_tell():
    first = berkey().problem.design.which == 1
    with pytest.raises(FitError, match="`year` only within functions"):
        varied(berkey(), first, "year", [1983])
