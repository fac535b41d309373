"""The table of effects: identities, both ways to write a model, every fitter."""

import numpy as np
import pandas as pd
import pytest

from laird.bound import model
from laird.errors import FitError
from laird.inference.coefficients import coef_tests

RAW = "mathach ~ ses + cvar(ses, school) + (1 | school)"
CENTRED = "mathach ~ dvar(ses, school) + cvar(ses, school) + (1 | school)"
BY_SECTOR = "mathach ~ ({} + cvar(ses, school)) * Sector + (1 | school)"
# the likelihoods of two parameterisations are maximised separately, each to about 1e-8
TWO_FITS = 1e-6
OPTIONS = {"eb": {"draws": 500, "random_seed": 1}}


def table(formula, data, method="reml", **options):
    return model(formula, data=data).fit(method, **OPTIONS.get(method, {})).contextual("ses", **options)


@pytest.mark.parametrize("method", ["ols", "ml", "reml", "eb"])
def test_the_effect_between_is_that_within_plus_the_contextual_one(hs, method):
    for formula in (RAW, CENTRED):
        found = table(formula, hs, method).set_index("effect")["estimate"]
        # sums of the same few numbers, up to the last digit
        assert found["between"] == pytest.approx(found["within"] + found["contextual"], rel=1e-15)


@pytest.mark.parametrize("method", ["ols", "ml", "reml"])
@pytest.mark.parametrize(
    ("raw", "centred"), [(RAW, CENTRED), (BY_SECTOR.format("ses"), BY_SECTOR.format("dvar(ses, school)"))]
)
def test_both_ways_to_write_the_model_give_the_same_effects(hs, method, raw, centred):
    pd.testing.assert_frame_equal(table(raw, hs, method), table(centred, hs, method), rtol=TWO_FITS)


def test_the_effects_are_coefficients_where_the_model_has_them(hs):
    raw, centred = model(RAW, data=hs).fit(), model(CENTRED, data=hs).fit()
    found = raw.contextual("ses").set_index("effect")
    summary = {fit: coef_tests(fit).set_index("term") for fit in (raw, centred)}
    for effect, fit, term in (
        ("within", raw, "ses"),
        ("within", centred, "dvar(ses, school)"),
        ("contextual", raw, "cvar(ses, school)"),
        ("between", centred, "cvar(ses, school)"),
    ):
        for column in ("estimate", "se", "df", "lower", "upper"):
            expected = summary[fit].loc[term, column]
            assert found.loc[effect, column] == pytest.approx(expected, rel=TWO_FITS), (effect, column)


def test_effects_of_least_squares_are_those_of_means_and_deviations(hs):
    """Pooled least squares within and between: two regressions that share nothing (slides p. 87-95)."""
    found = table(CENTRED, hs, "ols").set_index("effect")["estimate"]
    deviation = hs["ses"] - hs.groupby("school")["ses"].transform("mean")
    mean = hs.groupby("school")["ses"].transform("mean") - hs["ses"].mean()
    for effect, x in (("within", deviation), ("between", mean)):
        assert found[effect] == pytest.approx((x @ hs["mathach"]) / (x @ x), rel=1e-10)


def test_an_interaction_gives_the_effects_for_each_level(hs):
    found = table(BY_SECTOR.format("ses"), hs)
    assert found["Sector"].tolist() == ["Catholic"] * 3 + ["Public"] * 3
    for sector in ("Catholic", "Public"):
        releveled = model(
            BY_SECTOR.format("ses"),
            data=hs,
            levels={"Sector": sorted({"Catholic", "Public"}, key=sector.__ne__)},
        )
        reference = coef_tests(releveled.fit()).set_index("term")
        own = found[found["Sector"] == sector].set_index("effect")
        for effect, term in (("within", "ses"), ("contextual", "cvar(ses, school)")):
            for column in ("estimate", "se", "lower"):
                assert own.loc[effect, column] == pytest.approx(reference.loc[term, column], rel=TWO_FITS)


def test_intervals_hold_the_probability_asked_for(hs):
    wide, narrow = table(RAW, hs, prob=0.99), table(RAW, hs, prob=0.5)
    assert (wide["lower"] < narrow["lower"]).all()
    assert (narrow["upper"] < wide["upper"]).all()
    # p = 0.05 is where the 95 % interval touches zero
    p = table(RAW, hs)["p_value"]
    at_p = [table(RAW, hs, prob=1 - max(value, 1e-12)).loc[row, "lower"] for row, value in enumerate(p)]
    assert np.abs(at_p[2]) < 1e-6
    with pytest.raises(FitError, match="prob = 95 is not a probability"):
        table(RAW, hs, prob=95)


def test_draws_give_the_posterior_of_each_effect(hs):
    fit = model(RAW, data=hs).fit("eb", draws=2000, random_seed=2)
    found = fit.contextual("ses").set_index("effect")
    beta = pd.DataFrame(fit.draws.flat("beta"), columns=fit.fixef.index)
    between = beta["ses"] + beta["cvar(ses, school)"]
    assert found.loc["between", "lower"] == pytest.approx(np.quantile(between, 0.025), rel=1e-12)
    assert found.loc["contextual", "above"] == (beta["cvar(ses, school)"] > 0).mean()
    assert set(found["method"]) == {"posterior"}
    assert "p_value" not in found


def test_a_category_has_the_effects_of_each_level(hs):
    fit = model("mathach ~ Sex + cvar(Sex, school) + (1 | school)", data=hs).fit()
    own = hs.assign(male=(hs["Sex"] == "Male") * 1.0)
    reference = model("mathach ~ male + cvar(male, school) + (1 | school)", data=own).fit()
    found, expected = fit.contextual("Sex"), reference.contextual("male")
    assert set(found["term"]) == {"Sex[Male]"}
    pd.testing.assert_frame_equal(found.drop(columns="term"), expected.drop(columns="term"), rtol=TWO_FITS)
