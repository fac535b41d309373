"""CR2 against its definition by matrices of rows by rows."""

from __future__ import annotations

import numpy as np
import pytest
from tests.inference.oracles import some_rows

from laird.inference.gls import gls
from laird.inference.rowblocks import whitener
from laird.inference.sandwich import cr2


class Dense:
    """Equations 5 to 15 of Pustejovsky & Tipton (2018), and 8 to 12 of Tipton & Pustejovsky (2015)."""

    def __init__(self, rows):
        X, Phi = rows.X, rows.Sigma
        W = np.linalg.inv(Phi)
        self.M = np.linalg.inv(X.T @ W @ X)
        self.Phi = Phi
        left = np.eye(len(X)) - X @ self.M @ X.T @ W
        e = left @ rows.y
        self.meat = np.zeros_like(self.M)
        G = []
        for label in np.unique(rows.labels):
            own = np.flatnonzero(rows.labels == label)
            A = self.adjustment(Phi[np.ix_(own, own)], left[own] @ Phi @ left[own].T)
            Wj = W[np.ix_(own, own)]
            score = X[own].T @ Wj @ A @ e[own]
            self.meat += np.outer(score, score)
            G.append(left[own].T @ A @ Wj @ X[own] @ self.M)
        self.G = np.array(G)

    @staticmethod
    def adjustment(Phi, variance):
        D = np.linalg.cholesky(Phi).T
        values, vectors = np.linalg.eigh(D @ variance @ D.T)
        kept = values > 1e-10 * values.max()
        return D.T @ (vectors[:, kept] / np.sqrt(values[kept])) @ vectors[:, kept].T @ D

    @property
    def cov(self):
        return self.M @ self.meat @ self.M

    def omega(self, a, b):
        return np.einsum("jn,nm,km->jk", self.G @ a, self.Phi, self.G @ b)

    def df(self, c):
        omega = self.omega(c, c)
        return np.trace(omega) ** 2 / np.sum(omega * omega)

    def joint_df(self, K):
        expected = K @ np.einsum("jnp,nm,jmr->pr", self.G, self.Phi, self.G) @ K.T
        values, vectors = np.linalg.eigh(expected)
        C = vectors @ np.diag(values**-0.5) @ vectors.T @ K
        total = 0.0
        for a in C:
            for b in C:
                total += np.sum(self.omega(a, a) * self.omega(b, b)) + np.sum(
                    self.omega(a, b) * self.omega(a, b).T
                )
        q = len(K)
        return q * (q + 1) / total - q + 1


def both(seed):
    rows = some_rows(seed, n=24, blocks=9)
    Sigma = rows.stacks()
    found = gls(rows.y, rows.X, whitener(rows.where, Sigma))
    return cr2(rows.X, found, rows.where, Sigma), Dense(rows)


@pytest.mark.parametrize("seed", range(3))
def test_covariance_and_degrees_of_freedom_are_those_of_the_definition(seed):
    fast, dense = both(seed)
    np.testing.assert_allclose(fast.cov, dense.cov, rtol=1e-10)
    np.testing.assert_allclose(fast.rows(np.eye(3)), [dense.df(c) for c in np.eye(3)], rtol=1e-9)
    K = np.array([[0.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
    found = fast.joint(K)
    assert found.df == pytest.approx(dense.joint_df(K), rel=1e-9)
    assert found.scale == pytest.approx(found.df / (found.df + 1), rel=1e-12)


def test_the_covariance_is_unbiased_under_the_working_model():
    rows = some_rows(4, n=24, blocks=9)
    Sigma = rows.stacks()
    by, rng = whitener(rows.where, Sigma), np.random.default_rng(8)
    root = np.linalg.cholesky(rows.Sigma)
    draws = [cr2(rows.X, gls(root @ rng.normal(size=24), rows.X, by), rows.where, Sigma) for _ in range(2000)]
    covs = np.array([own.cov for own in draws])
    error = covs.std(axis=0) / np.sqrt(len(covs))
    assert np.all(np.abs(covs.mean(axis=0) - draws[0].M) < 4 * error)


def test_single_rows_with_equal_variances_are_hc2():
    """HC2 (MacKinnon & White 1985): squared residuals divided by one minus the leverage."""
    rows = some_rows(5, n=15, blocks=15)
    single = type(rows)(rows.y, rows.X, np.arange(15), np.eye(15))
    Sigma = single.stacks()
    found = gls(single.y, single.X, whitener(single.where, Sigma))
    leverage = np.einsum("ip,pr,ir->i", single.X, found.cov, single.X)
    meat = (single.X * (found.residual**2 / (1 - leverage))[:, None]).T @ single.X
    np.testing.assert_allclose(
        cr2(single.X, found, single.where, Sigma).cov, found.cov @ meat @ found.cov, rtol=1e-10
    )


def test_a_cluster_with_a_coefficient_of_its_own_is_left_out_of_it():
    rows = some_rows(6, n=24, blocks=9)
    X = np.column_stack([rows.X[:, :2], rows.labels == 0]).astype(float)
    own = type(rows)(rows.y, X, rows.labels, rows.Sigma)
    found = gls(own.y, X, whitener(own.where, own.stacks()))
    assert np.all(np.isfinite(cr2(X, found, own.where, own.stacks()).cov))
