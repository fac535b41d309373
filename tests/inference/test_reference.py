import numpy as np
import pytest

import laird as ld
from laird.inference.reference import METHODS, reference


def test_the_defaults_are_named(hs_fit):
    assert [reference(hs_fit(m), None).name for m in ("reml", "ml", "ols")] == [
        "satterthwaite",
        "satterthwaite",
        "residual",
    ]


@pytest.mark.parametrize("df", ["satterthwaite", "kenward-roger", "inner-outer", "residual"])
def test_least_squares_has_residual_degrees_of_freedom(df, hs_fit):
    at = reference(hs_fit("ols"), df)
    assert (at.name, set(at.rows(np.eye(4)))) == ("residual", {1973.0})


def test_least_squares_by_the_normal_distribution(hs_fit):
    assert np.isinf(reference(hs_fit("ols"), "normal").rows(np.eye(4))).all()


def test_a_combination_has_the_fewest_of_its_terms(hs_fit):
    at = reference(hs_fit("reml"), "inner-outer")
    K = np.array([[0, 1, 0, 1], [0, 1, 1, 0]])
    assert at.rows(K).tolist() == [1935, 38]
    assert at.joint(K) == (1.0, 38)


def test_only_kenward_roger_changes_the_covariance(hs_fit):
    fit = hs_fit("reml")
    for name in METHODS:
        equal = np.allclose(reference(fit, name).cov, fit.vcov, rtol=1e-9)
        assert equal == (name != "kenward-roger")


def test_unknown_methods_are_refused_with_the_nearest(hs_fit):
    with pytest.raises(ld.FitError, match=r"satterthwait'[\s\S]*Nearest: `satterthwaite`"):
        reference(hs_fit("reml"), "satterthwait")


def test_draws_have_no_degrees_of_freedom(hs_fit):
    with pytest.raises(ld.FitError, match="come from the draws"):
        reference(hs_fit("eb"), "normal")
