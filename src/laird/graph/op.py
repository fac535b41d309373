"""The log marginal density as one PyTensor Op over the compiled density, with its exact gradient.

The density (`laird.posterior.compiled.log_likelihood`) is called through a C function of four
vectors, found by the name of a symbol, one for each type of model:

- parameters: L by rows (q²), α, all δ, log φ, ζ, sampled coefficients;
- numbers and counts: the data, see `laird.graph.packed`;
- out: value, gradient with respect to the parameters.

So LLVM does not optimise the kernel anew in every function around it (measured: 7 s of
15 s of a first compilation, 1 s of 4 s of a later one).  The symbol and all that is kept
on disk carry a hash of the kernel's source, so that nothing older is ever run.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm  # type: ignore[import-untyped]
import numpy as np
import pytensor.tensor as pt
from llvmlite import ir
from numba import carray, cfunc, types  # type: ignore[attr-defined]
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray
from pytensor.gradient import DisconnectedType, disconnected_type
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import numba_njit, register_funcify_default_op_cache_key

from laird import gaussian
from laird.graph import packed
from laird.graph.packed import FLOATS, INTEGERS, SIZES, unpacked
from laird.posterior import compiled as densities
from laird.posterior.compiled import log_likelihood

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type Node = Apply[Any]
type Symbols = Sequence[Variable[Any, Any]]

_cgutils: Any = cgutils
SIGNATURE = types.void(FLOATS, FLOATS, INTEGERS, FLOATS)


class MarginalDensity(Op):
    """``(parameters, numbers, counts) -> value, gradient``; only the value is meant for use."""

    __props__ = ("symbol",)

    def __init__(self, kind: types.Type) -> None:
        self.kind = kind
        self.symbol = symbol_of(kind)

    def make_node(self, *inputs: Any) -> Node:
        """Return the node that applies the kernel to `inputs`."""
        variables = [pt.as_tensor_variable(value) for value in inputs]
        return Apply(self, variables, [pt.dscalar(), variables[0].type()])

    def perform(self, _node: Node, inputs: Any, outputs: Any) -> None:
        """Run the kernel outside numba."""
        parameters, numbers, counts = map(np.ascontiguousarray, inputs)
        out = np.empty(parameters.size + 1)
        function = compiled(self.kind).ctypes
        arrays = (parameters, numbers, counts, out)
        function(*(a.ctypes.data_as(kind) for a, kind in zip(arrays, function.argtypes, strict=True)))
        outputs[0][0], outputs[1][0] = np.asarray(out[0]), out[1:]

    def connection_pattern(self, _node: Node) -> list[list[bool]]:
        """Only the parameters are a differentiable input."""
        return [[True, True], [False, False], [False, False]]

    def pullback(self, _inputs: Symbols, outputs: Symbols, cotangents: Symbols) -> list[Any]:
        """Return the gradient of the value, scaled; second derivatives are not available."""
        if not isinstance(cotangents[1].type, DisconnectedType):
            raise NotImplementedError("The marginal density has no second derivatives in the graph.")
        return [pt.mul(cotangents[0], outputs[1]), disconnected_type(), disconnected_type()]


@cache
def source_hash() -> str:
    """Hash of all that the compiled function is made of; numba and PyTensor look at one file only."""
    kernels = sorted(Path(gaussian.__file__).parent.glob("*.py"))
    files = (*kernels, *(Path(own) for own in (densities.__file__, packed.__file__, __file__)))
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


@cache
def symbol_of(kind: types.Type) -> str:
    """The name of the C function for models of a type."""
    return f"laird_log_likelihood_{source_hash()}_{sha256(str(kind).encode()).hexdigest()[:12]}"


@cache
def compiled(kind: types.Type) -> Any:
    """Compile the C function, or load it from disk, and make its symbol known."""
    symbol = symbol_of(kind)
    packed.KINDS[symbol] = kind
    function = _c_function(symbol)
    llvm.add_symbol(symbol, function.address)
    return function


def _c_function(symbol: str) -> Any:
    """Return the C function; numba's cache key counts `symbol`, a variable of the enclosing scope."""

    @cfunc(SIGNATURE, cache=True, error_model="numpy")
    def density(parameters: Any, numbers: Any, counts: Any, out: Any) -> None:
        model = unpacked(symbol, numbers, counts)
        head = carray(counts, (SIZES,))
        q = head[0]
        alpha = q * q
        delta = alpha + head[1]
        phi = delta + head[2]
        zeta = phi + head[3]
        b = zeta + head[4]
        size = b + head[5]
        x, result, d_L = carray(parameters, (size,)), carray(out, (size + 1,)), np.zeros((q, q))
        gradient = result[1:]
        for i in range(size):
            gradient[i] = 0.0
        result[0] = log_likelihood(  # type: ignore[no-untyped-call]
            model, x[:alpha].reshape((q, q)),
            x[alpha:delta], x[delta:phi], x[phi:zeta], x[zeta:b], x[b:],
            d_L, gradient[alpha:delta], gradient[delta:phi], gradient[phi:zeta],
            gradient[zeta:b], gradient[b:],
        )  # fmt: skip
        for i in range(alpha):  # assigning slices would compile the text of their error: seconds
            gradient[i] = d_L[i // q, i % q]

    return density


@intrinsic(prefer_literal=True)
def _call_symbol(context, symbol, parameters, numbers, counts, out):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Call the C function of a symbol."""

    def generate(context, builder, signature, values):  # type: ignore[no-untyped-def]  # noqa: ARG001
        kinds = [context.get_value_type(kind) for kind in SIGNATURE.args]
        function = _cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), kinds), symbol.literal_value
        )
        builder.call(function, values[1:])
        return context.get_dummy_value()

    return types.void(symbol, *SIGNATURE.args), generate


_external: Any = _call_symbol


def _caller(symbol: str) -> Any:
    """What compiled graphs call the C function by."""

    def call(parameters: Floats, numbers: Floats, counts: Ids) -> Any:
        parameters = np.ascontiguousarray(parameters)
        out = np.empty(parameters.size + 1)
        _external(symbol, parameters.ctypes, numbers.ctypes, counts.ctypes, out.ctypes)
        return np.asarray(out[0]), out[1:]

    return call


@register_funcify_default_op_cache_key(MarginalDensity)  # type: ignore[no-untyped-call, untyped-decorator]
def _compiled_call(op: MarginalDensity, **_options: Any) -> Any:
    compiled(op.kind)
    return numba_njit(_caller(op.symbol)), SIZES
