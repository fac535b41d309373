import numpy as np
import pytest

import laird as ld
from laird.fitting.intervals import credible

DRAWS = np.random.default_rng(1).gamma(2.0, 1.0, (4001, 3))


@pytest.mark.parametrize("prob", [0.5, 0.95])
def test_intervals_hold_their_share_of_draws_and_the_estimate(prob):
    estimate = np.array([0.0, 2.0, 30.0])
    lower, upper = credible(DRAWS, prob, estimate)
    assert np.all((lower <= estimate) & (estimate <= upper))
    inside = np.mean((lower <= DRAWS) & (upper >= DRAWS), axis=0)
    assert inside == pytest.approx(np.full(3, prob), abs=1 / 4001)
    assert (lower[0], upper[2]) == (0.0, 30.0)


def test_without_an_estimate_tails_are_equal():
    ends = np.quantile(DRAWS, [(1 - 0.9) / 2, (1 + 0.9) / 2], axis=0)
    assert np.array_equal(np.array(credible(DRAWS, 0.9)), ends)
    assert np.array_equal(np.array(credible(DRAWS, 0.9, np.full(3, 2.0))), ends)


def test_a_mode_at_the_boundary_is_in_its_interval_everywhere():
    data = {"y": np.random.default_rng(3).normal(0.2, 0.1, 20), "v": np.full(20, 0.04)}
    fit = ld.model("y ~ 1 + meta_V(v)", data=data).fit("eb", draws=500, random_seed=1)
    row = fit.summary().set_index("component").loc["sigma"]
    assert (row.estimate, row.lower) == (0.0, 0.0)
    assert 0.0 < row.upper < 0.2
    assert "sigma: one-sided, from the estimate at the boundary." in repr(fit)
    total = ld.heterogeneity(fit).table.iloc[-1]
    assert total.tau_lower == total.I2_lower == 0.0
    assert total.H2_lower == 1.0
    # 1e-3: quantiles interpolate between squares of the draws there, between draws here.
    assert total.tau_upper == pytest.approx(row.upper, rel=1e-3)
