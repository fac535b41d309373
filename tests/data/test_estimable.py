"""Designs that cannot be estimated, as `ld.model` refuses them: with the place and the remedy."""

import numpy as np
import pandas as pd
import pytest

import laird as ld

RNG = np.random.default_rng(8)
N = 24
DATA = pd.DataFrame(
    {
        "y": RNG.normal(size=N),
        "z": RNG.normal(size=N),
        "x": RNG.normal(size=N),
        "v": RNG.uniform(0.1, 1.0, N),
        "w": RNG.uniform(1.0, 2.0, N),
        "study": [f"s{k}" for k in range(N)],
        "lab": np.repeat(np.arange(8), 3),
        "h": np.tile(["p", "q"], N // 2),
    }
)
LONG = DATA.assign(trial=np.repeat(np.arange(N // 2), 2))
Y, Z = "y ~ x + meta_V(v)", "z ~ 1 + meta_V(v)"
BLOCKS = {"V": [0.5 * np.eye(2) + 0.1] * (N // 2)}

REFUSED = {
    "one row per group": (
        ["y ~ x + (1 | study) + meta_V(v)"],
        {},
        "The sds of `study` and sigma cannot be told apart",
        "Write sigma ~ 0: `study` then has all heterogeneity.",
    ),
    "one row per group, without V": (
        ["y ~ x + (1 | study)"],
        {},
        "Every group of `study` has one row",
        "meta_V(v)",
    ),
    "long outcomes with a sigma": (
        ["y ~ 0 + h + (0 + h | trial) + meta_V(v)"],
        {},
        "The sds of `trial` and sigma cannot be told apart",
        "sigma ~ 0",
    ),
    "wide outcomes with sigmas": (
        ["y ~ 1 + (1 | study) + meta_V(v)", "z ~ 1 + (1 | study) + meta_V(v)"],
        {},
        "The sds of `study` and sigma(y) cannot be told apart",
        "Write sigma(y) ~ 0",
    ),
    "a slope of two values": (
        ["y ~ 1 + (1 + d | study) + meta_V(v)", "sigma ~ 0"],
        {},
        "The data cannot tell the variances and correlations of the random coefficients of `study` apart",
        "(… || study)",
    ),
    "outcomes that never meet": (
        ["y ~ 1 + (1 | lab) + meta_V(v)", "z ~ 1 + (1 | lab) + meta_V(v)", "rho(y, z) ~ 0"],
        {"data": DATA.assign(y=DATA["y"].mask(DATA["lab"] < 4), z=DATA["z"].mask(DATA["lab"] >= 4))},
        "random coefficients of `lab` apart",
        "(… || lab)",
    ),
    "phi and sigma": (['y ~ 1 + meta_V(c, scale="proportional")'], {}, "have no spread", "Write sigma ~ 0"),
    "phi and a group sd": (
        ['y ~ 1 + (1 | study) + meta_V(c, scale="proportional")', "sigma ~ 0"],
        {},
        "The sds of `study` and φ cannot be told apart",
        "Leave out scale",
    ),
    "exact rows": (
        [Y, "sigma ~ 0"],
        {"data": DATA.assign(v=np.r_[0.0, DATA["v"][1:]])},
        "no sampling error, and `sigma ~ 0` gives them no other",
        "Estimate sigma",
    ),
    "an exact contrast": (
        ["y ~ x + meta_V(V)", "sigma ~ 0"],
        {"known": {"V": [np.ones((2, 2))] * (N // 2)}},
        "or a contrast of them",
        "Estimate sigma",
    ),
    "a sigma of zero without V": ([Y, "z ~ 1", "sigma(z) ~ 0"], {}, "no sampling error", "Estimate sigma"),
    "rho of outcomes that never meet": (
        ["y ~ 1", "z ~ 1"],
        {"data": DATA.assign(y=DATA["y"].mask(DATA["h"] == "p"), z=DATA["z"].mask(DATA["h"] == "q"))},
        "has 1 coefficient, but only 0 rows have both outcomes",
        "Write rho(y, z) ~ 0",
    ),
    "an outcome that is never there": (
        ["y ~ 1", "z ~ 1"],
        {"data": DATA.assign(z=np.nan)},
        "The outcome `z` is missing in all rows",
        "Leave its formula out",
    ),
    "a constant outcome": (
        ["y ~ 1", "z ~ 1"],
        {"data": DATA.assign(z=2.0)},
        "`z` is 2 in all 24 rows",
        "column",
    ),
    "a copy among predictors": (
        ["y ~ 1", "z ~ x + x2"],
        {},
        "`x2` is a linear combination of `x`",
        "Leave one",
    ),
    "a copy among those of rho": (
        ["y ~ 1", "z ~ 1", "rho(y, z) ~ x + x2"],
        {},
        "`x2` is a linear combination of `x`",
        "Leave one",
    ),
    "weights and correlated rows": (
        ["y ~ x + meta_V(V)"],
        {"known": BLOCKS, "weights": "w"},
        "`weights` multiply the log-likelihoods of independent rows, but `V` correlates some",
        "Leave `weights` out",
    ),
    "weights of too few rows": (
        ["y ~ x"],
        {"data": DATA.assign(w=np.r_[1.0, 1.0, np.zeros(N - 2)]), "weights": "w"},
        "2 fixed effects, but the data have only 2 rows",
        "Leave terms out",
    ),
    "a predictor that varies in rows of weight 0 only": (
        ["y ~ d"],
        {"data": LONG.assign(d=LONG["x"] > 0, w=(LONG["x"] > 0) * 1.0).astype({"d": float}), "weights": "w"},
        "`d` is constant: it is 1 in all",
        "Leave `d` out",
    ),
}


def model(formulas, options):
    frame = LONG.assign(c=0.5, d=(LONG["x"] > 0) * 1.0, x2=2 * LONG["x"] + 1)
    return ld.model(*formulas, **{"data": frame, **options})


@pytest.mark.parametrize(("formulas", "options", "message", "remedy"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_told_apart_is_refused(formulas, options, message, remedy):
    with pytest.raises(ld.DataError) as error:
        model(formulas, options)
    assert message in error.value.what
    assert remedy in error.value.remedy


ALLOWED = {
    "one row per group and sigma 0": (["y ~ x + (1 | study) + meta_V(v)", "sigma ~ 0"], {}),
    "an sd per kind of study": (["y ~ x + (1 | study) + meta_V(v)", "sd(study) ~ h", "sigma ~ 0"], {}),
    "levels of groups": (["y ~ x + (1 | lab) + meta_V(v)"], {}),
    "long outcomes": (["y ~ 0 + h + (0 + h | trial) + meta_V(V)", "sigma ~ 0"], {"known": BLOCKS}),
    "a slope over studies": (["y ~ x + (1 + x | study) + meta_V(v)", "sigma ~ 0"], {}),
    "equal effects": (["y ~ 1 + meta_V(v)"], {"data": DATA.assign(y=0.3)}),
    "one exact row": ([Y], {"data": DATA.assign(v=np.r_[0.0, DATA["v"][1:]])}),
    "phi alone": (['y ~ 1 + meta_V(c, scale="proportional")', "sigma ~ 0"], {}),
    "phi of correlated rows": (['y ~ 1 + meta_V(V, scale="proportional")'], {"known": BLOCKS}),
    "wide outcomes, each with V": ([Y, Z, "sigma(z) ~ x"], {}),
    "wide outcomes in groups": (["y ~ 1 + (1 | lab)", "z ~ 1 + (1 | lab)"], {}),
    "outcomes apart": (
        ["y ~ 1 + (1 || lab) + meta_V(v)", "z ~ 1 + (1 || lab) + meta_V(v)", "rho(y, z) ~ 0"],
        {"data": DATA.assign(y=DATA["y"].mask(DATA["lab"] < 4), z=DATA["z"].mask(DATA["lab"] >= 4))},
    ),
    "weights": ([Y], {"weights": "w"}),
}


@pytest.mark.parametrize(("formulas", "options"), ALLOWED.values(), ids=ALLOWED)
def test_what_can_be_told_apart_passes_without_a_warning(formulas, options):
    assert len(model(formulas, options).design.y) >= N


def test_few_effect_sizes_are_warned_of():
    with pytest.warns(ld.LairdWarning, match="`sigma` is estimated from 4 effect sizes"):
        ld.model("y ~ 1 + meta_V(v)", data=DATA.iloc[:4])
