"""Sampling covariances: every form gives the same blocks, and nothing wrong is repaired."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.linalg import block_diag

from laird.data.covariance import check_covariance, connected_blocks, read_covariance, smallest_eigenvalues
from laird.errors import DataError

PAIR, TRIPLE = [[0.2, 0.1], [0.1, 0.3]], [[0.2, 0.1, 0.0], [0.1, 0.2, -0.1], [0.0, -0.1, 0.2]]
BLOCKS = [np.array(PAIR), np.array([[0.5]]), np.array(TRIPLE)]
DENSE = block_diag(*BLOCKS)
PERMUTED = np.random.default_rng(1).permutation(6)


def summary(V):
    return V.diagonal().tolist(), [
        (block.rows.tolist(), block.V.tolist()) for block in connected_blocks(V, str)
    ]


EXPECTED = (np.diag(DENSE).tolist(), [([0, 1], PAIR), ([3, 4, 5], TRIPLE)])


@pytest.mark.parametrize(
    "given",
    [
        DENSE,
        DENSE.tolist(),
        pd.DataFrame(DENSE),
        sparse.csr_array(DENSE),
        sparse.coo_matrix(DENSE),
        BLOCKS,
        [PAIR, 0.5, TRIPLE],
        np.ma.masked_array(DENSE, False),
    ],
    ids=["dense", "lists", "frame", "sparse array", "sparse matrix", "blocks", "blocks of lists", "masked"],
)
def test_every_form_gives_the_same_blocks(given):
    V = read_covariance("V", given)
    check_covariance(V, str)
    assert summary(V) == EXPECTED


def test_variances_alone_are_a_diagonal_matrix():
    variances = [0.1, 0.0, 0.3]
    forms = [
        variances,
        np.array(variances),
        pd.Series(variances),
        np.diag(variances),
        sparse.diags_array(variances),
    ]
    assert [summary(read_covariance("V", given)) for given in forms] == [(variances, [])] * len(forms)


def test_blocks_are_found_wherever_their_rows_stand():
    scattered = DENSE[np.ix_(PERMUTED, PERMUTED)]
    variances, blocks = summary(read_covariance("V", scattered))
    assert variances == np.diag(scattered).tolist()
    assert sorted(len(rows) for rows, _ in blocks) == [2, 3]
    assert all(block == scattered[np.ix_(rows, rows)].tolist() for rows, block in blocks)
    assert [rows[0] for rows, _ in blocks] == sorted(rows[0] for rows, _ in blocks)


def test_a_subset_may_fall_apart_into_smaller_blocks():
    V = read_covariance("V", BLOCKS).subset(np.array([0, 3, 5]))
    assert summary(V) == ([0.2, 0.2, 0.2], [])
    assert V.places.tolist() == [0, 3, 5]


def test_storage_grows_with_the_blocks_and_not_with_all_pairs_of_rows():
    V = read_covariance("V", [np.array(PAIR)] * 20_000)
    assert V.size == 40_000
    assert len(V.values) == 80_000
    assert len(connected_blocks(V, str)) == 20_000


def test_entries_given_twice_to_a_sparse_matrix_are_summed():
    twice = sparse.coo_array(([0.1, 0.1], ([0, 0], [0, 0])), shape=(1, 1))
    assert read_covariance("V", twice).values.tolist() == [0.2]


def test_an_asymmetry_of_rounding_is_averaged():
    rounded = np.array(PAIR)
    rounded[0, 1] += 1e-10
    V = read_covariance("V", rounded)
    check_covariance(V, str)
    (block,) = connected_blocks(V, str)
    assert block.V[0, 1] == block.V[1, 0] == (rounded[0, 1] + rounded[1, 0]) / 2


def test_a_singular_block_is_a_covariance():
    V = read_covariance("V", [[1.0, 2.0], [2.0, 4.0]])
    check_covariance(V, str)
    assert len(connected_blocks(V, str)) == 1


def wrong(i, j, value):
    changed = DENSE.copy()
    changed[i, j] = value
    return changed


ENTRY = "entry {} of V, counted from 1, is {}"
BEYOND = "covariances above √(V_ii V_jj) in size"
BAD = {
    "nan": (wrong(1, 1, np.nan), "missing or infinite: 1 of 12", ENTRY.format("(2, 2)", "nan")),
    "inf": (wrong(4, 3, np.inf), "missing or infinite: 1 of 12", ENTRY.format("(5, 4)", "inf")),
    "negative": (wrong(2, 2, -0.5), "negative variances", ENTRY.format("(3, 3)", "-0.5\n    3: r2")),
    "negative in a vector": ([0.1, -0.2], "variances: 1 of 2", ENTRY.format("2", "-0.2\n    2: r1")),
    "missing in a vector": (pd.Series([0.1, None], dtype="Float64"), "missing", ENTRY.format("2", "nan")),
    "asymmetric": (wrong(0, 1, 0.05), "is not symmetric: 1 pairs", "is 0.05, entry (2, 1) is 0.1"),
    "one triangle": (np.triu(DENSE), "is not symmetric: 3 pairs", "entry (2, 1) is 0"),
    "correlation": ([[0.1, 0.2], [0.2, 0.1]], BEYOND, "entry (1, 2) of V"),
    "of no variance": ([[0.0, 0.1], [0.1, 1.0]], BEYOND, "entry (1, 2) of V"),
}


@pytest.mark.parametrize(("given", "what", "where"), BAD.values(), ids=BAD)
def test_what_is_no_covariance_is_refused_with_its_entry(given, what, where):
    with pytest.raises(DataError) as error:
        check_covariance(read_covariance("V", given), "r{}".format)
    assert what in error.value.what
    assert where in error.value.where
    assert error.value.remedy


def test_a_block_that_is_not_semidefinite_is_named_by_its_rows():
    circle = np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])
    V = read_covariance("V", [2.0, circle])
    check_covariance(V, str)
    with pytest.raises(DataError, match="not positive semidefinite") as error:
        connected_blocks(V, "r{}".format)
    assert "1 of 1 blocks of 3 rows" in error.value.where
    assert "eigenvalue -0.8" in error.value.where
    assert "    2: r1\n    3: r2\n    4: r3" in error.value.where


FORMS = {
    "one number": (0.1, "as one number"),
    "not square": (np.ones((2, 3)), "is not square: it is 2 × 3"),
    "a column": (np.ones((3, 1)), "is not square: it is 3 × 1"),
    "sparse": (sparse.csr_array(np.ones((2, 3))), "is not square: it is 2 × 3"),
    "block": ([np.eye(2), np.ones((1, 2))], "`V, block 2` is not square: it is 1 × 2"),
    "text": (["a", "b"], "values that are not numbers"),
    "complex": (np.array([1j, 2.0]), "values that are not numbers"),
    "truth": ([True, False], "values that are not numbers"),
    "ragged": ([[1.0, 2.0], [3.0]], "rows of unequal lengths"),
    "none": (None, "gives nothing for `V`"),
    "a number": (0.1, "as one number"),
    "a vector for a block": ([np.eye(2), [1.0]], "is not square: it is a vector of 1"),
}


@pytest.mark.parametrize(("given", "what"), FORMS.values(), ids=FORMS)
def test_other_forms_are_refused(given, what):
    with pytest.raises(DataError) as error:
        read_covariance("V", given)
    assert what in error.value.what
    assert "Allowed: a vector of variances" in error.value.allowed


def test_the_smallest_eigenvalue_is_of_correlations_and_so_has_no_unit():
    block = np.array([PAIR])
    r = 0.1 / np.sqrt(0.06)
    # eigenvalues of two rows are 1 ± r; scaling rounds
    for unit in (1e-6, 1.0, 1e6):
        np.testing.assert_allclose(smallest_eigenvalues(unit * block), 1 - r, rtol=1e-12)
