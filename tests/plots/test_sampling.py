"""Draws in pictures: densities integrate to one, ranks count every draw."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad

from laird.errors import FitError
from laird.plots.sampling import prior_density, prior_posterior, rank_counts, trace_rank
from laird.plots.style import CHAINS
from laird.posterior.table import PriorRow


@pytest.mark.parametrize("size", [2, 3, 5])
@pytest.mark.parametrize("eta", [1.0, 2.0])
def test_density_of_a_correlation_integrates_to_one(eta, size):
    row = PriorRow("cor(g)", "cor", "g", 0, "lkj", (eta,), "")
    mass, _ = quad(lambda r: float(prior_density(row, r, size)), -1, 1)
    assert mass == pytest.approx(1.0)


def test_flat_correlation_of_two_is_uniform():
    row = PriorRow("cor(g)", "cor", "g", 0, "flat", (), "")
    assert prior_density(row, [-0.9, 0.0, 0.9]).tolist() == pytest.approx([0.5, 0.5, 0.5])


def test_density_of_an_sd_is_that_of_its_family():
    row = PriorRow("sigma", "sigma", "", 0, "exponential", (0.5,), "")
    assert prior_density(row, [0.0, 2.0]) == pytest.approx([0.5, 0.5 * np.exp(-1)])


def test_a_flat_prior_has_no_density():
    assert np.isnan(prior_density(PriorRow("sigma", "sigma", "", 0, "flat", (), ""), [1.0])).all()


@pytest.mark.parametrize("method", ["eb", "nuts"])
def test_bars_hold_the_draws_and_the_line_is_the_prior(hs_fit, method):
    fit = hs_fit(method)
    panels = prior_posterior(fit)
    headings = [ax.get_title(loc="left").splitlines()[0] for ax in panels]
    assert headings == ["sd(school, Intercept)", "sd(school, ses)", "cor(school, Intercept, ses)", "sigma"]
    for ax in panels:
        area = sum(bar.get_width() * bar.get_height() for bar in ax.patches)
        assert area == pytest.approx(0.998, abs=2.5 / fit.draws.sigma.size)  # draws beyond either quantile
    x, density = panels[3].lines[0].get_data()
    assert density == pytest.approx(prior_density(fit.priors.sigma, x))
    assert fit.priors.sigma.prior in panels[3].get_title(loc="left")


def test_a_flat_prior_is_named_not_drawn(hs_fit):
    fit = hs_fit("eb")
    rows = tuple(replace(row, family="flat", values=()) for row in fit.priors)
    panels = prior_posterior(replace(fit, priors=replace(fit.priors, rows=rows)))
    assert panels[0].get_title(loc="left").endswith("flat prior")
    assert not panels[0].lines
    assert len(panels[2].lines) == 1  # a flat correlation has a density


def test_traces_are_the_draws(hs_fit):
    fit = hs_fit("nuts")
    axes = trace_rank(fit)
    traces = [line.get_ydata() for line in axes[-2].lines]
    assert np.array_equal(traces, fit.draws.sigma)
    assert [line.get_color() for line in axes[-2].lines] == list(CHAINS[: len(traces)])


def test_ranks_of_a_chain_are_even_when_chains_agree():
    draws = np.arange(400.0).reshape(100, 4).T
    assert rank_counts(draws, bins=10).tolist() == [[10] * 10] * 4


def test_ranks_count_every_draw_of_every_chain(hs_fit):
    counts = rank_counts(hs_fit("nuts").draws.sigma)
    assert counts.sum(axis=1).tolist() == [hs_fit("nuts").draws.sigma.shape[1]] * len(counts)
    assert len(set(counts.sum(axis=0).tolist())) == 1


@pytest.mark.parametrize("picture", [prior_posterior, trace_rank])
def test_pictures_of_draws_need_draws(hs_fit, picture):
    with pytest.raises(FitError, match='by "reml" has no'):
        picture(hs_fit("reml"))


def test_independent_draws_have_no_chains(hs_fit):
    with pytest.raises(FitError, match="no chains"):
        trace_rank(hs_fit("eb"))
