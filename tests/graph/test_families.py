from dataclasses import replace

import numpy as np
import pymc as pm
import pytest
from scipy import stats
from tests.graph.points import PLAIN, logp
from tests.posterior.designs import design

from laird.graph.families import NORMAL, Standard, skew_moments, standards
from laird.posterior import prior_table
from laird.spec.terms import Prior


def logp_at(standard, scale, z, **options):
    with pm.Model() as model:
        standard.variable("z", 0.0, scale, shape=len(z), **options)
    return float(model.compile_fn(model.logp(jacobian=False), point_fn=False, mode=PLAIN)(z))


@pytest.mark.parametrize("alpha", [-3.0, 0.0, 2.0])
def test_a_skew_normal_has_mean_zero_and_sd_one(alpha):
    shift, scale = skew_moments(alpha)
    found = stats.skewnorm(alpha, loc=-shift, scale=scale)
    assert (found.mean(), found.std()) == pytest.approx((0.0, 1.0), abs=1e-12)


def test_a_t_of_its_unit_has_sd_one():
    own = Standard("t", np.array(5.0))
    z = np.array([-2.0, 0.5, 3.0])
    found = logp_at(own, own.unit, z)
    assert found == pytest.approx(stats.t(5, scale=np.sqrt(3 / 5)).logpdf(z).sum(), rel=1e-10)


def test_columns_one_after_the_other_are_a_multivariate_t():
    nu, first, second = 4.0, np.array([0.3]), np.array([-1.7])
    own = Standard("t", np.array(nu))
    found = logp_at(own, 1.0, first) + logp_at(own, 1.0, second, given=[first])
    assert found == pytest.approx(stats.multivariate_t(np.zeros(2), df=nu).logpdf([0.3, -1.7]), rel=1e-10)


def test_normal_is_normal():
    z = np.array([0.4, -1.0])
    expected = stats.norm(scale=2.0).logpdf(z).sum()
    assert logp_at(NORMAL, np.array(2.0), z) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(
    "prior", [None, ("uniform", (3.0, 9.0)), ("log_student_t", (4.0, 2.0, 0.5)), ("half_cauchy", (8.0,))]
)
def test_degrees_of_freedom_are_above_two_and_distributed_as_their_prior(prior):
    d = replace(design(q=1, group="g"), families=(("g", "t"),))
    given = [Prior("nu(g)", *prior)] if prior else []
    with pm.Model() as model:
        standards(d, prior_table(given, d))
        draws = pm.draw(model["nu_g"], 2000, random_seed=1, mode=PLAIN)
    lower, upper = prior_table(given, d).of("nu")[0].interval()
    assert draws.min() > 2.0
    # 90 % of 2000 draws: six standard errors.
    assert np.mean((draws > lower) & (draws < upper)) == pytest.approx(0.9, abs=0.04)
    assert np.isfinite(logp(model)(model.initial_point()))
