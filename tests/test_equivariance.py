"""Changes of unit, origin, order and label change the results as they must, and not otherwise."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import laird as ld

FORMULA = "y ~ x + w + (1 + x | g)"
METHODS = ("ols", "ml", "reml", "eb")
LIKELIHOOD = ("ols", "ml", "reml")
"""The default prior correlates slopes with the intercept at x = 0: `eb` and `nuts` depend on that origin."""

EPS = np.finfo(float).eps
SAME = 1e-7
"""Relative: two paths of the optimiser to one optimum agree to about 1e-9."""


def make_frame():
    """Ten groups of unequal size; variances and correlation well inside their range."""
    rng = np.random.default_rng(12)
    sizes = rng.integers(5, 14, 10)
    g = np.repeat(np.arange(10), sizes)
    x, w = rng.normal(0, 1, len(g)), rng.normal(0, 1, 10)[g]
    u = rng.normal(0, 1, (10, 2)) @ np.array([[1.0, 0.3], [0.0, 0.7]])
    y = 1 + 2 * x + w + u[g, 0] + u[g, 1] * x + rng.normal(0, 0.8, len(g))
    return pd.DataFrame({"y": y, "x": x, "w": w, "g": [f"g{j}" for j in g]})


FRAME = make_frame()
N, P = len(FRAME), 3


def fit(frame, method, formula=FORMULA):
    few = {"draws": 100, "random_seed": 1} if method == "eb" else {}
    return ld.model(formula, data=frame).fit(method, **few)


@cache
def original(method):
    return fit(FRAME, method)


def covariance(fit):
    """G as a matrix."""
    a, b, ab = fit.varcorr.vcov[:3]
    return np.array([[a, ab], [ab, b]])


def assert_close(actual, expected, tolerance):
    """Relative to the largest entry of each column, so that values near zero have their column's scale."""
    actual, expected = np.asarray(actual, dtype=float), np.asarray(expected, dtype=float)
    error, scale = np.abs(actual - expected), np.abs(expected).max(axis=0)
    assert np.all(error <= tolerance * scale), np.max(error / scale)


def assert_moved(moved, base, *, a=0.0, b=1.0, c=0.0, d=1.0):
    """`moved` is the fit of a + b·y on c + d·x, `base` that of y on x.

    Rounding costs the data ε·|a/b| and ε·|c/d| sds; results may lose some hundred times that.
    The intercept at x' = 0 is extrapolated by c/d sds, which multiplies its errors.
    """
    tolerance, far = SAME + 300 * EPS * (abs(a / b) + abs(c / d)), max(1.0, abs(c / d))
    M = b * np.array([[1.0, -c / d, 0], [0, 1 / d, 0], [0, 0, 1.0]])
    assert moved.status == base.status
    assert moved.sigma == pytest.approx(abs(b) * base.sigma, rel=tolerance)
    assert np.all(np.abs(moved.residuals() - b * base.residuals()) <= 10 * tolerance * abs(b))
    expected = M @ base.fixef + [a, 0, 0]
    size = np.abs(M) @ np.abs(base.fixef) + [abs(a), 0, 0]
    assert np.all(np.abs(moved.fixef - expected) <= tolerance * size)
    assert_close(moved.se, np.sqrt(np.diag(M @ base.vcov @ M.T)), tolerance * far)
    integrated = P if base.method in ("reml", "eb") else 0
    shift = -(N - integrated) * np.log(abs(b)) - (np.log(abs(d)) if integrated else 0)
    assert moved.loglik == pytest.approx(base.loglik + shift, rel=1e-12, abs=N * tolerance)
    if base.method != "ols":
        assert_effects_moved(moved, base, M[:2, :2], tolerance, far)


def assert_effects_moved(moved, base, M, tolerance, far):
    assert_close(covariance(moved), M @ covariance(base) @ M.T, tolerance * far)
    assert_close(moved.ranef("g"), base.ranef("g") @ M.T, tolerance * far)
    assert_close(moved.ranef_sd("g").x, abs(M[1, 1]) * base.ranef_sd("g").x, tolerance)


def signed(low, high, *signs):
    """Powers of ten with a sign."""
    return st.builds(lambda e, sign: sign * 10.0**e, st.floats(low, high), st.sampled_from(signs))


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=12)
@given(b=signed(-12, 10, -1, 1), d=signed(-12, 10, -1, 1))
def test_units(method, b, d):
    assert_moved(fit(FRAME.assign(y=b * FRAME.y, x=d * FRAME.x), method), original(method), b=b, d=d)


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=12)
@given(a=signed(-3, 10, -1, 1), b=signed(-3, 3, -1, 1))
def test_origin_of_the_outcome(method, a, b):
    assert_moved(fit(FRAME.assign(y=a + b * FRAME.y), method), original(method), a=a, b=b)


