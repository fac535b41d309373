import numpy as np
import pymc as pm
import pytest
from tests.graph.points import PLAIN

from laird.graph.priors import DISTRIBUTIONS, scalar, vector
from laird.posterior import PriorRow, families

VALUES = {
    "normal": (1.0, 2.0),
    "student_t": (4.0, 1.0, 2.0),
    "cauchy": (1.0, 2.0),
    "half_normal": (2.0,),
    "half_student_t": (3.0, 2.0),
    "half_cauchy": (2.0,),
    "exponential": (0.5,),
    "gamma": (2.5, 0.7),
    "inverse_gamma": (3.0, 2.0),
    "lognormal": (0.3, 0.8),
    "log_student_t": (5.0, 0.3, 0.8),
    "uniform": (0.5, 3.0),
    "flat": (),
}


def prior(family, kind="sd", values=None):
    return PriorRow("x", kind, "g", 0, family, VALUES[family] if values is None else values, "given")


def constrained_logp(model, *values):
    """The log density of the first variable at values on its own scale, without Jacobian."""
    variable = model.free_RVs[0]
    return [pm.logp(variable, np.asarray(value)).eval(mode=PLAIN) for value in values]


def test_every_family_has_a_distribution():
    assert set(DISTRIBUTIONS) == set(families.FAMILIES) == set(VALUES)


@pytest.mark.parametrize("family", sorted(set(VALUES) - {"flat"}))
def test_density_equals_the_numpy_family(family):
    with pm.Model() as model:
        scalar("x", prior(family))
    x = [0.7, 1.3, 2.9]
    # PyMC's half families take log 2 in single precision: a constant 2e-9 off.
    expected = families.logpdf(family, x, *VALUES[family])
    np.testing.assert_allclose(constrained_logp(model, *x), expected, rtol=1e-12, atol=4e-9)


@pytest.mark.parametrize(
    ("kind", "at_minus_one"), [("coefficient", 0.0), ("sd", -np.inf), ("sigma", -np.inf)]
)
def test_flat_is_flat_on_the_domain_of_its_parameter(kind, at_minus_one):
    with pm.Model() as model:
        scalar("x", prior("flat", kind))
    assert constrained_logp(model, 5.0, -1.0) == [0.0, at_minus_one]


def test_one_family_makes_one_vector():
    rows = [prior("half_normal", values=(1.0,)), prior("half_normal", values=(3.0,))]
    with pm.Model(coords={"term": ["a", "b"]}) as model:
        vector("sd", rows, "term", ["a", "b"])
    assert [v.name for v in model.free_RVs] == ["sd"]
    assert model.named_vars_to_dims["sd"] == ("term",)
    expected = [families.logpdf("half_normal", 0.5, s) for s in (1.0, 3.0)]
    np.testing.assert_allclose(constrained_logp(model, [0.5, 0.5])[0], expected, rtol=1e-12)


def test_several_families_make_one_variable_each_and_a_named_vector():
    with pm.Model(coords={"term": ["a:b", "a_b"]}) as model:
        vector("sd", [prior("half_normal"), prior("exponential")], "term", ["a:b", "a_b"])
    assert [v.name for v in model.free_RVs] == ["sd_a_b", "sd_a_b_"]
    assert [v.name for v in model.deterministics] == ["sd"]
    assert model.named_vars_to_dims["sd"] == ("term",)
