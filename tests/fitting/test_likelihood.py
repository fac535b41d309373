"""Maxima of the (restricted) likelihood: closed forms, boundaries, and no better point nearby."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from tests.fitting.problems import balanced_frame, bound_problem, grouped_frame

from laird.fitting import likelihood
from laird.fitting.likelihood import maximise
from laird.gaussian.coordinates import factor_entries
from laird.gaussian.crossproducts import group
from laird.gaussian.grouped import profiled_deviance
from laird.gaussian.marginal import flat, log_density, log_profile

METHODS = [False, True]


def anova(formula, means, **options):
    return bound_problem(formula, balanced_frame(means, **options)).data


@pytest.mark.parametrize("n", [2, 5])
def test_reml_of_a_balanced_one_way_layout(n):
    """σ² = MSW and τ² = (MSB - MSW)/n (Searle, Casella & McCulloch 1992, section 3.6)."""
    means = np.array([1.0, 4.0, -2.0, 3.0, 8.0])
    estimate = maximise(anova("y ~ 1 + (1 | g)", means, n=n, spread=1.3), restricted=True)
    within, between = 1.3**2, n * means.var(ddof=1)
    assert estimate.sigma**2 == pytest.approx(within, rel=1e-10)
    assert estimate.L[0, 0] ** 2 == pytest.approx((between - within) / n, rel=1e-10)
    assert not estimate.at_boundary


def test_ml_of_a_balanced_one_way_layout():
    """τ² = ((1 - 1/J) MSB - MSW)/n."""
    means, n = np.array([1.0, 4.0, -2.0, 3.0, 8.0]), 4
    estimate = maximise(anova("y ~ 1 + (1 | g)", means, n=n, spread=1.3), restricted=False)
    within, between = 1.3**2, n * means.var(ddof=1)
    assert estimate.sigma**2 == pytest.approx(within, rel=1e-10)
    assert estimate.L[0, 0] ** 2 == pytest.approx((0.8 * between - within) / n, rel=1e-10)


@pytest.mark.parametrize("restricted", METHODS)
def test_the_boundary_is_reached_exactly(restricted):
    """Between groups there is less than the rows' own variation explains."""
    means = np.array([0.1, -0.1, 0.05, 0.0, -0.05])
    estimate = maximise(anova("y ~ 1 + (1 | g)", means), restricted=restricted)
    assert estimate.at_boundary
    assert estimate.L[0, 0] == 0.0
    frame = balanced_frame(means)
    assert estimate.sigma == pytest.approx(frame.y.std(ddof=1 if restricted else 0), rel=1e-12)
    assert estimate.optimum.converged


@pytest.mark.parametrize("gap", [1e-2, 1e-4, 1e-6, -1e-6, -1e-4, -1e-2])
def test_the_verdict_is_right_on_both_sides_of_the_boundary(gap):
    """MSB = (1 + gap) MSW: the estimate is (MSB - MSW)/n above zero, and zero below."""
    n, means = 4, np.array([-1.0, 0.0, 1.0])
    spread = np.sqrt(n * means.var(ddof=1) / (1 + gap))
    estimate = maximise(anova("y ~ 1 + (1 | g)", means, n=n, spread=spread), restricted=True)
    expected = max(gap, 0.0) * spread**2 / n
    # The search ends when the deviance, about n²J/2 (τ²/σ²)² above its minimum, could fall by 1e-8 at most.
    assert estimate.L[0, 0] ** 2 == pytest.approx(expected, rel=1e-4, abs=1e-4 * spread**2 / n)
    assert estimate.at_boundary == (gap < 0)


FORMULAS = ["y ~ x + (1 | g)", "y ~ x + w + (1 + x | g)", "y ~ x + (1 + x || g)", "y ~ 0 + x + (0 + x | g)"]


@pytest.mark.parametrize("restricted", METHODS)
@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("seed", range(3))
def test_no_point_nearby_is_better(formula, restricted, seed):
    data = bound_problem(formula, grouped_frame(seed=seed)).data
    estimate = maximise(data, restricted=restricted)

    def density(L, sigma):
        return log_density(flat(data), L, sigma)[0] if restricted else log_profile(data, L, sigma)[0]

    best = density(estimate.L, estimate.sigma)
    assert estimate.log_likelihood == pytest.approx(best, rel=1e-12)
    rng, mask = np.random.default_rng(seed), estimate.L != 0
    for size in (1e-1, 1e-3):
        for _ in range(30):
            L = estimate.L + size * rng.normal(size=estimate.L.shape) * mask
            assert density(L, estimate.sigma * np.exp(size * rng.normal())) <= best + 1e-9


SEEDS = range(6)
"""Samples of which some, but not all, put the estimate on the boundary."""


def slopes_that_follow_intercepts(seed):
    frame = grouped_frame(J=15, sd=(1.0, 0.3), rho=1.0, seed=seed)
    return maximise(bound_problem("y ~ x + (1 + x | g)", frame).data, restricted=True)


def test_correlation_one_is_reached_exactly():
    """In truth the intercepts and slopes of groups lie on one line."""
    found = [slopes_that_follow_intercepts(seed) for seed in SEEDS]
    boundary = [estimate for estimate in found if estimate.at_boundary]
    assert 0 < len(boundary) < len(found)
    for estimate in boundary:
        assert estimate.L[1, 1] == 0.0
        assert estimate.L[0, 0] > 0.5
        assert estimate.L[1, 0] > 0.0


