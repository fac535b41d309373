"""Predictions of every method, for fitted groups, new ones and the population."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

import laird as ld


@pytest.fixture(scope="module")
def fits():
    model = ld.model("mathach ~ ses * Sector + (1 | school)", data=ld.load_data("hs"))
    return model.fit("reml"), model.fit("eb", draws=4000, random_seed=3)


NEW = {"ses": [0.0, 1.0, 0.5], "Sector": ["Public", "Catholic", "Public"], "school": ["1317", "x", "y"]}


@pytest.mark.parametrize("kind", ["mean", "conditional", "predictive"])
@pytest.mark.parametrize("groups", ["new", "population"])
def test_reml_and_posterior_agree_with_forty_schools(fits, kind, groups):
    """To a tenth of a standard error, the size of priors and of estimated variances; sds to 8 %."""
    reml, eb = (ld.predictions(fit, NEW, groups=groups, kind=kind) for fit in fits)
    assert np.all(np.abs(reml.estimate - eb.estimate) < 0.1 * reml.se)
    np.testing.assert_allclose(reml.se, eb.se, rtol=0.08)
    np.testing.assert_allclose(reml.upper - reml.lower, eb.upper - eb.lower, rtol=0.1)


@pytest.mark.parametrize("method", [0, 1])
def test_without_averages_as_fit_predict(fits, method):
    fit = fits[method]
    found = ld.predictions(fit, NEW, groups="new", kind="conditional")
    expected = fit.predict(NEW, groups="new")
    np.testing.assert_allclose(found.estimate, expected.estimate, rtol=1e-10)
    np.testing.assert_allclose(found.se, expected.se, rtol=0.06, err_msg="variances are estimated")


def test_kinds_are_ever_more_uncertain(fits):
    for fit in fits:
        se = [
            ld.predictions(fit, NEW, groups="new", kind=k).se for k in ("mean", "conditional", "predictive")
        ]
        assert np.all(se[1][1:] > se[0][1:])
        assert np.all(se[2] > se[1])
        assert se[0][0] == pytest.approx(se[1][0])


def test_averages_of_the_fitted_rows(fits):
    fit, data = fits[0], ld.load_data("hs")
    by_name = ld.predictions(fit, by="school", groups="existing")
    by_column = ld.predictions(fit, data, by=["school"], groups="existing")
    by_labels = ld.predictions(fit, by=data.school, groups="existing")
    np.testing.assert_allclose(by_name[["estimate", "se"]], by_column[["estimate", "se"]], rtol=1e-9)
    np.testing.assert_allclose(by_name[["estimate", "se"]], by_labels[["estimate", "se"]], rtol=1e-9)
    whole = ld.predictions(fit, data, by=True, groups="existing")
    rows = ld.predictions(fit, data, groups="existing")
    np.testing.assert_allclose(whole.estimate[0], rows.estimate.mean(), rtol=1e-12)
    np.testing.assert_allclose(whole.estimate[0], data.mathach.mean(), rtol=1e-3)


def test_a_polars_frame(fits):
    found = ld.predictions(fits[0], pl.DataFrame(NEW), by="Sector", groups="new")
    assert list(found.Sector) == ["Catholic", "Public"]
    pd.testing.assert_frame_equal(found, ld.predictions(fits[0], NEW, by="Sector", groups="new"))


def test_rows_of_one_new_group_are_not_independent(fits):
    same = {"ses": [0.0] * 4, "Sector": ["Public"] * 4, "school": ["n"] * 4}
    different = same | {"school": list("abcd")}
    for fit in fits:
        shared, apart = (
            ld.predictions(fit, new, by=True, groups="new", kind="conditional").se[0]
            for new in (same, different)
        )
        one = ld.predictions(fit, {k: v[:1] for k, v in same.items()}, groups="new", kind="conditional").se[0]
        assert shared == pytest.approx(one, rel=0.05)
        assert apart < 0.75 * shared


def test_several_outcomes_have_rows_each():
    rng = np.random.default_rng(1)
    frame = {"a": rng.normal(size=30), "b": rng.normal(size=30), "x": rng.normal(size=30)}
    fit = ld.model("a ~ x", "b ~ x", data=frame).fit()
    found = ld.predictions(fit, {"x": [0.0, 1.0]}, kind="predictive")
    assert found[["row", "outcome"]].values.tolist() == [[0, "a"], [0, "b"], [1, "a"], [1, "b"]]
    mean = ld.predictions(fit, {"x": [0.0, 1.0]}, by=True)
    np.testing.assert_allclose(mean.estimate, found.groupby("outcome").estimate.mean(), rtol=1e-12)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({}, "which groups"),
        ({"groups": "all"}, "groups = 'all'"),
        ({"groups": "existing"}, "groups that the fitted data did not have"),
        ({"groups": "new", "kind": "response"}, "kind = 'response'"),
        ({"groups": "new", "by": "sess"}, "no column `sess`"),
        ({"groups": "new", "by": 3}, "by = 3"),
        ({"groups": "new", "prob": 1.0}, "prob = 1.0"),
        ({"groups": "new", "df": "exact"}, "not a method"),
    ],
)
def test_what_cannot_be_is_said(fits, how, message):
    with pytest.raises(ld.LairdError, match=message):
        ld.predictions(fits[0], NEW, **how)


def test_degrees_of_freedom_are_not_for_draws(fits):
    with pytest.raises(ld.FitError, match="Degrees of freedom"):
        ld.predictions(fits[1], NEW, groups="new", df="normal")


def test_fitted_rows_have_only_the_columns_of_the_model(fits):
    with pytest.raises(ld.FitError, match="no grouping factor or column `Sektor`"):
        ld.predictions(fits[0], by="Sektor", groups="existing")


def test_only_of_fits():
    data = ld.load_data("dyestuff")
    for wrong in (data, ld.model("Yield ~ 1 + (1 | Batch)", data=data)):
        with pytest.raises(ld.FitError, match="is no fit"):
            ld.predictions(wrong, groups="population")
