from dataclasses import replace

import numpy as np
import pytest

from laird.fitting.checks import (
    FEW_GROUPS,
    Check,
    _slope,
    boundary_check,
    group_check,
    optimum_check,
    overall,
    to_frame,
)
from laird.fitting.newton import minimise


def check(status):
    return Check("name", status, 0.0, "message")


@pytest.mark.parametrize(
    ("statuses", "verdict"),
    [
        ([], "ok"),
        (["ok", "note", "warning"], "ok"),
        (["ok", "boundary"], "boundary"),
        (["boundary", "not_converged", "ok"], "not_converged"),
    ],
)
def test_the_verdict_is_the_worst_check(statuses, verdict):
    assert overall([check(status) for status in statuses]) == verdict


def test_the_frame_has_one_row_per_check():
    frame = to_frame([check("ok"), check("warning")])
    assert list(frame.columns) == ["check", "status", "value", "message", "remedy"]
    assert list(frame.status) == ["ok", "warning"]
    assert to_frame([]).empty


def test_an_optimum_says_how_far_it_is_from_flat():
    found = optimum_check(minimise(lambda x: (float(x @ x), 2 * x), np.full(2, 0.5)))
    assert found.status == "ok"
    assert found.message.startswith("Converged in 1 iteration: a further step would change the deviance by")
    assert "(tolerance 1e-08); its slope is at most" in found.message
    assert found.message.endswith("by standard error (tolerance 2e-04).")


def test_the_slope_is_that_by_standard_errors():
    """D = x² has h = 2 everywhere, so that its slope 2x is by standard errors of 1."""
    found = minimise(lambda x: (float(x @ x), 2 * x), np.full(1, 0.5), max_iterations=0)
    assert "at most 1.0e+00" in optimum_check(replace(found, converged=True)).message


def test_an_optimum_that_rounding_hides_says_so():
    found = optimum_check(minimise(lambda x: (float(np.abs(x).sum()), 2 * x + 1e-3), np.zeros(1)))
    assert found.status == "ok"
    assert "2.5e-07 (tolerance 1e-06, where rounding hides smaller changes)" in found.message
    assert "1.0e-03 by standard error (tolerance 2e-03)" in found.message


def test_a_search_that_ended_early_is_not_converged():
    found = optimum_check(minimise(lambda x: (float(-x[0]), -np.ones(1)), np.ones(1), max_iterations=2))
    assert found.status == "not_converged"
    assert found.message.startswith("Not converged after 2 iterations: a further step would change")
    assert "(tolerance 1e-08)" in found.message
    assert "curves downwards" not in found.message
    assert found.remedy


def test_a_saddle_says_what_kept_it_from_converging():
    """At the saddle itself nothing but the curvature tells it from a minimum."""
    saddle = minimise(
        lambda x: (float(x[0] ** 2 - x[1] ** 2), 2 * x * [1, -1]), np.zeros(2), max_iterations=0
    )
    found = optimum_check(saddle)
    assert found.status == "not_converged"
    assert "but it curves downwards (curvature -1.0e+00, tolerance -1e-07)" in found.message


def test_the_slope_of_a_converged_search_is_within_its_tolerance():
    """A decrement of d bounds the slope by standard error by 2√d."""
    rng = np.random.default_rng(5)
    for _ in range(20):
        root = rng.normal(size=(4, 4)) * 10.0 ** rng.integers(-1, 2, 4)
        H, x = root @ root.T, rng.normal(size=4)
        found = minimise(lambda x, H=H: (float(x @ H @ x), 2 * H @ x), x)
        assert found.converged
        assert _slope(found) <= 2 * np.sqrt(found.decrement) * (1 + 1e-6)


def test_a_covariance_close_to_singular_is_noted_with_its_direction():
    L = np.linalg.cholesky(np.array([[4.0, 5.98], [5.98, 9.0]]))
    found = boundary_check("school", ["Intercept", "ses"], [(0, 1)], L)
    assert found.status == "note"
    assert found.value == pytest.approx((1 - 5.98 / 6) / 2)
    assert "0.71 `Intercept` - 0.71 `ses` has 0.17%" in found.message
    single = boundary_check("school", ["Intercept"], [(0,)], np.array([[2.0]]))
    assert single.status == "ok"


