"""Checks on arrays: sizes, constants, linear dependence."""

import numpy as np
import pytest

from laird.data import identifiable
from laird.data.identifiable import dependence
from laird.errors import DataError, LairdWarning, SpecError

RNG = np.random.default_rng(5)
N = 50
A, B, C = RNG.normal(size=(3, N))
ONE = np.ones(N)


def columns(*arrays):
    return np.stack(arrays, axis=1)


@pytest.mark.parametrize("offset", [0.0, 1e10])
@pytest.mark.parametrize("scale", [1e-290, 1e-12, 1.0, 1e10, 1e290])
def test_independent_columns_pass_at_any_offset_and_scale(offset, scale):
    assert dependence(columns(A, scale * (B + offset), C), centre=True) is None


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e10])
def test_sums_are_found_however_rounded(scale):
    X = columns(A, B + 1e6, C, scale * (A - 3 * (B + 1e6)))
    assert dependence(X, centre=True) == (3, (0, 1), 0.0)


def test_levels_of_a_factor_hold_a_constant_and_a_number_does_not():
    levels = np.eye(3)[np.arange(N) % 3]
    for W in (levels, columns(ONE, A)):
        identifiable.check_has_constant("g", ("a",) * W.shape[1], W)
    with pytest.raises(SpecError, match="no constant"):
        identifiable.check_has_constant("g", ("a",), A[:, None])


def test_a_constant_sum_needs_the_intercept():
    p = RNG.dirichlet(np.ones(3), size=N)
    assert dependence(p, centre=True) == (2, (0, 1), 0.0)
    assert dependence(p, centre=False) is None


@pytest.mark.parametrize("distance", [1e-7, 1e-9, 1e-11])
def test_near_dependence_is_told_from_exact(distance):
    column, others, share = dependence(columns(A, A + distance * B), centre=True)
    assert (column, others) == (1, (0,))
    # B's part orthogonal to A is close to the whole of it
    assert share == pytest.approx(distance * B.std() / A.std(), rel=0.1)


@pytest.mark.parametrize("offset", [0.0, 1e8])
def test_long_columns_with_a_trend_are_judged_as_short_ones(offset):
    """The first rows, from which the sums are taken, are far from the mean of all."""
    n = 50_000
    t, z = np.linspace(0, 1, n) ** 3 + offset, np.sin(np.arange(n))
    assert dependence(columns(t, z, t + 1e-3 * z + np.cos(np.arange(n))), centre=True) is None
    assert dependence(columns(t, z, t - 2 * z), centre=True) == (2, (0, 1), 0.0)


def test_no_columns_are_independent():
    assert dependence(np.empty((N, 0)), centre=True) is None


@pytest.mark.parametrize(
    ("X", "names", "message"),
    [
        (columns(ONE, 2 * ONE), ("Intercept", "x"), "`x` is constant: it is 2 in all 50 rows"),
        (columns(ONE, 0.1 + 1e-17 * A), ("Intercept", "x"), "`x` is constant"),
        (columns(ONE, A, 0 * A), ("Intercept", "x", "a[v]:b[q]"), "is 0 in all 50 rows: no row has this"),
        (
            columns(ONE, A, B, A + B + 2),
            ("Intercept", "x", "z", "total"),
            "`total` is a linear combination of `x`, `z` and the intercept",
        ),
        (columns(A, B, A + B), ("x", "z", "total"), "`total` is a linear combination of `x`, `z`;"),
    ],
)
def test_columns_that_say_nothing_new_are_named(X, names, message):
    with pytest.raises(DataError, match=message):
        identifiable.check_columns(X, names)


def test_without_an_intercept_a_constant_column_may_stand():
    assert identifiable.check_columns(columns(2 * ONE, A), ("c", "x")) is None


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("I(x ^ 2)", "formula, or centre what `I(x ^ 2)` is made of: center(x) instead of x."),
        ("x:w", "formula, or centre what `x:w` is made of: center(x) instead of x."),
        ("total", "formula."),
        ("a[v]:b[q]", "formula."),
    ],
)
def test_powers_and_products_should_be_centred(name, advice):
    with pytest.raises(DataError) as raised:
        identifiable.check_columns(columns(ONE, A, A + 1e-9 * B), ("Intercept", "x", name))
    assert raised.value.remedy.endswith(advice)


