import pickle

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from numba import typeof
from tests.graph.cases import STRUCTURES, target_of
from tests.graph.points import PLAIN
from tests.posterior.designs import design

from laird.graph import op
from laird.graph.packed import pack
from laird.posterior import prior_table
from laird.posterior.compiled import model_of
from laird.spec.terms import Prior

CASES = {
    "no factor": design(q=0),
    "one column": design(q=1),
    "blocks": design(q=3, blocks=((0, 2), (1,))),
    "no intercept": design(q=2, intercept=False),
    **{name: d for name, d in STRUCTURES.items() if name != "blocks across groups"},
}
SAMPLED = Prior("x2", "student_t", (4.0, 0.0, 1.0))


def bound(d, *priors, seed=0):
    """The Op at symbols of the parameters; values of these and the likelihood's own answer."""
    target = target_of(d, prior_table(priors, d))
    theta, b = target.coordinates.split(np.random.default_rng(seed).normal(0, 0.4, target.size))
    value, *parts = target.likelihood.density(theta, b)
    model, symbol = model_of(target.likelihood), pt.dvector()
    sizes = (*map(len, (theta.L, theta.alpha)), sum(map(len, theta.delta)), *map(len, (*theta[3:], b)))
    inputs = (symbol, *pack(model, sizes))
    node = op.MarginalDensity(typeof(model)).make_node(*inputs)
    return symbol, node.outputs[0], flat(theta, b), value, flat(*parts)


def flat(theta, b):
    return np.concatenate([theta.L.ravel(), theta.alpha, *theta.delta, theta.log_phi, theta.zeta, b])


@pytest.mark.parametrize(
    ("name", "priors", "mode"),
    [
        *((name, (), PLAIN) for name in CASES),
        ("one column", (SAMPLED,), PLAIN),
        ("group sd by z", (SAMPLED,), PLAIN),
        # one compiled case for each type of model is enough: shapes are numbers, not code
        ("blocks", (SAMPLED,), "NUMBA"),
        ("crossed", (), "NUMBA"),
        ("three outcomes", (), "NUMBA"),
    ],
)
def test_value_and_gradient_are_those_of_the_likelihood(name, priors, mode):
    symbol, value, x, expected, slopes = bound(CASES[name], *priors)
    found, gradient = pytensor.function([symbol], [value, pytensor.grad(value, symbol)], mode=mode)(x)
    assert found == pytest.approx(expected, rel=1e-11)  # the same operations in nearly the same order
    np.testing.assert_allclose(gradient, slopes, rtol=1e-9, atol=1e-11)


def test_gradient_equals_central_differences():
    symbol, value, x, *_ = bound(design(q=2), SAMPLED)
    function = pytensor.function([symbol], value, mode=PLAIN)
    gradient = pytensor.function([symbol], pytensor.grad(value, symbol), mode=PLAIN)(x)
    step, free = 1e-6, x != 0  # above the diagonal of a factor there is nothing to move
    numeric = [(function(x + step * e) - function(x - step * e)) / (2 * step) for e in np.eye(len(x))]
    # Rounding of a value near 100 over the step: 1e-8 absolute.
    np.testing.assert_allclose(gradient[free], np.array(numeric)[free], rtol=1e-6, atol=1e-6)


def test_second_derivatives_are_refused():
    symbol, value, *_ = bound(design(q=1))
    with pytest.raises(NotImplementedError, match="no second derivatives"):
        pytensor.grad(pytensor.grad(value, symbol).sum(), symbol)


def test_structures_of_one_type_share_their_function():
    one, two = (bound(STRUCTURES[name])[1].owner.op for name in ("nested", "two outcomes"))
    other = bound(design(q=1))[1].owner.op
    assert one == two
    assert one != other


def test_symbol_carries_the_hash_of_the_source():
    own = bound(design(q=1))[1].owner.op
    assert own.symbol.startswith(f"laird_log_likelihood_{op.source_hash()}")


def test_an_op_of_another_process_finds_its_function():
    symbol, value, x, expected, _ = bound(design(q=2))
    own = pickle.loads(pickle.dumps(value.owner.op))
    again = own.make_node(symbol, *value.owner.inputs[1:]).outputs[0]
    assert pytensor.function([symbol], again, mode=PLAIN)(x) == pytest.approx(expected, rel=1e-11)
