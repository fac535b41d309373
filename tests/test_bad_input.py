"""Bad input through the front door: no number comes back, and the message says what, where, what to do.

The cases are numbered as in the project's survey of what other packages do with bad input; most of
them drop rows, print zeros or stop with an error of their linear algebra.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

import laird as ld

RNG = np.random.default_rng(3)
GROUPS, SIZE = 20, 10
N = GROUPS * SIZE
G = np.repeat(np.arange(GROUPS), SIZE)
X = RNG.normal(size=N)
Y = 1 + 2 * X + RNG.normal(size=GROUPS)[G] + RNG.normal(size=N)
BASE = pd.DataFrame(
    {
        "y": Y,
        "x": X,
        "g": G,
        "w": 1.0 * G,
        "a": RNG.choice(["u", "v", "w"], N),
        "day": pd.Timestamp("2020-01-01"),
    }
)
METHODS = ("ols", "ml", "reml", "eb", "nuts")


def holed(column, value, rows=(3, 7)):
    frame = BASE.astype({column: object}) if value is None else BASE.copy()
    frame.loc[list(rows), column] = value
    return frame


@dataclass(frozen=True)
class Case:
    """A call of `ld.model(formula, data=data).fit(method)` and the words its message must have."""

    number: int
    what: str
    words: tuple[str, ...]
    formula: str
    data: object
    error: type


def case(number, what, *words, formula="y ~ x + (1 | g)", data=BASE, error=ld.DataError):
    return Case(number, what, words, formula, data, error)


DROP = 'pass missing="drop"'
CASES = [
    case(1, "missing y", "column y: 2 missing values, in rows 3, 7", DROP, data=holed("y", np.nan)),
    case(2, "missing x", "column x: 2 missing values, in rows 3, 7", DROP, data=holed("x", np.nan)),
    case(3, "missing group", "column g: 2 missing values, in rows 3, 7", DROP, data=holed("g", None)),
    case(4, "infinite y", "column y: 2 infinite values, in rows 3, 7", data=holed("y", np.inf)),
    case(5, "infinite x", "column x: 2 infinite values, in rows 3, 7", data=holed("x", -np.inf)),
    case(6, "constant y", "`y` is 3 in all 200 rows", "Check that the right column", data=BASE.assign(y=3.0)),
    case(
        7,
        "no variation within groups",
        "`y` does not vary around the lines of the groups of `g`",
        "the residual standard deviation is at its floor",
        "aggregate to one row per group",
        data=BASE.assign(y=BASE.groupby("g")["y"].transform("mean")),
        error=ld.FitError,
    ),
    case(
        8,
        "perfect fit",
        "`y` is an exact linear function of the predictors (a perfect fit)",
        "Remove the predictor that copies the outcome",
        data=BASE.assign(y=2 * X),
        error=ld.FitError,
    ),
    case(
        11,
        "one group",
        '`g` has one group ("1")',
        "Leave the random term of `g` out",
        data=BASE.assign(g=1),
    ),
    case(
        13,
        "one row per group",
        "tau and sigma) are not separable",
        "g: 200 groups in 200 rows",
        "sampling variances",
        data=BASE.assign(g=np.arange(N)),
    ),
    case(
        14,
        "more coefficients than rows",
        "6 fixed effects, but the data have only 5 rows",
        "fixed effects: `Intercept`, `x`, `a[",
        formula="y ~ x * a",
        data=BASE.groupby("a").head(2).head(5),
    ),
    case(15, "no rows", "The data have 0 rows", "at least two rows", data=BASE.head(0)),
    case(16, "one row", "The data have 1 row", "more rows than coefficients", data=BASE.head(1)),
    case(
        17,
        "constant x",
        "`x` is constant: it is 1.5 in all 200 rows",
        "Leave `x` out",
        data=BASE.assign(x=1.5),
    ),
    case(26, "y is text", "The response `y` holds text", "convert numbers", data=BASE.astype({"y": str})),
    case(
        27, "y is true or false", "The response `y` holds truth values", "0 and 1", data=BASE.assign(y=Y > 0)
    ),
    case(
        28, "y is a category", "The response `y` is a category", data=BASE.assign(y=pd.Categorical(BASE["a"]))
    ),
    case(
        29, "y is a date", "The response `day` holds dates", "days since a start", formula="day ~ x + (1 | g)"
    ),
    case(
        31,
        "factor of one level",
        'Column `a` has one level, "u"',
        "Leave `a` out",
        formula="y ~ a + (1 | g)",
        data=BASE.assign(a="u"),
    ),
    case(
        34,
        "y is a matrix",
        "y (200, 2), x (200,), g (200,)",
        "one-dimensional",
        data={"y": np.stack([Y, Y], axis=1), "x": X, "g": G},
    ),
    case(
        34,
        "y holds lists",
        "Column `y` holds several values in each row",
        data=BASE.assign(y=[[1.0, 2.0]] * N),
    ),
    case(
        34,
        "two columns left of ~",
        "The outcome must be one column or a function of columns",
        "    y + x ~ 1",
        "    ^^^^^",
        formula="y + x ~ 1 + (1 | g)",
        error=ld.SpecError,
    ),
    case(
        36,
        "a random term twice",
        "The random `Intercept` by `g` is there twice",
        "    y ~ x + (1 | g) + (1 | g)",
        "                      ^^^^^^^",
        "Take one away",
        formula="y ~ x + (1 | g) + (1 | g)",
        error=ld.SpecError,
    ),
    case(
        37,
        "the predictor is the group",
        "Every group of `x` has one row",
        "x: 200 groups in 200 rows",
        formula="y ~ x + (1 | x)",
    ),
    case(
        37,
        "the outcome is the group",
        "`y` is an outcome of this model: it cannot predict or group",
        "    y ~ x + (1 | y)",
        "                 ^",
        formula="y ~ x + (1 | y)",
        error=ld.SpecError,
    ),
    case(
        37,
        "the groups are fixed and random",
        "already hold a separate `Intercept` for every group of `g`",
        "(1 | g)",
        "Leave `g` out of the fixed effects",
        formula="y ~ x + C(g) + (1 | g)",
        error=ld.FitError,
    ),
    case(
        37,
        "the slopes are fixed and random",
        "already hold a separate `x` for every group of `g`",
        "(x | g)",
        formula="y ~ C(g):x + (x | g)",
        error=ld.FitError,
    ),
    case(
        38,
        "random slope of a group-level predictor",
        "`w` is constant within each group of `g`, so it has no slope there",
        "(w | g)",
        "Keep it as a fixed effect and write (1 | g)",
        formula="y ~ w + (w | g)",
    ),
]
REQUIRED = {*range(1, 9), 11, *range(13, 18), *range(26, 30), 31, 34, 36, 37, 38}


def label(case):
    return f"{case.number}-{case.what}"


def test_every_required_case_is_here():
    assert {case.number for case in CASES} == REQUIRED


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", CASES, ids=label)
def test_no_number_comes_back(case, method):
    with pytest.raises(ld.LairdError) as raised:
        ld.model(case.formula, data=case.data).fit(method)
    assert type(raised.value) is case.error
    assert [words for words in case.words if words not in str(raised.value)] == []


@pytest.mark.parametrize("case", CASES, ids=label)
def test_the_message_is_complete(case):
    with pytest.raises(ld.LairdError) as raised:
        ld.model(case.formula, data=case.data).fit("reml")
    error = raised.value
    assert error.what.endswith(".")
    assert error.remedy, "a message says what to do"
    assert error.remedy.endswith(".")
    assert len(str(error).splitlines()) <= 6


@pytest.mark.parametrize("method", METHODS)
def test_two_groups_are_warned_of(method):
    """Case 12: allowed, but the sd between two groups is hardly known."""
    options = {"draws": 100, "tune": 100, "random_seed": 1} if method == "nuts" else {}
    with pytest.warns(ld.LairdWarning, match="`g` has 2 groups: the data say almost nothing"):
        model = ld.model("y ~ x + (1 | g)", data=BASE.assign(g=G % 2))
    assert np.isfinite(model.fit(method, **options).fixef).all()


@pytest.mark.parametrize("parameter", ["sd", "sd(g)", "sd(g, Intercept)"])
def test_one_group_needs_a_stated_prior_and_full_bayes(parameter):
    """Case 11: the sd between groups is drawn from its prior, and nothing else can be told of it."""
    with pytest.warns(ld.LairdWarning, match=r'`g` has one group \("1"\): the data say nothing about'):
        model = ld.model("y ~ x + (1 | g)", data=BASE.assign(g=1), priors={parameter: "half_normal(0.5)"})
    fit = model.fit("nuts", draws=500, tune=500, random_seed=1)
    # Mean of a half-normal of scale 0.5; 2000 draws whose effective size is above 500: 4 standard errors.
    assert fit.varcorr["sdcor"].iloc[0] == pytest.approx(0.5 * np.sqrt(2 / np.pi), abs=4 * 0.3 / np.sqrt(500))
    assert fit.check().set_index("check").loc["groups", "status"] == "warning"
    for method in ("ml", "reml", "eb"):
        with pytest.raises(ld.FitError, match="needs several to estimate a standard deviation"):
            model.fit(method)


def test_a_flat_prior_does_not_speak_for_one_group():
    with pytest.raises(ld.DataError, match="`g` has one group"):
        ld.model("y ~ x + (1 | g)", data=BASE.assign(g=1), priors={"sd(g)": "flat"})


def test_rows_are_dropped_only_on_request_and_counted():
    model = ld.model("y ~ x + (1 | g)", data=holed("x", np.nan), missing="drop")
    assert model.fit("reml").nobs == N - 2
    assert "2 rows dropped for missing x" in repr(model)


def test_many_look_alike_labels_are_one_warning():
    with pytest.warns(ld.LairdWarning, match='"0", "0 "; .* and 17 more such sets') as caught:
        ld.model(
            "y ~ x + (1 | g)",
            data=BASE.assign(g=[f"{g} " if i % 10 == 3 else str(g) for i, g in enumerate(G)]),
        )
    assert len(caught) == 1


GOOD = {
    "pandas, shuffled, with an index": lambda: BASE.sample(frac=1, random_state=1).set_index("day"),
    "pandas, all rows of one index": lambda: BASE.set_index(np.zeros(N)),
    "pandas nullable": lambda: BASE.convert_dtypes(),
    "pandas arrow": lambda: BASE.convert_dtypes(dtype_backend="pyarrow"),
    "polars": lambda: pytest.importorskip("polars").from_pandas(BASE),
    "dictionary of lists": lambda: {name: BASE[name].tolist() for name in BASE},
    "groups as text": lambda: BASE.astype({"g": str}),
    "groups as numbers with a point": lambda: BASE.astype({"g": float}),
    "groups as categories, one without rows": lambda: BASE.assign(
        g=pd.Categorical(BASE["g"], categories=range(GROUPS + 1))
    ),
}


@pytest.mark.parametrize("frame", GOOD.values(), ids=GOOD)
def test_the_same_data_in_any_dress_give_the_same_fit(frame):
    fit = ld.model("y ~ x + (1 | g)", data=frame()).fit("reml")
    expected = ld.model("y ~ x + (1 | g)", data=BASE).fit("reml")
    # the order of rows changes the order of sums
    assert fit.fixef.to_dict() == pytest.approx(expected.fixef.to_dict(), rel=1e-10)
    assert fit.varcorr.sdcor.tolist() == pytest.approx(expected.varcorr.sdcor.tolist(), rel=1e-7)
    assert list(fit.ranef("g").index) == [str(g) for g in range(GROUPS)]


def test_names_may_be_odd():
    frame = BASE.rename(columns={"y": "math score", "x": "größe", "g": "school.id"})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = ld.model("`math score` ~ größe\n    + (1 | school.id)", data=frame)
    fit = model.fit("eb", random_seed=1)
    assert list(fit.fixef.index) == ["Intercept", "größe"]
    assert "school_id" in fit.to_datatree()["posterior"].dims


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("reml", "There are no fits to compare"),
        ([], "There are no fits to compare"),
        ([ld.model("y ~ x + (1 | g)", data=BASE)], "There are no fits to compare"),
    ],
)
def test_only_fits_can_be_compared(given, words):
    with pytest.raises(ld.FitError, match=words) as raised:
        ld.shrinkage(given)
    assert "Pass a model" in raised.value.remedy


@pytest.mark.parametrize(
    ("method", "options", "words"),
    [
        ("nuts", {"draws": 0}, "draws = 0 is not usable"),
        ("nuts", {"chains": "4"}, "chains = '4' is not usable"),
        ("nuts", {"target_accept": 80}, "target_accept = 80 is not usable"),
        ("nuts", {"random_seed": -1}, "random_seed = -1 is not usable"),
        ("nuts", {"progress": "yes"}, "progress = 'yes' is not usable"),
        ("nuts", {"sampler": "stan"}, "Unknown sampler 'stan'"),
        ("eb", {"draws": 10}, "draws = 10 is not usable"),
        ("eb", {"random_seed": "one"}, "random_seed = 'one' is not usable"),
    ],
)
def test_options_are_checked_before_anything_is_computed(method, options, words):
    with pytest.raises(ld.FitError, match=words) as raised:
        ld.model("y ~ x + (1 | g)", data=BASE).fit(method, **options)
    assert raised.value.allowed.startswith("Allowed: ")
