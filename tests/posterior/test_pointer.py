"""The density by address is the density of whitened coordinates, and owns its arrays while it is held."""

import ctypes
import gc
import sys

import numpy as np
import pytest
from tests.fitting.problems import bound_target, grouped_frame

from laird.posterior.compiled import model_of
from laird.posterior.pointer import NOT_FINITE, addressed

FORMULAS = {
    "one factor": "y ~ x + (1 + x | g)",
    "nested": "y ~ x + (1 | g/h)",
    "crossed": "y ~ (1 | g) + (1 | c)",
}
NUMBERS = ctypes.POINTER(ctypes.c_double)
DENSITY = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_uint64, NUMBERS, NUMBERS, NUMBERS, ctypes.c_void_p)


def target(name):
    frame = grouped_frame(J=8)
    return bound_target(
        FORMULAS[name], frame.assign(h=np.arange(len(frame)) % 2, c=np.arange(len(frame)) % 5)
    )


def call(address, z):
    gradient, value = np.zeros(len(z)), np.zeros(1)
    places = (own.ctypes.data_as(NUMBERS) for own in (z, gradient, value))
    status = DENSITY(address.function)(len(z), *places, address.data)
    return status, value[0], gradient


@pytest.mark.parametrize("name", FORMULAS)
def test_it_is_the_density_of_whitened_coordinates(name):
    own, rng = target(name), np.random.default_rng(2)
    centre, C = 0.3 * rng.normal(size=own.size), np.eye(own.size) + 0.1 * rng.normal(size=(own.size,) * 2)
    with addressed(own, centre, C) as address:
        gc.collect()
        z = 0.5 * rng.normal(size=own.size)
        status, value, gradient = call(address, z)
    expected, slopes = own.density(centre + C @ z)
    assert status == 0
    assert value == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(gradient, C.T @ slopes, rtol=1e-9, atol=1e-9)


def test_where_there_is_no_density_it_says_so():
    own = target("one factor")
    with addressed(own, np.zeros(own.size), np.eye(own.size)) as address:
        assert call(address, np.full(own.size, -1e4))[0] == NOT_FINITE


def test_it_lets_go_of_its_arrays():
    own = target("nested")
    base = model_of(own.likelihood).leaf.base
    before = sys.getrefcount(base)
    for _ in range(3):
        with addressed(own, np.zeros(own.size), np.eye(own.size)):
            pass
    gc.collect()
    assert sys.getrefcount(base) == before
