"""Studies: estimates, weights and subgroups of a fit."""

from __future__ import annotations

import numpy as np
import pytest
from tests.plots.meta_fits import assink, bcg, berkey, dense_sigma, restoration

import laird as ld
from laird.errors import FitError
from laird.plots.studies import moderator, studies

BCG = ld.load_data("bcg_rr")


def test_estimates_and_heterogeneity_are_those_of_the_fit():
    own = studies(bcg())
    assert own.y.tolist() == BCG["yi"].tolist()
    assert own.v.tolist() == BCG["vi"].tolist()
    assert own.mean == pytest.approx(np.full(13, bcg().fixef["Intercept"]))
    assert own.tau2 == pytest.approx(np.full(13, bcg().sigma ** 2))
    assert own.total_sd == pytest.approx(np.sqrt(BCG["vi"] + bcg().sigma ** 2))


def test_weights_are_row_sums_of_the_inverse_covariance():
    rows = np.linalg.inv(dense_sigma(assink())).sum(axis=1)
    assert studies(assink()).weight == pytest.approx(100 * rows / rows.sum())


def test_independent_estimates_weigh_by_their_precision():
    precision = 1 / (BCG["vi"] + bcg().sigma ** 2)
    assert studies(bcg()).weight == pytest.approx((100 * precision / precision.sum()).to_numpy())


def test_heterogeneity_by_row_in_a_location_scale_fit():
    own, sigma = studies(restoration()), restoration().sigma
    assert own.tau2 == pytest.approx(sigma**2)
    assert not own.constant
    assert studies(bcg()).constant


def test_labels_of_the_data_of_the_model_and_without_any():
    assert studies(bcg(), BCG["author"]).labels == tuple(BCG["author"])
    assert studies(bcg(), list(BCG["year"])).labels[0] == "1948"
    assert studies(bcg()).labels[:2] == ("row 0", "row 1")
    assert studies(assink()).labels[-1] == "17"
    assert studies(assink(), by="study").labels[0] == "row 0"
    assert studies(restoration(), "habitat").labels[:2] == ("grassland", "forest")


def test_labels_of_the_data_where_rows_were_dropped():
    data = ld.load_data("bangertdrowns2004")
    fit = ld.model("yi ~ length + meta_V(vi)", data=data, missing="drop").fit()
    kept = data.dropna(subset=["length"])
    assert studies(fit, data["author"]).labels == tuple(kept["author"])
    assert studies(fit, kept["author"].tolist()).labels == tuple(kept["author"])


def test_order_of_subgroups():
    assert studies(bcg(), by=BCG["alloc"]).names == ("random", "alternate", "systematic")
    assert studies(bcg(), by=[10] * 6 + [9] * 7).names == ("9", "10")
    own = studies(restoration(), by="habitat")
    assert own.names == ("grassland", "forest")
    assert own.ids.tolist() == (ld.load_data("restoration")["habitat"] == "forest").astype(int).tolist()


def test_one_of_several_outcomes():
    own = studies(berkey(), outcome="PD")
    wide = ld.load_data("berkey1998_wide")
    assert own.y.tolist() == wide["PD"].tolist()
    assert own.v.tolist() == wide["v_PD"].tolist()
    with pytest.raises(FitError, match="several outcomes"):
        studies(berkey())
    with pytest.raises(FitError, match="no outcome `Pd`"):
        studies(berkey(), outcome="Pd")


def test_moderator_of_a_function_needs_the_data():
    own, data = studies(berkey(), outcome="AL"), ld.load_data("berkey1998_wide")
    with pytest.raises(FitError, match="only within functions"):
        moderator(own, "year")
    assert moderator(own, "year", data).tolist() == data["year"].tolist()
    with pytest.raises(FitError, match="no moderator `yaer`"):
        moderator(own, "yaer", data)


def test_bad_input():
    with pytest.raises(FitError, match="labels have 3 entries"):
        studies(bcg(), ["a", "b", "c"])
    with pytest.raises(FitError, match="no grouping factor or moderator `alloc`"):
        studies(bcg(), by="alloc")
    with pytest.raises(FitError, match="no known sampling variances"):
        studies(ld.model("yi ~ 1", data=BCG).fit("ols"))
    with pytest.raises(FitError, match="no meta-analysis"):
        studies(ld.model("yi ~ 1 + meta_V(vi)", data=BCG).fit("ols"))
    with pytest.raises(FitError, match="drawn from one fit"):
        studies("bcg")
