"""The spectral distribution of Crainiceanu & Ruppert against likelihood ratios of simulated data."""

import numpy as np
import pytest
from scipy import stats
from tests.gaussian.cases import case

from laird.gaussian import dense
from laird.inference.exact_null import GRID, draw_null

DRAWS = 4000


def products(own):
    wide = (own.ids[:, None] == np.arange(own.J)) * own.Z
    return np.sum(wide**2, axis=0), wide.T @ own.X, own.X.T @ own.X, len(own.y)


def direct(own, restricted, draws, rng):
    """Maximised over a grid of variance ratios by n × n matrices; β and σ² profiled out."""
    n, p = own.X.shape
    wide = (own.ids[:, None] == np.arange(own.J)) * own.Z
    y = rng.standard_normal((n, draws))
    found = []
    for ratio in GRID[::4] / np.mean(np.sum(wide**2, axis=0)):
        V = np.eye(n) + ratio * wide @ wide.T
        Vi = np.linalg.inv(V)
        information = own.X.T @ Vi @ own.X
        P = Vi - Vi @ own.X @ np.linalg.solve(information, own.X.T @ Vi)
        df = n - p if restricted else n
        deviance = df * np.log(np.einsum("is,ij,js->s", y, P, y)) + np.linalg.slogdet(V)[1]
        found.append(deviance + restricted * np.linalg.slogdet(information)[1])
    return found[0] - np.min(found, axis=0)


@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("q_is_a_slope", [True, False])
def test_both_ways_have_the_same_distribution(restricted, q_is_a_slope):
    own = case(q=1, p=2, sizes=(3, 4, 5, 6, 7, 9), seed=1, intercept=not q_is_a_slope)
    rng = np.random.default_rng(3)
    drawn = draw_null(*products(own), restricted=restricted, draws=DRAWS, rng=rng)
    other = direct(own, restricted, DRAWS, rng)
    assert np.mean(drawn < 1e-8) == pytest.approx(np.mean(other < 1e-8), abs=0.04)  # 4 Monte Carlo errors
    assert stats.ks_2samp(drawn + 1e-9, np.maximum(other, 0) + 1e-9).pvalue > 1e-3


def test_the_direct_way_is_the_likelihood_ratio():
    """The oracle's oracle: one data set by `dense.log_likelihood`."""
    own = case(q=1, p=2, sizes=(3, 4, 5, 6), seed=2)
    rng = np.random.default_rng(1)
    y = np.random.default_rng(1).standard_normal((len(own.y), 1))[:, 0]
    same = own.ids[:, None] == own.ids
    values = []
    for ratio in GRID[::4] / np.mean(np.bincount(own.ids)):
        V = np.eye(len(y)) + ratio * same * np.outer(own.Z[:, 0], own.Z[:, 0])
        beta, _ = dense.gls(y, own.X, V)
        s2 = (y - own.X @ beta) @ np.linalg.solve(V, y - own.X @ beta) / (len(y) - 2)
        values.append(dense.log_likelihood(y, own.X, s2 * V, restricted=True))
    assert 2 * (max(values) - values[0]) == pytest.approx(direct(own, True, 1, rng)[0], abs=1e-9)


def test_many_groups_approach_the_mixture():
    ZZ = np.full(200, 10.0)
    drawn = draw_null(
        ZZ,
        ZZ[:, None],
        np.array([[2000.0]]),
        2000,
        restricted=True,
        draws=DRAWS,
        rng=np.random.default_rng(5),
    )
    assert np.mean(drawn > 2.7055) == pytest.approx(0.05, abs=0.014)  # 4 Monte Carlo errors
    assert np.mean(drawn < 1e-8) == pytest.approx(0.5, abs=0.05)  # tends to one half slowly


def test_draws_come_in_chunks_and_repeat_with_the_seed():
    ZZ = np.full(5, 4.0)
    arguments = (ZZ, ZZ[:, None], np.array([[20.0]]), 20)
    a, b = (
        draw_null(*arguments, restricted=False, draws=4500, rng=np.random.default_rng(8)) for _ in range(2)
    )
    assert a.shape == (4500,)
    np.testing.assert_array_equal(a, b)
    assert a.min() >= 0
