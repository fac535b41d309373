"""Variants of a model are the models that one would bind by hand."""

import numpy as np
import pandas as pd
import pytest

import laird as ld

BCG = ld.load_data("bcg_rr")


@pytest.fixture(scope="module")
def model():
    return ld.model("yi ~ ablat + meta_V(vi)", data=BCG)


def of(table, variant):
    return table[table.variant == variant].drop(columns=["variant", "status"]).reset_index(drop=True)


def test_each_variant_is_the_fit_of_its_own_model(model):
    variants = {"no moderator": {"formula": "yi ~ 1 + meta_V(vi)"}, "by allocation": {"formula": [
        "yi ~ ablat + meta_V(vi)", "sigma ~ 1 + ablat"]}}  # fmt: skip
    table = ld.sensitivity(model, variants, "ml")
    expected = {
        "as given": model.fit("ml"),
        "no moderator": ld.model("yi ~ 1 + meta_V(vi)", data=BCG).fit("ml"),
        "by allocation": ld.model("yi ~ ablat + meta_V(vi)", "sigma ~ ablat", data=BCG).fit("ml"),
    }
    assert table.variant.unique().tolist() == list(expected)
    for name, fit in expected.items():
        pd.testing.assert_frame_equal(of(table, name), fit.summary())


def test_weights_and_levels_are_settings():
    frame = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0, 6.0], "a": list("uvuvv"), "w": [1.0, 2.0, 1.0, 1.0, 3.0]})
    model = ld.model("y ~ a", data=frame, weights="w")
    table = ld.sensitivity(model, {"other reference": {"levels": {"a": ["v", "u"]}}}, "ml")
    slopes = table[table.term.str.startswith("a[")].set_index("variant").estimate
    assert slopes["other reference"] == pytest.approx(-slopes["as given"], rel=1e-10)


@pytest.fixture(scope="module")
def robust():
    priors = {"nu(true_effects)": "gamma(4, 0.5)", "sigma": "half_normal(1)"}
    return ld.model("yi ~ ablat + meta_V(vi)", data=BCG, families={"true_effects": "t"}, priors=priors)


def test_families_are_settings_that_stay_with_other_formulas(robust, model, monkeypatch):
    done, seen = model.fit("reml"), []
    monkeypatch.setattr(ld.Model, "fit", lambda self, *_, **__: seen.append(self.spec) or done)
    variants = {
        "normal": {"families": {}},
        "skewed": {"families": {"true_effects": "skew_normal"}},
        "no moderator": {"formula": "yi ~ 1 + meta_V(vi)"},
    }
    ld.sensitivity(robust, variants, "nuts")
    t, skewed = (("true_effects", "t"),), (("true_effects", "skew_normal"),)
    assert [spec.families for spec in seen] == [t, (), skewed, t]
    assert [row.parameter for row in seen[1].priors] == [row.parameter for row in seen[2].priors] == ["sigma"]


def test_families_side_by_side(robust):
    options = {"draws": 100, "tune": 200, "chains": 1, "cores": 1, "random_seed": 1, "progress": False}
    table = ld.sensitivity(robust, {"normal": {"families": {}}}, "nuts", **options)
    assert table[table.component == "nu"].variant.tolist() == ["as given"]
    assert table[table.component == "sigma"].variant.tolist() == ["as given", "normal"]
    with pytest.raises(ld.FitError, match=r'Variant `as given`: The method "reml" needs normal errors'):
        ld.sensitivity(robust, {})


def test_the_probability_is_that_of_the_intervals(model):
    wide, narrow = (ld.sensitivity(model, {}, "reml", prob=prob) for prob in (0.99, 0.5))
    assert np.all(wide.upper - wide.lower > narrow.upper - narrow.lower)


def test_an_unknown_setting_names_the_nearest(model):
    with pytest.raises(ld.SpecError, match="changes `prior`") as caught:
        ld.sensitivity(model, {"wrong": {"prior": {}}})
    assert "`priors`" in caught.value.allowed


def test_what_is_wrong_with_a_variant_begins_with_its_name(model):
    with pytest.raises(ld.DataError, match="Variant `typo`: There is no column `alat`"):
        ld.sensitivity(model, {"typo": {"formula": "yi ~ alat + meta_V(vi)"}})
