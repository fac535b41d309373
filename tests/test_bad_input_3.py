"""Bad input to models with several factors and regressions of sds, and further cases of the survey.

Numbered as in `tests/test_bad_input.py`; 0 stands for the survey's list of cases that were not run.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

import laird as ld
from tests.test_bad_input import BASE, DROP, GROUPS, G, N, X, Y

FORMULA = "y ~ x + (1 | g)"
U = np.random.default_rng(0).normal(size=GROUPS)
WITHIN = np.random.default_rng(1).normal(size=N)
WITHIN -= pd.Series(WITHIN).groupby(G).transform("mean").to_numpy()
CROSSED = BASE.assign(h=np.arange(N) % 7)
UTC_DAYS = pd.date_range("2020", periods=N, tz="Europe/Berlin")


@dataclass(frozen=True)
class Case:
    """A call of `ld.model(formula, *parts, data=data).fit()` and the words its message must have."""

    number: int
    what: str
    words: tuple[str, ...]
    formula: str
    parts: tuple[str, ...]
    data: object
    error: type


def case(number, what, *words, formula=FORMULA, parts=(), data=BASE, error=ld.DataError):
    return Case(number, what, words, formula, parts, data, error)


def missing(what, column, values):
    """A column of a nullable type without its first two values."""
    words = f"column {column}: 2 missing values, in rows 0, 1"
    return case(0, f"missing in {what}", words, DROP, data=BASE.assign(**{column: values}))


def one(column, value):
    """A column with a value of its own in row 3."""
    values = BASE[column].astype(float).to_numpy().copy()
    values[3] = value
    return BASE.assign(**{column: values})


COPY = BASE.assign(z=2 * X + 1)
CASES = [
    case(
        9,
        "a perfect fit with groups",
        "`y` does not vary around the lines of the groups of `g`",
        "aggregate to one row per group",
        data=BASE.assign(y=2 * X + 5 * U[G]),
        error=ld.FitError,
    ),
    case(
        9,
        "a level without residual variation",
        "`y` does not vary around the lines of the groups of `g` where `a[v]` = 1",
        "rows, first ",
        "merge the level with another",
        parts=("sigma ~ a",),
        data=BASE.assign(y=np.where(BASE.a == "v", 2 * X, Y)),
        error=ld.FitError,
    ),
    case(
        19,
        "a square far from zero",
        "`I(x ^ 2)` is all but a linear combination of `x` and the intercept",
        "centre what `I(x ^ 2)` is made of",
        formula="y ~ x + I(x^2) + (1 | g)",
        data=BASE.assign(x=X + 1e6),
    ),
    case(
        18,
        "a copy in other units",
        "`z` is a linear combination of `x` and the intercept",
        "Leave one of them out",
        formula="y ~ x + z + (1 | g)",
        data=COPY,
    ),
    case(
        18,
        "a sum of two",
        "`v` is a linear combination of `x`, `z` and the intercept",
        "Leave one of them out",
        formula="y ~ x + z + v + (1 | g)",
        data=BASE.assign(z=WITHIN, v=X - WITHIN),
    ),
    case(
        18,
        "collinear predictors of sigma",
        "`x` is a linear combination of `z` and the intercept",
        "Leave one of them out",
        parts=("sigma ~ z + x",),
        data=COPY,
    ),
    case(
        19,
        "a copy but for the ninth digit",
        "`z` is all but a linear combination of `x` and the intercept",
        "Leave one of them out",
        formula="y ~ x + z + (1 | g)",
        data=BASE.assign(z=X + 1e-9 * WITHIN),
    ),
    case(
        20,
        "a predictor whose squares overflow",
        "`x` has absolute values up to",
        "in another unit",
        data=BASE.assign(x=X * 1e200),
    ),
    case(
        21,
        "a predictor whose squares vanish",
        "`x` has absolute values up to",
        "in another unit",
        data=BASE.assign(x=X * 1e-200),
    ),
    case(
        23,
        "an outcome whose squares overflow",
        "`y` has absolute values up to",
        "in another unit",
        data=BASE.assign(y=Y * 1e200),
    ),
    case(
        24,
        "an outcome whose squares vanish",
        "`y` has absolute values up to",
        "in another unit",
        data=BASE.assign(y=Y * 1e-200),
    ),
    case(
        17,
        "a constant predictor of sigma",
        "`z` is constant: it is 1 in all 200 rows",
        "Leave `z` out",
        parts=("sigma ~ z",),
        data=BASE.assign(z=1.0),
    ),
    case(
        36,
        "crossed factors that are one",
        "`g` and `h` have the same groups",
        "g, h: 20 groups each",
        "Leave the random term of `h` out",
        formula="y ~ x + (1 | g) + (1 | h)",
        data=BASE.assign(h=[f"group {GROUPS - g}" for g in G]),
    ),
    case(
        36,
        "nested factors that are one",
        "`h` and `h:g` have the same groups",
        "Leave the random term of `h:g` out",
        formula="y ~ x + (1 | h/g)",
        data=BASE.assign(h=G + 100),
    ),
    case(
        39,
        "more random effects than rows",
        "`g` has 201 random effects (67 groups × 3 coefficients), but the data have only 200 rows",
        "Leave random coefficients of `g` out",
        formula="y ~ x + (1 + x + z | g)",
        data=BASE.assign(z=WITHIN, g=np.arange(N) // 3),
    ),
    case(
        39,
        "nested groups of one row",
        "Every group of `g:h` has one row",
        "g:h: 200 groups in 200 rows",
        "coarser grouping",
        formula="y ~ x + (1 | g/h)",
        data=BASE.assign(h=np.arange(N)),
    ),
    case(
        39,
        "crossed groups of one row",
        "Every group of `h` has one row",
        "h: 200 groups in 200 rows",
        "coarser grouping",
        formula="y ~ x + (1 | g) + (1 | h)",
        data=BASE.assign(h=np.arange(N)),
    ),
    case(
        11,
        "one group of one of two factors",
        '`h` has one group ("1")',
        "Leave the random term of `h` out",
        formula="y ~ x + (1 | g) + (1 | h)",
        data=BASE.assign(h=1),
    ),
    case(
        32,
        "ids of more than 64 bits",
        "Column `g` holds whole numbers of more than 64 bits",
        "to text",
        data=BASE.assign(g=[2**70 + int(g) for g in G]),
    ),
    missing("a nullable whole number", "g", pd.array([None, None, *G[2:]], dtype="Int64")),
    missing("a nullable number", "y", pd.array([None, None, *Y[2:]], dtype="Float64")),
    missing("a nullable truth value", "x", pd.array([None, None, *(X[2:] > 0)], dtype="boolean")),
    missing("a nullable text", "g", pd.array([None, None, *map(str, G[2:])], dtype="string")),
    missing("a category", "x", pd.Categorical([None, None, *BASE.a[2:]])),
    missing("dates", "g", pd.Series([pd.NaT, pd.NaT, *UTC_DAYS[G[2:]]])),
    case(
        5,
        "infinite among objects",
        "column x: 1 infinite value, in row 0",
        DROP,
        data=BASE.assign(x=pd.Series([np.inf, *X[1:]], dtype=object)),
    ),
    case(5, "an infinite group", "column g: 1 infinite value, in row 3", DROP, data=one("g", np.inf)),
    case(
        5,
        "an infinite predictor of sigma",
        "column w: 1 infinite value, in row 3",
        DROP,
        parts=("sigma ~ w",),
        data=one("w", -np.inf),
    ),
    case(
        2,
        "a missing predictor of a group sd",
        "column w: 1 missing value, in row 3",
        DROP,
        parts=("sd(g) ~ w",),
        data=one("w", np.nan),
    ),
    case(
        0,
        "a name twice",
        "occur more than once: x",
        "Rename or drop the copies",
        data=pd.concat([BASE, BASE[["x"]]], axis=1),
    ),
    case(
        0,
        "an unused name twice",
        "occur more than once: day",
        "Rename or drop the copies",
        data=pd.concat([BASE, BASE[["day"]]], axis=1),
    ),
    case(
        0,
        "names of several levels",
        "a pandas MultiIndex",
        "Join them first",
        data=pd.concat({"first": BASE}, axis=1),
    ),
    case(
        0,
        "a name that is a number",
        "Column names must be text; these are not: 7",
        "Rename them",
        data=BASE.rename(columns={"w": 7}),
    ),
    case(
        0,
        "dates with a time zone as a predictor",
        "Column `day` holds dates",
        "days since a start, or write C(day)",
        formula="y ~ day + (1 | g)",
        data=BASE.assign(day=UTC_DAYS),
    ),
    case(
        0,
        "durations as a predictor",
        "Column `day` holds dates",
        "days since a start",
        formula="y ~ day + (1 | g)",
        data=BASE.assign(day=pd.to_timedelta(np.arange(N), "D")),
    ),
    case(
        0,
        "a complex predictor",
        "Column `x` holds complex numbers",
        "one number",
        data=BASE.assign(x=X + 1j),
    ),
    case(
        0,
        "numbers and text in one column",
        "Column `x` holds values of several kinds (float64, str)",
        "one number",
        data=BASE.assign(x=pd.Series(["a", *X[1:]], dtype=object)),
    ),
    case(
        0,
        "a group sd by a number that varies within groups",
        "`x` varies within groups of `g`, so it cannot predict their standard deviation",
        '20 groups, first "0", "1", "2", "3", "4"',
        "such as its group means, cvar(x, g)",
        parts=("sd(g) ~ x",),
    ),
    case(
        0,
        "a group sd by a number that varies within two groups",
        "2 groups, first",
        '"4", "7"',
        "such as its group means, cvar(v, g)",
        parts=("sd(g) ~ v",),
        data=BASE.assign(v=np.where(np.isin(np.arange(N), (40, 79)), 99.0, BASE.w)),
    ),
    case(
        0,
        "a group sd by a category that varies within groups",
        "`a[v]` varies within groups of `g`",
        "Use a predictor that is constant within `g`.",
        parts=("sd(g) ~ a",),
    ),
    case(
        0,
        "a group sd without a constant",
        "The regression of `sd(g)` has no constant, which would fix the standard deviation at 1 where `w` is",
        "Write sd(g) ~ 1 + …",
        parts=("sd(g) ~ 0 + w",),
        error=ld.SpecError,
    ),
    case(
        0,
        "an sd of groups that are not in the model",
        "`h` is not a grouping factor of this model",
        "    sd(h) ~ w\n       ^",
        "Add (1 | h)",
        parts=("sd(h) ~ w",),
        error=ld.SpecError,
    ),
    case(
        0,
        "sigma by the outcome",
        "`y` is an outcome of this model",
        "    sigma ~ y\n            ^",
        "Take it away",
        parts=("sigma ~ y",),
        error=ld.SpecError,
    ),
    case(
        0,
        "sigma by a column that is not there",
        "There is no column `zz`",
        "Correct the name",
        parts=("sigma ~ zz",),
    ),
]


@pytest.fixture(params=CASES, ids=lambda c: f"{c.number}-{c.what}")
def bad(request):
    return request.param


@pytest.mark.parametrize("method", ["ml", "reml"])
def test_no_number_comes_back(bad, method):
    with pytest.raises(ld.LairdError) as raised:
        ld.model(bad.formula, *bad.parts, data=bad.data).fit(method)
    assert type(raised.value) is bad.error
    assert [words for words in bad.words if words not in str(raised.value)] == []


def test_the_message_is_complete(bad):
    with pytest.raises(ld.LairdError) as raised:
        ld.model(bad.formula, *bad.parts, data=bad.data).fit()
    error = raised.value
    assert error.what.endswith(".")
    assert error.remedy, "a message says what to do"
    assert error.remedy.endswith((".", "`."))
    assert len(str(error).splitlines()) <= 6


# ---- cases where a fit is right ----


def fit(data, formula=FORMULA, *parts):
    return ld.model(formula, *parts, data=data).fit("reml")


@pytest.fixture(scope="module")
def base():
    return fit(BASE)


def test_no_variation_between_groups_is_a_boundary():
    """Case 10: means of all groups on the line; least squares on all rows, and words that say so."""
    found = fit(BASE.assign(y=1 + 2 * X + WITHIN))
    assert found.status == "boundary"
    assert found.varcorr.sdcor[0] == 0.0
    pooled = ld.model(FORMULA, data=BASE.assign(y=1 + 2 * X + WITHIN)).fit("ols")
    np.testing.assert_allclose(found.fixef, pooled.fixef, rtol=1e-10)
    assert found.sigma == pytest.approx(pooled.sigma, rel=1e-10)
    message = found.check().set_index("check").loc["boundary"]
    assert "The variance of `Intercept` between the groups of `g` is estimated as zero" in message.message
    assert "simpler" in message.remedy


@pytest.mark.parametrize(
    ("number", "a", "b", "c", "d"),
    [
        (20, 0, 1, 0, 1e10),
        (21, 0, 1, 0, 1e-12),
        (22, 0, 1, 1e10, 1),
        (23, 0, 1e10, 0, 1),
        (24, 0, 1e-12, 0, 1),
        (25, 1e10, 1, 0, 1),
    ],
)
def test_units_and_origins_do_not_matter(number, a, b, c, d, base):
    """An offset of 10¹⁰ sds costs the data ten of sixteen digits."""
    tolerance = 1e-6 if a or c else 1e-8
    moved = fit(BASE.assign(y=a + b * Y, x=c + d * X))
    slope = b * base.fixef["x"] / d
    assert moved.status == "ok", number
    assert moved.fixef["x"] == pytest.approx(slope, rel=tolerance)
    expected = a + b * base.fixef["Intercept"] - c * slope
    assert moved.fixef["Intercept"] == pytest.approx(expected, rel=tolerance)
    np.testing.assert_allclose(moved.varcorr.sdcor / b, base.varcorr.sdcor, rtol=tolerance)


def test_near_collinear_predictors_are_warned_of():
    with pytest.warns(ld.LairdWarning, match="`z` is nearly a linear combination of `x`"):
        model = ld.model("y ~ x + z + (1 | g)", data=BASE.assign(z=X + 5e-6 * WITHIN))
    own = fit(BASE.assign(e=WITHIN), "y ~ x + e + (1 | g)")
    # The share 5e-6 leaves (5e-6)² = 2.5e-11 of the cross-products, known to 1e-16: five digits.
    assert model.fit("reml").fixef["z"] * 5e-6 == pytest.approx(own.fixef["e"], rel=1e-3)


def test_a_centred_square_far_from_zero_is_fitted():
    """What the message about the square advises."""
    far = fit(BASE.assign(x=X + 1e6), "y ~ x + I(center(x)^2) + (1 | g)")
    near = fit(BASE, "y ~ x + I(center(x)^2) + (1 | g)")
    assert far.status == "ok"
    # An offset of 10⁶ sds costs the data six of sixteen digits.
    np.testing.assert_allclose(far.fixef.iloc[1:], near.fixef.iloc[1:], rtol=1e-7)


@pytest.mark.parametrize("offset", [1e3, 1e4])
def test_rounding_that_a_square_brings_is_no_failure_to_converge(offset):
    """Own shares of 10⁻³ and 10⁻⁴: their squares leave 10 and 8 of 16 digits."""
    near, far = (fit(BASE.assign(x=X + c), "y ~ x + I(x^2) + (1 | g)") for c in (0.0, offset))
    assert far.status == "ok"
    assert far.fixef.iloc[2] == pytest.approx(near.fixef.iloc[2], rel=1e-4)
    np.testing.assert_allclose(far.varcorr.sdcor, near.varcorr.sdcor, rtol=1e-4)


def test_levels_without_rows_are_dropped_and_noted():
    """Case 30: of a predictor with a note, of the groups without a trace."""
    frame = BASE.assign(a=pd.Categorical(BASE.a, categories=[*"uvwz"]))
    with pytest.warns(ld.LairdWarning, match='Column `a`: levels without rows were dropped: "z"'):
        found = fit(frame, "y ~ a + (1 | g)")
    assert list(found.fixef.index) == ["Intercept", "a[v]", "a[w]"]
    groups = fit(BASE.assign(g=pd.Categorical(G, categories=range(GROUPS + 5))))
    assert groups.ngroups == {"g": GROUPS}


@pytest.mark.parametrize(
    "ids",
    [G + 0.5, 2.0**53 + 2 * G, 2**63 - 1 - G[::-1], np.uint64(2**64 - 1) - G[::-1].astype(np.uint64)],
    ids=["fractions", "large floating point", "the largest int64", "the largest uint64"],
)
def test_any_number_is_a_label(ids, base):
    """Case 32, and ids at the edge of their types: no two groups become one."""
    found = fit(BASE.assign(g=ids))
    assert found.ngroups == {"g": GROUPS}
    assert found.loglik == pytest.approx(base.loglik, rel=1e-10)
    if ids.dtype.kind == "u":
        assert "18446744073709551615" in found.ranef("g").index


def test_look_alike_labels_are_kept_apart_and_noted():
    """Case 33."""
    frame = BASE.assign(g=["1 " if i == 10 else str(g) for i, g in enumerate(G)])
    with pytest.warns(ld.LairdWarning, match='differ only in spaces or case are kept apart: "1 ", "1"'):
        found = fit(frame)
    assert found.ngroups == {"g": GROUPS + 1}


def test_an_empty_label_is_kept_and_noted():
    frame = BASE.assign(a=np.where(BASE.a == "u", "", BASE.a))
    with pytest.warns(ld.LairdWarning, match="Column `a`: a blank label is kept as a level of its own"):
        found = fit(frame, "y ~ a + (1 | g)")
    assert list(found.fixef.index) == ["Intercept", "a[v]", "a[w]"]


def test_dates_with_a_time_zone_may_be_groups(base):
    assert fit(BASE.assign(g=UTC_DAYS[G])).loglik == pytest.approx(base.loglik, rel=1e-10)


def test_an_index_of_several_levels_is_ignored(base):
    assert fit(BASE.set_index(["g", "x"], drop=False)).loglik == pytest.approx(base.loglik, rel=1e-12)


UNEVEN = {
    "one giant group": np.where(np.arange(N) < 180, 0, np.arange(N)),
    "some groups of one row": np.where(np.arange(N) % 10 == 0, 1000 + np.arange(N), G),
}


@pytest.mark.parametrize("formula", [FORMULA, "y ~ x + (1 + x | g)"])
@pytest.mark.parametrize("groups", UNEVEN.values(), ids=UNEVEN)
def test_groups_of_very_unequal_size_are_fitted(groups, formula):
    """All rows and groups count; a group of one row keeps less of its own than a larger one."""
    found = fit(BASE.assign(g=groups), formula)
    assert found.status in ("ok", "boundary")
    assert found.ngroups == {"g": len(np.unique(groups))}
    assert np.isfinite(found.ranef("g").to_numpy()).all()
    assert (found.ranef_sd("g") >= 0).all(axis=None)
    shares = found.shrinkage_factors("g").Intercept
    sizes = pd.Series(groups).astype(str).value_counts()
    assert shares[sizes.index[sizes == 1]].max() <= shares[sizes.index[0]] + 1e-12


def test_a_stratum_of_as_many_rows_as_coefficients_is_named_where_its_sigma_vanishes():
    """Two rows lie on a line: by ML their sigma may go to zero, and the likelihood to infinity."""
    frame = BASE.assign(few=1 * (np.arange(N) < 2), y=np.where(np.arange(N) < 2, 1 + 2.001 * X, Y))
    found = ld.model("y ~ x", "sigma ~ few", data=frame).fit("ml")
    checks = found.check().set_index("check")
    message = checks.loc["residual_variation(where `few` = 1)", "message"]
    assert "all but zero where `few` = 1 (2 rows: 0, 1)" in message
    assert checks.loc["residual_variation(where `few` = 1)", "remedy"]


# ---- case 41: new data ----

NEW = {
    "a new group": (
        FORMULA,
        {"x": [0.0, 1.0], "g": ["0", "zz"]},
        ('`g` has groups that the fitted data did not have: "zz"', "g: 1 of 2 rows, in row 1", 'groups="'),
    ),
    "a new group of the inner factor": (
        "y ~ x + (1 | b/g)",
        {"x": [0.0], "b": [0], "g": [7]},
        ('`b:g` has groups that the fitted data did not have: "0:7"', "in row 0"),
    ),
    "a new level of a predictor": (
        "y ~ a + (1 | g)",
        {"a": ["u", "zz"], "g": [0, 0]},
        ('Column `a` has levels that the fitted data did not have: "zz"', "in row 1", "Correct the spelling"),
    ),
    "a missing group": (FORMULA, {"x": [0.0], "g": [None]}, ("column g: 1 missing value, in row 0",)),
    "a missing predictor": (FORMULA, {"x": [np.nan], "g": [0]}, ("column x: 1 missing value, in row 0",)),
    "an absent predictor": (FORMULA, {"g": [0]}, ("There is no column `x` in the data",)),
    "an absent group": (FORMULA, {"x": [0.0]}, ("There is no column `g` in the data",)),
    "text for numbers": (FORMULA, {"x": ["a"], "g": [0]}, ("Column `x` holds text, but numbers are needed",)),
}


@pytest.mark.parametrize(("formula", "new", "words"), NEW.values(), ids=NEW)
def test_new_data_must_be_like_the_fitted(formula, new, words):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ld.LairdWarning)  # several factors: no standard errors
        found = fit(BASE.assign(b=G // 4), formula)
    with pytest.raises(ld.DataError) as raised:
        found.predict(new)
    assert [part for part in words if part not in str(raised.value)] == []
    assert raised.value.remedy
