"""Knapp and Hartung's method against its definition; of meta-analyses in test_metafor_parity."""

from __future__ import annotations

import numpy as np
import pytest

import laird as ld
from laird.inference.small_sample import knapp_hartung


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
    assert table.df.tolist() == [1973.0] * 4
    assert found.joint(np.eye(4)) == (1.0, 1973.0)


def test_truncation_never_narrows(hs_fit):
    found = knapp_hartung(hs_fit("ml"))
    assert found.scale >= 1.0
