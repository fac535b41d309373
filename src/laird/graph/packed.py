"""The arrays of a model in two vectors, and the model again from them, in compiled code.

A model is a tuple of arrays, numbers and further tuples (`laird.posterior.compiled.Model`).
PyTensor passes arrays only, and one by one they would cost more than a small density:

- numbers: every array of floating-point numbers and every such number, one after another;
- counts: `SIZES` lengths of the parts of θ, then for every array its shape, followed by the
  entries where they are integers, and every integer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array
from numpy.typing import NDArray

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

FLOATS = types.CPointer(types.float64)  # type: ignore[no-untyped-call]
INTEGERS = types.CPointer(types.int64)  # type: ignore[no-untyped-call]

SIZES = 6
"""Numbers of columns of L, and of elements of α, all δ, log φ, ζ and b."""

BYTES = 8

_BaseTuple: Any = types.BaseTuple
_cgutils: Any = cgutils
_make_array: Any = make_array
_populate_array: Any = populate_array

KINDS: dict[str, types.Type] = {}
"""Types of models by the names that compiled code has for them."""


def pack(model: Any, sizes: Sequence[int]) -> tuple[Floats, Ids]:
    """Return the numbers and the counts of a model.

    Examples
    --------
    >>> numbers, counts = pack((np.array([[1.5, 2.5]]), np.array([7, 8]), 0.5, True), (0, 1, 0, 0, 0, 0))
    >>> numbers.tolist(), counts.tolist()
    ([1.5, 2.5, 0.5], [0, 1, 0, 0, 0, 0, 1, 2, 2, 7, 8, 1])
    """
    numbers, counts = [np.zeros(0)], [np.asarray(sizes, dtype=np.int64)]
    for leaf in map(np.asarray, _leaves(model)):
        counts.append(np.array(leaf.shape, dtype=np.int64))
        if leaf.dtype == np.float64:
            numbers.append(leaf.ravel())
        else:
            counts.append(leaf.ravel().astype(np.int64))
    return np.concatenate(numbers), np.concatenate(counts)


def _leaves(model: Any) -> Iterator[Any]:
    if not isinstance(model, tuple):
        yield model
        return
    for part in model:
        yield from _leaves(part)


@intrinsic(prefer_literal=True)
def _unpacked(context, name, numbers, counts):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """The model of a type of `KINDS`; its arrays are views of `numbers` and `counts`."""
    kind = KINDS[name.literal_value]

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]  # noqa: ARG001
        reader = _Reader(context, builder, *arguments[1:])
        reader.skip(types.int64, ir.Constant(ir.IntType(64), SIZES))
        return reader.value(kind)

    return kind(name, FLOATS, INTEGERS), generate


unpacked: Any = _unpacked


class _Reader:
    """Writes the code that reads one part of a model after another."""

    def __init__(self, context: Any, builder: Any, numbers: Any, counts: Any) -> None:
        self.context, self.builder = context, builder
        self.places = {types.float64: numbers, types.int64: counts}

    def value(self, kind: Any) -> Any:
        """The next part, of a type."""
        if isinstance(kind, _BaseTuple):
            return self.context.make_tuple(self.builder, kind, [self.value(own) for own in kind.types])
        if isinstance(kind, types.Array):
            return self.array(kind)
        if kind == types.float64:
            return self.number(kind)
        return self.context.cast(self.builder, self.number(types.int64), types.int64, kind)

    def number(self, kind: Any) -> Any:
        """The next number."""
        found = self.builder.load(self.places[kind])
        self.skip(kind, ir.Constant(ir.IntType(64), 1))
        return found

    def array(self, kind: Any) -> Any:
        """The next array, in C order."""
        shape = [self.number(types.int64) for _ in range(kind.ndim)]
        size, strides = ir.Constant(ir.IntType(64), 1), []
        for length in reversed(shape):
            strides.append(self.builder.mul(size, ir.Constant(ir.IntType(64), BYTES)))
            size = self.builder.mul(size, length)
        array = _make_array(kind)(self.context, self.builder)
        _populate_array(
            array, self.places[kind.dtype], shape, strides[::-1], ir.Constant(ir.IntType(64), BYTES), None
        )
        self.skip(kind.dtype, size)
        return array._getvalue()

    def skip(self, kind: Any, count: Any) -> None:
        """Go on by so many numbers."""
        self.places[kind] = _cgutils.gep_inbounds(self.builder, self.places[kind], count)
