"""Kernels of stated types, compiled, or read from the cache on disk, when they are first called.

A signature saves a kernel from being compiled again for every mixture of read-only and
other arrays, but makes `numba.njit` compile it at once: importing a module would cost
seconds after installation, even for a model that has no need of it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from numba import njit


def compiled[**P, R](signature: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a kernel that Python calls; one that other kernels call needs `numba.njit`."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @cache
        def kernel() -> Any:
            return njit(signature, cache=True, error_model="numpy")(function)

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            result: R = kernel()(*args, **kwargs)
            return result

        return call

    return decorate
