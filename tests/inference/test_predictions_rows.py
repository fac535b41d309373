"""Sums of rows by cell."""

from __future__ import annotations

import numpy as np

import laird as ld
from laird.inference.predictions_rows import Cells, averages, each_row, targets_of


def design():
    return ld.model("Reaction ~ Days + (Days | Subject)", data=ld.load_data("sleepstudy")).design


def test_averages_are_means_of_the_rows():
    own, cell = design(), np.arange(180) % 7
    targets = targets_of(own, averages(cell), new_groups=True, noise=False)
    expected = [own.X[cell == c].mean(axis=0) for c in range(7)]
    np.testing.assert_allclose(targets.X, expected, rtol=1e-13)


def test_rows_of_one_group_share_its_effect():
    own = design()
    (random,) = own.random
    cell = np.random.default_rng(1).integers(0, 4, 180)
    (share,) = targets_of(own, averages(cell), new_groups=True, noise=False).shares
    u = np.random.default_rng(2).normal(size=(18, 2))
    found = np.zeros(4)
    np.add.at(found, share.cell, np.sum(share.Z * u[share.group], axis=1))
    rows = np.sum(random.Z * u[random.ids], axis=1)
    np.testing.assert_allclose(found, [rows[cell == c].mean() for c in range(4)], rtol=1e-12)
    assert len(np.unique(share.cell * 18 + share.group)) == len(share.cell)
    weights = share.matrix(4, share.group, share.Z)
    np.testing.assert_allclose(weights @ u.ravel()[: weights.shape[1]], found, rtol=1e-12)


def test_new_groups_are_told_from_fitted_ones():
    own = design()
    targets = targets_of(own, each_row(180), new_groups=True, noise=False)
    assert not len(targets.shares[0].new().cell)
    assert len(targets.shares[0].known().cell) == 180
    assert not targets.fixed


def test_the_matrix_of_cells_holds_their_weights():
    cells = Cells(np.array([1, 0, 1]), np.array([0.5, 1.0, -0.5]), 2)
    np.testing.assert_array_equal(cells.matrix.toarray(), [[0.0, 1.0, 0.0], [0.5, 0.0, -0.5]])
