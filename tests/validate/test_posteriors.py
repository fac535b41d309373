"""Posterior means and sds of laird's NUTS are those of the explicit graph and of exact posteriors."""

import pytest
from tests.posteriors import KNOWN, LIMIT
from tests.validate.posteriors import against_exact, against_graph
from tests.validate.sbc_cases import CASES

pytestmark = pytest.mark.validate


@pytest.mark.filterwarnings("default")  # what PyMC and nutpie warn of is theirs
@pytest.mark.parametrize("case", CASES)
def test_the_posterior_is_that_of_the_explicit_graph(case):
    found = against_graph(case)
    assert max(found.values()) < LIMIT, max(found, key=found.__getitem__)


@pytest.mark.parametrize("name", KNOWN)
def test_the_posterior_is_the_exact_one(name):
    found = against_exact(name)
    assert max(found.values()) < LIMIT, max(found, key=found.__getitem__)
