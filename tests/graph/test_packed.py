from typing import NamedTuple

import numpy as np
from numba import njit, typeof

from laird.gaussian.fused import read_only
from laird.graph import packed


class Inner(NamedTuple):
    W: np.ndarray
    ids: np.ndarray
    given: bool


class Outer(NamedTuple):
    scale: float
    own: Inner
    blocks: np.ndarray
    n: int


MODEL = Outer(
    2.5,
    Inner(
        read_only(np.arange(6.0).reshape(2, 3)), read_only(np.array([[4, 5, 6]], dtype=np.int64)), given=True
    ),
    read_only(np.arange(8.0).reshape(2, 2, 2)),
    7,
)
SIZES = (1, 2, 3, 4, 5, 6)


@njit
def restored(numbers, counts):
    return packed.unpacked("test model", numbers.ctypes, counts.ctypes)


def leaves(model):
    return [np.asarray(leaf) for leaf in packed._leaves(model)]


def test_a_model_comes_back_from_its_vectors():
    packed.KINDS["test model"] = typeof(MODEL)
    numbers, counts = packed.pack(MODEL, SIZES)
    found = restored(numbers, counts)
    assert isinstance(found, Outer)
    for own, expected in zip(leaves(found), leaves(MODEL), strict=True):
        assert own.dtype == expected.dtype
        np.testing.assert_array_equal(own, expected)
    assert not found.own.W.flags.writeable


def test_the_parts_of_theta_come_first():
    assert packed.pack(MODEL, SIZES)[1][: packed.SIZES].tolist() == list(SIZES)


def test_arrays_of_any_memory_order_are_packed_by_rows():
    numbers, _ = packed.pack((np.array([[1.0, 2.0], [3.0, 4.0]]).T,), SIZES)
    assert numbers.tolist() == [1.0, 3.0, 2.0, 4.0]
