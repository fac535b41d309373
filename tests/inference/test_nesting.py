import numpy as np
import pytest

import laird as ld
from laird.inference.nesting import difference


@pytest.fixture(scope="module")
def sleep_fit(sleepstudy):
    made = {}

    def fit(right, method="reml", data=sleepstudy):
        key = (right, method, id(data))
        if key not in made:
            made[key] = ld.model(f"Reaction ~ {right}", data=data).fit(method)
        return made[key]

    return fit


COUNTS = {
    ("Days + (1 | Subject)", "Days + (Days | Subject)"): (2, 1),
    ("Days + (1 | Subject)", "Days + (Days || Subject)"): (1, 1),
    ("Days + (Days || Subject)", "Days + (Days | Subject)"): (1, 0),
    ("Days + (0 + Days | Subject)", "Days + (Days | Subject)"): (2, 1),
    ("Days", "Days + (Days | Subject)"): (3, 2),
}


@pytest.mark.parametrize("pair", COUNTS, ids=" in ".join)
def test_parameters_and_variances_between(pair, sleep_fit):
    assert difference(*(sleep_fit(right) for right in pair)) == COUNTS[pair]


def test_fixed_effects_are_counted_by_ml(sleep_fit):
    pair = "1 + (1 | Subject)", "Days + I(Days ** 2) + (1 | Subject)"
    assert difference(*(sleep_fit(right, "ml") for right in pair)) == (2, 0)


def test_least_squares_stands_for_a_model_without_groups(sleep_fit):
    assert difference(sleep_fit("Days", "ols"), sleep_fit("Days + (1 | Subject)", "ml")) == (1, 1)
    assert difference(sleep_fit("Days + (1 | Subject)", "ols"), sleep_fit("Days + (1 | Subject)", "ml")) == (
        1,
        1,
    )


def test_other_codings_of_the_same_columns_are_nested(hs):
    small, large = (
        ld.model(f"mathach ~ {right} + (1 | school)", data=hs).fit("ml")
        for right in ("Sector", "0 + Sector + ses")
    )
    assert difference(small, large) == (1, 0)


def test_regressions_of_sigma_are_interior(hs):
    small = ld.model("mathach ~ ses + (1 | school)", data=hs).fit("ml")
    large = ld.model("mathach ~ ses + (1 | school)", "sigma ~ Sex", data=hs).fit("ml")
    assert difference(small, large) == (1, 0)
    with pytest.raises(ld.FitError, match="a regression of sigma"):
        difference(large, small)


def test_heterogeneity_is_a_variance_that_could_be_zero():
    data = ld.load_data("bcg_rr")
    small = ld.model("yi ~ 1 + meta_V(vi)", "sigma ~ 0", data=data).fit("reml")
    large = ld.model("yi ~ 1 + meta_V(vi)", data=data).fit("reml")
    larger = ld.model("yi ~ 1 + meta_V(vi)", "sigma ~ ablat", data=data).fit("reml")
    assert difference(small, large) == (1, 1)
    assert difference(large, larger) == (1, 0)
    with pytest.raises(ld.FitError, match="a regression of sigma"):
        difference(large, small)
    other = ld.model("yi ~ 1 + meta_V(vi)", data=data.assign(vi=2 * data.vi)).fit("reml")
    with pytest.raises(ld.FitError, match="different known sampling variances"):
        difference(small, other)


def test_reml_fits_with_different_fixed_parts_are_refused_by_name(sleep_fit):
    with pytest.raises(ld.FitError, match=r"REML likelihoods[\s\S]*differing: `Days`[\s\S]*\"ml\""):
        difference(sleep_fit("1 + (1 | Subject)"), sleep_fit("Days + (1 | Subject)"))


def test_columns_of_one_name_but_other_values_are_refused(hs):
    one = ld.model("mathach ~ Sector + (1 | school)", data=hs).fit()
    other = ld.model(
        "mathach ~ Sector + (1 | school)", data=hs.assign(Sector=hs.Sector.iloc[::-1].to_numpy())
    ).fit()
    with pytest.raises(ld.FitError, match="columns of the same name"):
        difference(one, other)


NOT_NESTED = {
    ("Days + (1 | Subject)", "Days + (0 + Days | Subject)"): "a random term of `Subject`",
    ("Days + (Days | Subject)", "Days + (Days || Subject)"): "a random term of `Subject`",
}


@pytest.mark.parametrize("pair", NOT_NESTED, ids=" in ".join)
def test_models_that_are_not_nested_are_refused(pair, sleep_fit):
    with pytest.raises(
        ld.FitError, match=f"not nested[\\s\\S]*{NOT_NESTED[pair]}[\\s\\S]*smaller: [\\s\\S]*AIC"
    ):
        difference(*(sleep_fit(right) for right in pair))


def test_other_fixed_effects_are_refused_by_ml(sleep_fit):
    pair = "Days + (1 | Subject)", "I(Days ** 2) + (1 | Subject)"
    with pytest.raises(ld.FitError, match="the fixed effect `Days`"):
        difference(*(sleep_fit(right, "ml") for right in pair))


def test_other_groups_are_refused(sleepstudy, sleep_fit):
    moved = sleepstudy.assign(Subject=np.roll(sleepstudy.Subject, 5))
    large = ld.model("Reaction ~ Days + (Days | Subject)", data=moved).fit()
    with pytest.raises(ld.FitError, match="a random term of `Subject`"):
        difference(sleep_fit("Days + (1 | Subject)"), large)


def test_other_rows_or_outcomes_are_refused(sleepstudy, sleep_fit):
    fewer = ld.model("Reaction ~ Days + (Days | Subject)", data=sleepstudy.iloc[1:]).fit()
    with pytest.raises(ld.FitError, match="different data: 180 and 179 rows"):
        difference(sleep_fit("Days + (1 | Subject)"), fewer)
    log = ld.model("log(Reaction) ~ Days + (Days | Subject)", data=sleepstudy).fit()
    with pytest.raises(ld.FitError, match="The outcomes differ"):
        difference(sleep_fit("Days + (1 | Subject)"), log)


@pytest.mark.parametrize("methods", [("ml", "reml"), ("ols", "reml"), ("eb", "reml")])
def test_methods_without_a_common_likelihood_are_refused(methods, hs_fit):
    with pytest.raises(ld.FitError, match="needs two fits"):
        difference(*(hs_fit(method) for method in methods))