@pytest.mark.parametrize("method", LIKELIHOOD)
@settings(max_examples=12)
@given(c=signed(-3, 10, -1, 1), d=signed(-3, 3, -1, 1))
def test_origin_of_a_predictor(method, c, d):
    assert_moved(fit(FRAME.assign(x=c + d * FRAME.x), method), original(method), c=c, d=d)


def assert_equal_fits(first, second):
    """The same up to the order of sums; the groups in the order of the first."""
    assert first.status == second.status
    assert_close(first.fixef, second.fixef[first.fixef.index], SAME)
    assert_close(first.se, second.se[first.se.index], SAME)
    assert first.sigma == pytest.approx(second.sigma, rel=SAME)
    assert first.loglik == pytest.approx(second.loglik, rel=1e-10)
    assert_close(first.ranef("g"), second.ranef("g").loc[first.ranef("g").index, ["Intercept", "x"]], SAME)
    if first.method != "ols":
        assert_close(covariance(first), covariance(second), SAME)


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=5)
@given(seed=st.integers(0, 2**32 - 1))
def test_order_of_rows(method, seed):
    shuffled = FRAME.sample(frac=1, random_state=np.random.RandomState(seed))
    assert_equal_fits(fit(shuffled, method), original(method))


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=5)
@given(labels=st.permutations(range(10)))
def test_labels_of_groups(method, labels):
    """Sorted labels put the groups in another order; each keeps its own effects."""
    renamed = {f"g{j}": f"{label:02d}" for j, label in enumerate(labels)}
    moved, base = fit(FRAME.assign(g=FRAME.g.map(renamed)), method), original(method)
    assert list(moved.ranef("g").index) == sorted(renamed.values())
    by_old_name = moved.ranef("g").rename(index={new: old for old, new in renamed.items()})
    assert_close(by_old_name.loc[base.ranef("g").index], base.ranef("g"), SAME)
    assert_close(moved.fixef, base.fixef, SAME)
    assert moved.loglik == pytest.approx(base.loglik, rel=1e-10)


def test_numbers_and_texts_are_the_same_labels():
    numbers = fit(FRAME.assign(g=FRAME.g.str[1:].astype(int)), "reml")
    texts = fit(FRAME.assign(g=FRAME.g.str[1:]), "reml")
    assert list(numbers.ranef("g").index) == list(texts.ranef("g").index)
    assert_equal_fits(numbers, texts)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "formula", ["y ~ w + x + (1 + x | g)", "y ~ (x | g) + w + x", "y ~ x + w + 1 + (x + 1 | g)"]
)
def test_order_of_terms(method, formula):
    assert_equal_fits(fit(FRAME, method, formula), original(method))


def test_columns_that_are_not_used_do_not_matter():
    frame = FRAME.assign(unused=np.nan)[["unused", "g", "w", "x", "y"]]
    assert_equal_fits(fit(frame, "reml"), original("reml"))


def test_independent_copies_of_the_data():
    """Twice as many groups with the same rows: ML keeps its estimates and knows them √2 times better."""
    twice = pd.concat([FRAME, FRAME.assign(g=FRAME.g + " again")])
    moved, base = fit(twice, "ml"), original("ml")
    assert_close(moved.fixef, base.fixef, SAME)
    assert_close(moved.se, base.se / np.sqrt(2), SAME)
    assert_close(covariance(moved), covariance(base), SAME)
    assert moved.sigma == pytest.approx(base.sigma, rel=SAME)
    assert moved.loglik == pytest.approx(2 * base.loglik, rel=1e-12)
    ranef = moved.ranef("g")
    assert_close(ranef.iloc[1::2], ranef.iloc[::2], 1e-12)


def test_another_coding_of_the_fixed_part_gives_the_same_predictions():
    """Cell means and treatment contrasts span the same columns; REML differs by their determinant only."""
    frame = FRAME.assign(a=np.where(np.arange(N) % 3, "u", "v"))
    contrasts, cells = (fit(frame, "reml", f"y ~ {coding} + (1 | g)") for coding in ("a", "0 + a"))
    np.testing.assert_allclose(contrasts.fitted(), cells.fitted(), rtol=0, atol=SAME)
    assert contrasts.fixef.sum() == pytest.approx(cells.fixef["a[v]"], rel=SAME)
    assert contrasts.loglik == pytest.approx(cells.loglik, rel=1e-10)  # the map has determinant one
