"""Rows at which a model is asked, and the variances of true effects there."""

from __future__ import annotations

import numpy as np
import pytest

import laird as ld
from laird.inference.studies import distinct_rows, level_names, rows_at, variances_at


@pytest.fixture(scope="module")
def fit():
    data = ld.load_data("konstantopoulos2011")
    return ld.model("yi ~ year + (1 | district) + meta_V(vi)", "sigma ~ year", data=data).fit("ml")


def test_variances_by_level(fit):
    rows = rows_at(fit, {"year": [1976, 2000]})
    found = variances_at(fit, rows)
    assert level_names(rows) == ("residual", "district")
    expected = np.exp(2 * (fit.scale["Intercept"] + fit.scale["year"] * np.array([1976, 2000])))
    np.testing.assert_allclose(found[0], expected, rtol=1e-9)
    np.testing.assert_allclose(found[1], fit.varcorr.vcov[0], rtol=1e-12)


def test_rows_that_are_all_alike_become_one():
    data = ld.load_data("bcg_rr")
    assert len(rows_at(ld.model("yi ~ 1 + meta_V(vi)", data=data).fit("ml")).X) == 1
    assert len(rows_at(ld.model("yi ~ year + meta_V(vi)", data=data).fit("ml")).X) == 13


def test_rows_of_one_heterogeneity_become_one(fit):
    years = ld.load_data("konstantopoulos2011").year.nunique()
    assert len(distinct_rows(fit.problem.design).X) == years
