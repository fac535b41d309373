"""Knapp and Hartung's method against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from tests import peers

import laird as ld
from laird.inference.small_sample import knapp_hartung, studies_left


def test_with_an_estimated_residual_variance_the_factor_is_one(hs_fit):
    """y'Py = n - p at the REML estimate, whatever else is in the model."""
    found = knapp_hartung(hs_fit("reml"), truncated=False)
    assert found.scale == pytest.approx(1.0, rel=1e-8)
    np.testing.assert_allclose(found.cov, hs_fit("reml").vcov, rtol=1e-7)


def test_it_is_a_method_of_coef_tests(hs_fit):
    fit = hs_fit("ml")
    table = ld.coef_tests(fit, df="knapp-hartung-untruncated")
    found = knapp_hartung(fit, truncated=False)
    np.testing.assert_allclose(table.se, np.sqrt(np.diag(found.cov)), rtol=1e-14)
    assert table.df.tolist() == [36.0] * 4
    assert found.joint(np.eye(4)) == (1.0, 36.0)


def test_truncation_never_narrows(hs_fit):
    found = knapp_hartung(hs_fit("ml"))
    assert found.scale >= 1.0


def test_standard_errors_and_intervals_as_metafor_gives_them():
    """rma(test = "knha"); its τ² is 3e-8 from the maximum, relatively."""
    peer = peers.meta("bcg-reml-knapp-hartung")
    fit = ld.model("yi ~ 1 + meta_V(vi)", data=ld.load_data("bcg_rr")).fit("reml")
    row = ld.coef_tests(fit, df="knapp-hartung-untruncated").iloc[0]
    assert row.se == pytest.approx(peer["se"]["intrcpt"], rel=1e-5)
    assert row.df == peer["ddf"]
    np.testing.assert_allclose([row.lower, row.upper], peer["ci"], rtol=1e-5)


def test_it_is_the_default_for_studies_without_groups():
    data = ld.load_data("konstantopoulos2011")
    alone = ld.model("yi ~ 1 + meta_V(vi)", data=data).fit("reml")
    grouped = ld.model("yi ~ 1 + (1 | district) + meta_V(vi)", data=data).fit("reml")
    assert ld.coef_tests(alone).method[0] == "knapp-hartung"
    assert ld.coef_tests(grouped).method[0] == "satterthwaite"


def test_studies_are_counted_by_outcome_and_by_outermost_group():
    data = {"a": [1.0, 2.0, 4.0, 3.0, 2.5, 1.0], "b": [2.0, 1.0, 3.0, 5.0, 2.0, np.nan]}
    data |= {"v": [0.1] * 6, "x": [1.0, 2.0, 3.0, 1.0, 2.0, 2.0]}
    two = ld.model("a ~ x + meta_V(v)", "b ~ 1 + meta_V(v)", data=data).design
    assert studies_left(two).tolist() == [4.0, 4.0, 4.0]
    districts = ld.model("yi ~ 1 + (1 | district) + meta_V(vi)", data=ld.load_data("konstantopoulos2011"))
    assert studies_left(districts.design).tolist() == [10.0]


def test_the_omnibus_test_of_moderators_as_metafor_gives_it():
    """QM; metafor's τ² is up to 3e-5 from the maximum, which moves QM by 3e-4 of itself."""
    peer = peers.meta("bcg-ablat-year-reml")
    fit = ld.model("yi ~ ablat + year + meta_V(vi)", data=ld.load_data("bcg_rr")).fit("reml")
    joint = ld.wald(fit, pattern="ablat|year", df="normal").joint
    assert joint.chi2 == pytest.approx(peer["QM"], rel=3e-4)
