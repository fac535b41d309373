"""Kenward and Roger's quantities by groups, against their definitions by n × n matrices."""

import numpy as np
import pytest
from tests.gaussian import structures
from tests.gaussian.structures import INNER, MIDDLE, OUTER, ROWS, UNEVEN, structure

from laird.gaussian.components import connected
from laird.gaussian.kenward_roger import adjust

SLOPES = ((0, 1),)
CASES = {
    "random intercept": structure([INNER], [18], [1]),
    "intercept and slope": structure([MIDDLE], [6], [2], blocks=(SLOPES,)),
    "independent slope": structure([MIDDLE], [6], [2], blocks=(((0,), (1,)),)),
    "groups of unequal size": structure([UNEVEN], [20], [2], blocks=(SLOPES,), seed=2),
    "nested": structure([INNER, MIDDLE], [18, 6], [1, 2], blocks=(((0,),), SLOPES)),
    "three levels": structure([INNER, MIDDLE, OUTER], [18, 6, 2], [1, 1, 1]),
    "crossed": structure([ROWS % 8, MIDDLE], [8, 6], [1, 2], blocks=(((0,),), SLOPES)),
}


def directions(case):
    """∂V/∂γ for every variance and covariance of every factor, then of the residual."""
    n = len(case.y)
    found, column = [], 0
    for f, (q, J) in enumerate(zip((z.shape[1] for z in case.Z), case.counts, strict=True)):
        wide = case.wide[:, column : column + q * J]
        column += q * J
        for block in case.blocks[f]:
            for i, a in enumerate(block):
                for b in block[: i + 1]:
                    E = np.zeros((q, q))
                    E[a, b] = E[b, a] = 1.0
                    found.append(wide @ np.kron(np.eye(J), E) @ wide.T)
    return [*found, np.eye(n)]


def by_definition(case):
    """Kenward & Roger (1997), section 2, in V = Σ/σ² (Halekoh & Højsgaard 2014)."""
    X, V = case.X, case.V(case.at) / case.sigma**2
    Vi = np.linalg.inv(V)
    cov = np.linalg.inv(X.T @ Vi @ X)
    D = [Vi @ own @ Vi for own in directions(case)]
    H = [X.T @ own @ X for own in D]
    Q = [[X.T @ a @ V @ b @ X for b in D] for a in D]
    k = len(D)
    information = np.array(
        [
            [
                np.trace(D[i] @ V @ D[j] @ V)
                - 2 * np.trace(cov @ Q[i][j])
                + np.trace(cov @ H[i] @ cov @ H[j])
                for j in range(k)
            ]
            for i in range(k)
        ]
    )
    W = 2 * np.linalg.inv(information)
    U = sum(W[i, j] * (Q[i][j] - H[i] @ cov @ H[j]) for i in range(k) for j in range(k))
    gradient = np.array([cov @ own @ cov for own in H])
    return cov, gradient, W, cov + 2 * cov @ U @ cov


@pytest.mark.parametrize("name", CASES)
def test_it_is_what_the_definition_says(name):
    case = CASES[name]
    factors = [case.at.L[place, place] / case.sigma for place in case.places]
    parts = connected(case.X, case.Z, case.ids, case.counts)
    found = adjust(case.X.T @ case.X, structures.N, parts, factors, case.blocks)
    for own, expected in zip(found, by_definition(case), strict=True):
        scale = np.abs(expected).max()
        np.testing.assert_allclose(
            own, expected, rtol=1e-8, atol=1e-9 * scale
        )  # sums of 72 rows, n × n inverses


def test_the_adjustment_is_symmetric_and_no_smaller_than_the_covariance():
    case = CASES["crossed"]
    factors = [case.at.L[place, place] / case.sigma for place in case.places]
    parts = connected(case.X, case.Z, case.ids, case.counts)
    found = adjust(case.X.T @ case.X, structures.N, parts, factors, case.blocks)
    np.testing.assert_allclose(found.adjusted, found.adjusted.T, rtol=0, atol=1e-15)
    assert np.linalg.eigvalsh(found.adjusted - found.cov)[0] > -1e-12


def test_parameters_without_information_do_not_count():
    """Two factors that are one: their variances cannot be told apart, and the sum of both is what counts."""
    one = structure([MIDDLE], [6], [1], seed=4)
    twice = [np.ones((structures.N, 1))] * 2
    XX, half = one.X.T @ one.X, one.at.L / one.sigma / np.sqrt(2)
    single = adjust(
        XX, structures.N, connected(one.X, twice[:1], [MIDDLE], [6]), [half * np.sqrt(2)], one.blocks
    )
    double = adjust(
        XX, structures.N, connected(one.X, twice, [MIDDLE, MIDDLE], [6, 6]), [half, half], one.blocks * 2
    )
    np.testing.assert_allclose(double.adjusted, single.adjusted, rtol=1e-8)
