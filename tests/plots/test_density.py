"""Densities of draws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from laird.plots.density import kernel, mixture

X = np.linspace(-8.0, 8.0, 1601)


def test_a_mixture_is_the_mean_of_its_normals():
    mean, sd = np.array([-1.0, 2.0]), np.array([0.5, 1.5])
    expected = (norm.pdf(X, -1.0, 0.5) + norm.pdf(X, 2.0, 1.5)) / 2
    assert mixture(X, mean, sd) == pytest.approx(expected)


def test_of_many_components_some_are_used():
    mean = np.random.default_rng(1).normal(size=20_000)
    found = mixture(X, mean, np.ones(20_000))
    assert float(np.trapezoid(found, X)) == pytest.approx(1.0)
    exact = norm.pdf(X, 0.0, np.sqrt(2.0))
    assert np.abs(found - exact).max() < 0.02  # a sample of 1000 components


def test_kernel_density_of_normal_draws():
    found = kernel(X, np.random.default_rng(1).normal(size=4000))
    assert float(np.trapezoid(found, X)) == pytest.approx(1.0)
    assert np.abs(found - norm.pdf(X)).max() < 0.05  # error of 1000 smoothed draws at their mode


def test_components_without_spread_are_smoothed_as_draws():
    draws = np.random.default_rng(1).normal(size=900)
    np.testing.assert_allclose(mixture(X, draws, np.full(900, 1e-9)), kernel(X, draws))
