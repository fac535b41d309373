"""One interface: the same model as one factor and as several gives the same numbers by every function."""

import numpy as np
import pytest
from tests.gaussian.structures import INNER, ROWS, structure

from laird.gaussian.composite import Composite, compose
from laird.gaussian.crossproducts import Grouped, group
from laird.gaussian.reduced import density, information, is_costly, profiled, solve

BASE = structure([INNER], (18,), (2,), offset=3.0, seed=1)
L = np.diag([0.7, 1.3])
SIGMA = 1.1
EXACT = 1e-10  # two algorithms for one well-conditioned problem


@pytest.fixture(scope="module")
def both():
    one = group(BASE.y, BASE.X, BASE.Z[0], INNER, 18, ((0,), (1,)))
    intercept, slope = np.split(BASE.Z[0], 2, axis=1)
    several = compose(BASE.y, BASE.X, [intercept, slope], [INNER, INNER], (18, 18), [((0,),), ((0,),)])
    return one, several


@pytest.fixture(params=[False, True], ids=["ml", "reml"])
def restricted(request):
    return request.param


def test_they_are_two_structures(both):
    assert tuple(map(type, both)) == (Grouped, Composite)


def test_profiled(both, restricted):
    (one, d_one), (several, d_several) = (profiled(data, L, restricted=restricted) for data in both)
    assert several == pytest.approx(one, rel=EXACT)
    np.testing.assert_allclose(np.diag(d_several), np.diag(d_one), rtol=EXACT)


def test_density(both, restricted):
    one, several = (density(data, L, SIGMA, restricted=restricted) for data in both)
    assert several[0] == pytest.approx(one[0], rel=EXACT)
    assert several[0] == pytest.approx(
        BASE.log_likelihood(BASE.at._replace(L=L, alpha=np.log([SIGMA])), restricted), rel=1e-9
    )
    np.testing.assert_allclose(np.diag(several[1]), np.diag(one[1]), rtol=EXACT)
    assert several[2] == pytest.approx(one[2], rel=EXACT)


def test_information(both):
    one, several = (information(data, L) for data in both)
    np.testing.assert_allclose(several, one, rtol=EXACT, atol=EXACT * np.abs(one).max())


def test_solve(both):
    one, several = (solve(data, L, SIGMA) for data in both)
    np.testing.assert_allclose(several.beta, one.beta, rtol=EXACT)
    np.testing.assert_allclose(several.beta_cov, one.beta_cov, rtol=EXACT)
    u = np.hstack([own.u for own in several.effects])
    np.testing.assert_allclose(u, one.effects[0].u, rtol=EXACT, atol=EXACT)


def test_only_crossed_factors_are_costly(both):
    crossed = structure([ROWS % 10, ROWS // 12], (10, 6), (1, 1)).composite
    assert [is_costly(data) for data in (*both, crossed)] == [False, False, True]
