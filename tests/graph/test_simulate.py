"""Draws of outcomes; their moments are tested with the marginal graph."""

import numpy as np
import pytest
from tests.graph.cases import STRUCTURES, defaults, target_of

from laird.graph.simulate import simulate
from laird.posterior import CoefficientPrior, coefficient_prior


@pytest.mark.parametrize("name", STRUCTURES)
def test_every_structure_can_be_drawn_from(name):
    d = STRUCTURES[name]
    target = target_of(d, defaults(d))
    theta, b = target.coordinates.split(np.zeros(target.size))
    draws = [
        simulate(d, coefficient_prior(defaults(d)), theta, b, np.random.default_rng(s)) for s in (1, 1, 2)
    ]
    assert draws[0].shape == d.y.shape
    np.testing.assert_array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])


def test_coefficients_that_are_given_are_used():
    d = STRUCTURES["known variances"]
    target = target_of(d, defaults(d))
    theta, _ = target.coordinates.split(np.full(target.size, -20.0))  # no heterogeneity
    prior = CoefficientPrior(np.zeros(3), np.array([1e12, 1e12, 0.0]), (2,))
    draws = [simulate(d, prior, theta, np.array([b]), np.random.default_rng(1)) for b in (0.0, 5.0)]
    x = d.X[:, 2] - d.X[:, 2].mean()
    np.testing.assert_allclose(draws[1] - draws[0], 5.0 * x, rtol=1e-9, atol=1e-9)
