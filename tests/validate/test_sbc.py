"""Posterior draws of six models are calibrated, every class of parameter."""

import pytest
from tests.validate.sbc import CASES, METHODS, distance, envelope, ranks
from tests.validate.test_calibration import SEED

pytestmark = pytest.mark.validate

# 36 parameters by two methods: uniform ranks leave an envelope of 99.95 % somewhere with a
# probability of 3 %, decided once and for all by the seed.
PROBABILITY = 0.9995


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("method", METHODS)
def test_ranks_stay_within_the_envelope(case, method):
    found = {name: distance(own) for name, own in ranks(case, method, SEED).items()}
    assert max(found.values()) < envelope(PROBABILITY), found
