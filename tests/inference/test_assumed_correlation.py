"""Refits under other correlations against fits with these correlations, and metafor."""

from __future__ import annotations

import numpy as np
import pytest
from tests import peers

import laird as ld


@pytest.fixture(scope="module")
def assink():
    return ld.load_data("assink2016")


@pytest.fixture(scope="module")
def fit(assink):
    return ld.model("yi ~ 1 + (1 | study) + meta_V(vi)", data=assink).fit("reml")


def test_metafor_without_and_with_correlation(fit):
    found = ld.rho_sensitivity(fit, rho=[0.0, 0.6], df="normal")
    for row, case in zip(found.itertuples(), ("assink-reml", "assink-rho0.6-reml"), strict=True):
        peer = peers.meta(case)
        np.testing.assert_allclose(
            [row.estimate, row.se, row.sd_residual, row.sd_study],
            [*peer["fixef"].values(), *peer["se"].values(), peer["sigma"], *peer["sd"].values()],
            rtol=1e-5,
        )


def test_it_is_the_fit_with_that_matrix(fit, assink):
    V = ld.vcov_cluster(assink.vi, assink.study, 0.5, "ar", time=assink.esid)
    own = ld.model("yi ~ 1 + (1 | study) + meta_V(V)", data=assink, known={"V": V}).fit("reml")
    found = ld.rho_sensitivity(fit, "study", [0.5], "ar", time=assink.esid)
    assert found.loglik[0] == pytest.approx(own.loglik, rel=1e-9)
    assert found.estimate[0] == pytest.approx(own.fixef.iloc[0], rel=1e-7)


def test_impossible_correlations_and_other_models_are_refused(fit, hs_fit):
    with pytest.raises(ld.DataError, match="not positive semidefinite"):
        ld.rho_sensitivity(fit, rho=[-0.5])
    with pytest.raises(ld.FitError, match="no known sampling variances"):
        ld.rho_sensitivity(hs_fit("reml"))
