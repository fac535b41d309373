"""Free coordinates lead to θ and back."""

import numpy as np
import pytest

import laird as ld
from laird.fitting.freecoordinates import free_coordinates


@pytest.mark.parametrize("name", ["hs", "dyestuff2"])
def test_there_and_back(name):
    formula = {"hs": "mathach ~ ses + (1 + ses | school)", "dyestuff2": "Yield ~ 1 + (1 | Batch)"}[name]
    fit = ld.model(formula, data=ld.load_data(name)).fit("reml")
    at = free_coordinates(fit.problem, fit.theta)
    again = at.theta(at.start)
    np.testing.assert_allclose(again.L @ again.L.T, fit.point.G, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(again.alpha, fit.theta.alpha, rtol=1e-12)
    np.testing.assert_allclose(at.free_of(fit.theta), at.start, rtol=1e-12)


def test_a_variance_of_zero_is_held_and_may_be_grown(dyestuff2):
    fit = ld.model("Yield ~ 1 + (1 | Batch)", data=dyestuff2).fit("reml")
    at = free_coordinates(fit.problem, fit.theta)
    assert len(at.start) == 1
    (grown,) = at.grown(0.5)
    assert grown.L[0, 0] > 0.0