def test_a_boundary_in_one_of_two_independent_terms():
    """In truth slopes do not vary; about half the samples estimate just that."""
    frames = [grouped_frame(J=15, sd=(1.0, 0.0), rho=0.0, seed=seed) for seed in SEEDS]
    found = [maximise(bound_problem("y ~ x + (1 + x || g)", frame).data, restricted=True) for frame in frames]
    slopes = np.array([estimate.L[1, 1] for estimate in found])
    assert 0 < np.count_nonzero(slopes == 0.0) < len(found)
    assert all(estimate.L[0, 0] > 0 and estimate.L[1, 0] == 0.0 for estimate in found)


def test_a_model_without_groups_has_no_group_part():
    frame = grouped_frame()
    estimate = maximise(bound_problem("y ~ x + w", frame).data, restricted=True)
    X = np.column_stack([np.ones(len(frame)), frame.x, frame.w])
    r = frame.y - X @ np.linalg.lstsq(X, frame.y, rcond=None)[0]
    assert estimate.L.shape == (0, 0)
    assert not estimate.at_boundary
    assert estimate.sigma == pytest.approx(np.sqrt(r @ r / (len(frame) - 3)), rel=1e-12)


def test_the_search_leaves_a_vanished_variance_that_is_no_maximum():
    """Zero is a stationary point of the factor; from there the derivative in G decides."""
    data = bound_problem("y ~ x + w + (1 + x | g)", grouped_frame()).data
    from laird.fitting.likelihood import _escape

    better = _escape(data, np.zeros((2, 2)), restricted=True)
    assert better is not None
    assert better[0, 0] > 0
    estimate = maximise(data, restricted=True)
    relative = np.linalg.solve(data.scaling.T, estimate.L) / estimate.sigma
    assert _escape(data, relative, restricted=True) is None


def random_problem(seed):
    """A model with one to four random columns, some of which do not vary between groups in truth."""
    rng = np.random.default_rng(seed)
    q, sizes = int(rng.integers(1, 5)), rng.integers(3, 9, 14)
    ids = np.repeat(np.arange(14), sizes)
    Z = np.column_stack([np.ones(len(ids)), rng.normal(2, 1, (len(ids), 3))])[:, :q]
    L = np.tril(rng.normal(size=(q, q))) * rng.choice([0.0, 1.0], q)[:, None]
    u = rng.normal(size=(14, q)) @ L.T
    y = Z.sum(axis=1) + np.sum(Z * u[ids], axis=1) + rng.normal(size=len(ids))
    return group(y, Z, Z, ids, 14, (tuple(range(q)),))


@pytest.mark.parametrize("seed", range(12))
def test_no_start_leads_anywhere_better(seed):
    """SciPy's BFGS from five random starts; most of these estimates are on the boundary."""
    data = random_problem(seed)
    rows, columns = factor_entries(data.blocks)

    def objective(theta):
        Lam = np.zeros((data.q, data.q))
        Lam[rows, columns] = theta
        value, gradient = profiled_deviance(Lam, data.ZZ, data.ZW, data.WW, data.n, True)
        return value, gradient[rows, columns]

    estimate = maximise(data, restricted=True)
    rng = np.random.default_rng(seed)
    starts = [scale * rng.normal(size=len(rows)) for scale in (0.1, 0.5, 1, 1, 3)]
    best = min(minimize(objective, start, jac=True, method="BFGS").fun for start in starts)
    s = data.scaling
    unit = 2 * (data.n - data.p) * np.log(s.y_scale) + 2 * np.sum(np.log(s.x_scale))
    assert estimate.optimum.converged
    assert -2 * estimate.log_likelihood - unit <= best + 1e-7


@pytest.mark.parametrize("seed", range(12))
def test_fewer_hessians_lead_to_the_same_maximum(seed, monkeypatch):
    """What is done for many groups, done for few; most of these estimates are on the boundary."""
    data = random_problem(seed)
    expected = maximise(data, restricted=True)
    monkeypatch.setattr(likelihood, "MANY", 0)
    found = maximise(data, restricted=True)
    assert found.optimum.converged
    # Either search may end where 1e-8 of the deviance is left to gain.
    assert found.log_likelihood == pytest.approx(expected.log_likelihood, abs=1e-8)
    assert found.at_boundary == expected.at_boundary
    np.testing.assert_allclose(found.L, expected.L, rtol=0, atol=1e-3 * np.abs(expected.L).max() + 1e-12)


@pytest.mark.parametrize("restricted", METHODS)
def test_crossed_factors_are_searched_from_each_alone(restricted):
    """The start is what every factor alone has at its maximum, not below `SMALL`."""
    rng = np.random.default_rng(3)
    a, b = rng.integers(0, 30, 300), rng.integers(0, 12, 300)
    frame = pd.DataFrame({"y": 2.0 * rng.normal(size=30)[a] + rng.normal(size=300), "a": a, "b": b})
    both = bound_problem("y ~ 1 + (1 | a) + (1 | b)", frame).data
    start, H = likelihood._start(both, None, restricted)
    alone = maximise(bound_problem("y ~ 1 + (1 | a)", frame).data, restricted=restricted)
    assert start[0] == pytest.approx(alone.L[0, 0] / alone.sigma, rel=1e-6)
    assert start[1] >= likelihood.SMALL
    assert np.all(np.linalg.eigvalsh(H) > 0)
