"""Variance of residuals and sampling errors in averages."""

from __future__ import annotations

import numpy as np
import pytest

import laird as ld
from laird.inference.dispersion import dispersion_at
from laird.inference.predictions_noise import residual_variance, sampling_variance
from laird.inference.predictions_rows import averages, each_row, targets_of


def correlated():
    """Two estimates in each of six studies, sampling errors correlated within them."""
    rng = np.random.default_rng(3)
    data = {"y": rng.normal(size=12), "v": rng.uniform(0.1, 0.3, 12), "study": np.repeat(np.arange(6), 2)}
    V = ld.vcov_cluster(data["v"], data["study"], rho=0.6)
    return ld.model("y ~ 1 + meta_V(V)", data=data, known={"V": V}).fit(), V.toarray()


def test_of_an_average_is_the_quadratic_form_of_V():
    fit, V = correlated()
    cell = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2])
    targets = targets_of(fit.problem.design, averages(cell), new_groups=False, noise=True)
    at = dispersion_at(fit)
    W = targets.cells.matrix.toarray()
    np.testing.assert_allclose(sampling_variance(fit.problem, targets, at), np.diag(W @ V @ W.T), rtol=1e-12)
    expected = fit.sigma**2 / np.bincount(cell)
    np.testing.assert_allclose(residual_variance(targets, at), expected, rtol=1e-12)


def test_of_new_rows_it_must_be_known():
    model = ld.model("yi ~ ablat + meta_V(vi)", data=ld.load_data("bcg_rr"))
    fit = model.fit()
    with pytest.raises(ld.DataError, match="sampling variance `vi`"):
        ld.predictions(fit, {"ablat": [30.0]}, kind="predictive")
    assert ld.predictions(fit, {"ablat": [30.0], "vi": [0.1]}, kind="predictive").se[0] > 0
    targets = targets_of(fit.problem.design, each_row(13), new_groups=False, noise=True)
    found = sampling_variance(fit.problem, targets, dispersion_at(fit))
    np.testing.assert_allclose(found, ld.load_data("bcg_rr").vi, rtol=1e-12)
