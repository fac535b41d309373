"""Distances between covariance parameters of fits."""

import numpy as np
import pytest

import laird as ld
from laird.inference.variancedistance import variance_distance


def test_one_standard_error_is_a_distance_of_one(dyestuff):
    """Of log σ alone, whose standard error the fit reports; σ is moved by it."""
    fit = ld.model("Yield ~ 1", data=dyestuff).fit("ols")
    found = variance_distance(fit)
    assert np.sqrt(found.cov[0, 0]) / fit.sigma == pytest.approx(fit.scale_se["Intercept"], rel=1e-9)
    assert found.to(fit) == 0.0


@pytest.mark.parametrize("method", ["reml", "eb"])
def test_the_fit_to_other_data_is_farther(hs, hs_fit, method):
    fit = hs_fit(method)
    formula = "mathach ~ ses * Sector + (1 + ses | school)"
    half = ld.model(formula, data=hs.iloc[:1000]).fit("reml")
    found = variance_distance(fit)
    assert found.to(half) > found.to(fit) + 0.1
