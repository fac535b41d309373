"""Cluster-robust inference of fits; the arithmetic is tested in test_sandwich."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import laird as ld
from laird.inference.robust import cluster_robust


def test_the_table_uses_the_robust_errors_and_degrees_of_freedom(hs_fit):
    fit = hs_fit("reml")
    robust = cluster_robust(fit)
    table = robust.tests()
    np.testing.assert_allclose(table.se, robust.se, rtol=1e-14)
    np.testing.assert_allclose(table.df, robust.sandwich.rows(np.eye(4)), rtol=1e-14)
    assert set(table.method) == {"CR2"}
    np.testing.assert_allclose(table.estimate, fit.fixef, rtol=1e-14)
    assert robust.clusters == 40


def test_a_joint_test_has_the_degrees_of_freedom_of_hotelling(hs_fit):
    robust = cluster_robust(hs_fit("reml"))
    joint = robust.wald(pattern="Sector").joint
    K = np.array([[0, 0, 1, 0], [0, 0, 0, 1]])
    assert joint.df2 == pytest.approx(robust.sandwich.joint(K).df)
    assert 0 < joint.p_value < 1


@pytest.mark.parametrize("method", ["ols", "ml", "eb"])
def test_every_method_has_it(hs_fit, method):
    cluster = None if method != "ols" else hs_fit("ols").problem.design.random[0].group
    table = cluster_robust(hs_fit(method), cluster).tests()
    assert np.isfinite(table[["estimate", "se", "df", "lower", "upper"]].to_numpy()).all()


def test_least_squares_is_bell_and_mccaffrey(hs):
    """CR2 of least squares: W = Φ = I (Bell & McCaffrey 2002, equation 6)."""
    d = hs.iloc[:300]
    fit = ld.model("mathach ~ ses", data=d).fit("ols")
    X, codes = fit.problem.design.X, pd.factorize(d.school)[0]
    M = np.linalg.inv(X.T @ X)
    e = fit.residuals(level="population")
    meat = np.zeros((2, 2))
    for j in range(codes.max() + 1):
        x = X[codes == j]
        values, vectors = np.linalg.eigh(np.eye(len(x)) - x @ M @ x.T)
        score = x.T @ ((vectors / np.sqrt(values)) @ vectors.T @ e[codes == j])
        meat += np.outer(score, score)
    np.testing.assert_allclose(cluster_robust(fit, d.school).vcov, M @ meat @ M, rtol=1e-9)


def test_clusters_that_the_model_correlates_are_refused(hs, hs_fit):
    with pytest.raises(ld.FitError, match="Rows of different clusters are correlated"):
        cluster_robust(hs_fit("reml"), np.arange(len(hs)))


def test_one_cluster_is_refused(hs_fit, hs):
    with pytest.raises(ld.FitError, match="one cluster only"):
        cluster_robust(hs_fit("reml"), np.zeros(len(hs)))


def test_it_prints_its_table(hs_fit):
    robust = cluster_robust(hs_fit("reml"))
    assert "40 clusters" in repr(robust)
    assert "<table" in robust._repr_html_()


def test_districts_as_clubsandwich_gives_them():
    """robust(res, cluster = district, clubSandwich = TRUE), as printed with metafor: four digits."""
    data = ld.load_data("konstantopoulos2011")
    fit = ld.model("yi ~ 1 + (1 | district) + meta_V(vi)", data=data).fit("reml")
    row = cluster_robust(fit).tests().iloc[0]
    found = [row.estimate, row.se, row.statistic, row.df, row.p_value]
    np.testing.assert_allclose(found, [0.1847, 0.0845, 2.1870, 9.86, 0.0540], rtol=0, atol=5.1e-3)
    np.testing.assert_allclose(found[:2] + found[4:], [0.1847, 0.0845, 0.0540], rtol=0, atol=5.1e-5)


def test_location_scale_fits_have_it():
    data = ld.load_data("restoration")
    fit = ld.model("yi ~ habitat + meta_V(vi)", "sigma ~ habitat", data=data).fit("reml")
    robust = cluster_robust(fit)
    assert robust.clusters == 80
    np.testing.assert_allclose(robust.se, fit.se, rtol=0.2)
