"""Cumulative analysis against metafor's cumul()."""

from __future__ import annotations

import numpy as np
import pytest
from tests import peers

import laird as ld


@pytest.fixture(scope="module")
def bcg():
    return ld.load_data("bcg_rr")


@pytest.fixture(scope="module")
def fit(bcg):
    return ld.model("yi ~ 1 + meta_V(vi)", data=bcg).fit("reml")


def test_estimates_by_year_as_metafor_gives_them(fit, bcg):
    found = ld.cumulative(fit, bcg.year)
    expected = peers.golden("metafor_tests")["cumulative_by_year"]
    np.testing.assert_allclose(found.estimate, expected, rtol=0, atol=6e-7 + 1e-5)
    assert found.studies.tolist() == list(range(1, 14))
    assert found.order.is_monotonic_increasing
    assert found.estimate.iloc[-1] == pytest.approx(fit.fixef.iloc[0], rel=1e-9)


def test_the_first_study_is_its_own_estimate(fit, bcg):
    first = ld.cumulative(fit, bcg.year).iloc[0]
    row = bcg.sort_values("year", kind="stable").iloc[0]
    assert (first.estimate, first.se) == (pytest.approx(row.yi), pytest.approx(np.sqrt(row.vi)))
    assert np.isnan(first.sd_residual)


def test_studies_of_one_year_may_come_together(fit, bcg):
    found = ld.cumulative(fit, bcg.year, together=True)
    assert found.order.tolist() == sorted(set(bcg.year))
    single = ld.cumulative(fit, bcg.year).drop_duplicates("order", keep="last")
    np.testing.assert_allclose(found.estimate, single.estimate, rtol=1e-12)


def test_levels_join_district_by_district():
    data = ld.load_data("konstantopoulos2011")
    fit = ld.model("yi ~ 1 + (1 | district) + meta_V(vi)", data=data).fit("reml")
    found = ld.cumulative(fit, data.year)
    assert found.studies.iloc[-1] == 11
    assert found.rows.iloc[-1] == len(data)
    assert found.sd_district.iloc[-1] == pytest.approx(fit.varcorr.sdcor[0], rel=1e-6)


def test_models_without_known_variances_are_refused(hs_fit, hs):
    with pytest.raises(ld.FitError, match="known sampling variances"):
        ld.cumulative(hs_fit("reml"), hs.ses)
