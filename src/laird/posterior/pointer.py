"""The density of phi as an address that samplers written in other languages call.

All that the density needs lies in memory of its own, as the machine code has it: no Python
between two evaluations, no interpreter lock, no conversion of arguments.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numba import carray, njit, typeof, types  # type: ignore[attr-defined]
from numba.extending import intrinsic
from numpy.typing import NDArray

from laird.posterior.compiled import Layout, Model, layout_of, log_posterior, model_of
from laird.posterior.density import Posterior

type Floats = NDArray[np.float64]

ROOM = 8192
"""Bytes kept for the pointers, shapes and numbers of a model: several times what they take."""

NOT_FINITE = 3
"""What a density returns where it does not exist; samplers turn back there."""


class Held(NamedTuple):
    """What an evaluation at z needs: phi = centre + Cz."""

    layout: Layout
    model: Model
    centre: Floats
    C: Floats


class Address(NamedTuple):
    """A function ``int f(uint64 k, double *z, double *gradient, double *value, void *data)``."""

    function: int
    data: int


@intrinsic
def _put(context, address, value):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Store a value at an address, and own what it points to."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        kind = signature.args[1]
        model = context.data_model_manager[kind]
        if context.get_abi_sizeof(model.get_data_type()) > ROOM:
            raise NotImplementedError(f"A model takes more than {ROOM} bytes.")
        place = builder.inttoptr(arguments[0], model.get_data_type().as_pointer())
        context.nrt.incref(builder, kind, arguments[1])
        builder.store(model.as_data(builder, arguments[1]), place)
        return context.get_dummy_value()

    return types.void(address, value), generate


@intrinsic
def _get(context, pointer):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """The value at a pointer, which goes on to own it."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        kind = signature.args[0].dtype
        value = context.data_model_manager[kind].load_from_data_pointer(builder, arguments[0])
        context.nrt.incref(builder, kind, value)
        return value

    return pointer.dtype(pointer), generate


@intrinsic
def _drop(context, address, like):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Disown what the value at an address, of the type of another, points to."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        kind = signature.args[1]
        model = context.data_model_manager[kind]
        place = builder.inttoptr(arguments[0], model.get_data_type().as_pointer())
        context.nrt.decref(builder, kind, model.load_from_data_pointer(builder, place))
        return context.get_dummy_value()

    return types.void(address, like), generate


_value_at: Any = _get


@njit(cache=True)
def _hold(address: int, held: Held) -> None:
    _put(address, held)  # type: ignore[call-arg]


@njit(cache=True)
def _release(address: int, held: Held) -> None:
    _drop(address, held)  # type: ignore[call-arg]


@njit(cache=True, error_model="numpy", nogil=True)
def _evaluate(k: int, z: Any, gradient: Any, value: Any, held: Any) -> int:
    """The density of z and its gradient, to a C caller."""
    own = _value_at(held)
    at, slopes = carray(z, (k,)), carray(gradient, (k,))
    phi = own.centre.copy()
    for i in range(k):
        for j in range(k):
            phi[i] += own.C[i, j] * at[j]
    log_density, d_phi = log_posterior(phi, own.layout, own.model)
    value[0] = log_density
    finite = np.isfinite(log_density)
    for j in range(k):
        slopes[j] = 0.0
        for i in range(k):
            slopes[j] += own.C[i, j] * d_phi[i]
        finite = finite and np.isfinite(slopes[j])
    return 0 if finite else NOT_FINITE


@contextmanager
def addressed(target: Posterior, centre: Floats, C: Floats) -> Iterator[Address | None]:
    """The density of z, phi = centre + Cz, by address; None where it is not compiled.

    Parameters
    ----------
    target
        Likelihood and priors.
    centre, C
        Shapes (k,), (k, k).
    """
    model = model_of(target.likelihood)
    if model is None:
        yield None
        return
    held = Held(layout_of(target.coordinates), model, np.array(centre), np.array(C, order="C"))
    memory = np.zeros(ROOM // 8, dtype=np.int64)
    _hold(memory.ctypes.data, held)
    try:
        yield Address(_function(held), memory.ctypes.data)
    finally:
        _release(memory.ctypes.data, held)


def _function(held: Held) -> int:
    """The address of `_evaluate` for a type of model."""
    number, place = types.CPointer(types.float64), types.CPointer(typeof(held))  # type: ignore[no-untyped-call]
    arguments = (types.uint64, number, number, number, place)
    compiled: Any = _evaluate
    compiled.compile(types.int64(*arguments))
    found = compiled.overloads[arguments]
    return int(found.library.get_pointer_to_function(found.fndesc.llvm_cfunc_wrapper_name))
