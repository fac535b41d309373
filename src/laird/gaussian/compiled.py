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


def inlined(kernel: Callable[..., Any]) -> Any:
    """A kernel of :func:`compiled` for other kernels to call: it is compiled with them.

    Examples
    --------
    >>> import numpy as np
    >>> from laird.gaussian.noise_kernels import scale_rows
    >>> out = np.empty((2, 1))
    >>> inlined(scale_rows)(np.ones((2, 1)), np.array([0, 1]), np.array([3.0, 4.0]), out)
    >>> out.tolist()
    [[3.0], [4.0]]
    """
    return njit(cache=True, error_model="numpy")(kernel.__wrapped__)  # type: ignore[attr-defined]
