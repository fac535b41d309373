import numpy as np
import pytest
from scipy import stats

from laird.inference.distributions import chi2_tail, f_tail, t_quantile, two_sided

CLOSE = {"rel": 1e-12}  # both are SciPy's special functions


def test_two_sided_tails_of_t_and_of_the_normal():
    expected = [2 * stats.t.sf(2.5, 7), 2 * stats.norm.sf(2.5)]
    assert two_sided([2.5, -2.5], [7.0, np.inf]).tolist() == pytest.approx(expected, **CLOSE)


def test_quantiles_of_t_and_of_the_normal():
    assert t_quantile(0.9, [3.0, np.inf]).tolist() == pytest.approx(
        [stats.t.ppf(0.9, 3), stats.norm.ppf(0.9)]
    )


def test_tails_of_f_and_of_chi2():
    assert f_tail(2.2, 3, 17.5) == pytest.approx(stats.f.sf(2.2, 3, 17.5), **CLOSE)
    assert f_tail(2.2, 3, np.inf) == pytest.approx(stats.chi2.sf(6.6, 3), **CLOSE)
    assert chi2_tail(6.6, 3) == pytest.approx(stats.chi2.sf(6.6, 3), **CLOSE)


def test_chi2_without_degrees_of_freedom_is_zero():
    assert [chi2_tail(0.0, 0), chi2_tail(1e-3, 0), chi2_tail(-1.0, 2)] == [1.0, 0.0, 1.0]
