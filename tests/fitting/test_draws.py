import numpy as np
import pytest
from tests.fitting.draws import C, J, S, example, q
from tests.fitting.problems import bound_target, grouped_frame

import laird as ld
from laird.fitting.draws import joint_draws
from laird.fitting.summaries import QUANTILES


@pytest.fixture(scope="module")
def design():
    return ld.model("y ~ x + w + (1 + x | g)", data=grouped_frame(J=J)).design


@pytest.fixture(scope="module")
def draws():
    return example()


def test_sds_and_correlations_are_those_of_the_covariance(draws):
    G = draws.G
    np.testing.assert_allclose(draws.sd**2, np.diagonal(G, axis1=-2, axis2=-1), rtol=1e-12)
    expected = G[..., 0, 1] / draws.sd.prod(axis=-1)
    np.testing.assert_allclose(draws.correlation[..., 1, 0], expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["beta", "sigma", "alpha", "L", "sd"])
def test_flat_joins_chains_and_draws(draws, name):
    flat, values = draws.flat(name), getattr(draws, name)
    assert flat.shape == (C * S, *values.shape[2:])
    np.testing.assert_array_equal(flat[S], values[1, 0])


@pytest.fixture(scope="module")
def target():
    return bound_target("y ~ x + (1 + x | g)", grouped_frame(J=J))


@pytest.mark.parametrize("keep", ["draws", "summary"])
def test_joint_draws_follow_phi(target, keep):
    phi = np.random.default_rng(1).normal(0, 0.3, (C, 400, target.size))
    found = joint_draws(target, phi, np.random.default_rng(2), keep=keep)
    np.testing.assert_allclose(found.sd, np.exp(phi[..., :2]), rtol=1e-12)
    np.testing.assert_allclose(found.correlation[..., 1, 0], np.tanh(phi[..., 2]), rtol=1e-10)
    np.testing.assert_allclose(np.log(found.sigma), phi[..., 3], rtol=1e-12)
    assert found.shape == (C, 400)
    assert len(found.u) == (keep == "draws")
    assert len(found.summaries[0].quantiles) == (len(QUANTILES) if keep == "summary" else 0)


def test_summaries_of_chunks_are_those_of_all_draws(target, monkeypatch):
    from laird.fitting import draws as module

    phi = np.random.default_rng(1).normal(0, 0.3, (C, 400, target.size))
    whole = joint_draws(target, phi, np.random.default_rng(2), keep="draws")
    monkeypatch.setattr(module, "AT_ONCE", 100 * J * q)
    parts = joint_draws(target, phi, np.random.default_rng(2), keep="summary")
    # Other random numbers go to each draw: equal within five Monte Carlo errors of 800 draws.
    own, other = whole.summaries[0], parts.summaries[0]
    sd = np.sqrt(np.diagonal(own.cov, axis1=1, axis2=2))
    assert np.all(np.abs(own.mean - other.mean) < 5 * sd * np.sqrt(2 / 800))


def test_few_effects_are_kept_and_many_are_not(target, monkeypatch):
    from laird.fitting import draws as module

    phi = np.zeros((C, 10, target.size))
    assert joint_draws(target, phi, np.random.default_rng(2)).u
    monkeypatch.setattr(module, "KEPT", 100)
    assert not joint_draws(target, phi, np.random.default_rng(2)).u
