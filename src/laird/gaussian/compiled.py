"""Kernels of stated types, compiled, or read from the cache on disk, when they are first needed.

A signature saves a kernel from being compiled again for every mixture of read-only and
other arrays, but makes `numba.njit` compile it at once: importing a module would cost
seconds after installation, even for a model that has no need of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import CPUDispatcher


class _Deferred(CPUDispatcher):
    """A dispatcher that compiles the types it was told, whatever the types of the arguments."""

    declared: Any

    def compile(self, given: Any) -> Any:
        """Compile for the declared types, to which those of the arguments must convert.

        Once: while more can be compiled, numba looks at the types of inexact arguments at
        every call, which costs a millisecond.
        """
        wanted = self.declared.args
        if not all(map(self._converts, given, wanted)):
            raise TypeError(f"{self.py_func.__name__} is compiled for {wanted}, not for {given}.")
        with global_compiler_lock:  # threads that call a kernel for the first time wait for one of them
            if self.overloads:
                return self.get_overload(self.declared)
            kernel = super().compile(self.declared)
            self.disable_compile()
            return kernel

    def _converts(self, given: Any, wanted: Any) -> bool:
        return self.typingctx.can_convert(given, wanted) is not None  # type: ignore[no-untyped-call]


def compiled[**P, R](signature: Any, **options: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a kernel of stated types that Python and other kernels call."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        settings = {"nopython": True, "error_model": "numpy", "no_cfunc_wrapper": True, **options}
        kernel: Any = _Deferred(function, targetoptions=settings)
        kernel.declared = signature
        kernel.enable_caching()
        return kernel  # type: ignore[no-any-return]

    return decorate


def inner[**P, R](
    fastmath: bool | set[str] = False,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a kernel that only other kernels may call: it has no entry for Python to compile."""
    options: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "fastmath": fastmath}
    return njit(cache=True, error_model="numpy", **options)  # type: ignore[no-any-return]


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
