"""Weighted draws against the posterior without a unit."""

import numpy as np

from laird.inference.influence import without
from laird.inference.reweighting import deletion_weights, moments
from laird.inference.units import units_of


def test_weights_move_the_posterior_to_that_of_the_other_groups(hs_fit):
    fit = hs_fit("eb")
    codes = units_of(fit).codes
    own = deletion_weights(fit, codes)
    np.testing.assert_allclose(own.weights.sum(axis=1), 1.0, rtol=1e-12)
    beta = fit.draws.flat("beta")[own.draws]
    mean, _ = moments(own.weights, beta)
    moved = (beta.mean(axis=0) - mean) / beta.std(axis=0)
    i = int(np.argmax(np.abs(moved).max(axis=1)))
    assert own.khat[i] < 0.7
    exact = without(fit, codes == i)
    # errors of 1,000 draws, some 0.05 standard deviations, on a shift of more than half a one
    np.testing.assert_allclose(moved[i], (fit.fixef - exact.fixef) / beta.std(axis=0), atol=0.15)
    assert np.abs(moved[i]).max() > 0.3


def test_moments_are_those_of_the_weighted_draws():
    rng = np.random.default_rng(0)
    values, weights = 1e6 + rng.normal(size=(50, 2)), rng.dirichlet(np.ones(50), size=3)
    mean, cov = moments(weights, values)
    np.testing.assert_allclose(mean[1], np.average(values, axis=0, weights=weights[1]), rtol=1e-12)
    np.testing.assert_allclose(cov[1], np.cov(values.T, aweights=weights[1], ddof=0), rtol=1e-7)
