from dataclasses import replace

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from scipy import stats
from tests.graph.points import PLAIN, logp, random_point
from tests.graph.test_explicit import laplace
from tests.posterior.designs import design

from laird.arrays import KnownDesign
from laird.graph import explicit, marginal
from laird.graph.covariance import unit_rows
from laird.graph.effects import Own, Shares, partly_centred, projections
from laird.graph.families import Standard
from laird.posterior import prior_table
from laird.posterior.names import coords


def shares_of(d, seed=3):
    rng = np.random.default_rng(seed)
    groups = tuple(rng.uniform(0.1, 0.9, (len(r.levels), len(r.names))) for r in d.random)
    return Shares(groups, rng.uniform(0.1, 0.9, len(d.y)))


@pytest.mark.parametrize("q", [1, 2])
def test_partly_centred_effects_are_the_same_model(q):
    """The integral over effects and coefficients is that of the marginal graph, whatever is centred."""
    d = design(q=q)
    table = prior_table((), d)
    full, reduced = explicit(d, table, shares=shares_of(d)), marginal(d, table)
    theta = random_point(reduced, seed=4)
    point = random_point(full, seed=5) | theta
    integrated = [value.name for value in full.continuous_value_vars if value.name not in theta]
    # Gaussian in these variables, so exact up to the rounding of two solves.
    assert laplace(full, point, integrated) == pytest.approx(float(logp(reduced)(theta)), rel=1e-8)


@pytest.mark.parametrize("family", ["t", "skew_normal"])
@pytest.mark.parametrize("what", ["g", "true_effects", "errors"])
def test_variables_and_families_are_named(what, family):
    d = replace(design(q=1, group="g"), families=((what, family),))
    if what == "true_effects":
        d = replace(d, known=KnownDesign("v", False, np.full(len(d.y), 0.5)))
    names = [v.name for v in explicit(d, prior_table((), d)).free_RVs]
    shape = {"t": "nu", "skew_normal": "alpha"}[family]
    assert f"{shape}_{what}" in names
    assert ("z_true_effects" in names) == (what == "true_effects")
    shared = [v.name for v in explicit(d, prior_table((), d), shares=shares_of(d)).free_RVs]
    assert ("v_true_effects" in shared) == (what == "true_effects")
    assert "v_g_Intercept" in shared


def test_projections_give_the_lines_of_groups():
    (random,) = design(q=2).random
    beta = np.array([[1.0, 2.0], [0.5, -1.0]])
    found = projections(random, random.Z @ beta)
    # Rows on a line: least squares finds it to rounding.
    np.testing.assert_allclose(found, np.broadcast_to(beta, found.shape), atol=1e-10)


SD, RHO, NU, ALPHA = np.array([1.5, 0.4]), 0.6, np.array(5.0), np.array([2.0, -1.0])


def evaluated(model, outputs, point):
    """Values of expressions of the value variables of a model."""
    function = model.compile_fn(outputs, inputs=model.value_vars, mode=PLAIN, on_unused_input="ignore")
    return function(point)


def density_and_effects(random, standard, rho, shares, seed=2):
    """Log density of the effects u (J, q), from that of v by the change of variables, and u."""
    lines = [np.array(0.7), np.array(-0.2)]
    with pm.Model(coords=coords(design(q=2))) as model:
        own = Own(random, SD, unit_rows(random.blocks, [rho]), 1.0, standard)
        effects = pt.stack(partly_centred(own, shares, lines), axis=1)
    point = random_point(model, seed=seed)
    value = float(model.compile_logp(mode=PLAIN)(point))
    u = evaluated(model, model.replace_rvs_by_values([effects]), point)[0]
    scale = SD * (np.sqrt(1 - 2 / NU) if standard.family == "t" else 1.0)
    return value - np.sum((1 - shares) * np.log(scale)), u


def test_correlated_effects_are_one_multivariate_t():
    (random,) = design(q=2).random
    shares = shares_of(design(q=2)).groups[0]
    found, u = density_and_effects(random, Standard("t", NU), RHO, shares)
    shape = (1 - 2 / NU) * np.outer(SD, SD) * np.array([[1, RHO], [RHO, 1]])
    expected = stats.multivariate_t(np.zeros(2), shape, df=float(NU)).logpdf(u).sum()
    assert found == pytest.approx(expected, rel=1e-9)


def test_independent_effects_are_skew_normals_of_mean_zero():
    (random,) = design(q=2, blocks=((0,), (1,))).random
    shares = shares_of(design(q=2)).groups[0]
    found, u = density_and_effects(random, Standard("skew_normal", ALPHA), 0.0, shares)
    expected = 0.0
    for k in range(2):
        own = stats.skewnorm(ALPHA[k])
        scale = SD[k] / own.std()
        expected += stats.skewnorm(ALPHA[k], loc=-own.mean() * scale, scale=scale).logpdf(u[:, k]).sum()
    # SciPy and PyMC approximate the logarithm of the normal distribution function in different ways.
    assert found == pytest.approx(expected, rel=1e-7)


def test_standardised_columns_of_a_t_have_the_same_density():
    d = replace(design(q=2), families=(("school", "t"),))
    model = explicit(d, prior_table((), d))
    point = random_point(model, seed=6)
    z = np.stack([point["z_school_Intercept"], point["z_school_x1"]], axis=1)
    columns = [model["z_school_Intercept"], model["z_school_x1"]]
    nu = float(evaluated(model, model.replace_rvs_by_values([model["nu_school"]]), point)[0])
    values = evaluated(model, model.logp(columns, sum=False), point)
    expected = stats.multivariate_t(np.zeros(2), df=nu).logpdf(z).sum()
    assert sum(np.sum(own) for own in values) == pytest.approx(expected, rel=1e-9)
