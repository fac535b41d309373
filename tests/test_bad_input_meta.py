"""Bad input to meta-analyses: cases 43 and 44 of the survey (`tests/test_bad_input.py`), and each rule of V.

No number comes of any of them by any method, and the message names the entry and the remedy.
"""

import warnings
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import laird as ld

BCG = ld.load_data("bcg_rr")
WIDE = ld.load_data("berkey1998_wide")
N = len(BCG)
FORMULA, OF_V = "yi ~ 1 + meta_V(vi)", "yi ~ 1 + meta_V(V)"
V = np.diag(BCG.vi)
TWO = ("AL ~ 1 + meta_V(v_AL)", "PD ~ 1 + meta_V(v_PD)")
WEIGHTED = BCG.assign(w=np.arange(1.0, N + 1), below=-1.0, none=0.0, inverse=1 / BCG.vi, even=0.1)
PROPORTIONAL = 'yi ~ 1 + meta_V(even, scale="proportional")'


@dataclass(frozen=True)
class Case:
    """A call of `ld.model(*formulas, data=data, **options)` and the words its message must have."""

    number: int
    what: str
    words: tuple[str, ...]
    formulas: tuple[str, ...] = (FORMULA,)
    data: object = None
    options: dict = field(default_factory=dict)
    error: type = ld.DataError


def case(number, what, *words, formulas=(FORMULA,), data=BCG, error=ld.DataError, **options):
    return Case(number, what, words, formulas, data, options, error)


def with_value(column, value, row=3):
    frame = BCG.copy()
    frame.loc[row, column] = value
    return frame


def entry(i, j, value, *, symmetric=True):
    """V with one value of its own in places (i, j) and, if symmetric, (j, i)."""
    changed = V.copy()
    changed[i, j] = value
    if symmetric:
        changed[j, i] = value
    return changed


def matrix(what, given, *words, error=ld.DataError, parts=()):
    return case(44, what, *words, formulas=(OF_V, *parts), known={"V": given}, error=error)


ROWS = "row 3 of the data"
PAIR = ("entry (4, 5) of V, counted from 1", "4: row 3 of the data", "5: row 4 of the data")
CORRECT = 'missing="drop"'
TRIPLE = np.array([[1, 0.9, 0.9], [0.9, 1, -0.9], [0.9, -0.9, 1]])
"""Possible in pairs, impossible together."""

