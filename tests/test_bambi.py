"""NUTS against Bambi's stored posterior of the same model and priors (`tests/golden/make_bambi.py`)."""

import numpy as np
import pytest

from tests.bambi_peer import CASES, discrepancies, laird_draws, summarise
from tests.peers import golden

# Both summaries are means over draws. A normal deviate exceeds five of its standard errors once in
# 1.7 million, and the largest model compares about 100 numbers: a chance of 1 in 17,000.
LIMIT = 5.0


@pytest.mark.parametrize("name", ["sleepstudy", "hs"])
def test_posterior_equals_bambis_within_monte_carlo_error(name):
    stored = golden(f"bambi_{name}")
    model = CASES[name].model()
    assert [f"{row.parameter} ~ {row.prior}" for row in model.priors] == stored["priors"]
    fit = model.fit("nuts", draws=1000, tune=500, chains=2, random_seed=8, progress=False)
    found = discrepancies(summarise(laird_draws(fit)), stored["summary"])
    assert max(found.values()) < LIMIT, max(found, key=found.__getitem__)
    # The deviations are not only small but of the size that chance gives: their rms is near 1.
    assert 0.5 < np.sqrt(np.mean(np.square(list(found.values())))) < 1.5
