"""Uniform quantile plots: values in order, counts, and what is missing."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure

from laird.errors import DataError
from laird.plots.quantiles import quantiles, uniform_quantiles


def test_each_value_stands_over_its_fraction(hs):
    (ax,) = quantiles(hs, ["mathach"])
    n = len(hs)
    drawn = ax.lines[0].get_xydata()
    assert drawn[:, 0] == pytest.approx((np.arange(n) + 0.5) / n)
    assert drawn[:, 1].tolist() == sorted(hs["mathach"])
    assert ax.lines[1].get_ydata() == pytest.approx(2 * [hs["mathach"].mean()])


def test_every_variable_has_a_panel_in_the_order_of_the_frame(hs):
    axes = quantiles(hs)
    assert [ax.get_title(loc="left") for ax in axes] == list(hs.columns)


def test_categories_are_bars_of_counts_in_their_order(hs):
    (ax,) = quantiles(hs, "Sector")
    assert [bar.get_width() for bar in ax.patches] == [1144, 833]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["Catholic", "Public"]
    assert [text.get_text() for text in ax.texts] == ["1144", "833"]


def test_many_categories_stand_in_the_order_of_their_counts(hs):
    (ax,) = quantiles(hs, ["school"])
    counts = sorted(hs["school"].value_counts(), reverse=True)
    assert [bar.get_width() for bar in ax.patches] == counts
    assert ax.get_ylabel() == "40 categories"


def test_missing_and_infinite_values_are_counted_and_left_out():
    (ax,) = quantiles({"x": [2.0, np.nan, 1.0, np.inf, np.nan]})
    assert ax.get_title(loc="left") == "x, 2 missing, 1 infinite"
    assert ax.lines[0].get_xydata().tolist() == [[0.25, 1.0], [0.75, 2.0]]
    assert ax.get_xlabel() == "Fraction of 2"


def test_a_variable_without_any_value_says_so():
    (ax,) = quantiles({"x": [np.nan, np.nan], "y": [1.0, 2.0]}, ["x"])
    assert ax.get_title(loc="left") == "x, 2 missing"
    assert len(ax.lines) == 1


def test_of_many_values_the_extremes_are_kept():
    values = np.random.default_rng(1).normal(size=50_000)
    share, value = uniform_quantiles(values, most=1000)
    assert len(value) == 1000
    assert (value[0], value[-1]) == (values.min(), values.max())
    place = (share * 50_000 - 0.5).round().astype(int)
    assert np.array_equal(value, np.sort(values)[place])


def test_any_frame_and_any_axes():
    ax = Figure().add_subplot()
    drawn = quantiles(pl.DataFrame({"flag": [True, False, True]}), axes=ax)
    assert drawn == (ax,)
    assert [bar.get_width() for bar in ax.patches] == [1, 2]


@pytest.mark.parametrize(
    ("data", "columns", "message"),
    [
        ({"x": [1.0]}, ["y"], "no column `y`"),
        ({"x": []}, None, "nothing to draw"),
        ({"x": [1.0]}, [], "nothing to draw"),
    ],
)
def test_bad_arguments(data, columns, message):
    with pytest.raises(DataError, match=message):
        quantiles(data, columns)
