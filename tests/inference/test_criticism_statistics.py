"""Statistics of groups against pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import laird as ld
from laird.inference.criticism_statistics import statistics_of


def test_as_pandas():
    data = ld.load_data("hs")
    codes = pd.factorize(data.school)[0]
    found = dict(statistics_of(data.mathach.to_numpy()[None], {"school": codes}))
    groups = data.groupby("school").mathach
    means, n, J = groups.mean(), len(data), data.school.nunique()
    pooled = np.sum((groups.size() - 1) * groups.var()) / (n - J)
    expected = {
        "mean": data.mathach.mean(),
        "sd": data.mathach.std(),
        "min": data.mathach.min(),
        "max": data.mathach.max(),
        "sd of group means": means.std(),
        "min group mean": means.min(),
        "max group mean": means.max(),
        "within / between variance": pooled / means.var(),
    }
    assert found.keys() == expected.keys()
    np.testing.assert_allclose([own[0] for own in found.values()], list(expected.values()), rtol=1e-12)


def test_groups_of_one_row_have_no_statistics():
    Y = np.random.default_rng(1).normal(size=(3, 5))
    assert [name for name, _ in statistics_of(Y, {"row": np.arange(5)})] == ["mean", "sd", "min", "max"]
    assert [name for name, _ in statistics_of(Y, {"one": np.zeros(5, dtype=int)})] == [
        "mean",
        "sd",
        "min",
        "max",
    ]


def test_own_statistics():
    Y = np.random.default_rng(1).normal(size=(3, 5))
    found = dict(statistics_of(Y, {"row": np.arange(5)}, {"median": np.median}))
    np.testing.assert_allclose(found["median"], np.median(Y, axis=1))
    for wrong, message in (
        (3, "no function"),
        (np.sort, "not give one number"),
        (lambda _: np.nan, "not a number"),
    ):
        with pytest.raises(ld.FitError, match=message):
            dict(statistics_of(Y, {"row": np.arange(5)}, {"own": wrong}))
    with pytest.raises(ld.FitError, match="have names"):
        dict(statistics_of(Y, {"row": np.arange(5)}, [np.median]))


def test_several_groupings_say_whose_a_statistic_is():
    Y, halves, pairs = np.arange(4.0)[None], np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    found = dict(statistics_of(Y, {"half": halves, "pair": pairs}))
    assert found["max group mean (half)"] == 2.5
    assert found["max group mean (pair)"] == 2.0
