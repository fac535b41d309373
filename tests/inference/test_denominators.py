import numpy as np
import pytest

import laird as ld
from laird.fitting.satterthwaite import Covariation, of_rows
from laird.inference.covariation import kenward_roger, satterthwaite
from laird.inference.denominators import fai_cornelius, kenward_roger_scale


def covariation(gradient, W):
    cov = np.eye(2)
    return Covariation(cov, np.array(gradient), np.array(W), cov)


def test_one_row_is_satterthwaites_formula():
    c = covariation([[[2.0, 0.0], [0.0, 1.0]]], [[0.1]])
    assert of_rows(np.eye(2), c).tolist() == pytest.approx([2 / (4 * 0.1), 2 / 0.1])


def test_a_covariance_that_does_not_vary_has_infinitely_many():
    c = covariation([[[0.0, 0.0], [0.0, 0.0]]], [[0.1]])
    assert np.isinf(of_rows(np.eye(2), c)).all()
    assert np.isinf(fai_cornelius(np.eye(2), c).df)
    assert kenward_roger_scale(np.eye(2), c) == (1.0, np.inf)


def test_fai_and_cornelius_match_the_mean_of_f():
    """Two independent t statistics of 10 and 20 degrees of freedom: E F = Σ ν/(ν - 2) / q = df/(df - 2)."""
    c = covariation([[[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 1.0]]], [[2 / 10, 0], [0, 2 / 20]])
    df = fai_cornelius(np.diag([1.0, 2.0]), c).df
    assert df / (df - 2) == pytest.approx((10 / 8 + 20 / 18) / 2)


def test_fai_and_cornelius_with_a_row_of_few_degrees_of_freedom():
    c = covariation([[[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 1.0]]], [[2 / 1.5, 0], [0, 2 / 20]])
    assert fai_cornelius(np.diag([1.0, 2.0]), c) == (1.0, 2.0)


def test_equal_rows_pool_to_themselves(hs):
    fit = ld.model("mathach ~ 1 + ses", data=hs).fit("reml")
    assert fai_cornelius(np.eye(2), satterthwaite(fit)).df == pytest.approx(1975, rel=1e-8)


def test_kenward_roger_is_exact_for_hotellings_t2(sleepstudy):
    """Balanced random coefficients: T² (J - q) / (q (J - 1)) is F(q, J - q)."""
    fit = ld.model("Reaction ~ Days + (Days | Subject)", data=sleepstudy).fit("reml")
    scale, df = kenward_roger_scale(np.eye(2), kenward_roger(fit))
    assert (scale, df) == (pytest.approx(16 / 17, rel=1e-5), pytest.approx(16, rel=1e-5))  # REML to 1e-6


def test_kenward_roger_is_exact_for_a_balanced_f_test():
    """Three treatments of four groups each: F(2, 9), unscaled."""
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(12), 4)
    y = rng.normal(0, 2, 12)[g] + rng.normal(size=48)
    data = {"y": y, "g": g, "a": [f"a{j % 3}" for j in g]}
    found = kenward_roger(ld.model("y ~ a + (1 | g)", data=data).fit("reml"))
    scale, df = kenward_roger_scale(np.eye(3)[1:], found)
    assert (scale, df) == (pytest.approx(1.0, rel=1e-6), pytest.approx(9.0, rel=1e-6))


def test_one_row_needs_no_scale(hs_fit):
    found = kenward_roger(hs_fit("reml"))
    K = np.array([[0.0, 1.0, 0.0, 0.5]])
    scale, df = kenward_roger_scale(K, found)
    assert (scale, df) == (pytest.approx(1.0), pytest.approx(of_rows(K, found)[0]))
