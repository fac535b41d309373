import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from tests.gaussian.cases import central_difference
from tests.graph.cases import STRUCTURES, defaults, target_of

from laird.graph.likelihood import LogDensity, Outcomes, Sizes


@pytest.fixture(scope="module")
def case():
    """A density of all parts of θ, and a point of it."""
    d = STRUCTURES["group sd by z"]
    target = target_of(d, defaults(d))
    theta, b = target.coordinates.split(np.random.default_rng(0).normal(0, 0.3, target.size))
    sizes = Sizes(2, len(theta.alpha), tuple(map(len, theta.delta)), 0, 0, len(b))
    parts = [theta.L.ravel(), theta.alpha, *theta.delta, theta.log_phi, theta.zeta, b]
    return target.likelihood, sizes, np.concatenate(parts)


def test_value_and_gradient(case):
    likelihood, sizes, x = case
    vector = pt.dvector()
    value = LogDensity(likelihood, sizes).make_node(vector).outputs[0]
    function = pytensor.function([vector], [value, pt.grad(value, vector)], mode="FAST_COMPILE")
    found, gradient = function(x)
    assert found == likelihood.density(*sizes.split(x))[0]
    expected = central_difference(lambda y: float(function(y)[0]), x)
    free = x != 0  # above the diagonal of a factor there is nothing to move
    np.testing.assert_allclose(gradient[free], expected[free], rtol=1e-6, atol=1e-6)


def test_second_derivatives_are_refused(case):
    likelihood, sizes, _ = case
    vector = pt.dvector()
    gradient = pt.grad(LogDensity(likelihood, sizes).make_node(vector).outputs[0], vector)
    with pytest.raises(NotImplementedError, match="second derivatives"):
        pt.grad(gradient.sum(), vector)


def test_sizes_cut_a_vector_into_theta():
    theta, b = Sizes(1, 2, (0, 1), 1, 2, 2).split(np.arange(9.0))
    assert theta.L.tolist() == [[0.0]]
    assert [part.tolist() for part in (theta.alpha, *theta.delta, theta.log_phi, theta.zeta, b)] == [
        *([1.0, 2.0], [], [3.0], [4.0], [5.0, 6.0], [7.0, 8.0])
    ]


def test_outcomes_follow_their_seed():
    draw = Outcomes(lambda theta, rng: theta + rng.normal(size=2))
    seed = pt.lscalar()
    function = pytensor.function(
        [seed], draw.make_node(np.array([10.0, 20.0]), seed).outputs[0], mode="FAST_COMPILE"
    )
    np.testing.assert_array_equal(
        function(3), np.array([10.0, 20.0]) + np.random.default_rng(3).normal(size=2)
    )
    assert not np.array_equal(function(3), function(4))