CASES = [
    case(
        43, "missing estimate", "column yi: 1 missing value, in row 3", CORRECT, data=with_value("yi", np.nan)
    ),
    case(
        43, "missing variance", "column vi: 1 missing value, in row 3", CORRECT, data=with_value("vi", np.nan)
    ),
    case(43, "infinite estimate", "column yi: 1 infinite value, in row 3", data=with_value("yi", np.inf)),
    case(43, "infinite variance", "column vi: 1 infinite value, in row 3", data=with_value("vi", np.inf)),
    case(43, "negative variance", "is -0.1", ROWS, "square of a standard error", data=with_value("vi", -0.1)),
    case(
        43, "variances of zero", "`vi` are 0 in all 13 rows", "Leave meta_V(vi) out", data=BCG.assign(vi=0.0)
    ),
    case(
        43,
        "a variance of zero and no heterogeneity",
        ROWS,
        "Estimate sigma",
        formulas=(FORMULA, "sigma ~ 0"),
        data=with_value("vi", 0.0),
    ),
    case(43, "one study", "The data have 1 row", "more rows", data=BCG[:1]),
    case(43, "no study", "The data have 0 rows", data=BCG[:0]),
    case(
        43,
        "as many coefficients as studies",
        "3 fixed effects, but the data have only 3 rows",
        "Leave terms out",
        formulas=("yi ~ ablat + year + meta_V(vi)",),
        data=BCG[:3],
    ),
    case(43, "text for estimates", "`yi` holds text", data=BCG.assign(yi="a")),
    case(
        43, "text for variances", "`vi` does not hold numbers", "squares of standard", data=BCG.assign(vi="a")
    ),
    matrix("too short a vector", BCG.vi[:12], "`V` has 12 rows, but the data have 13", "rows that it drops"),
    matrix("too small a matrix", V[:12, :12], "`V` has 12 rows, but the data have 13"),
    matrix("not square", V[:12], "is not square: it is 12 × 13"),
    matrix("one number", 0.1, "as one number", "numpy.full(n, 0.1)"),
    matrix("nothing", None, "gives nothing for `V`", "Allowed: a vector of variances"),
    matrix("complex numbers", V + 1j, "values that are not numbers"),
    matrix("text", V.astype(str), "values that are not numbers"),
    matrix("a missing covariance", entry(3, 4, np.nan), *PAIR, "is nan"),
    matrix("an infinite covariance", entry(3, 4, np.inf), *PAIR, "is inf"),
    matrix("a missing variance", entry(3, 3, np.nan), "entry (4, 4) of V", ROWS),
    matrix("a negative variance", entry(3, 3, -0.5), "entry (4, 4) of V", "is -0.5", ROWS),
    matrix("asymmetric", entry(3, 4, 0.01, symmetric=False), *PAIR, "entry (5, 4) is 0", "does not choose"),
    matrix("a correlation beyond 1", entry(3, 4, 0.5), *PAIR, "no correlation is beyond 1"),
    matrix("sparse, a missing covariance", sparse.csr_array(entry(3, 4, np.nan)), *PAIR),
    matrix("sparse, asymmetric", sparse.csr_array(entry(3, 4, 0.01, symmetric=False)), *PAIR),
    matrix("blocks, a correlation beyond 1", [entry(3, 4, 0.5)[:5, :5], V[5:, 5:]], *PAIR),
    matrix("blocks that are not square", [V[:5, :4], V[5:, 5:]], "`V, block 1` is not square"),
    matrix("blocks of too few rows", [V[:5, :5], V[5:12, 5:12]], "`V` has 12 rows"),
    matrix("variances in another order", BCG.vi[::-1], "in another order", "V.loc[data.index]"),
    case(44, "a matrix that nothing names", "no meta_V(...) names", known={"V": V}, error=ld.SpecError),
    case(44, "a matrix that is not given", "`known` does not give it", formulas=(OF_V,)),
    matrix("indefinite", [0.1 * TRIPLE, V[3:, 3:]], "eigenvalue", "row 0 of the data"),
    case(
        0,
        "proportional without spread",
        "`even` have no spread",
        "Write sigma ~ 0, or leave out scale",
        formulas=(PROPORTIONAL,),
        data=WEIGHTED,
    ),
    case(0, "weights below zero", "`below` are negative in 13", "0 or more", data=WEIGHTED, weights="below"),
    case(0, "weights of zero", "`none` are 0 in all 13 rows", data=WEIGHTED, weights="none"),
    case(
        0,
        "weights of rows that share effects",
        "share the random effects of `alloc`",
        "Leave `weights` out",
        formulas=(FORMULA + " + (1 | alloc)",),
        data=WEIGHTED,
        weights="w",
        error=ld.SpecError,
    ),
    case(
        0,
        "weights of correlated rows",
        "`V` correlates some",
        "row 0 of the data",
        formulas=(OF_V,),
        data=WEIGHTED,
        weights="w",
        known={"V": "vcov_cluster(vi, alloc, rho=0.5)"},
    ),
    case(
        0,
        "weights of several outcomes",
        "several outcomes",
        formulas=TWO,
        data=WIDE.assign(w=1.0),
        weights="w",
        error=ld.SpecError,
    ),
    case(
        0,
        "no variance at all",
        "leaves the rows no variance of their own",
        "meta_V(v)",
        formulas=("yi ~ 1", "sigma ~ 0"),
        error=ld.SpecError,
    ),
    case(
        0,
        "a correlation of one outcome",
        "this model has one",
        formulas=(FORMULA, "rho(yi, z) ~ 1"),
        error=ld.SpecError,
    ),
    case(
        0,
        "one study per group, and sigma",
        "The sds of `trial` and sigma cannot be told apart",
        "Write sigma ~ 0",
        formulas=(FORMULA + " + (1 | trial)",),
    ),
    case(
        0,
        "a moderator of a group's sd that varies within it",
        "`ablat` varies within groups of `alloc`",
        "cvar(ablat, alloc)",
        formulas=(FORMULA + " + (1 | alloc)", "sd(alloc) ~ ablat"),
    ),
    case(
        0,
        "an outcome that is never there",
        "The outcome `PD` is missing in all rows",
        formulas=TWO,
        data=WIDE.assign(PD=np.nan),
    ),
]


