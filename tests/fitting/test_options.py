import numpy as np
import pytest

import laird as ld
from laird.fitting.options import LARGEST_SEED, one_of, probability, seed, share, whole_number


@pytest.mark.parametrize("value", [5, np.int64(7), 10**6])
def test_whole_numbers_from_the_least_are_used(value):
    assert whole_number("draws", value, 5) == value


@pytest.mark.parametrize("value", [4, -1, 5.0, "10", True, None, float("nan")])
def test_other_values_are_refused(value):
    with pytest.raises(ld.FitError, match="draws = ") as caught:
        whole_number("draws", value, 5)
    assert "from 5" in caught.value.allowed


@pytest.mark.parametrize("value", [0.8, np.float64(0.5), 1e-9])
def test_shares_lie_between_zero_and_one(value):
    assert share("target_accept", value) == value


@pytest.mark.parametrize("value", [0.0, 1.0, 80.0, 1, "0.8", None, float("nan")])
def test_other_shares_are_refused(value):
    with pytest.raises(ld.FitError, match="target_accept = "):
        share("target_accept", value)


@pytest.mark.parametrize("value", [0, 1, LARGEST_SEED, np.uint32(3)])
def test_seeds_are_kept(value):
    assert seed(value) == value


@pytest.mark.parametrize("value", [-1, 1.5, LARGEST_SEED + 1, "1", True])
def test_other_seeds_are_refused(value):
    with pytest.raises(ld.FitError, match="random_seed = "):
        seed(value)


def test_no_seed_is_a_new_one_each_time():
    assert seed(None) != seed(None)


@pytest.mark.parametrize("value", ["all", None, 3, ["auto"], np.array(["auto", "draws"])])
def test_words_that_are_not_allowed_are_refused_whatever_they_are(value):
    with pytest.raises(ld.FitError, match="keep = ") as caught:
        one_of("keep", value, ("auto", "draws"))
    assert caught.value.allowed == 'Allowed: "auto", "draws".'


@pytest.mark.parametrize("value", [0, 1, 95, "0.95", None, float("nan"), (0.5, 0.9)])
def test_what_is_no_probability_is_refused(value):
    with pytest.raises(ld.FitError, match="is not a probability"):
        probability(value)


@pytest.mark.parametrize("value", [0.95, np.float32(0.5)])
def test_a_probability_is_any_number_between_zero_and_one(value):
    assert probability(value) is None
