"""Kernels that are compiled on first use."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from numba import njit, types

from laird.gaussian.compiled import compiled, inlined
from laird.gaussian.small import VECTOR


def test_nothing_is_compiled_before_the_first_call():
    """A name that does not exist is found out by the compiler."""

    @compiled(types.float64(types.float64))
    def broken(x):
        return absent(x)  # noqa: F821

    with pytest.raises(Exception, match="absent"):
        broken(1.0)


def test_one_compilation_serves_read_only_arrays_and_others():
    @compiled(types.float64(VECTOR))
    def total(x):
        """Sum of x."""
        s = 0.0
        for value in x:
            s += value
        return s

    x = np.arange(4.0)
    found = [total(x)]
    x.flags.writeable = False
    assert [*found, total(x)] == [6.0, 6.0]
    assert len(total.signatures) == 1
    assert (total.__name__, total.__doc__) == ("total", "Sum of x.")


def test_calls_with_read_only_arrays_do_not_ask_the_compiler_again(monkeypatch):
    """Asking costs a millisecond a call, of densities that take microseconds."""

    @compiled(types.float64(types.Array(types.float64, 1, "C", readonly=True)))
    def total(x):
        return x.sum()

    def asked(*_):
        raise AssertionError("compile was called again")

    x = np.arange(4.0)
    total(x)
    monkeypatch.setattr(type(total), "compile", asked)
    assert total(x) == 6.0


def test_other_arrays_than_stated_are_refused():
    @compiled(types.float64(VECTOR))
    def first(x):
        return x[0]

    for _ in range(2):
        with pytest.raises(TypeError, match="first is compiled for"):
            first(np.arange(4.0)[::2])
    assert first(np.arange(4.0)) == 0.0
    with pytest.raises(TypeError, match="No matching definition"):
        first(np.arange(4))


def test_kernels_call_one_of_stated_types_without_another_compilation():
    @compiled(types.float64(VECTOR))
    def last(x):
        return x[-1]

    @njit
    def doubled(x):
        return 2.0 * last(x + 0.0)

    assert doubled(np.arange(4.0)) == 6.0
    assert len(last.signatures) == 1


def test_threads_may_call_a_kernel_for_the_first_time_at_once():
    @compiled(types.float64(VECTOR))
    def squares(x):
        s = 0.0
        for value in x:
            s += value * value
        return s

    barrier = Barrier(4)

    def call(n):
        barrier.wait()
        return squares(np.ones(n))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(call, range(4))) == [0.0, 1.0, 2.0, 3.0]
    assert len(squares.signatures) == 1


def test_kernels_can_call_one_that_is_inlined():
    @compiled(types.float64(types.float64))
    def halved(x):
        return x / 2

    inner = inlined(halved)

    @njit
    def quartered(x):
        return inner(inner(x))

    assert quartered(3.0) == halved(halved(3.0)) == 0.75
