"""A grid of correlations is one fit for each V that the builder gives."""

import numpy as np
import pandas as pd
import pytest

import laird as ld

ASSINK = ld.load_data("assink2016")
PARTS = ["yi ~ 1 + (1 | study) + meta_V(V)"]


def test_each_correlation_is_the_fit_of_its_own_V():
    model = ld.model(*PARTS, data=ASSINK, known={"V": "vcov_cluster(vi, study, rho=0.6)"})
    table = ld.correlation_sensitivity(model, [0.0, 0.3, 0.9])
    for rho, found in table.groupby("rho"):
        V = ld.vcov_cluster(ASSINK.vi, ASSINK.study, rho=rho)
        expected = ld.model(*PARTS, data=ASSINK, known={"V": V}).fit("reml").summary()
        pd.testing.assert_frame_equal(found.drop(columns=["rho", "status"]).reset_index(drop=True), expected)


def test_the_correlation_of_two_outcomes():
    """A covariance given by the recipe gives way to the correlation of the grid."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=12), "b": rng.normal(size=12), "v": 0.2, "w": 0.3, "c": 0.1})
    model = ld.model("a ~ 1 + meta_V(V)", "b ~ 1", data=frame, known={"V": "vcov_bivariate(v, w, cov=c)"})
    table = ld.correlation_sensitivity(model, 0.5, "ml")
    V = ld.vcov_bivariate(frame.v, frame.w, cor=0.5)
    expected = ld.model("a ~ 1 + meta_V(V)", "b ~ 1", data=frame, known={"V": V}).fit("ml").summary()
    pd.testing.assert_frame_equal(table.drop(columns=["rho", "status"]), expected)


def test_a_V_that_was_given_has_no_correlation_to_vary():
    model = ld.model("yi ~ 1 + meta_V(vi)", data=ASSINK)
    with pytest.raises(ld.FitError, match="not built from columns") as caught:
        ld.correlation_sensitivity(model)
    assert "vcov_cluster" in caught.value.remedy


def test_impossible_grids_are_refused():
    model = ld.model(*PARTS, data=ASSINK, known={"V": "vcov_cluster(vi, study, rho=0.6)"})
    with pytest.raises(ld.FitError, match="grid of correlations is empty"):
        ld.correlation_sensitivity(model, [])
    with pytest.raises(ld.LairdError, match="rho"):
        ld.correlation_sensitivity(model, [0.2, 1.5])
