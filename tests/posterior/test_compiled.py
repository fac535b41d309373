"""The compiled density is the one in Python, for every structure, and releases the interpreter lock."""

import numpy as np
import pytest
from tests.fitting.problems import grouped_frame

from laird.bound import model
from laird.fitting.problem import problem
from laird.fitting.target import target_of
from laird.posterior.compiled import density_function, is_costly, log_posterior, model_of

MODELS = {
    "one": (("y ~ x + (1 | g)",), {}),
    "correlated": (("y ~ x + (1 + x | g)",), {"cor": "lkj(3)"}),
    "three": (("y ~ x + w + (1 + x + I(x^2) | g)",), {}),
    "blocks": (("y ~ x + (1 + x || g)",), {"sd(g, x)": "gamma(2, 1)"}),
    "sampled": (("y ~ x + w + (1 + x | g)",), {"x": "student_t(4, 0, 1)", "Intercept": "cauchy(3, 1)"}),
    "no groups": (("y ~ x",), {}),
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
    "nested": (("y ~ x + (1 + x | g) + (1 | g:h)",), {}),
    "three levels": (("y ~ x + (1 | k/g/h)",), {"x": "student_t(4, 0, 1)"}),
    "nested, sigma by predictor": (("y ~ x + (1 + x | g) + (1 | g:h)", "sigma ~ x"), {}),
    "nested, sds by predictor": (("y ~ x + (1 | g) + (1 + x | g:h)", "sd(g) ~ w"), {}),
    "crossed": (("y ~ x + (1 + x | g) + (1 | c)",), {}),
    "crossed, the rest with slopes": (("y ~ x + (1 | i) + (1 + x | c)",), {"x": "student_t(4, 0, 1)"}),
    "crossed, sigma by predictor": (("y ~ x + (1 + x | g) + (1 | c)", "sigma ~ x", "sd(g) ~ w"), {}),
    "correlated errors": (("y ~ x + (1 | g) + meta_V(V)",), {}),
    "correlated errors, nested": (("y ~ x + (1 | g/h) + meta_V(V)", "sigma ~ 0"), {}),
    "correlated errors, no groups": (("y ~ x + meta_V(V)",), {}),
    "two outcomes": (("y ~ x + (1 | g)", "y2 ~ x + (1 | g)", "rho(y, y2) ~ x", "sigma(y) ~ x"), {}),
    "two outcomes, no groups": (("y ~ x", "y2 ~ x", "rho(y, y2) ~ 1"), {}),
    "two outcomes, crossed": (("y ~ x + (1 | g) + (1 | c)", "y2 ~ x + (1 | g)", "rho(y, y2) ~ 1"), {}),
    "three outcomes": (
        ("y ~ x", "y2 ~ x", "y3 ~ 1", "rho(y, y2) ~ x", "rho(y, y3) ~ 1", "rho(y2, y3) ~ w"),
        {},
    ),
}
VALUE, GRADIENT = 1e-11, 1e-9  # relative; the same operations, in nearly the same order


def frame(J=10):
    rng, own = np.random.default_rng(3), grouped_frame(J=J)
    n = len(own)
    return own.assign(
        v=rng.uniform(0.1, 2.0, n),
        k=[f"k{int(g[1:]) % 3}" for g in own["g"]],
        h=np.arange(n) % 2,
        c=np.arange(n) % 5,
        i=rng.permutation(n) // 2,
        y2=0.5 * own["y"] + rng.standard_normal(n),
        y3=rng.standard_normal(n),
    )


def blocks(data):
    """Sampling errors correlated within g and h."""
    same = (data["g"].to_numpy()[:, None] == data["g"].to_numpy()) & (
        data["h"].to_numpy()[:, None] == data["h"].to_numpy()
    )
    root = np.sqrt(data["v"].to_numpy())
    return np.where(same, 0.5, 0.0) * np.outer(root, root) + np.diag(0.5 * data["v"])


def bound_target(formulas, data, priors=None):
    V = {"V": blocks(data)} if "meta_V(V)" in formulas[0] else None
    bound = model(*formulas, data=data, priors=priors, known=V)
    return target_of(problem(bound.spec, bound.schema, bound.design), bound.priors)


def target(name, *, signed=False):
    found = bound_target(MODELS[name][0], frame(), MODELS[name][1])
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
    assert model_of(own.likelihood) is not None
    for seed in range(4):
        agrees(own, np.random.default_rng(seed).normal(0, 0.7, own.size))


@pytest.mark.parametrize("name", MODELS)
def test_a_stack_gives_the_same_values(name):
    own = target(name)
    phi = np.random.default_rng(1).normal(0, 0.7, (5, own.size))
    expected = [own.density(at)[0] for at in phi]
    np.testing.assert_allclose(own.densities(phi), expected, rtol=VALUE)


@pytest.mark.parametrize(
    "name", ["one", "sigma by predictor", "sds by predictor", "everything", "nested", "crossed"]
)
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


@pytest.mark.parametrize("name", ["sigma by predictor", "crossed, sigma by predictor"])
def test_minus_infinity_where_it_does_not_exist(name):
    own = target(name)
    phi = np.zeros(own.size)
    phi[own.coordinates.places.slices()[2]] = -1e4
    value, gradient = density_function(own)(phi)
    assert value == own.density(phi)[0] == -np.inf
    np.testing.assert_array_equal(gradient, own.density(phi)[1])


def test_read_only_points_and_other_data_are_not_compiled_for_once_more():
    first = bound_target(("y ~ x + (1 + x | g) + (1 | g:h)",), frame(10))
    second = bound_target(("y ~ x + w + (1 | g) + (1 | g:h)", "sigma ~ x"), frame(12))
    phi = np.zeros(first.size)
    agrees(first, phi)
    count = len(log_posterior.signatures)
    phi.flags.writeable = False
    agrees(first, phi)
    agrees(second, np.zeros(second.size))
    assert len(log_posterior.signatures) == count


def test_it_holds_no_lock():
    assert log_posterior.targetoptions["nogil"]


def test_many_effects_of_crossed_factors_are_costly(monkeypatch):
    crossed, nested = target("crossed").likelihood, target("nested").likelihood
    assert not is_costly(crossed)
    monkeypatch.setattr("laird.posterior.compiled.COSTLY", 5)
    assert is_costly(crossed)
    assert not is_costly(nested)
