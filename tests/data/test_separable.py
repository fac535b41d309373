"""Variances that only their sum is known of, by an independent route: the rank of covariances."""

import numpy as np
import pytest

from laird.data import separable
from laird.errors import DataError

RNG = np.random.default_rng(4)
ONE = np.ones((6, 1))
SINGLE, PAIRS = np.arange(6), np.repeat([0, 1, 2], 2)
X = RNG.normal(size=6)
LINE = np.stack([np.ones(6), X], axis=1)
KINDS = np.eye(2)[np.tile([0, 1], 3)]


def spanned_by_rank(Z, ids, blocks, target):
    """The same question asked of whole covariance matrices of all rows."""
    same = ids[:, None] == ids[None, :]
    pairs = [(a, b) for block in blocks for a in block for b in block if a <= b]
    found = [
        (same * (np.outer(Z[:, a], Z[:, b]) + np.outer(Z[:, b], Z[:, a])))[np.triu_indices(6)]
        for a, b in pairs
    ]
    with_target = np.stack([*found, np.diag(target)[np.triu_indices(6)]])
    return np.linalg.matrix_rank(with_target) == np.linalg.matrix_rank(np.stack(found))


CASES = {
    "one row each": (ONE, SINGLE, ((0,),), np.ones(6), True),
    "one row each, unequal": (ONE, SINGLE, ((0,),), np.arange(1.0, 7.0), False),
    "two rows each": (ONE, PAIRS, ((0,),), np.ones(6), False),
    "one group of two": (ONE, np.array([0, 0, 1, 2, 3, 4]), ((0,),), np.ones(6), False),
    "a slope alone": (X[:, None], SINGLE, ((0,),), np.ones(6), False),
    "a line": (LINE, SINGLE, ((0, 1),), np.ones(6), True),
    "two kinds": (KINDS, PAIRS, ((0, 1),), np.ones(6), True),
    "two kinds apart": (KINDS, PAIRS, ((0,), (1,)), np.ones(6), True),
    "one of two kinds": (KINDS, PAIRS, ((0, 1),), KINDS[:, 0], True),
    "part of a kind": (KINDS, PAIRS, ((0, 1),), np.array([1.0, 0, 1, 0, 0, 0]), False),
}


@pytest.mark.parametrize(("Z", "ids", "blocks", "target", "expected"), CASES.values(), ids=CASES)
def test_what_is_spanned_is_what_ranks_say(Z, ids, blocks, target, expected):
    assert separable.spans_diagonal(Z, ids, blocks, target) is expected
    assert spanned_by_rank(Z, ids, blocks, target) == expected


def test_the_unit_of_a_column_does_not_matter():
    for unit in (1e-8, 1e8):
        assert separable.spans_diagonal(LINE * [1.0, unit], SINGLE, ((0, 1),), np.ones(6))


def test_large_groups_are_settled_by_counting():
    ids = np.zeros(100_000, dtype=np.int64)
    assert not separable.spans_diagonal(np.ones((100_000, 1)), ids, ((0,),), np.ones(100_000))


DISTINCT = {
    "a line of two values": (np.stack([np.ones(6), X > 0], axis=1), SINGLE, ((0, 1),), False),
    "two variances of two values": (np.stack([np.ones(6), X > 0], axis=1), SINGLE, ((0,), (1,)), True),
    "a line of many values": (LINE, SINGLE, ((0, 1),), True),
    "kinds never together": (KINDS, SINGLE, ((0, 1),), False),
    "kinds never together, apart": (KINDS, SINGLE, ((0,), (1,)), True),
    "kinds together": (KINDS, PAIRS, ((0, 1),), True),
}


@pytest.mark.parametrize(("Z", "ids", "blocks", "expected"), DISTINCT.values(), ids=DISTINCT)
def test_coefficients_are_distinct_when_rows_say_so(Z, ids, blocks, expected):
    assert separable.are_distinct(Z.astype(float), ids, blocks) is expected


def test_errors_name_the_group_and_the_remedy():
    with pytest.raises(DataError, match="sds of `study` and sigma cannot be told apart") as error:
        separable.check_residual("study", ["Intercept"], ONE, SINGLE, ((0,),), np.ones(6), "sigma")
    assert "sigma ~ 0" in error.value.remedy
    with pytest.raises(DataError, match="sds of `study` and φ cannot be told apart") as error:
        separable.check_residual("study", ["Intercept"], ONE, SINGLE, ((0,),), np.ones(6), "φ")
    assert "scale" in error.value.remedy
    with pytest.raises(DataError, match="random coefficients of `trial` apart") as error:
        separable.check_coefficients("trial", ["a", "b"], KINDS, SINGLE, ((0, 1),))
    assert "(… || trial)" in error.value.remedy


CONSTANT, BINARY = ONE, np.stack([np.ones(6), [0, 0, 0, 1, 1, 1]], axis=1)
PROPORTIONAL = {
    "no spread": (np.full(6, 0.1), CONSTANT, "have no spread, so"),
    "rounding": (0.1 + np.arange(6) * 1e-10, CONSTANT, "have no spread, so"),
    "no spread within groups of sigma": (np.repeat([0.1, 0.2], 3), BINARY, "no spread within each setting"),
    "no spread and a line of sigma": (np.full(6, 0.1), LINE, "have no spread, so"),
}


@pytest.mark.parametrize(("v", "W", "message"), PROPORTIONAL.values(), ids=PROPORTIONAL)
def test_phi_needs_spread_beyond_what_sigma_describes(v, W, message):
    with pytest.raises(DataError, match=message) as error:
        separable.check_proportional("vi", v, W, "sigma")
    assert 'Write sigma ~ 0, or leave out scale="proportional".' in error.value.remedy


@pytest.mark.parametrize(("v", "W"), [(np.arange(1.0, 7.0), CONSTANT), (np.arange(1.0, 7.0), BINARY)])
def test_phi_with_spread_passes(v, W):
    assert separable.check_proportional("vi", v, W, "sigma") is None
