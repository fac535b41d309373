"""Verdicts on chains."""

from dataclasses import replace

import numpy as np
import pytest
from tests.fitting.draws import made_up
from tests.fitting.problems import bound_problem, grouped_frame

from laird.fitting.chains import chain_checks

FORMULA = "y ~ 1 + (1 | g)"


def verdicts(draws):
    found = chain_checks(bound_problem(FORMULA, grouped_frame()), draws)
    return {check.check: check.status for check in found}


def test_good_chains_pass():
    sigma = np.random.default_rng(0).uniform(1, 2, (4, 500))
    assert set(verdicts(made_up(sigma)).values()) == {"ok"}


def test_chains_that_disagree_have_not_converged():
    sigma = np.random.default_rng(0).uniform(1, 2, (4, 500)) + np.arange(4)[:, None]
    found = verdicts(made_up(sigma))
    assert (found["rhat"], found["ess"]) == ("not_converged", "warning")


@pytest.mark.parametrize(("count", "status"), [(0, "ok"), (5, "warning"), (100, "not_converged")])
def test_divergences_are_counted(count, status):
    sigma = np.random.default_rng(0).uniform(1, 2, (4, 500))
    assert verdicts(made_up(sigma, count))["divergences"] == status


def test_one_chain_cannot_be_compared():
    sigma = np.random.default_rng(0).uniform(1, 2, (1, 500))
    assert verdicts(made_up(sigma))["rhat"] == "warning"


def test_shapes_and_sampled_effects_count():
    rng = np.random.default_rng(0)
    good = made_up(rng.uniform(1, 2, (4, 500)))
    apart = rng.normal(size=(4, 500)) + 3 * np.arange(4)[:, None]
    assert verdicts(replace(good, shapes={"nu(g)": apart}))["rhat"] == "not_converged"
    mixed = replace(good, shapes={"nu(g)": rng.normal(size=(4, 500))})
    assert verdicts(mixed)["rhat"] == "ok"
    effects = np.repeat(apart[..., None], 12, axis=-1)[..., None]
    assert verdicts(replace(mixed, u=(effects,)))["rhat"] == "not_converged"
