"""Q, I², H² and Q-profile intervals against metafor (tests/golden/peers_meta.json) and their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2
from tests import peers
from tests.inference.oracles import bcg, some_rows

from laird.inference.gls import gls
from laird.inference.qtests import inconsistency, jackson, q_profile, q_test, tau2_se, typical_variance
from laird.inference.rowblocks import layout, whitener


def trials():
    """Effects, the constant, layout, V and T by stack."""
    data = bcg()
    k = len(data)
    V = [data.vi.to_numpy()[:, None, None]]
    return data.yi.to_numpy(), np.ones((k, 1)), layout(np.arange(k)), V, [np.ones((k, 1, 1))]


@pytest.mark.parametrize("case", ["bcg-reml", "bcg-ml"])
def test_statistics_at_the_estimate_of_metafor(case):
    y, X, where, V, T = trials()
    peer = peers.meta(case)
    test = q_test(gls(y, X, whitener(where, V)))
    np.testing.assert_allclose(test, [peer["QE"], 12, peer["QEp"]], rtol=1e-9)
    found = inconsistency(peer["tau2"], typical_variance(y, X, where, V))
    np.testing.assert_allclose(found, [peer["I2"], peer["H2"]], rtol=1e-10)
    Sigma = [V[0] + peer["tau2"] * T[0]]
    se = tau2_se(y, X, where, Sigma, T, restricted=case.endswith("reml"))
    assert se == pytest.approx(peer["se_tau2"], rel=1e-10)


def test_q_profile_is_exact_and_metafor_near_it():
    """metafor solves to 1e-4 only, its default tolerance of `uniroot`."""
    y, X, where, V, T = trials()
    lower, upper = q_profile(y, X, where, V, T, 0.95)
    for limit, level in ((lower, 0.975), (upper, 0.025)):
        Q = gls(y, X, whitener(where, [V[0] + limit * T[0]])).Q
        assert chi2.cdf(Q, 12) == pytest.approx(level, abs=1e-9)
    peer = peers.meta("bcg-reml")["tau2_ci_qprofile"]
    assert (lower, upper) == (pytest.approx(peer["ci.lb"], abs=1e-4), pytest.approx(peer["ci.ub"], abs=1e-4))


def test_q_profile_covers_with_a_block_V():
    """95 % of 400 intervals of data with correlated errors; 4 standard errors are 4.4 %."""
    rows = some_rows(5, n=20, blocks=8, p=2)
    T = rows.stacks(np.eye(20))
    V, where = rows.stacks(), rows.where
    rng = np.random.default_rng(6)
    root = np.linalg.cholesky(rows.Sigma + 0.5 * np.eye(20))
    covered = 0
    for _ in range(400):
        found = q_profile(root @ rng.normal(size=20), rows.X, where, V, T, 0.95)
        covered += found is not None and found[0] <= 0.5 <= found[1]
    assert abs(covered / 400 - 0.95) < 0.044


def test_q_profile_starts_at_zero_and_may_be_empty():
    k = 12
    X, where, V, T = np.ones((k, 1)), layout(np.arange(k)), [np.ones((k, 1, 1))], [np.ones((k, 1, 1))]
    rng = np.random.default_rng(7)
    y = rng.normal(size=k)
    y = (y - y.mean()) / y.std(ddof=1)
    assert q_profile(y, X, where, V, T, 0.95)[0] == 0.0
    assert q_profile(0.1 * y, X, where, V, T, 0.95) is None


def test_typical_variance_by_its_formula_for_independent_effects():
    """(k - 1)Σw / ((Σw)² - Σw²), Higgins & Thompson (2002), equation 9."""
    y, X, where, V, _ = trials()
    w = 1 / V[0].ravel()
    expected = (len(w) - 1) * w.sum() / (w.sum() ** 2 - np.sum(w**2))
    assert typical_variance(y, X, where, V) == pytest.approx(expected, rel=1e-12)


def test_jackson_is_the_ratio_of_variances_for_one_coefficient():
    assert jackson(np.array([[5.0]]), np.array([[1.0]])) == pytest.approx(80.0)
    assert jackson(np.eye(2), np.eye(2)) == 0.0
