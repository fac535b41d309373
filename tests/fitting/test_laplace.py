import numpy as np
import pytest
from scipy import stats
from tests.fitting.problems import at, balanced_frame, bound_target, grouped_frame

from laird.fitting import laplace as module
from laird.fitting.laplace import DEGREES_OF_FREEDOM, laplace, peak


def test_proposals_have_the_stated_density():
    rng = np.random.default_rng(0)
    C = np.linalg.cholesky(np.array([[2.0, 0.6], [0.6, 1.0]]))
    centre = np.array([1.0, -2.0])
    phi = module.student(centre, C, 4000, rng)
    t = stats.multivariate_t(centre, C @ C.T, df=DEGREES_OF_FREEDOM)
    difference = module.log_t(phi, centre, C) - t.logpdf(phi)
    assert np.abs(difference).max() < 1e-10
    # Distances follow k·F(k, ν): Kolmogorov's distance of 4000 draws is below 0.03 but once in 500.
    squared = np.sum(np.linalg.solve(C, (phi - centre).T) ** 2, axis=0) / 2
    assert stats.kstest(squared, stats.f(2, DEGREES_OF_FREEDOM).cdf).statistic < 0.03


def test_resampling_keeps_every_share_within_one_draw():
    weights = np.array([0.5, 0.25, 0.2, 0.05, 0.0])
    for seed in range(20):
        chosen = module.systematic(weights, 100, np.random.default_rng(seed))
        assert np.all(np.abs(np.bincount(chosen, minlength=5) - 100 * weights) <= 1)


def test_it_follows_the_seed():
    target = bound_target("y ~ x + (1 | g)", grouped_frame())
    axes = peak(target, np.zeros(target.size))
    first, again = (laplace(target, axes, 200, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(first.phi, again.phi)
    assert first.phi.shape == (200, target.size)
    assert first.proposals == module.PROPOSALS_PER_DRAW * 200
    assert 0 < first.effective <= first.proposals


@pytest.mark.parametrize("formula", ["y ~ x + (1 | g)", "y ~ x + (1 + x | g)"])
def test_any_reasonable_start_leads_to_the_same_mode(formula):
    target = bound_target(formula, grouped_frame(J=20))
    L = np.eye(target.coordinates.places.sds)
    starts = [target.coordinates.join(at(scale * L, 1.0), np.zeros(0)) for scale in (0.5, 2.0)]
    first, second = (peak(target, start) for start in starts)
    np.testing.assert_allclose(first.centre, second.centre, rtol=0, atol=1e-6)
    np.testing.assert_allclose(first.covariance, second.covariance, rtol=0, atol=1e-6)


def test_the_covariance_is_the_inverse_of_the_curvature():
    target = bound_target("y ~ x + (1 | g)", grouped_frame(J=20))
    axes = peak(target, np.zeros(target.size))
    np.testing.assert_allclose(target.density(axes.centre)[1], 0, atol=1e-6)
    steps = 1e-4 * np.eye(target.size)
    H = [(target.density(axes.centre + h)[1] - target.density(axes.centre - h)[1]) / 2e-4 for h in steps]
    np.testing.assert_allclose(axes.covariance, np.linalg.inv(-np.array(H)), rtol=1e-5)
    np.testing.assert_allclose(axes.at(np.zeros((1, target.size)))[0], axes.centre)


def test_a_posterior_without_a_mode_has_no_approximation():
    """With a flat prior and no variance between groups, the density of log sd has no maximum."""
    frame = balanced_frame([0.1, -0.1, 0.05, 0.0, -0.05])
    target = bound_target("y ~ 1 + (1 | g)", frame, priors={"sd(g)": "gamma(0.01, 0.01)"})
    axes = peak(target, np.array([-3.0, 0.0]))
    found = laplace(target, axes, 200, np.random.default_rng(0)) if axes else None
    assert found is None or not found.usable
