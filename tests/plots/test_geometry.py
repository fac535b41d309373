"""Ellipses against the algebra they stand for; limits and places by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laird.errors import FitError
from laird.plots.geometry import distinct, ellipse, far_out, outside, robust_limits, side_by_side

COV = np.array([[4.0, 1.2], [1.2, 1.0]])
OUTLINE = 2e-4
"""181 points miss an extreme of the ellipse by at most 1 - cos(1°) of its size."""


@given(st.floats(0.1, 10), st.floats(0.1, 10), st.floats(-0.99, 0.99), st.floats(0.5, 3))
def test_ellipse_is_where_the_mahalanobis_distance_is_the_radius(a, b, r, radius):
    cov = np.array([[a * a, r * a * b], [r * a * b, b * b]])
    d = ellipse([3.0, -2.0], cov, radius) - [[3.0], [-2.0]]
    squared = np.einsum("ik,ij,jk->k", d, np.linalg.inv(cov), d)
    assert squared == pytest.approx(np.full(181, radius**2), rel=1e-9)  # conditioning at r = 0.99


def test_shadows_are_the_mean_plus_minus_one_sd():
    mean, sd = np.array([1.0, 2.0]), np.sqrt(np.diag(COV))
    outline = ellipse(mean, COV)
    assert outline.max(axis=1) == pytest.approx(mean + sd, rel=OUTLINE)
    assert outline.min(axis=1) == pytest.approx(mean - sd, rel=OUTLINE)


def test_half_axes_are_roots_of_the_eigenvalues():
    length = np.linalg.norm(ellipse([0.0, 0.0], COV), axis=0)
    expected = np.sqrt(np.linalg.eigvalsh(COV))
    assert [length.min(), length.max()] == pytest.approx(expected)


def test_rank_one_is_a_segment():
    outline = ellipse([0.0, 0.0], np.outer([2.0, 1.0], [2.0, 1.0]))
    assert outline[0] == pytest.approx(2 * outline[1], abs=1e-7)  # root of a rounded zero eigenvalue
    assert outline[0].max() == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("cov", "message"),
    [
        (np.eye(3), "2 × 2"),
        ([[1.0, 0.5], [0.0, 1.0]], "symmetric"),
        ([[np.nan, 0.0], [0.0, 1.0]], "finite"),
        ([[1.0, 2.0], [2.0, 1.0]], "negative eigenvalue, -1"),
    ],
)
def test_ellipse_refuses_what_is_no_covariance(cov, message):
    with pytest.raises(FitError, match=message):
        ellipse([0.0, 0.0], cov)


def test_missing_values_count_as_far_out():
    assert far_out([1.0, np.nan, 2.0]).tolist() == [False, True, False]
    assert far_out([np.nan]).tolist() == [True]


def test_limits_hold_all_of_the_core_however_wild():
    lower, upper = robust_limits([0.0, 1.0, 1e6], [2.0])
    assert lower < 0.0
    assert upper > 1e6


def test_values_far_out_are_shown_where_they_cost_little():
    wild = [4.0, 5.0, 5.0, 6.0, 14.0]
    assert far_out(wild)[-1]
    assert robust_limits([0.0, 10.0], wild, margin=0.0) == (0.0, 14.0)
    assert robust_limits([0.0, 10.0], [*wild[:-1], 16.0], margin=0.0) == (0.0, 10.0)


@pytest.mark.parametrize("core", [[], [5.0], [0.0, 0.0]])
def test_limits_are_an_interval_even_of_nothing_or_one_value(core):
    lower, upper = robust_limits(core)
    assert lower < upper


def test_outside_ignores_missing_values():
    assert outside(np.array([-1.0, 0.5, np.nan, 2.0]), (0.0, 1.0)).tolist() == [True, False, False, True]


def test_distinct_rows():
    rows = np.array([[1.0, 5.0], [1.0, 5.0 + 1e-14], [1.0, 6.0], [np.nan, 0.0]])
    assert distinct(rows).tolist() == [[1.0, 5.0], [1.0, 6.0]]


def test_few_ties_stay_where_they_are():
    x, moved = side_by_side([5, 6, 7, 7], [1, 2, 3, 4])
    assert x.tolist() == [5, 6, 7, 7]
    assert not moved


@given(st.lists(st.integers(1, 4), min_size=9, max_size=60))
def test_ties_side_by_side_keep_their_size_and_their_order(sizes):
    by = np.arange(len(sizes))[::-1]
    x, moved = side_by_side(sizes, by)
    assert moved
    levels = np.unique(sizes)
    nearest = np.abs(x[:, None] - levels).argmin(axis=1)
    assert levels[nearest].tolist() == sizes
    for size in levels:
        these = np.array(sizes) == size
        assert x[these].mean() == pytest.approx(size)
        assert (np.diff(x[these]) < 0).all()
