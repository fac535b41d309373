"""Priors that keep sds and correlations off the boundary."""

import numpy as np
import pytest
from scipy import stats
from tests.posterior.designs import design

import laird as ld
from laird.posterior import prior_table
from laird.posterior.boundary import ETA, RATE, SHAPE
from laird.posterior.families import logpdf
from laird.posterior.lkj import beta_shapes
from laird.spec.terms import Prior

STUDIES = {
    "y1": [0.1, 0.4, 0.2, 0.9, 0.3, 0.5, 0.0, 0.2],
    "y2": [0.3, 0.1, 0.2, 0.8, 0.2, 0.1, 0.4, 0.7],
    "v": [0.1, 0.2, 0.1, 0.3, 0.1, 0.2, 0.1, 0.3],
}


def rows(*others, of=None):
    table = prior_table([Prior("*", "boundary_avoiding"), *others], design() if of is None else of)
    return {row.parameter: row for row in table}


def test_only_sds_and_correlations_of_groups_have_priors():
    found, s = rows(), np.std(design().y, ddof=1)
    assert found["sd(school, Intercept)"].values == pytest.approx((SHAPE, RATE / s))
    assert found["sd(school, Intercept)"].rule == "rate 0.01 / sd(score)"
    assert found["sd(school, x1)"].rule == "rate 0.01 / (sd(score) / sd(x1))"
    assert found["cor(school)"].prior == "lkj(1.5)"
    others = [row for row in found.values() if row.kind not in ("sd", "cor")]
    assert len(others) == 4
    assert {row.family for row in others} == {"flat"}


def test_heterogeneity_beside_known_variances_is_kept_off_zero():
    table = ld.model("y1 ~ 1 + meta_V(v)", data=STUDIES, priors="boundary_avoiding").priors
    assert [row.family for row in table] == ["flat", "gamma"]


def test_outcomes_have_the_priors_of_a_covariance_matrix():
    parts = ("y1 ~ 1 + meta_V(v)", "y2 ~ 1 + meta_V(v)")
    model = ld.model(*parts, data=STUDIES, priors="boundary_avoiding")
    found = {row.parameter: row.prior for row in model.priors}
    assert found["rho(y1, y2)"] == "lkj(1.5)"
    assert found["sigma(y1)"].startswith("gamma(2, ")


def test_parameters_depart_from_it():
    found = rows(Prior("b", "normal", (0.0, 1.0)), Prior("sd(school)", "half_normal", (3.0,)))
    assert found["x1"].prior == "normal(0, 1)"
    assert found["sd(school, Intercept)"].prior == "half_normal(3)"
    assert found["cor(school)"].prior == "lkj(1.5)"


def test_the_joint_density_is_wisharts():
    """|G|^½ of two coefficients, up to a constant, from gamma(2, small) and lkj(1.5)."""
    rng = np.random.default_rng(0)
    sds, rho = rng.uniform(0.5, 3, (50, 2)), rng.uniform(-0.9, 0.9, 50)
    (a,) = beta_shapes(ETA, 2)
    own = logpdf("gamma", sds, SHAPE, 1e-12).sum(axis=1) + stats.beta(a, a).logpdf((rho + 1) / 2)
    wishart = 0.5 * np.log(sds[:, 0] ** 2 * sds[:, 1] ** 2 * (1 - rho**2))
    assert np.ptp(own - wishart) < 1e-9
    G = sds[0, :, None] * np.array([[1, rho[0]], [rho[0], 1]]) * sds[0]
    H = sds[1, :, None] * np.array([[1, rho[1]], [rho[1], 1]]) * sds[1]
    density = stats.wishart(df=4, scale=1e9 * np.eye(2)).logpdf
    assert density(G) - density(H) == pytest.approx(wishart[0] - wishart[1], abs=1e-6)
