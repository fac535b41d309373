"""Contextual effects with the degrees of freedom of lmerTest and pbkrtest, from either model."""

import numpy as np
import pandas as pd
import pytest

from laird.bound import model
from laird.errors import FitError
from laird.inference.coefficients import coef_tests
from laird.inference.contextual import contextual

CENTRED = "mathach ~ dvar(ses, school) + cvar(ses, school) + (1 + dvar(ses, school) | school)"
RAW = "mathach ~ ses + cvar(ses, school) + (1 + dvar(ses, school) | school)"


@pytest.mark.parametrize(("df", "suffix"), [("satterthwaite", "satterthwaite"), ("kenward-roger", "kr")])
def test_effects_of_either_model_are_those_of_lme4(hs, golden, df, suffix):
    peers = {row["id"]: row for row in golden("peers_hs")}
    raw, centred = peers["hs-contextual_raw-reml"], peers["hs-contextual_cwg-reml"]
    rows = {"within": (centred, "ses_d"), "between": (centred, "ses_c"), "contextual": (raw, "ses_c")}
    for formula in (RAW, CENTRED):
        found = contextual(model(formula, data=hs).fit("reml"), "ses", df=df).set_index("effect")
        for effect, (peer, term) in rows.items():
            # as all comparisons with lmerTest and pbkrtest: 1e-3, these differentiate numerically
            se = peer["se_kr" if suffix == "kr" else "se"][term]
            assert found.loc[effect, "estimate"] == pytest.approx(peer["fixef"][term], rel=1e-5)
            assert found.loc[effect, "se"] == pytest.approx(se, rel=1e-3)
            assert found.loc[effect, "df"] == pytest.approx(peer[f"df_{suffix}"][term], rel=1e-3)


def test_the_table_of_the_fit_is_the_same_and_says_how_degrees_of_freedom_were_found(hs):
    fit = model(RAW, data=hs).fit("reml")
    pd.testing.assert_frame_equal(contextual(fit, "ses"), fit.contextual("ses"))
    assert set(fit.contextual("ses")["method"]) == {"satterthwaite"}
    by_rule = contextual(fit, "ses", df="inner-outer")
    assert by_rule["df"].tolist() == [len(hs) - 40 - 1, 38, 38]


def test_latent_means_have_degrees_of_freedom_of_their_own(hs):
    fit = model("mathach ~ ses + cvar(ses, school) + (1 | school)", data=hs).fit("reml")
    found = contextual(fit, "ses", latent=True)
    pd.testing.assert_frame_equal(found, fit.contextual("ses", latent=True))
    assert (found["df"] == contextual(fit, "ses")["df"]).all()
    with pytest.raises(FitError, match="have degrees of freedom of their own"):
        contextual(fit, "ses", latent=True, df="normal")


def test_known_variances_without_group_effects_have_the_method_of_knapp_and_hartung():
    rng = np.random.default_rng(1)
    data = pd.DataFrame(
        {"g": np.repeat(range(6), 5), "x": rng.normal(size=30), "v": rng.uniform(0.1, 0.3, 30)}
    )
    fit = model("y ~ x + cvar(x, g) + meta_V(v)", data=data.assign(y=data["x"] + rng.normal(size=30))).fit(
        "reml"
    )
    assert set(contextual(fit, "x")["method"]) == {"knapp-hartung"}
    with pytest.raises(FitError, match="the small-sample method of Knapp and Hartung"):
        fit.contextual("x")


def test_draws_give_the_table_of_the_fit(hs):
    fit = model("mathach ~ ses + cvar(ses, school) + (1 | school)", data=hs).fit(
        "eb", draws=300, random_seed=1
    )
    pd.testing.assert_frame_equal(contextual(fit, "ses"), fit.contextual("ses"))
    with pytest.raises(FitError, match="Degrees of freedom are for likelihood fits"):
        contextual(fit, "ses", df="satterthwaite")


def test_least_squares_has_its_own_degrees_of_freedom(hs):
    fit = model("mathach ~ ses * Sector + cvar(ses, school)", data=hs).fit("ols")
    found, tests = contextual(fit, "ses"), coef_tests(fit).set_index("term")
    assert found["df"].unique().tolist() == [len(hs) - 5]
    assert found["se"].iloc[0] == pytest.approx(tests.loc["ses", "se"], rel=1e-12)
    assert np.isfinite(found.drop(columns=["reliability"]).select_dtypes("number")).all(axis=None)
