"""The compiled density is the one in Python, and releases the interpreter lock."""

import numpy as np
import pytest
from tests.fitting.problems import grouped_frame

from laird.bound import model
from laird.fitting.problem import problem
from laird.fitting.target import target_of
from laird.posterior.diagonal import diagonal_density, log_posterior
from laird.posterior.grouped import density_function

MODELS = {
    "sigma by group": (("y ~ x + meta_V(v)", "sigma ~ k"), {}),
    "sigma by predictor": (("y ~ x + (1 | g)", "sigma ~ x"), {}),
    "constant sigma": (("y ~ x + meta_V(v)",), {}),
    "random-effects meta-analysis": (("y ~ x + (1 | g) + meta_V(v)",), {}),
    "no sigma": (("y ~ x + (1 + x | g) + meta_V(v)", "sigma ~ 0"), {"cor": "lkj(3)"}),
    "fixed effects": (("y ~ x + meta_V(v)", "sigma ~ 0"), {"x": "student_t(4, 0, 1)"}),
    "proportional": (('y ~ x + (1 | g) + meta_V(v, scale="proportional")', "sigma ~ 0"), {}),
    "three columns": (("y ~ x + w + (1 + x + I(x^2) | g)", "sigma ~ w"), {}),
    "sds by predictor": (("y ~ x + (1 + x | g)", "sd(g) ~ w"), {}),
    "everything": (
        ("y ~ x + w + (1 + x || g) + meta_V(v)", "sigma ~ x + k", "sd(g) ~ w"),
        {"x": "student_t(4, 0, 1)", "Intercept": "cauchy(3, 1)", "sd(g, x)": "gamma(2, 1)"},
    ),
}
VALUE, GRADIENT = 1e-12, 1e-9  # relative; the same operations, in nearly the same order


def target(name, *, signed=False):
    formulas, priors = MODELS[name]
    frame = grouped_frame(J=10)
    rng = np.random.default_rng(3)
    frame = frame.assign(v=rng.uniform(0.1, 2.0, len(frame)), k=rng.choice(["a", "b", "c"], len(frame)))
    bound = model(*formulas, data=frame, priors=priors)
    found = target_of(problem(bound.spec, bound.schema, bound.design), bound.priors)
    return found.signed(range(found.coordinates.places.sds)) if signed else found


def agrees(own, phi):
    value, gradient = density_function(own)(phi)
    expected, expected_gradient = own.density(phi)
    assert value == pytest.approx(expected, rel=VALUE)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=GRADIENT, atol=GRADIENT)
    return value


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_it_equals_the_density_in_python(name, signed):
    own = target(name, signed=signed)
    assert diagonal_density(own.likelihood, own.coordinates) is not None
    for seed in range(4):
        agrees(own, np.random.default_rng(seed).normal(0, 0.7, own.size))


@pytest.mark.parametrize("name", MODELS)
def test_a_stack_gives_the_same_values(name):
    own = target(name)
    phi = np.random.default_rng(1).normal(0, 0.7, (5, own.size))
    expected = [own.density(at)[0] for at in phi]
    np.testing.assert_allclose(own.densities(phi), expected, rtol=VALUE)


@pytest.mark.parametrize("name", ["sigma by predictor", "sds by predictor", "everything"])
def test_an_sd_of_zero_is_a_point_like_others(name):
    own = target(name, signed=True)
    phi = np.random.default_rng(2).normal(0, 0.7, own.size)
    phi[0] = 0.0
    assert np.isfinite(agrees(own, phi))


@pytest.mark.parametrize("name", ["sigma by group", "no sigma", "proportional"])
def test_sds_that_all_but_vanish(name):
    own = target(name)
    phi = np.random.default_rng(2).normal(0, 0.7, own.size)
    phi[0] = -300.0
    assert np.isfinite(agrees(own, phi))


def test_minus_infinity_where_it_does_not_exist():
    own = target("sigma by predictor")
    phi = np.zeros(own.size)
    phi[own.coordinates.places.slices()[2]] = -1e4
    value, gradient = density_function(own)(phi)
    assert value == own.density(phi)[0] == -np.inf
    np.testing.assert_array_equal(gradient, own.density(phi)[1])


def test_read_only_points_are_not_compiled_for_once_more():
    own = target("sigma by group")
    phi = np.zeros(own.size)
    phi.flags.writeable = False
    agrees(own, phi)
    assert len(log_posterior.signatures) == 1


def test_other_structures_are_left_to_python():
    frame = grouped_frame(J=10).assign(h=lambda d: np.arange(len(d)) % 4)
    bound = model("y ~ x + (1 | g) + (1 | h)", "sigma ~ x", data=frame)
    own = target_of(problem(bound.spec, bound.schema, bound.design), bound.priors)
    assert density_function(own) == own.density


def test_it_holds_no_lock():
    assert log_posterior.targetoptions["nogil"]
