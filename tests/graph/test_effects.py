from dataclasses import replace

import numpy as np
import pytest
from tests.graph.points import logp, random_point
from tests.graph.test_explicit import laplace
from tests.posterior.designs import design

from laird.arrays import KnownDesign
from laird.graph import explicit, marginal
from laird.graph.effects import Shares, projections
from laird.posterior import prior_table


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
