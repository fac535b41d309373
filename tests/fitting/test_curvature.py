"""The Hessian of the search as that of the likelihood, against differences of the exact gradient."""

import numpy as np
import pandas as pd
import pytest
from tests.fitting.problems import bound_problem, grouped_frame

from laird.fitting.curvature import curvature
from laird.fitting.likelihood import maximise
from laird.fitting.newton import hessian
from laird.gaussian.coordinates import (
    correlated_pairs,
    factor_of_log_scale,
    log_scale_gradient,
    log_scale_of_factor,
)
from laird.gaussian.reduced import density


def crossed_frame(*, seed=0, slope=0.7, second=1.0, rho=0.4, n=400):
    rng = np.random.default_rng(seed)
    a, b, x = rng.integers(0, 30, n), rng.integers(0, 20, n), rng.normal(2, 1, n)
    root = np.array([[1.0, 0.0], [rho * slope, np.sqrt(1 - rho**2) * slope]])
    u, v = rng.normal(size=(30, 2)) @ root.T, second * rng.normal(size=20)
    y = 5 + x + u[a, 0] + u[a, 1] * x + v[b] + rng.normal(size=n)
    return pd.DataFrame({"y": 100 * y, "x": x / 10, "a": a, "b": b})


def by_differences(data, estimate, *, restricted):
    q, pairs = data.q, correlated_pairs(data.blocks)

    def negative(phi):
        L, sigma = factor_of_log_scale(phi, q, pairs)
        value, d_L, d_sigma = density(data, L, float(sigma), restricted=restricted)
        return -value, -np.append(log_scale_gradient(L, d_L, phi, q, pairs), d_sigma * sigma)

    return hessian(negative, log_scale_of_factor(estimate.L, estimate.sigma, pairs))


@pytest.mark.parametrize("restricted", [False, True])
@pytest.mark.parametrize(
    "formula",
    ["y ~ x + (1 | a) + (1 | b)", "y ~ x + (1 + x | a) + (1 | b)", "y ~ x + (1 + x || a) + (1 | b)"],
)
def test_it_is_that_of_the_likelihood(formula, restricted):
    data = bound_problem(formula, crossed_frame()).data
    estimate = maximise(data, restricted=restricted)
    assert not estimate.at_boundary
    found = curvature(data, estimate, restricted=restricted)
    expected = by_differences(data, estimate, restricted=restricted)
    # The search ends within about 1e-4 standard errors of the maximum: as much of the third derivatives.
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_a_vanished_variance_leaves_the_others_theirs():
    """In truth groups of b do not differ; this sample estimates just that."""
    data = bound_problem("y ~ x + (1 | a) + (1 | b)", crossed_frame(second=0.0, seed=4)).data
    estimate = maximise(data, restricted=True)
    assert np.count_nonzero(np.diag(estimate.L) == 0.0) == 1
    found = curvature(data, estimate, restricted=True)
    alone = bound_problem("y ~ x + (1 | a)", crossed_frame(second=0.0, seed=4)).data
    expected = by_differences(alone, maximise(alone, restricted=True), restricted=True)
    kept = [*np.flatnonzero(np.diag(estimate.L)), 2]
    np.testing.assert_allclose(found[np.ix_(kept, kept)], expected, rtol=1e-4)


def test_a_correlation_of_one_is_left_to_differences():
    data = bound_problem("y ~ x + (1 + x | a) + (1 | b)", crossed_frame(rho=1.0, seed=2)).data
    estimate = maximise(data, restricted=True)
    assert estimate.at_boundary
    assert curvature(data, estimate, restricted=True) is None


def test_so_are_cheap_models():
    data = bound_problem("y ~ x + (1 + x | g)", grouped_frame()).data
    assert curvature(data, maximise(data, restricted=True), restricted=True) is None
