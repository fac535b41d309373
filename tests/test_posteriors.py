"""Draws have the means and sds of posteriors that are known exactly, and of a published one."""

import numpy as np
import pytest

from tests.peers import golden
from tests.posteriors import KNOWN, LIMIT, apart, eight_schools


@pytest.mark.parametrize("name", KNOWN)
def test_means_and_sds_are_exact_within_monte_carlo_error(name):
    make, named = KNOWN[name]
    known = make()
    fit = known.model.fit("nuts", draws=2000, tune=500, chains=4, cores=1, random_seed=3, progress=False)
    found = apart(named(fit), known.exact)
    assert len(found) == 2 * len(known.exact)
    assert max(found.values()) < LIMIT, max(found, key=found.__getitem__)


def test_quadrature_agrees_with_the_published_reference_of_eight_schools():
    """posteriordb's means within four of their own Monte Carlo standard errors."""
    stored, exact = golden("eight_schools"), eight_schools().exact
    means = np.array([exact[name][0] for name in stored["names"]])
    assert np.all(np.abs(means - stored["mean"]) < 4 * np.array(stored["mcse_mean"]))
