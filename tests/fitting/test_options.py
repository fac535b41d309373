"""Options of the fitters: what is accepted, what is refused, and how it is said."""

import numpy as np
import pytest

from laird.errors import FitError
from laird.fitting import options


@pytest.mark.parametrize("value", [100, np.int64(100), np.uint8(100)])
def test_whole_numbers_of_any_type_pass(value):
    found = options.whole_number("draws", value, 100)
    assert found == 100
    assert type(found) is int


@pytest.mark.parametrize("value", [99, 100.0, "100", True, None, np.nan])
def test_everything_else_is_refused(value):
    with pytest.raises(FitError, match=r"draws = .* is not usable\.\nAllowed: whole numbers from 100"):
        options.whole_number("draws", value, 100)


def test_shares_lie_between_0_and_1():
    assert options.share("target_accept", np.float64(0.9)) == 0.9
    for value in (0.0, 1.0, 80, "0.8", np.nan):
        with pytest.raises(FitError, match=r"target_accept = .* is not usable"):
            options.share("target_accept", value)


def test_a_seed_is_kept():
    assert options.seed(np.int32(7)) == 7
    assert options.seed(options.LARGEST_SEED) == options.LARGEST_SEED


def test_without_a_seed_there_is_a_new_one_each_time():
    assert options.seed(None) != options.seed(None)


@pytest.mark.parametrize("value", [-1, 2**63, 1.0, "a", True, np.random.default_rng(1)])
def test_what_is_no_seed_is_refused(value):
    with pytest.raises(FitError, match=r"random_seed = .* is not usable") as error:
        options.seed(value)
    assert "or None for a new one" in error.value.allowed
