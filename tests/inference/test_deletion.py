"""The likelihood without units, from their pieces, against the rows left alone."""

from __future__ import annotations

import numpy as np
import pytest
from tests.inference.oracles import projection, some_rows

import laird as ld
from laird.inference import deletion
from laird.inference.dispersion import rows_of
from laird.inference.onestep import basis
from laird.inference.rowblocks import whitener
from laird.inference.units import units_of

EXACT = 1e-9  # relative; both are exact, sums of some hundred rows are rounded differently


@pytest.fixture(scope="module")
def fit(sleepstudy):
    return ld.model("Reaction ~ Days + (Days | Subject)", data=sleepstudy).fit("reml")


def dense(fit):
    """Σ of all rows."""
    own = rows_of(fit)
    n = len(fit.problem.design.y)
    Sigma = np.zeros((n, n))
    for rows, stack in zip(own.where.stacks, own.total(), strict=True):
        for block, values in zip(rows, stack, strict=True):
            Sigma[np.ix_(block, block)] = values
    return Sigma


def of(fit, codes):
    return deletion.engine(fit.problem, codes, basis(fit).W)(fit.theta)


@pytest.mark.parametrize("unit", ["Subject", "rows", "halves"])
def test_what_is_left_is_the_likelihood_of_the_other_rows(fit, unit):
    n = fit.nobs
    codes = {"Subject": units_of(fit).codes, "rows": np.arange(n), "halves": np.arange(n) % 2}[unit]
    found, (W, _) = of(fit, codes), basis(fit)
    Sigma = dense(fit)
    for i in (0, int(codes.max())):
        kept = codes != i
        S, w = Sigma[np.ix_(kept, kept)], W[kept]
        whole = found.whole - found.removed[i]
        np.testing.assert_allclose(whole, w.T @ np.linalg.solve(S, w), rtol=EXACT, atol=1e-9)
        log_determinant = found.log_determinant + found.log_precision[i]
        np.testing.assert_allclose(log_determinant, np.linalg.slogdet(S)[1], rtol=EXACT)


def test_groups_and_rows_give_the_same_pieces(fit):
    codes, W = units_of(fit).codes, basis(fit).W
    by_groups = deletion._by_groups(fit.problem, fit.problem.data, codes, W)(fit.theta)
    by_rows = deletion._by_rows(fit.problem, codes, W)(fit.theta)
    for own, other in zip(by_groups, by_rows, strict=True):
        np.testing.assert_allclose(own, other, rtol=EXACT, atol=1e-9)


def test_conditional_densities_of_a_unit_given_the_others(fit):
    """log p(y) - log p(y of the others), at coefficients other than the estimate."""
    codes, (W, inverse) = np.arange(fit.nobs) // 4, basis(fit)
    gamma = np.array([3.0, -2.0])
    found = of(fit, codes).log_densities(np.append(-gamma, 1.0))
    design, Sigma = fit.problem.design, dense(fit)
    residual = design.y - design.X @ (fit.point.beta + inverse @ gamma)

    def log_density(rows):
        S, r = Sigma[np.ix_(rows, rows)], residual[rows]
        return -0.5 * (np.linalg.slogdet(S)[1] + r @ np.linalg.solve(S, r))

    rest = log_density(np.ones(fit.nobs, bool)) - log_density(codes != 7)
    assert found[7] == pytest.approx(rest, rel=1e-8)
    assert W.shape == (fit.nobs, 3)


def test_misfit_is_the_test_of_a_mean_shift():
    rows = some_rows(3)
    by = whitener(rows.where, rows.stacks())
    W = np.column_stack([rows.X, rows.y])
    codes, F = np.arange(len(rows.y)) // 3, by.solve(W)
    units = deletion.layout(codes)
    removed, log_precision, own = deletion._removed(by, units, codes, W, F)
    found = deletion.left(
        deletion.Pieces(W.T @ F, by.log_determinant, removed, log_precision, own), restricted=True
    )
    P = projection(rows.X, rows.Sigma)
    for i in range(codes.max() + 1):
        here = codes == i
        e = (P @ rows.y)[here]
        np.testing.assert_allclose(found.misfit[i], e @ np.linalg.solve(P[np.ix_(here, here)], e), rtol=1e-8)


def test_leverages_add_up_to_the_number_of_coefficients(fit):
    for codes in (units_of(fit).codes, np.arange(fit.nobs)):
        assert of(fit, codes).leverage.sum() == pytest.approx(2.0, rel=1e-10)


def test_a_coefficient_of_one_unit_is_not_identified_without_it():
    X = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    W = np.column_stack([X, [1.0, 2.0, 4.0]])
    own = np.einsum("ia,ib->iab", W, W)
    found = deletion.identified(deletion.Pieces(own.sum(axis=0), 0.0, own, np.zeros(3), own))
    assert found.tolist() == [True, True, False]
