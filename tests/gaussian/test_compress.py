"""Compressed rows have the cross-products of the rows, cell by cell."""

import numpy as np
import pytest

from laird.gaussian.compress import compress

RNG = np.random.default_rng(0)
M = 4


def cells_of(sizes):
    """Cells with the given numbers of rows, in no order."""
    return RNG.permutation(np.repeat(np.arange(len(sizes)), sizes))


def zero_led(n):
    """Rows that begin with zeros, as those of cells without some columns."""
    return RNG.normal(size=(n, M)) * (np.arange(M) >= RNG.integers(0, M, n)[:, None])


SIZES = (1, 1, 2, 3, 4, 9, 30)
N = sum(SIZES)
LOW_RANK = RNG.normal(size=(N, 2)) @ RNG.normal(size=(2, M))
ROWS = {
    "ordinary": RNG.normal(size=(N, M)),
    "leading zeros": zero_led(N),
    "a column of zeros": RNG.normal(size=(N, M)) * [1, 0, 1, 1],
    "a column of ones": np.column_stack([np.ones(N), RNG.normal(size=(N, M - 1))]),
    "of rank two": LOW_RANK,
    "signs and integers": RNG.integers(-2, 3, (N, M)).astype(float),
    "of very different sizes": RNG.normal(size=(N, M)) * [1e-12, 1.0, 1e10, 1e-3],
    "huge: squares overflow": RNG.normal(size=(N, M)) * 1e200,
}


@pytest.fixture(params=ROWS)
def rows(request):
    return ROWS[request.param]


def test_cross_products_of_every_cell_are_kept(rows):
    cells = cells_of(SIZES)
    found, where = compress(rows, cells, len(SIZES))
    for cell in range(len(SIZES)):
        C, R = rows[cells == cell], found[where == cell]
        size = np.abs(C).max(axis=0)
        unit = np.where(size > 0, size, 1.0)  # columns in units of their own, so that none hides another
        np.testing.assert_allclose(
            (R / unit).T @ (R / unit), (C / unit).T @ (C / unit), rtol=0, atol=1e-13 * N
        )


def test_there_are_no_more_rows_than_columns(rows):
    cells = cells_of(SIZES)
    found, where = compress(rows, cells, len(SIZES))
    kept = np.bincount(where, minlength=len(SIZES))
    assert np.all(kept <= np.minimum(SIZES, M))
    assert len(found) == len(where) == kept.sum()
    assert np.all(np.diff(where) >= 0)


def test_a_single_row_stays_as_it_is_up_to_its_sign(rows):
    found, where = compress(rows[:1], np.array([0]), 1)
    assert where.tolist() == [0]
    np.testing.assert_allclose(np.abs(found[0]), np.abs(rows[0]), rtol=1e-15)


def test_rows_are_not_changed(rows):
    before = rows.copy()
    compress(rows, cells_of(SIZES), len(SIZES))
    np.testing.assert_array_equal(rows, before)


def test_cells_without_rows_leave_none():
    found, where = compress(ROWS["ordinary"][:5], np.array([1, 1, 3, 3, 3]), 6)
    assert sorted(set(where.tolist())) == [1, 3]
    assert len(found) == 2 + 3


def test_rows_of_zeros_leave_none():
    found, where = compress(np.zeros((5, M)), np.array([0, 0, 0, 1, 1]), 2)
    assert found.shape == (0, M)
    assert len(where) == 0


def test_no_squares_are_formed():
    """A column that is 1e-9 off another: its own part is lost in C'C, whose rounding is 1e-16 of 1."""
    x, e = RNG.normal(size=(2, 50))
    C = np.column_stack([x, x + 1e-9 * e])
    R, _ = compress(C, np.zeros(50, dtype=np.int64), 1)
    own = np.linalg.svd(C, compute_uv=False)[-1]
    assert np.linalg.svd(R, compute_uv=False)[-1] == pytest.approx(own, rel=1e-5)  # ε/1e-9 is 2e-7
    from_squares = np.sqrt(np.abs(np.linalg.eigvalsh(C.T @ C)[0]))
    assert abs(from_squares / own - 1) > 0.1
