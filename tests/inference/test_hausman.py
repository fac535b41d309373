import numpy as np
import pandas as pd
import pytest

import laird as ld


@pytest.fixture(scope="module")
def of_slides(hs):
    return ld.hausman(ld.model("mathach ~ ses + (1 | school)", data=hs).fit("reml"))


def test_the_fixed_estimate_is_that_within_schools(hs, of_slides):
    fit = ld.model("mathach ~ ses + school", data=hs.assign(school=hs.school.astype(str))).fit("ols")
    assert of_slides.table.fixed[0] == pytest.approx(fit.fixef["ses"])


def test_one_difference_by_definition(hs, of_slides):
    fit = ld.model("mathach ~ ses + (1 | school)", data=hs).fit("reml")
    within = hs.ses - hs.groupby("school").ses.transform("mean")
    variance = fit.sigma**2 / np.sum(within**2) - fit.se["ses"] ** 2
    row = of_slides.table.iloc[0]
    assert row["se"] == pytest.approx(np.sqrt(variance))
    assert of_slides.chi2 == pytest.approx((row["fixed"] - fit.fixef["ses"]) ** 2 / variance)
    assert (of_slides.df, list(of_slides.table.term)) == (1, ["ses"])


@pytest.mark.parametrize("fixed", ["ses", "ses * Sector", "ses + Sex + Sector", "0 + Sector + ses"])
@pytest.mark.parametrize("method", ["ml", "reml"])
def test_it_is_the_test_of_the_contextual_effects(fixed, method, hs):
    """With the same variances the two statistics are one number (Mundlak 1978), balanced or not."""
    test = ld.hausman(ld.model(f"mathach ~ {fixed} + (1 | school)", data=hs).fit(method))
    assert test.chi2 == pytest.approx(test.contextual_chi2, rel=1e-8)


def test_the_contextual_effect_is_that_of_the_model_with_cvar(hs, of_slides):
    """At the variances of the random-intercept model, which leave more between schools than cvar does."""
    fit = ld.model("mathach ~ ses + cvar(ses, school) + (1 | school)", data=hs).fit("reml")
    row = of_slides.table.iloc[0]
    assert row["contextual"] == pytest.approx(fit.fixef["cvar(ses, school)"], rel=0.02)
    assert 1 < row["contextual_se"] / fit.se["cvar(ses, school)"] < 1.3


def test_equal_slopes_are_not_rejected_and_unequal_ones_are():
    rng = np.random.default_rng(0)
    g = np.arange(2000) // 20
    x = rng.normal(size=100)[g] + rng.normal(size=2000)
    y = x + rng.normal(size=100)[g] + rng.normal(size=2000)
    mean = np.bincount(g, x)[g] / 20
    for outcome, rejected in ((y, False), (y + mean, True)):
        fit = ld.model("y ~ x + (1 | g)", data=pd.DataFrame({"y": outcome, "x": x, "g": g})).fit()
        assert (ld.hausman(fit).p_value < 0.01) == rejected


def test_terms_with_their_own_group_mean_have_nothing_to_test(hs):
    for fixed in ("ses + cvar(ses, school)", "dvar(ses, school) + cvar(ses, school)"):
        with pytest.raises(ld.FitError, match=r"within groups already[\s\S]*cvar"):
            ld.hausman(ld.model(f"mathach ~ {fixed} + (1 | school)", data=hs).fit())


def test_only_the_other_terms_are_tested(hs):
    fit = ld.model("mathach ~ ses + Sex + cvar(ses, school) + (1 | school)", data=hs).fit()
    test = ld.hausman(fit)
    assert test.df == 1
    assert np.isnan(test.table.set_index("term").contextual["ses"])
    assert test.chi2 == pytest.approx(test.contextual_chi2, rel=1e-8)


def test_it_prints(of_slides):
    assert "Hausman chi2(1) = 15.55" in repr(of_slides)
    assert "<table" in of_slides._repr_html_()


REFUSED = {
    "mathach ~ Sector + (1 | school)": "No fixed effect varies within groups",
    "mathach ~ ses + (ses | school)": "must be `\\(1 \\| g\\)`",
    "mathach ~ ses": "has no group effects to test",
    "mathach ~ ses + (1 | school) + (1 | Sex)": "one grouping factor; the model has `school`, `Sex`",
}


@pytest.mark.parametrize("formula", REFUSED)
@pytest.mark.filterwarnings("ignore:.*2 groups")
def test_other_models_are_refused(formula, hs):
    with pytest.raises(ld.FitError, match=REFUSED[formula]):
        ld.hausman(ld.model(formula, data=hs).fit())


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("eb", r'a fit by "eb" has a posterior instead[\s\S]*fit.contextual'),
        ("ols", "Least squares has no group effects"),
    ],
)
def test_other_methods_are_refused(hs, method, message):
    fit = ld.model("mathach ~ ses + (1 | school)", data=hs).fit(method)
    with pytest.raises(ld.FitError, match=message):
        ld.hausman(fit)


def test_rows_without_one_sigma_are_refused(hs):
    fit = ld.model("mathach ~ ses + (1 | school)", "sigma ~ Sex", data=hs).fit("ml")
    with pytest.raises(ld.FitError, match=r"needs rows with one sigma[\s\S]*cvar"):
        ld.hausman(fit)
