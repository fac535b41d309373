"""Lines of groups and the shares that their data resolve, in closed form."""

import numpy as np
import pytest
from tests.fitting.problems import balanced_frame

from laird.bound import model
from laird.fitting.groups import line_sds, resolved_shares


@pytest.fixture(scope="module")
def fit():
    return model("y ~ 1 + (1 | g)", data=balanced_frame([1.0, 3.0, 2.0, 5.0], n=6)).fit("reml")


def test_a_balanced_random_intercept_resolves_its_reliability(fit):
    own, g = fit.point.effects[0], fit.point.G
    expected = g[0, 0] / (g[0, 0] + fit.sigma**2 / 6)
    np.testing.assert_allclose(resolved_shares(own, g), expected, rtol=1e-10)


def test_a_variance_of_zero_resolves_nothing(fit):
    assert not resolved_shares(fit.point.effects[0], np.zeros((1, 1))).any()


def test_the_sd_of_a_line_in_a_balanced_layout(fit):
    """Var(β + u_j - …) = (1 - B)σ²_β-part: shrinkage of the group's mean towards the common one."""
    g, v, J = fit.point.G[0, 0], fit.sigma**2 / 6, 4
    B = g / (g + v)
    expected = np.sqrt(B * v + (1 - B) ** 2 * (g + v) / J)
    found = line_sds(np.ones((J, 1, 1)), fit.point.beta_cov, fit.point.effects[0])
    np.testing.assert_allclose(found, expected, rtol=1e-10)