def test_of_one_group_the_prior_alone_is_known():
    assert "known from the prior alone" in group_check("school", 1).message


def test_an_origin_far_away_makes_no_covariance_nearly_singular():
    """Intercepts at x = 0, 1000 sds from the data, are -1000 times the slopes, and a little more."""
    G, T = np.diag([4.0, 9.0]), np.array([[1.0, -1000.0], [0.0, 1.0]])
    L = np.linalg.cholesky(T @ G @ T.T)
    assert boundary_check("g", ["Intercept", "x"], [(0, 1)], L).status == "note"
    found = boundary_check("g", ["Intercept", "x"], [(0, 1)], L, T)
    assert found.status == "ok"
    assert found.value == pytest.approx(0.5, rel=1e-6)  # uncorrelated; L holds 16 digits, 10 of them needed


@pytest.mark.parametrize(("J", "status"), [(2, "warning"), (FEW_GROUPS - 1, "warning"), (FEW_GROUPS, "ok")])
def test_few_groups_are_a_warning(J, status):
    found = group_check("school", J)
    assert (found.status, found.value) == (status, J)
    assert "`school`" in found.message
    assert bool(found.remedy) == (status == "warning")


NAMES = ("Intercept", "x", "z")


def directions(L, blocks):
    return boundary_check("g", NAMES[: len(L)], blocks, np.array(L, dtype=float))


def test_a_covariance_of_full_rank_has_its_smallest_share():
    found = directions([[1, 0], [0.6, 0.8]], [(0, 1)])
    assert found.status == "ok"
    assert found.value == pytest.approx(0.2, rel=1e-12)  # eigenvalues 1 ± 0.6 of the correlation, over 2


def test_a_variance_of_zero_is_named():
    found = directions([[1, 0], [0, 0]], [(0,), (1,)])
    assert found.status == "boundary"
    assert found.message == "The variance of `x` between the groups of `g` is estimated as zero."


@pytest.mark.parametrize(("slope", "sign"), [(0.4, "+1"), (-0.4, "-1")])
def test_a_correlation_of_one_is_named_with_its_sign(slope, sign):
    found = directions([[2, 0], [slope, 0]], [(0, 1)])
    assert found.status == "boundary"
    assert (
        f"correlation of `Intercept` and `x` between the groups of `g` is estimated as {sign[-2:]}"
        in found.message
    )
    assert "one direction" in found.message
    assert f"0.71 `Intercept` {'-' if slope > 0 else '+'} 0.71 `x` has 0% of the variance" in found.message


def test_several_correlated_effects_name_how_many_directions_are_left():
    found = directions([[1, 0, 0], [0.5, 0.5, 0], [0.3, 0.2, 0]], [(0, 1, 2)])
    assert "vary in only 2 of 3 directions" in found.message
    L = np.array([[1, 0], [0.5, 0.5], [0.3, 0.2]])
    correlation = (L / np.linalg.norm(L, axis=1, keepdims=True)) @ (
        L / np.linalg.norm(L, axis=1, keepdims=True)
    ).T
    w, V = np.linalg.eigh(correlation)
    assert f"(shares of variance {w[2] / 3:.0%}, {w[1] / 3:.0%}, 0%)" in found.message
    words = found.message.split("none is left in ")[1].removesuffix(".").replace("- ", "-").replace("+ ", "")
    weights = dict(zip(words.split()[1::2], map(float, words.split()[::2]), strict=True))
    direction = np.array([weights[f"`{name}`"] for name in NAMES])
    assert abs(direction @ V[:, 0]) == pytest.approx(1, abs=0.01)  # two decimals are shown


def test_blocks_are_judged_apart():
    found = directions([[1, 0, 0], [0.5, 0, 0], [0, 0, 0]], [(0, 1), (2,)])
    assert "correlation of `Intercept` and `x`" in found.message
    assert "variance of `z`" in found.message


def test_no_variance_at_all():
    found = directions([[0, 0], [0, 0]], [(0, 1)])
    assert found.message.count("is estimated as zero") == 2
