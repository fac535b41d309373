import numpy as np
import pymc as pm
import pytest
from tests.graph.points import PLAIN
from tests.posterior.designs import design

from laird.gaussian.coordinates import correlated_pairs
from laird.graph.covariance import covariance, factor_entries, unit_rows
from laird.posterior import lkj, prior_table
from laird.posterior.names import coords
from laird.spec.terms import Prior

BLOCKS = [((0,),), ((0, 1),), ((0,), (1,)), ((0, 1, 2),), ((0, 2), (1,)), ((0, 1), (2, 3))]


def with_covariance(d, priors=()):
    with pm.Model(coords=coords(d)) as model:
        covariance(d.random[0], prior_table(priors, d))
    return model


@pytest.mark.parametrize("blocks", BLOCKS)
def test_factor_is_that_of_sds_and_block_correlations(blocks):
    rng = np.random.default_rng(1)
    q, pairs = sum(map(len, blocks)), correlated_pairs(blocks)
    sd, z = rng.uniform(0.5, 2, q), list(rng.uniform(-0.8, 0.8, len(pairs)))
    L = np.array(factor_entries(sd, unit_rows(blocks, z)), dtype=float).reshape(q, q)
    G = L @ L.T
    np.testing.assert_allclose(np.sqrt(np.diag(G)), sd, rtol=1e-13)  # rounding only
    apart = [(i, j) for i in range(q) for j in range(i) if (i, j) not in pairs]
    assert all(G[i, j] == 0 for i, j in apart)
    assert all(G[i, j] != 0 for i, j in pairs)


@pytest.mark.parametrize(
    ("priors", "eta"), [([], 2.0), ([Prior("cor", "lkj", (3.5,))], 3.5), ([Prior("*", "flat")], 1.0)]
)
def test_partial_correlations_have_the_lkj_density(priors, eta):
    d = design(q=3)
    model = with_covariance(d, priors)
    z = np.array([0.3, -0.5, 0.8])
    found = pm.logp(model["partial_school"], z).eval(mode=PLAIN).sum()
    assert found == pytest.approx(float(lkj.logpdf(z, eta)), rel=1e-12)  # rounding only


def test_no_density_outside_the_interval():
    d = design(q=2)
    model = with_covariance(d)
    assert pm.logp(model["partial_school"], np.array([1.5])).eval(mode=PLAIN) == -np.inf


def test_correlations_are_named_and_follow_from_the_partial_ones():
    d = design(q=3)
    model = with_covariance(d)
    z = np.array([0.3, -0.5, 0.8])
    found = model["cor_school"].eval({model["partial_school"]: z}, mode=PLAIN)
    np.testing.assert_allclose(found, lkj.correlations(lkj.cholesky_rows(z)), rtol=1e-12)
    assert model.named_vars_to_dims["cor_school"] == ("school_pair",)


def test_prior_draws_of_a_correlation_follow_lkj():
    d = design(q=3)
    model = with_covariance(d)
    draws = pm.draw(model["cor_school"], draws=2000, random_seed=1, mode=PLAIN)
    expected = lkj.quantile([0.25, 0.5, 0.75], 2.0, q=3)
    # Marginally each is LKJ(2), q = 3; 2000 draws give quartiles with standard error near 0.012.
    for correlation in draws.T:
        np.testing.assert_allclose(np.quantile(correlation, [0.25, 0.5, 0.75]), expected, atol=0.05)
