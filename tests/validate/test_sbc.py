"""Posterior draws of six models are calibrated, every class of parameter."""

import numpy as np
import pytest
from tests.validate.sbc import METHODS, RANKED, SOUND, ranks
from tests.validate.sbc_cases import CASES
from tests.validate.uniformity import coverage, envelope, p_value

pytestmark = pytest.mark.validate

# Eleven quantities a model at most: the p-values of a right method fall below 0.001 somewhere among
# the twelve runs with a probability below 10 %, decided once and for all by the seed.
LEAST_P = 1e-3


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("method", METHODS)
def test_ranks_stay_within_the_envelope(case, method):
    found = ranks(case, method).drop(columns=SOUND)
    p_values = {name: p_value(own.to_numpy(), RANKED + 1) for name, own in found.items()}
    assert min(p_values.values()) > LEAST_P, p_values


def test_the_envelope_holds_uniform_ranks_at_its_rate():
    rng, n, K = np.random.default_rng(1), 50, 20
    low, high = envelope(n, K, 0.9)
    shares = np.sort(rng.integers(0, K, (4000, n)), axis=1)
    shares = np.stack([(shares < k).mean(axis=1) for k in range(1, K)], axis=1)
    inside = np.mean(np.all((shares >= low) & (shares <= high), axis=1))
    # Counts are whole numbers: the level is met from above.  Five standard errors of 4000 samples.
    assert abs(inside - coverage_of(n, K)) < 5 * np.sqrt(0.9 * 0.1 / 4000)


def coverage_of(n, K):
    """The probability that the envelope of 90 % truly has."""
    levels = np.geomspace(1e-4, 0.2, 400)
    values = [coverage(n, K, level) for level in levels]
    return min(value for value in values if value >= 0.9)


def test_ranks_that_are_not_uniform_are_found():
    """Draws with half and twice the sd of the posterior, and draws shifted by half an sd."""
    rng = np.random.default_rng(2)
    truth = rng.standard_normal((200, 1))
    for spread, shift in ((0.5, 0.0), (2.0, 0.0), (1.0, 0.5)):
        draws = shift + spread * rng.standard_normal((200, RANKED))
        assert p_value(np.sum(draws < truth, axis=1), RANKED + 1) < 1e-3
