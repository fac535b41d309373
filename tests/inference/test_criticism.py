"""Predictive checks find what is wrong, and nothing where nothing is."""

from __future__ import annotations

import numpy as np
import pytest

import laird as ld


def grouped(seed, heavy):
    """Thirty groups of ten; with `heavy` tails three of them are far away."""
    rng = np.random.default_rng(seed)
    u = rng.normal(size=30)
    if heavy:
        u[:3] *= 12
    a = np.repeat(np.arange(30), 10)
    return {"a": a, "y": u[a] + rng.normal(size=300)}


@pytest.mark.parametrize("method", ["reml", "eb"])
def test_a_true_model_gives_its_data(method):
    fit = ld.model("y ~ 1 + (1 | a)", data=grouped(1, heavy=False)).fit(method)
    table = ld.predictive_check(fit, random_seed=1).table
    assert table.p_value.between(0.01, 0.99).all()
    assert (table.lower < table["mean"]).all()


def test_groups_far_away_are_seen_with_new_groups_only():
    fit = ld.model("y ~ 1 + (1 | a)", data=grouped(2, heavy=True)).fit("reml")

    def extremity(y):
        sizes = np.abs(y.reshape(30, 10).mean(axis=1))
        return sizes.max() / np.median(sizes)

    statistics = {"largest over median size of group means": extremity}
    largest = [
        ld.predictive_check(fit, statistics, groups=groups, random_seed=1).table.iloc[-1].p_value
        for groups in ("new", "existing")
    ]
    assert largest[0] < 0.02
    assert largest[1] > 0.1


def test_least_squares_does_not_give_groups():
    fit = ld.model("mathach ~ ses + (1 | school)", data=ld.load_data("hs")).fit("ols")
    table = ld.predictive_check(fit, random_seed=1).table.set_index("statistic")
    assert table.loc["sd of group means", "p_value"] == 0.0
    assert table.loc["sd", "p_value"] > 0.02


def test_outcomes_are_checked_one_by_one():
    rng = np.random.default_rng(3)
    data = {"p": rng.normal(size=40), "q": 5 + rng.normal(size=40), "a": np.repeat(np.arange(8), 5)}
    fit = ld.model("p ~ 1 + (1 | a)", "q ~ 1 + (1 | a)", data=data).fit()
    check = ld.predictive_check(fit, random_seed=1)
    assert check.labels[0] == "p: mean"
    assert list(check.table.outcome.unique()) == ["p", "q"]
    np.testing.assert_allclose(check.observed[check.labels.index("q: mean")], data["q"].mean())
    assert check.replicated.shape == (1000, len(check.table))


def test_the_seed_makes_it_repeatable():
    fit = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff")).fit()
    one, two, other = (ld.predictive_check(fit, draws=50, random_seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.replicated, two.replicated)
    assert not np.array_equal(one.replicated, other.replicated)
    assert "statistic" in repr(one)
    assert "<table" in one._repr_html_()


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"groups": "all"}, "groups = 'all'"),
        ({"draws": 1}, "draws = 1"),
        ({"prob": 2.0}, "prob = 2.0"),
        ({"by": "school"}, "no grouping factor `school`"),
    ],
)
def test_what_cannot_be_is_said(how, message):
    fit = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff")).fit()
    with pytest.raises(ld.FitError, match=message):
        ld.predictive_check(fit, **how)
