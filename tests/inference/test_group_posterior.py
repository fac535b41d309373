"""Rao-Blackwell estimates of group effects: against draws, closed forms, and each other's noise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

import laird as ld
from laird.inference.group_posterior import mixture_quantile


@pytest.fixture(scope="module")
def crossed():
    rng = np.random.default_rng(4)
    a, b = np.divmod(np.arange(60), 6)
    data = {"a": a, "b": b, "y": rng.normal(size=10)[a] + rng.normal(size=6)[b] + rng.normal(size=60)}
    return ld.model("y ~ 1 + (1 | a) + (1 | b)", data=data)


def test_it_agrees_with_draws():
    fit = ld.model("Reaction ~ Days + (Days | Subject)", data=ld.load_data("sleepstudy")).fit(
        "eb", draws=4000, random_seed=1
    )
    found = ld.group_posterior(fit, draws=4000)
    u = fit.draws.u[0].reshape(4000, -1)
    sd, error = u.std(axis=0), u.std(axis=0) / np.sqrt(4000)
    assert np.abs((found["mean"] - u.mean(axis=0)) / error).max() < 4.5  # the largest of 36 normals
    np.testing.assert_allclose(found["sd"], sd, rtol=0.06)  # an sd of 4000 draws is known to 1.1 %
    for name, level in (("lower", 0.025), ("median", 0.5), ("upper", 0.975)):
        # density-based errors of quantiles: up to 2.7 times that of the mean, at the tails
        assert np.abs((found[name] - np.quantile(u, level, axis=0)) / error).max() < 12


def test_it_has_less_noise_than_draws(crossed):
    """Two seeds: their estimates differ less than those of draws by a factor of two at least."""
    fits = [crossed.fit("eb", draws=1000, random_seed=seed) for seed in (1, 2)]
    one, other = (ld.group_posterior(fit, "a")["mean"] for fit in fits)
    drawn = [fit.draws.u[0].reshape(1000, -1).mean(axis=0) for fit in fits]
    assert np.std(one - other) < 0.5 * np.std(drawn[0] - drawn[1])


def test_effects_need_not_be_kept(crossed):
    kept, summary = (crossed.fit("eb", random_seed=1, keep=keep) for keep in ("draws", "summary"))
    np.testing.assert_allclose(
        ld.group_posterior(kept, "b")["mean"], ld.group_posterior(summary, "b")["mean"], rtol=1e-12
    )


def test_sampled_coefficients():
    data = ld.load_data("sleepstudy")
    fits = [
        ld.model("Reaction ~ Days + (1 | Subject)", data=data, priors={"Days": prior}).fit(
            "eb", random_seed=1
        )
        for prior in ("normal(0, 500)", "student_t(100, 0, 500)")
    ]
    one, other = (ld.group_posterior(fit) for fit in fits)
    # nearly the same prior, other draws: a mean of 2000 draws of θ
    np.testing.assert_allclose(one["mean"], other["mean"], atol=0.1 * one["sd"].min())
    np.testing.assert_allclose(one["sd"], other["sd"], rtol=0.05)


def test_quantiles_of_one_normal_and_of_a_point():
    m, sd = np.full((3, 2), 5.0), np.array([[2.0, 0.0]] * 3)
    expected = [5.0 + 2.0 * norm.ppf(0.9), 5.0]
    np.testing.assert_allclose(mixture_quantile(m, sd, 0.9), expected, rtol=1e-12)
    mixed = mixture_quantile(np.array([[0.0], [10.0]]), np.ones((2, 1)), 0.25)
    np.testing.assert_allclose(0.5 * norm.cdf(mixed) + 0.5 * norm.cdf(mixed - 10), 0.25, atol=1e-8)


def test_what_cannot_be_is_said(crossed):
    with pytest.raises(ld.FitError, match="of which groups"):
        ld.group_posterior(crossed.fit("eb", random_seed=1))
    with pytest.raises(ld.FitError, match="no grouping factor 'c'"):
        ld.group_posterior(crossed.fit("eb", random_seed=1), "c")
    with pytest.raises(ld.FitError, match="no draws"):
        ld.group_posterior(crossed.fit("reml"), "a")
