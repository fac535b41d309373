"""Builders of V: values of R's ``metafor::vcalc``, and what is refused by name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import laird as ld

ASSINK_1 = [0.0740, 0.0398, 0.0481, 0.0239, 0.0331, 0.0886]
"""Variances of the six effects of study 1 of Assink & Wibbelink (2016)."""


def test_bivariate_blocks_from_correlations_and_from_covariances():
    v1, v2 = np.array([0.04, 0.09]), np.array([0.01, 0.25])
    by_cor = ld.vcov_bivariate(v1, v2, cor=[0.5, -0.2])
    by_cov = ld.vcov_bivariate(v1, v2, cov=[0.01, -0.03])
    np.testing.assert_allclose(by_cor, by_cov, rtol=1e-15)
    np.testing.assert_allclose(by_cor[1], [[0.09, -0.03], [-0.03, 0.25]], rtol=1e-15)


def test_a_constant_correlation_as_vcalc_gives_it():
    V = ld.vcov_cluster(ASSINK_1, ["1"] * 6, rho=0.6).toarray()
    printed = [0.0740, 0.0326, 0.0358, 0.0252, 0.0297, 0.0486]
    np.testing.assert_allclose(V[0], printed, rtol=0, atol=1e-4)
    np.testing.assert_allclose(V, V.T, rtol=0, atol=0)


def test_clusters_need_not_be_adjacent():
    rng = np.random.default_rng(1)
    v, cluster = rng.uniform(0.1, 1, 30), rng.integers(0, 7, 30)
    order = np.argsort(cluster, kind="stable")
    scattered = ld.vcov_cluster(v, cluster, rho=0.3).toarray()
    sorted_rows = ld.vcov_cluster(v[order], cluster[order], rho=0.3).toarray()
    np.testing.assert_array_equal(scattered[np.ix_(order, order)], sorted_rows)
    same = cluster[:, None] == cluster[None, :]
    expected = np.where(same, 0.3 * np.sqrt(np.outer(v, v)), 0.0)
    np.fill_diagonal(expected, v)
    np.testing.assert_allclose(scattered, expected, rtol=1e-14)


def test_autoregression_as_vcalc_gives_it_for_ishak():
    """Burchiel (1999): times 1, 2, 3; Barichella (2003): times 1 and 3; rho = 0.97."""
    V = ld.vcov_cluster([8, 8, 5, 7.3, 5.7], list("aaabb"), 0.97, "ar", time=[1, 2, 3, 1, 3]).toarray()
    first = [
        [8, 7.76, 5.95077410090486],
        [7.76, 8, 6.13481866072665],
        [5.95077410090486, 6.13481866072665, 5],
    ]
    np.testing.assert_allclose(V[:3, :3], first, rtol=1e-14)
    np.testing.assert_allclose(V[3, 4], 6.0693520102314, rtol=1e-14)
    assert V[:3, 3:].any() == np.False_


def test_correlations_within_and_between_types():
    types = ["math", "verbal", "math"]
    V = ld.vcov_cluster([1, 1, 4], [1, 1, 1], (0.7, 0.5), "by_type", type=types).toarray()
    np.testing.assert_allclose(V, [[1, 0.5, 1.4], [0.5, 1, 1.0], [1.4, 1.0, 4]], rtol=1e-15)


def test_a_table_of_correlations_by_type_equals_the_pair():
    types = ["math", "verbal", "math"]
    names = ["verbal", "math"]
    table = pd.DataFrame([[0.7, 0.5], [0.5, 0.7]], index=names, columns=names)
    by_table = ld.vcov_cluster([1, 2, 4], [1, 1, 1], table, "by_type", type=types)
    by_pair = ld.vcov_cluster([1, 2, 4], [1, 1, 1], (0.7, 0.5), "by_type", type=types)
    np.testing.assert_array_equal(by_table.toarray(), by_pair.toarray())


def test_a_shared_control_group_as_vcalc_gives_it_for_knapp():
    """Braw et al. (2012): four groups of patients against 37 controls."""
    V = ld.vcov_cluster(
        [0.062, 0.073, 0.102, 0.084],
        ["Braw"] * 4,
        structure="shared_control",
        n_treated=[39, 27, 15, 20],
        n_control=37,
    ).toarray()
    expected = [0.062, 0.0313021866879515, 0.0305960523769429, 0.0306223534669685]
    np.testing.assert_allclose(V[0], expected, rtol=1e-14)
    np.testing.assert_allclose(V[1, 2:], [0.0301021398261882, 0.0301280163373072], rtol=1e-14)


def test_a_shared_control_group_is_exact_for_mean_differences():
    """Cov(x̄₁ - x̄_c, x̄₂ - x̄_c) = σ²/c."""
    sigma2, n, c = 2.5, np.array([10.0, 30.0]), 20.0
    v = sigma2 * (1 / n + 1 / c)
    V = ld.vcov_cluster(v, [1, 1], structure="shared_control", n_treated=n, n_control=c).toarray()
    assert V[0, 1] == pytest.approx(sigma2 / c, rel=1e-14)


def test_the_matrix_is_stored_sparsely():
    n = 20_000
    V = ld.vcov_cluster(np.ones(n), np.repeat(np.arange(n // 4), 4), rho=0.5)
    assert V.nnz == 4 * n


def test_a_correlation_of_zero_leaves_the_diagonal():
    assert ld.vcov_cluster([1, 2], [1, 1], rho=0).nnz == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "either `cor` or `cov`"),
        ({"cor": 0.1, "cov": 0.1}, "either `cor` or `cov`"),
        ({"cor": [0.1, -1.2]}, r"`cor` is outside \[-1, 1\] in 1 of 2 entries.\n    entry 1"),
        ({"cov": [0.1, 5.0]}, r"`cov` is above sqrt\(v1 \* v2\)"),
        ({"cor": [0.1, np.nan]}, "`cor` is missing"),
    ],
)
def test_bivariate_input_that_is_refused(arguments, message):
    with pytest.raises(ld.DataError, match=message):
        ld.vcov_bivariate([1.0, 2.0], [1.0, 3.0], **arguments)


def test_a_negative_variance_is_named():
    with pytest.raises(ld.DataError, match=r"`v2` must be at least 0.*\n    entry 1"):
        ld.vcov_bivariate([1.0, 2.0], [1.0, -3.0], cor=0.5)


def cluster_call(rho=None, structure="constant", v=(1.0, 2.0, 3.0), cluster=(1, 1, 1), **columns):
    return ld.vcov_cluster(list(v), list(cluster), rho, structure, **columns)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rho": 1.5}, "`rho` is 1.5"),
        ({"rho": "0.5"}, "`rho` is '0.5'"),
        ({"rho": 0.5, "structure": "toeplitz"}, "`structure` is 'toeplitz'"),
        ({"structure": "constant"}, "needs `rho`"),
        ({"rho": 0.5, "structure": "ar"}, "needs `time`"),
        ({"rho": 0.5, "time": [1, 2, 3]}, "has no use for `time`"),
        ({"rho": 0.5, "structure": "by_type", "type": ["a", "b", "c"]}, "within a type, between types"),
        ({"rho": -0.6}, r"not positive semidefinite\)\.\n    cluster 1, 3 rows: smallest eigenvalue -0.2"),
        ({"rho": -0.5, "structure": "ar", "time": [0.0, 0.5, 1.0]}, "differ by fractions"),
        ({"rho": 0.5, "v": (1.0, -2.0, 3.0)}, r"`v` must be at least 0.*\n    entry 1"),
        ({"rho": 0.5, "v": (1.0, np.nan, 3.0)}, "`v` is missing"),
        ({"rho": 0.5, "cluster": (1, 2)}, "`cluster` has 2 entries and `v` has 3"),
        ({"rho": 0.5, "cluster": (1, None, 2)}, "`cluster` is missing"),
        (
            {"structure": "shared_control", "n_treated": [5, 5, 5], "n_control": [9, 9, 8]},
            r"`n_control` differs .*\n    entry 2",
        ),
        (
            {"structure": "shared_control", "n_treated": [5, 0, 5], "n_control": 9},
            "`n_treated` must be above 0",
        ),
    ],
)
def test_input_that_is_refused(arguments, message):
    with pytest.raises(ld.DataError, match=message):
        cluster_call(**arguments)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([[1, 0.5], [0.4, 1]], "0.5; the other way round 0.4"),
        ([[1, 1.5], [1.5, 1]], "1.5; the other way round 1.5"),
    ],
)
def test_tables_of_correlations_that_are_refused(table, message):
    given = pd.DataFrame(table, index=["a", "b"], columns=["a", "b"])
    with pytest.raises(ld.DataError, match=message):
        cluster_call(given, "by_type", type=["a", "b", "b"])


def test_a_type_without_correlations_is_named():
    given = pd.DataFrame([[1.0]], index=["a"], columns=["a"])
    with pytest.raises(ld.DataError, match="for the type b"):
        cluster_call(given, "by_type", type=["a", "b", "b"])
