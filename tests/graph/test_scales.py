"""Parameters of regressions as PyMC variables, and back."""

import numpy as np
import pymc as pm
import pytest
from tests.graph.cases import STRUCTURES, target_of
from tests.graph.points import PLAIN
from tests.posterior.designs import design

from laird.graph.marginal import marginal
from laird.graph.scales import parameters, phi_of_trace
from laird.posterior import prior_table
from laird.posterior.names import coords
from laird.spec.terms import Prior

FREE = {
    "crossed": ["sigma", "sd_g0", "sd_g1"],
    "sigma by x": ["sigma", "log_sigma", "sd_school", "partial_school"],
    "group sd by z": ["sigma", "sd_school", "partial_school", "log_sd_school"],
    "no sigma": ["sd_school"],
    "proportional": ["sigma", "phi"],
    "two outcomes": ["sigma_a", "sigma_b", "log_sigma_b", "rho_a_b", "atanh_rho_a_b"],
}


@pytest.mark.parametrize("name", FREE)
def test_variables_are_named_by_what_they_are(name):
    d = STRUCTURES[name]
    assert [v.name for v in marginal(d, prior_table((), d)).free_RVs] == FREE[name]


def test_slopes_have_a_dim_of_their_own():
    d = STRUCTURES["two outcomes"]
    model = marginal(d, prior_table((), d))
    assert model.named_vars_to_dims["log_sigma_b"] == ("log_sigma_b_slope",)
    assert model.coords["log_sigma_b_slope"] == ("x",)
    assert model.coords["atanh_rho_a_b_slope"] == ("x",)


@pytest.mark.parametrize("name", STRUCTURES)
def test_a_trace_becomes_phi(name):
    """Prior draws of the variables, as θ of the graph and as θ of phi."""
    d = STRUCTURES[name]
    table = prior_table((), d)
    own = target_of(d, table).coordinates
    with pm.Model(coords=coords(d)) as model:
        found = parameters(model, d, table)
        vector = pm.Deterministic("theta", found.vector(d, []))
    names = [v.name for v in [*model.free_RVs, *model.deterministics] if v.name != "theta"]
    drawn = pm.draw([vector, *(model[name] for name in names)], draws=4, random_seed=1, mode=PLAIN)
    expected, data = drawn[0], {key: np.asarray(v)[None] for key, v in zip(names, drawn[1:], strict=True)}
    theta, _ = own.split(phi_of_trace(d, own, data)[0])
    parts = [theta.L.reshape(4, -1), theta.alpha, *theta.delta, theta.log_phi, theta.zeta]
    np.testing.assert_allclose(np.hstack(parts), expected, rtol=1e-9, atol=1e-12)


def test_sampled_coefficients_and_mixed_families_are_found():
    d = design(q=2)
    priors = [Prior("b", "cauchy", (0.0, 1.0)), Prior("sd(school, x1)", "gamma", (2.0, 1.0))]
    table = prior_table(priors, d)
    own = target_of(d, table).coordinates
    rng = np.random.default_rng(0)
    data = {
        "sigma": rng.uniform(1, 2, (2, 3)),
        "sd_school": rng.uniform(1, 2, (2, 3, 2)),
        "partial_school": rng.uniform(-1, 1, (2, 3, 1)),
        "beta_sampled": rng.normal(size=(2, 3, 2)),
    }
    theta, b = own.split(phi_of_trace(d, own, data))
    np.testing.assert_allclose(np.exp(theta.alpha[..., 0]), data["sigma"], rtol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(theta.L, axis=-1), data["sd_school"], rtol=1e-12)
    np.testing.assert_array_equal(b, data["beta_sampled"])