@pytest.mark.parametrize("bad", CASES, ids=lambda one: f"{one.number} {one.what}")
def test_the_message_names_the_entry_and_the_remedy(bad):
    with pytest.raises(bad.error) as raised:
        ld.model(*bad.formulas, data=bad.data, **bad.options)
    message = str(raised.value)
    assert [words for words in bad.words if words not in message] == []


def test_weights_that_are_inverse_variances_are_warned_of():
    with pytest.warns(ld.LairdWarning, match=r"write meta_V\(vi\) and no weights"):
        ld.model("yi ~ 1", data=WEIGHTED, weights="inverse")


@pytest.mark.parametrize("k", [2, 3, 4])
def test_few_studies_are_warned_of(k):
    with pytest.warns(ld.LairdWarning, match=f"`sigma` is estimated from {k} effect sizes"):
        ld.model(FORMULA, data=BCG[:k])


@pytest.mark.parametrize("method", ["ml", "reml", "eb"])
@pytest.mark.parametrize("known", ["one of zero", "a ratio of 1e9", "identical estimates"])
def test_what_is_unusual_but_possible_has_finite_answers(method, known):
    data = {
        "one of zero": with_value("vi", 0.0),
        "a ratio of 1e9": with_value("vi", 1e-9),
        "identical estimates": BCG.assign(yi=0.3 + 1e-6 * np.arange(N)),
    }[known]
    options = {"random_seed": 1} if method == "eb" else {}
    found = ld.model(FORMULA, data=data).fit(method, **options).summary()
    assert np.isfinite(found.estimate).all()
    assert not np.isinf(found[["lower", "upper"]]).any(axis=None)


def test_rows_of_v_go_with_the_rows_that_are_dropped():
    """A missing value in V is none of the fit's when its row is dropped."""
    given = entry(3, 3, np.nan)
    dropped = ld.model(OF_V, data=with_value("yi", np.nan), known={"V": given}, missing="drop").fit()
    without = ld.model(FORMULA, data=BCG.drop(index=3)).fit()
    assert dropped.nobs == N - 1
    np.testing.assert_allclose(dropped.fixef, without.fixef, rtol=1e-10)


@pytest.mark.parametrize(
    "prior", ["turner", "rhodes(mental, pharma vs pharma)", "pc(1, 0.05)", "half_cauchy(0.5)"]
)
@pytest.mark.parametrize(
    "data", [BCG, BCG.assign(yi=0.1 + 0.01 * np.sin(np.arange(N)))], ids=["spread", "none"]
)
def test_named_priors_have_finite_intervals_at_the_boundary_too(prior, data):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = ld.model(FORMULA, data=data, priors={"sigma": prior})
        found = model.fit("eb", random_seed=1).summary().set_index("component").loc["sigma"]
    assert 0 <= found.lower <= found.estimate < found.upper < 2
    name = prior.partition("(")[0]
    assert any(name in row for row in str(model.priors).splitlines() if row.startswith("sigma"))


def test_frames_keep_their_dtypes():
    """Nullable columns are read, and their missing values named."""
    assert isinstance(BCG.astype({"yi": "Float64"}).yi.dtype, pd.Float64Dtype)
    one, other = (
        ld.model(FORMULA, data=d).fit() for d in (BCG, BCG.astype({"yi": "Float64", "vi": "Float64"}))
    )
    np.testing.assert_allclose(one.fixef, other.fixef, rtol=1e-12)
