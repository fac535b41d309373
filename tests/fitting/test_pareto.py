"""Pareto smoothing against arviz-stats, and against distributions whose tails are known."""

import numpy as np
import pytest
from scipy import stats

from laird.fitting.pareto import EQUAL, generalised_pareto, smoothed


@pytest.mark.parametrize("S", [100, 1500, 12_000])
@pytest.mark.parametrize("tail", [0.3, 0.7, 1.2])
def test_arviz_agrees(S, tail):
    from arviz_stats.base import array_stats

    log_ratios = np.random.default_rng(S).exponential(tail, S)
    expected, khat = array_stats.psislw(-log_ratios)
    found, own = smoothed(log_ratios)
    assert own == pytest.approx(float(khat), rel=1e-9)
    difference = found - expected
    np.testing.assert_allclose(difference, difference[0], rtol=0, atol=1e-9)


@pytest.mark.parametrize("shape", [-0.2, 0.1, 0.5, 0.9])
def test_shape_and_scale_of_pareto_variates(shape):
    x = np.sort(stats.genpareto(shape, scale=3.0).rvs(20_000, random_state=1))
    found, scale = generalised_pareto(x)
    # Asymptotic standard error of the shape, (1 + k)/√n.
    assert found == pytest.approx(shape, abs=4 * (1 + shape) / np.sqrt(20_000))
    assert scale == pytest.approx(3.0, rel=0.05)


def test_equal_ratios_are_exact():
    log_weights, khat = smoothed(np.full(50, -3.0))
    assert khat == 0.0
    np.testing.assert_array_equal(log_weights, -3.0)


def test_ratios_that_are_nearly_equal_have_no_tail():
    """A heavy tail of a thousandth of their size: k̂ alone would be 1.2."""
    ratios = 1 + 1e-3 * np.minimum(np.random.default_rng(2).pareto(1 / 1.2, size=4000), 500.0)
    assert ratios.max() < EQUAL * ratios.mean()
    log_weights, khat = smoothed(np.log(ratios))
    assert khat == 0.0
    np.testing.assert_array_equal(log_weights, np.log(ratios))


def test_too_few_and_degenerate_ratios_are_not_trusted():
    assert smoothed(np.array([0.0, 1.0, 5.0]))[1] == np.inf
    assert smoothed(np.array([-900.0] * 99 + [0.0]))[1] == np.inf


def test_a_constant_changes_nothing():
    ratios = np.random.default_rng(3).exponential(0.6, 2000)
    (one, khat), (other, same) = smoothed(ratios), smoothed(ratios - 800.0)
    assert same == pytest.approx(khat, rel=1e-12)
    np.testing.assert_allclose(one - one[0], other - other[0], atol=1e-9)


def test_ratios_with_heavy_tails_are_not_trusted():
    """exp of an exponential variate of mean 1.2 has no mean: Pareto's k is 1.2."""
    assert smoothed(1.2 * np.random.default_rng(2).exponential(size=4000))[1] > 0.7


def test_smoothed_weights_rise_with_the_ratios():
    ratios = np.random.default_rng(1).normal(0, 1, 2000)
    log_weights, khat = smoothed(ratios)
    assert stats.spearmanr(log_weights, ratios).statistic > 0.999
    assert khat < 0.7
