"""Stacks of blocks of rows against dense matrices."""

from __future__ import annotations

import numpy as np
import pytest
from tests.inference.oracles import some_rows

from laird import FitError
from laird.design import bind
from laird.inference.rowblocks import LARGEST, connected_rows, layout, whitener
from laird.spec import parse_spec


def test_every_row_is_where_the_layout_says():
    labels = np.array([3, 1, 3, 3, 9, 1, 7])
    where = layout(labels)
    for row in range(len(labels)):
        assert where.stacks[where.stack[row]][where.block[row], where.place[row]] == row
    assert all(len(set(labels[block])) == 1 for rows in where.stacks for block in rows)
    assert sorted(rows.shape for rows in where.stacks) == [(1, 2), (1, 3), (2, 1)]


def test_whitening_and_solving_are_those_of_the_dense_matrix():
    rows = some_rows(0)
    by = whitener(rows.where, rows.stacks())
    A = np.random.default_rng(1).normal(size=(17, 2))
    np.testing.assert_allclose(by.solve(A), np.linalg.solve(rows.Sigma, A), rtol=1e-11)
    np.testing.assert_allclose(
        by.whiten(A[:, 0]) @ by.whiten(A[:, 1]), A[:, 0] @ by.solve(A[:, 1]), rtol=1e-11
    )
    np.testing.assert_allclose(by.inverse_diagonal(), np.diag(np.linalg.inv(rows.Sigma)), rtol=1e-11)
    assert by.log_determinant == pytest.approx(np.linalg.slogdet(rows.Sigma)[1], rel=1e-12)


def test_blocks_are_written_over_a_diagonal():
    where = layout(np.array([0, 1, 0, 2]))
    V = where.spread([(np.array([0, 2]), np.array([[1.0, 0.5], [0.5, 2.0]]))], np.arange(4.0))
    singles, pairs = V
    np.testing.assert_array_equal(singles[:, 0, 0], [1.0, 3.0])
    np.testing.assert_array_equal(pairs[0], [[1.0, 0.5], [0.5, 2.0]])


def test_rows_are_connected_by_groups():
    data = {"y": [1.0, 2.0, 4.0, 3.0, 0.0, 5.0], "a": list("uuvvww"), "b": [1, 2, 2, 3, 4, 4]}
    _, design = bind(parse_spec("y ~ 1 + (1 | a) + (1 | b)"), data)
    labels = connected_rows(design)
    assert len(set(labels[:4])) == 1
    assert len(set(labels)) == 2


def test_a_singular_block_is_named():
    where = layout(np.array([0, 1]))
    with pytest.raises(FitError, match=r"singular.*\n    rows 1 \(counted"):
        whitener(where, [np.array([[[1.0]], [[0.0]]])])


def test_a_block_too_large_for_memory_is_refused():
    with pytest.raises(FitError, match=f"dense covariance of {LARGEST + 1} rows"):
        layout(np.zeros(LARGEST + 1, dtype=np.int64))
