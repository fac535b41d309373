"""The log marginal density as one PyTensor Op over the compiled kernel, with its exact gradient.

The kernel is called through a C function of four vectors, found by the name of a symbol:

- theta: L by rows (q²), sigma, sampled coefficients (k);
- numbers and counts: the data, see `pack`;
- out: value, gradient with respect to theta.

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
from numba import carray, cfunc, njit, types  # type: ignore[attr-defined]
from numpy.typing import NDArray
from pytensor.gradient import DisconnectedType, disconnected_type
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import numba_njit, register_funcify_default_op_cache_key

from laird.gaussian import grouped, marginal, small, sums
from laird.gaussian.marginal import Marginal, log_marginal_density

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type Node = Apply[Any]
type Symbols = Sequence[Variable[Any, Any]]


def _source_hash() -> str:
    """Hash of all that the compiled function is made of; numba and PyTensor look at one file only."""
    files = (small.__file__, sums.__file__, grouped.__file__, marginal.__file__, __file__)
    return sha256(b"".join(Path(file).read_bytes() for file in files)).hexdigest()[:12]


SOURCE = _source_hash()
SYMBOL = f"laird_log_marginal_density_{SOURCE}"
FLOATS = types.CPointer(types.float64)  # type: ignore[no-untyped-call]
INTEGERS = types.CPointer(types.int64)  # type: ignore[no-untyped-call]
SIGNATURE = types.void(FLOATS, FLOATS, INTEGERS, FLOATS)


def pack(problem: Marginal) -> tuple[Floats, Ids]:
    """Return the numbers and the counts of a problem, each as one vector.

    Numbers are constant, y_scale, ZZ, ZW, WW, P, Pm, Tinv, unit, shift; counts are
    J, q, p, n, the numbers of sampled and integrated coefficients, and their positions.
    """
    d, s = problem.data, problem.data.scaling
    arrays = (d.ZZ, d.ZW, d.WW, problem.P, problem.Pm, problem.Tinv, problem.unit, problem.shift)
    sizes = (d.J, d.q, d.p, d.n, len(problem.sampled), len(problem.integrated))
    numbers = np.concatenate([[problem.constant, s.y_scale], *(array.ravel() for array in arrays)])
    return numbers, np.concatenate([sizes, problem.sampled, problem.integrated]).astype(np.int64)


def log_density(theta: Any, problem: Marginal) -> Any:
    """Return the log marginal density at the symbol `theta` as a symbol."""
    value, _ = MarginalDensity().make_node(theta, *map(pt.constant, pack(problem))).outputs
    return value


class MarginalDensity(Op):
    """``(theta, numbers, counts) -> value, gradient``; only the value is meant for use."""

    __props__ = ()

    def make_node(self, *inputs: Any) -> Node:
        """Return the node that applies the kernel to `inputs`."""
        variables = [pt.as_tensor_variable(value) for value in inputs]
        return Apply(self, variables, [pt.dscalar(), variables[0].type()])

    def perform(self, _node: Node, inputs: Any, outputs: Any) -> None:
        """Run the kernel outside numba."""
        theta, numbers, counts = map(np.ascontiguousarray, inputs)
        out = np.empty(theta.size + 1)
        function = compiled().ctypes
        arrays = (theta, numbers, counts, out)
        function(*(a.ctypes.data_as(kind) for a, kind in zip(arrays, function.argtypes, strict=True)))
        outputs[0][0], outputs[1][0] = np.asarray(out[0]), out[1:]

    def connection_pattern(self, _node: Node) -> list[list[bool]]:
        """Only theta is a differentiable input."""
        return [[True, True], [False, False], [False, False]]

    def pullback(self, _inputs: Symbols, outputs: Symbols, cotangents: Symbols) -> list[Any]:
        """Return the gradient of the value, scaled; second derivatives are not available."""
        if not isinstance(cotangents[1].type, DisconnectedType):
            raise NotImplementedError("The marginal density has no second derivatives in the graph.")
        return [pt.mul(cotangents[0], outputs[1]), disconnected_type(), disconnected_type()]


@cache
def compiled() -> Any:
    """Compile the C function, or load it from disk, and make its symbol known."""
    function = _c_function(SOURCE)
    llvm.add_symbol(SYMBOL, function.address)
    return function


def _c_function(source: str) -> Any:
    """Return the C function; numba's cache key counts `source`, a variable of the enclosing scope."""

    @cfunc(SIGNATURE, cache=True, error_model="numpy")
    def density(theta: Any, numbers: Any, counts: Any, out: Any) -> None:
        _ = source
        _evaluate(theta, numbers, counts, out)

    return density


@njit(error_model="numpy")
def _evaluate(theta: Any, numbers: Any, counts: Any, out: Any) -> None:
    """Unpack, call the kernel and write its value and gradient."""
    J, q, p, n, k, r = counts[0], counts[1], counts[2], counts[3], counts[4], counts[5]
    size = q * q
    x = carray(theta, (size + 1 + k,))
    ids = carray(counts, (6 + k + r,))
    ZZ, start = _cut(numbers, 2, (J, q, q))
    ZW, start = _cut(numbers, start, (J, q, p + 1))
    WW, start = _cut(numbers, start, (p + 1, p + 1))
    P, start = _cut(numbers, start, (r, r))
    Pm, start = _cut(numbers, start, (r,))
    Tinv, start = _cut(numbers, start, (q, q))
    unit, start = _cut(numbers, start, (k,))
    shift, start = _cut(numbers, start, (k,))
    value, d_L, d_sigma, d_b = log_marginal_density(
        x[:size].reshape((q, q)), x[size], x[size + 1 :],
        ZZ, ZW, WW, n, ids[6 : 6 + k], ids[6 + k :], P, Pm, numbers[0], Tinv, numbers[1], unit, shift,
    )  # fmt: skip
    result = carray(out, (size + 2 + k,))
    result[0] = value
    for i in range(size):  # assigning slices would compile the text of their error: seconds
        result[1 + i] = d_L[i // q, i % q]
    result[size + 1] = d_sigma
    for i in range(k):
        result[size + 2 + i] = d_b[i]


@njit(error_model="numpy")
def _cut(numbers: Any, start: int, shape: Any) -> Any:
    """Return the array of `shape` that begins at `start`, and where the next one begins."""
    size = 1
    for length in shape:
        size *= length
    return carray(numbers, (start + size,))[start:].reshape(shape), start + size


_external: Any = types.ExternalFunction(SYMBOL, SIGNATURE)


def _call(theta: Floats, numbers: Floats, counts: Ids) -> Any:
    """Call the C function from a compiled graph."""
    theta = np.ascontiguousarray(theta)
    out = np.empty(theta.size + 1)
    _external(theta.ctypes, numbers.ctypes, counts.ctypes, out.ctypes)
    return np.asarray(out[0]), out[1 : theta.size + 1]


@register_funcify_default_op_cache_key(MarginalDensity)  # type: ignore[no-untyped-call, untyped-decorator]
def _compiled_call(*_: Any, **_options: Any) -> Any:
    compiled()
    return numba_njit(_call), int(SOURCE, base=16)
