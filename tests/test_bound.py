"""Models of effect sizes and of several outcomes, bound to data: what they show and write."""

import pickle

import numpy as np
import pandas as pd
import pytest

import laird as ld
from laird.spec import spec_from_toml

BERKEY = ld.load_data("berkey1998")
WIDE = BERKEY.pivot(index="trial", columns="outcome", values="yi").reset_index()
WIDE = WIDE.assign(year=BERKEY.groupby("trial", observed=True)["year"].first().to_numpy())


def covariances(order):
    """V of every trial, its outcomes in this order; `v1i` and `v2i` are its columns in the order PD, AL."""
    place = [("PD", "AL").index(outcome) for outcome in order]
    blocks = BERKEY[["v1i", "v2i"]].to_numpy().reshape(5, 2, 2)
    return [block[np.ix_(place, place)] for block in blocks]


WIDE_MODEL = ("AL ~ 1 + meta_V(V)", "PD ~ year", "sigma(PD) ~ 1", "rho(AL, PD) ~ 1")


def wide(**options):
    return ld.model(*WIDE_MODEL, data=WIDE, known={"V": covariances(("AL", "PD"))}, **options)


def test_stacked_outcomes_and_long_data_have_the_same_arrays():
    both = ld.model("AL ~ 1 + meta_V(V)", "PD ~ 1", data=WIDE, known={"V": covariances(("AL", "PD"))}).design
    rows = BERKEY.sort_values(["trial", "outcome"])
    long = ld.model(
        "yi ~ 0 + outcome + (0 + outcome | trial) + meta_V(V)",
        "sigma ~ 0",
        data=rows,
        known={"V": covariances(("AL", "PD"))},
    ).design
    for name in ("y", "X"):
        np.testing.assert_array_equal(getattr(both, name), getattr(long, name))
    np.testing.assert_array_equal(both.known.variances, rows["vi"])
    for ours, theirs in zip(both.known.blocks, long.known.blocks, strict=True):
        np.testing.assert_array_equal(ours.V, theirs.V)
    assert long.scales[0].W.shape == (10, 0)
    assert long.random[0].names == ("outcome[AL]", "outcome[PD]")


def test_the_text_of_several_outcomes_reads_back():
    model = wide()
    again = spec_from_toml(model.spec.to_toml())
    assert again == model.spec
    known = {"V": covariances(("AL", "PD"))}
    np.testing.assert_array_equal(ld.model(again, data=WIDE, known=known).design.X, model.design.X)


def test_a_model_shows_its_formulas_its_rows_and_its_gaps():
    gap = WIDE.assign(PD=WIDE["PD"].mask(WIDE["trial"] == "3"))
    known = {"V": covariances(("AL", "PD"))}
    with pytest.warns(ld.LairdWarning, match="`sigma.PD.` is estimated from 4 effect sizes"):
        model = ld.model(*WIDE_MODEL, data=gap, known=known)
    lines = repr(model).splitlines()
    assert lines[:4] == ["AL ~ 1 + meta_V(V)", "PD ~ 1 + year", "sigma(PD) ~ 1", "rho(AL, PD) ~ 1"]
    assert lines[4] == "5 rows; 1 rows without PD"
    assert "AL: Intercept" in repr(model)


def test_equations_know_which_V_is_a_matrix():
    column = ld.model("yi ~ 1 + meta_V(vi)", data=ld.load_data("bcg_rr"))
    matrix = ld.model("yi ~ 1 + meta_V(V)", data=ld.load_data("bcg_rr"), known={"V": np.eye(13)})
    assert r"\text{vi}_{i}" in column.equations().distributions[0]
    assert r"\mathbf{V}" in matrix.equations().distributions[0]
    assert r"\mathbf{V}" in wide().equations().distributions[0]


def test_the_columns_of_a_category_are_written_in_the_regression_of_sigma():
    model = ld.model("yi ~ habitat + meta_V(vi)", "sigma ~ habitat", data=ld.load_data("restoration"))
    assert r"\text{habitat[forest]}_{i}" in model.equations().distributions[-1]


def test_several_outcomes_have_no_multilevel_form():
    model = ld.model(
        "AL ~ 1 + (1 | g)", "PD ~ 1 + (1 | g)", data=pd.concat([WIDE.assign(g=list("aabbc"))] * 3)
    )
    with pytest.raises(ld.SpecError, match="no multilevel form"):
        model.multilevel()
    assert model.between == ()


def test_weights_are_given_by_name_and_kept_in_the_text():
    frame = ld.load_data("bcg_rr").assign(w=np.arange(13.0))
    model = ld.model("yi ~ ablat", data=frame, weights="w")
    assert model.design.weights.tolist() == list(range(13))
    assert 'weights = "w"' in model.spec.to_toml()
    again = ld.model(ld.model("yi ~ ablat", data=frame).spec, data=frame, weights="w")
    assert again.spec == model.spec
    with pytest.raises(ld.DataError, match="no column `ww` in the data"):
        ld.model("yi ~ ablat", data=frame, weights="ww")


def test_rows_without_a_sampling_variance_are_dropped_when_asked_for_and_counted():
    frame = ld.load_data("bcg_rr")
    frame = frame.assign(vi=frame["vi"].mask(frame["trial"].isin(["2", "5"])))
    with pytest.raises(ld.DataError, match="column vi: 2 missing values, in rows 1, 4"):
        ld.model("yi ~ 1 + meta_V(vi)", data=frame)
    model = ld.model("yi ~ 1 + meta_V(vi)", data=frame, missing="drop")
    assert model.schema.dropped == (("vi", 2),)
    assert len(model.design.known.variances) == 11


def test_a_model_says_that_it_is_not_fitted():
    model = ld.model("y ~ x", data={"x": [0.0, 1.0, 2.0, 4.0], "y": [0.1, 1.2, 1.7, 4.2]})
    for ask in (ld.loo, ld.residuals, ld.r2, lambda own: own.fixef):
        with pytest.raises(ld.FitError, match="is not fitted") as caught:
            ask(model)
        assert "model.fit" in caught.value.remedy
    assert not hasattr(model, "draws")
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        model.nothing  # noqa: B018
    assert pickle.loads(pickle.dumps(model)).spec == model.spec
