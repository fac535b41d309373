"""nutpie's core alone: whitened chains, the same whether the density is compiled or in Python."""

import subprocess
import sys

import numpy as np
import pytest
from tests.fitting.problems import bound_target, grouped_frame

from laird.fitting import nutpie_sampler
from laird.fitting.nutpie_sampler import NAMES, sample
from laird.fitting.settings import settings_of

SETTINGS = settings_of(draws=300, tune=200, chains=2, cores=2, random_seed=3, progress=False)


@pytest.fixture(scope="module")
def target():
    return bound_target("y ~ x + (1 | g)", grouped_frame(J=15))


@pytest.fixture(scope="module")
def drawn(target):
    return sample(target, np.zeros(target.size), SETTINGS, None)


def test_shapes_and_statistics(drawn, target):
    phi, stats = drawn
    assert phi.shape == (2, 300, target.size)
    assert set(stats) == set(NAMES.values())
    assert {own.shape for own in stats.values()} == {(2, 300)}


def test_the_same_seed_gives_the_same_draws_in_any_number_of_threads(drawn, target):
    alone = settings_of(draws=300, tune=200, chains=2, cores=1, random_seed=3, progress=False)
    np.testing.assert_array_equal(sample(target, np.zeros(target.size), alone, None)[0], drawn[0])


def test_the_log_densities_are_those_of_the_draws(drawn, target):
    phi, stats = drawn
    expected = [target.density(at)[0] for at in phi[0, :5]]
    np.testing.assert_allclose(stats["lp"][0, :5], expected, rtol=1e-10)


def test_in_python_the_chains_are_those_of_the_compiled_density(target, monkeypatch):
    """Until rounding, which differs, has grown: a few draws."""
    monkeypatch.setattr("laird.posterior.pointer.model_of", lambda _: None)
    short = settings_of(draws=4, tune=1, chains=2, random_seed=3, progress=False)
    python = sample(target, np.zeros(target.size), short, None)[0]
    monkeypatch.undo()
    np.testing.assert_allclose(python, sample(target, np.zeros(target.size), short, None)[0], rtol=1e-6)


def test_without_a_mode_chains_start_near_the_centre(target, monkeypatch):
    monkeypatch.setattr(nutpie_sampler, "peak", lambda *_: None)
    phi, stats = sample(target, np.zeros(target.size), SETTINGS, None)
    assert np.all(np.isfinite(phi))
    assert not stats["diverging"].any()


def test_whitened_chains_start_wider_than_the_posterior():
    starts = np.array([nutpie_sampler._start_of(3, has_mode=True)(seed) for seed in range(2000)])
    assert starts.std() > 1.15  # a t with five degrees of freedom has sd 1.29


def test_only_the_compiled_part_is_imported_and_the_package_still_can_be():
    code = """
import sys
from laird.fitting.nutpie_sampler import _core
core = _core()
assert "arviz" not in sys.modules and "matplotlib" not in sys.modules
import nutpie
assert nutpie._lib is core
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_costly_densities_are_sampled_by_single_steps(target, monkeypatch):
    monkeypatch.setattr(nutpie_sampler, "is_costly", lambda _: True)
    stats = sample(target, np.zeros(target.size), SETTINGS, None)[1]
    assert stats["n_steps"].max() == 1
