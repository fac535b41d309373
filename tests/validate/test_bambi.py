"""NUTS against Bambi's, both run now, at length, with other seeds than the stored ones."""

import pytest
from tests.bambi_peer import CASES, bambi_draws, discrepancies, fit_bambi, laird_draws, summarise

pytestmark = pytest.mark.validate
OPTIONS = {"draws": 4000, "tune": 1000, "chains": 4}
LIMIT = 4.0  # what was asked: chance exceeds it once in 16,000


@pytest.mark.filterwarnings("default")  # what Bambi and nutpie warn of is theirs
@pytest.mark.parametrize("name", ["sleepstudy", "hs"])
def test_posterior_equals_bambis_within_monte_carlo_error(name):
    pytest.importorskip("bambi")
    case = CASES[name]
    theirs = summarise(bambi_draws(fit_bambi(case, random_seed=3, **OPTIONS), case))
    ours = summarise(laird_draws(case.model().fit("nuts", random_seed=4, progress=False, **OPTIONS)))
    found = discrepancies(ours, theirs)
    assert max(found.values()) < LIMIT, max(found, key=found.__getitem__)
