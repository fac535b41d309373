"""Best predictions of true effects against their definition, dense."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.inference.oracles import projection

import laird as ld
from laird.fitting.draws import Draws
from laird.inference.blups import true_effects_of


def assink():
    data = ld.load_data("assink2016")
    V = ld.vcov_cluster(data.vi, data.study, rho=0.6)
    return ld.model("yi ~ 1 + (1 | study) + meta_V(V)", data=data, known={"V": V}), V.toarray()


def test_with_a_matrix_V_predictions_and_errors_are_those_of_the_definition():
    model, V = assink()
    fit = model.fit("reml")
    design, ids = fit.problem.design, fit.problem.design.random[0].ids
    T = fit.covariance("study").iloc[0, 0] * (ids[:, None] == ids) + fit.sigma**2 * np.eye(len(V))
    P = projection(design.X, V + T)
    found = true_effects_of(fit, 0.95)
    np.testing.assert_allclose(found.estimate, design.y - V @ P @ design.y, rtol=1e-8)
    np.testing.assert_allclose(found.sd, np.sqrt(np.diag(V - V @ P @ V)), rtol=1e-8)
    np.testing.assert_allclose(found.factor, np.diag(V @ np.linalg.inv(V + T)), rtol=1e-9)
    np.testing.assert_allclose(found.variance, np.diag(V), rtol=1e-12)


def test_with_one_row_per_study_it_is_the_weighted_mean():
    fit = ld.model("yi ~ ablat + meta_V(vi)", data=ld.load_data("bcg_rr")).fit("ml")
    found, design = true_effects_of(fit, 0.9), fit.problem.design
    B = found.variance / (found.variance + fit.sigma**2)
    np.testing.assert_allclose(found.factor, B, rtol=1e-12)
    np.testing.assert_allclose(found.estimate, B * fit.fitted() + (1 - B) * design.y, rtol=1e-10)


def test_draws_at_fixed_heterogeneity_give_the_same_means_and_sds():
    """Then the posterior is normal with the EBLUP's moments; 20,000 draws, 4 Monte Carlo errors."""
    model = ld.model("yi ~ ablat + meta_V(vi)", data=ld.load_data("bcg_rr"))
    fit = model.fit("reml")
    S, rng = 20_000, np.random.default_rng(1)
    beta = rng.multivariate_normal(fit.fixef, fit.vcov, size=S)
    draws = given_draws(beta, fit.sigma)
    exact, found = true_effects_of(fit, 0.95), true_effects_of(replace(fit, method="nuts", draws=draws), 0.95)
    np.testing.assert_allclose(found.estimate, exact.estimate, rtol=0, atol=4 * exact.sd.max() / np.sqrt(S))
    np.testing.assert_allclose(found.sd, exact.sd, rtol=0.03)
    np.testing.assert_allclose(found.lower, exact.lower, rtol=0, atol=0.06 * exact.sd.max())
    np.testing.assert_allclose(found.factor, exact.factor, rtol=1e-10)


def given_draws(beta, sigma):
    """Draws of the coefficients (S, p) at one sigma, without groups."""
    S = len(beta)
    return Draws(
        beta=beta[None],
        L=np.zeros((1, S, 0, 0)),
        alpha=np.full((1, S, 1), np.log(sigma)),
        u=(),
        summaries=(),
        delta=(),
        log_phi=np.zeros((1, S, 0)),
        zeta=np.zeros((1, S, 0)),
        stats={},
    )


def test_models_without_known_variances_are_refused(hs_fit):
    with pytest.raises(ld.FitError, match="no known sampling variances"):
        true_effects_of(hs_fit("reml"), 0.95)
