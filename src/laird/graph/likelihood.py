"""The log marginal density of any structure as a symbol, with its exact gradient.

Nearly every structure has a compiled density (`laird.graph.op`).  What has none, sampling
errors correlated across groups, is computed in Python
(`laird.gaussian.theta.Likelihood`), which costs a sampler some tens of microseconds a step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytensor.tensor as pt
from numba import typeof
from numpy.typing import NDArray
from pytensor.gradient import DisconnectedType
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op

from laird.gaussian.theta import Likelihood, Theta
from laird.graph.op import MarginalDensity
from laird.graph.packed import pack
from laird.graph.priors import exchangeable
from laird.posterior.compiled import model_of

type Floats = NDArray[np.float64]
type Node = Apply[Any]
type Symbols = Sequence[Variable[Any, Any]]


class Sizes(NamedTuple):
    """Lengths of the parts of θ in one vector: q² entries of L, α, every δ, log φ, ζ; then b."""

    q: int
    alpha: int
    delta: tuple[int, ...]
    log_phi: int
    zeta: int
    b: int

    @property
    def lengths(self) -> tuple[int, ...]:
        """Of L's columns, and of α, all δ, log φ, ζ and b."""
        return self.q, self.alpha, sum(self.delta), self.log_phi, self.zeta, self.b

    def split(self, x: Floats) -> tuple[Theta, Floats]:
        """θ and b of a vector."""
        ends = np.cumsum([self.q**2, self.alpha, *self.delta, self.log_phi, self.zeta])
        L, alpha, *delta, log_phi, zeta, b = np.split(x, ends)
        return Theta(L.reshape(self.q, self.q), alpha, tuple(delta), log_phi, zeta), b


def log_density(parameters: Any, likelihood: Likelihood, sizes: Sizes) -> Any:
    """Return the log density at a symbol of all parameters as a symbol."""
    model = model_of(likelihood)
    if model is None:
        return LogDensity(likelihood, sizes).make_node(parameters).outputs[0]
    numbers, counts = pack(model, sizes.lengths)
    data = exchangeable("numbers", numbers), exchangeable("counts", counts)
    kind = typeof(model)  # type: ignore[no-untyped-call]
    return MarginalDensity(kind).make_node(parameters, *data).outputs[0]


class LogDensity(Op):
    """``vector -> value, gradient``; only the value is meant for use."""

    __props__ = ("likelihood", "sizes")

    def __init__(self, likelihood: Likelihood, sizes: Sizes) -> None:
        self.likelihood = likelihood
        self.sizes = sizes

    def __str__(self) -> str:
        """The structure alone: the likelihood holds all data."""
        return f"{type(self).__name__}({type(self.likelihood).__name__})"

    def make_node(self, *inputs: Any) -> Node:
        """Return the node that evaluates the density at a vector."""
        vector = pt.as_tensor_variable(inputs[0])
        return Apply(self, [vector], [pt.dscalar(), vector.type()])

    def perform(self, _node: Node, inputs: Any, outputs: Any) -> None:
        """Evaluate value and gradient."""
        theta, b = self.sizes.split(np.asarray(inputs[0]))
        value, d_theta, d_b = self.likelihood.density(theta, b)
        parts = [d_theta.L.ravel(), d_theta.alpha, *d_theta.delta, d_theta.log_phi, d_theta.zeta, d_b]
        outputs[0][0], outputs[1][0] = np.asarray(value), np.concatenate(parts)

    def pullback(self, _inputs: Symbols, outputs: Symbols, cotangents: Symbols) -> list[Any]:
        """Return the gradient of the value, scaled; second derivatives are not available."""
        if not isinstance(cotangents[1].type, DisconnectedType):
            raise NotImplementedError("The marginal density has no second derivatives in the graph.")
        return [pt.mul(cotangents[0], outputs[1])]


class Outcomes(Op):
    """``(vector, seed) -> outcomes (n,)``: a draw by a Python function of the vector and a generator."""

    __props__ = ("simulate",)

    def __init__(self, simulate: Callable[[Floats, np.random.Generator], Floats]) -> None:
        self.simulate = simulate

    def __str__(self) -> str:
        """The name alone: the function holds all data."""
        return type(self).__name__

    def make_node(self, *inputs: Any) -> Node:
        """Return the node that draws outcomes."""
        vector, seed = (pt.as_tensor_variable(value) for value in inputs)
        return Apply(self, [vector, seed], [pt.dvector()])

    def perform(self, _node: Node, inputs: Any, outputs: Any) -> None:
        """Draw."""
        theta, seed = inputs
        outputs[0][0] = self.simulate(np.asarray(theta), np.random.default_rng(int(seed)))
