import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from tests.graph.points import PLAIN
from tests.posterior.designs import design

from laird.gaussian.crossproducts import group
from laird.gaussian.marginal import log_density as numpy_density
from laird.gaussian.marginal import marginal
from laird.graph import op

CASES = [
    {"q": 0},
    {"q": 1},
    {"q": 2},
    {"q": 3, "blocks": ((0, 2), (1,))},
    {"q": 2, "intercept": False},
]


def problem(sampled=(), **case):
    d = design(**case)
    p = d.X.shape[1]
    mean, precision = np.linspace(0, 1, p), np.array([0.5, 0.0, 0.1])[:p]
    if not d.random:
        data = group(d.y, d.X, np.zeros((40, 0)), np.zeros(40, dtype=int), 1, ())
        return marginal(data, mean, precision, sampled)
    r = d.random[0]
    return marginal(group(d.y, d.X, r.Z, r.ids, 6, r.blocks), mean, precision, sampled)


def parameters(bound, seed=0):
    rng = np.random.default_rng(seed)
    q, k = bound.data.q, len(bound.sampled)
    return np.tril(rng.normal(size=(q, q))), rng.uniform(0.5, 3.0), rng.normal(size=k)


def flat_gradient(d_L, d_sigma, d_b):
    return np.concatenate([d_L.ravel(), [d_sigma], d_b])


@pytest.mark.parametrize(
    ("case", "sampled", "mode"),
    [
        *((case, sampled, PLAIN) for case in CASES for sampled in ((), (1,))),
        ({"q": 2}, (1,), "NUMBA"),  # one compiled case is enough: shapes are numbers, not code
    ],
)
def test_value_and_gradient_are_those_of_the_kernel(case, sampled, mode):
    bound = problem(sampled, **case)
    theta = pt.dvector("theta")
    value = op.log_density(theta, bound)
    function = pytensor.function([theta], [value, pytensor.grad(value, theta)], mode=mode)
    L, sigma, b = parameters(bound)
    found, gradient = function(np.concatenate([L.ravel(), [sigma], b]))
    expected, *parts = numpy_density(bound, L, sigma, b)
    assert found == pytest.approx(expected, rel=1e-13)  # the same kernel, compiled twice
    np.testing.assert_allclose(gradient, flat_gradient(*parts), rtol=1e-11, atol=1e-12)


def test_gradient_equals_central_differences():
    bound, theta = problem((1,), q=2), pt.dvector("theta")
    value = op.log_density(theta, bound)
    function = pytensor.function([theta], value, mode=PLAIN)
    gradient = pytensor.function([theta], pytensor.grad(value, theta), mode=PLAIN)
    L, sigma, b = parameters(bound)
    x, step = np.concatenate([L.ravel(), [sigma], b]), 1e-6
    numeric = [(function(x + step * e) - function(x - step * e)) / (2 * step) for e in np.eye(len(x))]
    # Rounding of a value near 100 over the step: 1e-8 absolute.
    np.testing.assert_allclose(gradient(x), numeric, rtol=1e-6, atol=1e-6)


def test_second_derivatives_are_refused():
    theta = pt.dvector("theta")
    value = op.log_density(theta, problem(q=1))
    with pytest.raises(NotImplementedError, match="no second derivatives"):
        pytensor.grad(pytensor.grad(value, theta).sum(), theta)


def test_counts_stay_integers_and_numbers_hold_the_data():
    bound = problem((2,), q=2)
    numbers, counts = op.pack(bound)
    assert counts.dtype == np.int64
    assert counts.tolist() == [6, 2, 3, 40, 1, 2, 2, 0, 1]
    assert numbers[0] == bound.constant
    assert numbers.size == 2 + 6 * 4 + 6 * 8 + 16 + 4 + 2 + 4 + 1 + 1


def test_symbol_and_cache_key_carry_the_hash_of_the_source():
    _, key = op._compiled_call()
    assert key == int(op.SOURCE, 16)
    assert op.SYMBOL.endswith(op.SOURCE)
