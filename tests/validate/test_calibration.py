"""Draws and intervals mean what they say: simulation-based calibration, and coverage."""

import pytest
from tests.validate.studies import METHODS, STUDIES, calibrate, reml_coverage

pytestmark = pytest.mark.validate
SEED = 20261121


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("method", METHODS)
def test_true_values_have_uniform_ranks(method, study):
    found = calibrate(STUDIES[study], METHODS[method], SEED).p_values()
    # Eighteen tests in all: a right method fails one of them with a probability below 2 %,
    # decided once and for all by the seed.
    assert min(found.values()) > 1e-3, found


def test_reml_intervals_cover_at_their_rate():
    found = reml_coverage(0.9, SEED)
    # Four binomial standard errors, 4 √(0.9 × 0.1 / 1000) = 0.038, on top of what normal
    # approximations may miss with 40 groups.
    assert all(abs(share - 0.9) < 0.045 for share in found.share.values()), found