def test_near_collinear_columns_are_warned_of():
    with pytest.warns(LairdWarning, match="`z` is nearly a linear combination of `x`: only 5"):
        identifiable.check_columns(columns(ONE, A, A + 5e-6 * B), ("Intercept", "x", "z"))


def test_more_coefficients_than_rows_are_refused():
    assert identifiable.check_size(3, ["Intercept", "x"]) is None
    with pytest.raises(DataError, match="2 fixed effects, but the data have only 2 rows"):
        identifiable.check_size(2, ["Intercept", "x"])


def test_groups_of_one_row_are_refused():
    assert identifiable.check_groups_repeat("g", 5, 4) is None
    with pytest.raises(DataError, match=r"\(tau and sigma\) are not separable") as error:
        identifiable.check_groups_repeat("g", 5, 5)
    assert "meta_V(v)" in error.value.remedy


def test_as_many_random_effects_as_rows_are_refused():
    assert identifiable.check_random_size("g", ["Intercept", "x"], 9, 4) is None
    with pytest.raises(DataError, match=r"8 random effects \(4 groups × 2 coefficients\).* only 8 rows"):
        identifiable.check_random_size("g", ["Intercept", "x"], 8, 4)


def test_slopes_of_group_level_variables_are_refused():
    ids = np.arange(N) % 5
    w = np.arange(5.0)[ids]
    assert identifiable.check_slopes_vary("g", ["Intercept", "x"], columns(ONE, A), ids) is None
    with pytest.raises(DataError, match="`w` is constant within each group of `g`") as error:
        identifiable.check_slopes_vary("g", ["Intercept", "w"], columns(ONE, w), ids)
    assert "(1 | g)" in error.value.remedy


def test_random_coefficients_are_named_once():
    with pytest.raises(DataError, match="the random coefficient `x` more than once"):
        identifiable.check_distinct("g", ["Intercept", "x", "x"])


def test_columns_that_differ_by_less_than_cross_products_hold_are_refused():
    """Their squares are 1e-18 of 1."""
    with pytest.raises(DataError, match="`z` is all but a linear combination of `x` and the intercept"):
        identifiable.check_columns(columns(ONE, A, A + 1e-9 * B), ("Intercept", "x", "z"))


@pytest.mark.parametrize("value", [1e200, 1e-200, -1e200])
def test_columns_that_cannot_be_squared_are_refused(value):
    with pytest.raises(DataError, match=r"`x` has absolute values up to .*: their squares are beyond"):
        identifiable.check_columns(columns(ONE, value * A), ("Intercept", "x"))
    with pytest.raises(DataError, match="`x` has absolute values up to"):
        identifiable.check_slopes_vary("g", ("x",), columns(value * A), np.arange(len(A)) % 2)


SAME_GROUPS = np.array([0, 0, 1, 1, 2, 2])


def test_one_factor_under_two_names_is_refused():
    other = np.array([2, 2, 0, 0, 1, 1])
    with pytest.raises(DataError, match="`g` and `h` have the same groups") as raised:
        identifiable.check_different_groups("g", "h", ["Intercept"], (SAME_GROUPS, other))
    assert raised.value.where == "    g, h: 3 groups each"
    assert "`h`" in raised.value.remedy


@pytest.mark.parametrize(
    ("terms", "other"),
    [(["Intercept"], [0, 1, 1, 2, 2, 0]), (["Intercept"], [0, 0, 0, 0, 1, 1]), ([], [2, 2, 0, 0, 1, 1])],
    ids=["other groups", "coarser groups", "other coefficients"],
)
def test_factors_that_differ_are_kept(terms, other):
    ids = (SAME_GROUPS, np.array(other))
    assert identifiable.check_different_groups("g", "h", terms, ids) is None
