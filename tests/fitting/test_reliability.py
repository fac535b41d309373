"""Reliability of group means: closed forms, and the columns that a table takes it from."""

import numpy as np
import pandas as pd
import pytest

from laird.bound import model
from laird.errors import DataError
from laird.fitting.reliability import reliabilities, reliability

IDS = np.repeat(np.arange(6), 4)
X = np.random.default_rng(2).normal(size=24) + np.repeat([0.0, 3.0, 1.0, 5.0, 2.0, 7.0], 4)


def test_balanced_groups_have_the_reliability_of_the_analysis_of_variance():
    means = X.reshape(6, 4).mean(axis=1)
    between = 4 * means.var(ddof=1)
    within = X.reshape(6, 4).var(axis=1, ddof=1).mean()
    # REML in balanced data: λ = 1 - MSW / MSB
    np.testing.assert_allclose(reliabilities(X, IDS, 6), 1 - within / between, rtol=1e-7)


def test_larger_groups_are_more_reliable():
    ids = np.repeat([0, 1, 2, 3], [3, 5, 9, 7])
    x = ids * 1.0 + np.random.default_rng(1).normal(size=24)
    found = reliabilities(x, ids, 4)
    assert found.argsort().tolist() == [0, 1, 3, 2]


def test_the_extremes():
    assert reliabilities(IDS * 1.0, IDS, 6).tolist() == [1.0] * 6
    assert reliabilities(np.tile([0.0, 1.0, 2.0, 3.0], 6), IDS, 6).tolist() == [0.0] * 6


def test_frames_of_every_kind_and_crossed_columns(hs):
    polars = pytest.importorskip("polars")
    expected = reliability(hs, "ses", "school")
    pd.testing.assert_frame_equal(reliability(polars.from_pandas(hs), "ses", "school"), expected)
    crossed = reliability(hs, "ses", "Sector:school")
    np.testing.assert_allclose(crossed["reliability"].sum(), expected["reliability"].sum(), rtol=1e-12)
    assert expected["n"].sum() == len(hs)


def test_bad_columns_are_refused(hs):
    for variable, group, message in (
        ("Sex", "school", "Column `Sex` holds categories"),
        ("ses", "shool", "There is no column `shool`"),
    ):
        with pytest.raises(DataError, match=message):
            reliability(hs, variable, group)
    with pytest.raises(DataError, match="has missing or infinite values"):
        reliability(hs.assign(ses=hs["ses"].where(hs["ses"] > 0)), "ses", "school")


MODELS = [
    "ses + cvar(ses, school) + (1 | school)",
    "dvar(ses, school) + cvar(ses, school) + (1 | school)",
    "dvar(ses, school) + cvar(ses, school)",
]


@pytest.mark.parametrize("formula", MODELS)
def test_the_table_of_effects_has_the_average(hs, formula):
    found = (
        model(f"mathach ~ {formula}", data=hs).fit("ols").contextual("ses").set_index("effect")["reliability"]
    )
    expected = reliability(hs, "ses", "school")["reliability"].mean()
    assert found["between"] == found["contextual"] == pytest.approx(expected, rel=1e-7)
    assert np.isnan(found["within"])


def test_it_is_found_at_three_levels_and_not_for_other_means():
    data = pd.DataFrame(
        {"class": np.repeat(np.arange(12), 4), "x": np.tile(X, 2) + np.repeat([0.0, 2.0, 1.0, 3.0], 12)}
    )
    data = data.assign(school=data["class"] // 3, y=np.random.default_rng(5).normal(size=48))
    three = "y ~ dvar(x, class) + dvar(x, class, school) + cvar(x, school)"
    found = model(three, data=data).fit("ols").contextual("x").set_index(["effect", "group"])["reliability"]
    for group in ("class", "school"):
        expected = reliability(data, "x", group)["reliability"].mean()
        assert found["between", group] == pytest.approx(expected, rel=1e-7)
    others = model("y ~ x + cvar(x, school, loo=True)", data=data).fit("ols").contextual("x")
    assert others["reliability"].isna().all()
