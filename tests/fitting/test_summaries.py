import numpy as np
import pytest

from laird.fitting.summaries import QUANTILES, Summariser

S, J, q, p = 4000, 3, 2, 2


@pytest.fixture(scope="module")
def values():
    rng = np.random.default_rng(0)
    beta = rng.normal(50.0, 2.0, (S, p))
    u = rng.gamma(3.0, 1.0, (S, J, q)) * [1.0, 100.0] + beta[:, None, :] * 0.5
    return u, beta


@pytest.fixture(scope="module")
def summary(values):
    found = Summariser(quantiles=True)
    for start in range(0, S, 900):
        found.add(*(own[start : start + 900] for own in values))
    return found.finish()


def test_moments_are_exact(values, summary):
    u, beta = values
    np.testing.assert_allclose(summary.mean, u.mean(axis=0), rtol=1e-12)
    for j in range(J):
        joint = np.cov(np.hstack([u[:, j], beta]).T)
        np.testing.assert_allclose(summary.cov[j], joint[:q, :q], rtol=1e-9)
        np.testing.assert_allclose(summary.beta_cov[j], joint[:q, q:], rtol=1e-9)


def test_quantiles_are_within_a_share_of_an_sd(values, summary):
    """Within one bin, 12/128 sd; the 0.995 quantile of 4000 draws is itself uncertain by more."""
    u, _ = values
    exact = np.quantile(u, QUANTILES, axis=0)
    assert np.all(np.abs(summary.quantiles - exact) < 0.094 * u.std(axis=0))


def test_a_constant_has_its_value_as_quantiles():
    found = Summariser(quantiles=True)
    found.add(np.full((10, 1, 1), 3.0), np.zeros((10, 1)))
    np.testing.assert_allclose(found.finish().quantiles, 3.0, rtol=1e-12)


def test_quantiles_only_on_request():
    found = Summariser(quantiles=False)
    found.add(np.zeros((10, 2, 1)), np.zeros((10, 1)))
    assert found.finish().quantiles.shape == (0, 2, 1)
