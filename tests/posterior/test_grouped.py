"""The compiled density is the one in Python, and releases the interpreter lock."""

import numpy as np
import pytest
from tests.fitting.problems import bound_target, grouped_frame

from laird.posterior.grouped import density_function, log_posterior

MODELS = {
    "one": ("y ~ x + (1 | g)", {}),
    "correlated": ("y ~ x + (1 + x | g)", {"cor": "lkj(3)"}),
    "three": ("y ~ x + w + (1 + x + I(x^2) | g)", {}),
    "blocks": ("y ~ x + (1 + x || g)", {"sd(g, x)": "gamma(2, 1)"}),
    "sampled": ("y ~ x + w + (1 + x | g)", {"x": "student_t(4, 0, 1)", "Intercept": "cauchy(3, 1)"}),
    "no groups": ("y ~ x", {}),
}


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_it_equals_the_density_in_python(name, signed):
    formula, priors = MODELS[name]
    target = bound_target(formula, grouped_frame(J=10), priors)
    if signed:
        target = target.signed(range(target.coordinates.places.sds))
    compiled = density_function(target)
    for seed in range(4):
        phi = np.random.default_rng(seed).normal(0, 0.7, target.size)
        value, gradient = compiled(phi)
        expected, expected_gradient = target.density(phi)
        assert value == pytest.approx(expected, rel=1e-12)
        np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-9, atol=1e-10)


def test_an_sd_of_zero_is_a_point_like_others():
    target = bound_target("y ~ x + (1 | g)", grouped_frame(J=10)).signed([0])
    phi = np.array([0.0, 0.1])
    value, gradient = density_function(target)(phi)
    assert np.isfinite(value)
    assert gradient[0] == 0.0
    assert value == pytest.approx(target.density(phi)[0], rel=1e-12)


def test_other_structures_are_left_to_python():
    frame = grouped_frame(J=10).assign(h=lambda d: np.arange(len(d)) % 4)
    target = bound_target("y ~ x + (1 | g) + (1 | h)", frame)
    assert density_function(target) == target.density


def test_it_holds_no_lock():
    assert log_posterior.targetoptions["nogil"]
