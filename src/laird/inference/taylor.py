"""Second-order Taylor series of a function of a few parameters, from differences."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]


class Taylor(NamedTuple):
    """Value (...), first derivatives (..., k) and second derivatives (..., k, k) at a point."""

    value: Floats
    slope: Floats
    curvature: Floats

    def at(self, step: Floats) -> Floats:
        """The series at a step (k,), or at one (..., k) for every entry of the value.

        Examples
        --------
        >>> taylor(lambda x: np.array([x @ x]), np.array([1.0, 2.0])).at(np.array([1.0, 0.0])).round(6)
        array([8.])
        """
        once = np.einsum("...k,...k->...", self.slope, step)
        twice = np.einsum("...k,...kl,...l->...", step, self.curvature, step)
        return np.asarray(self.value + once + 0.5 * twice)


def taylor(function: Callable[[Floats], Floats], x: Floats, *, size: float = 1e-3) -> Taylor:
    """The series around x from 1 + k + k² evaluations, differences central; `size` is that of the steps.

    Examples
    --------
    >>> taylor(lambda x: np.array([x[0] * x[1]]), np.array([2.0, 3.0])).slope.round(6)
    array([[3., 2.]])
    """
    k, value = len(x), function(x)
    h = size * np.maximum(np.abs(x), 0.1)
    steps = np.diag(h)
    up, down = ([function(x + sign * step) for step in steps] for sign in (1, -1))
    slope, curvature = np.empty((*value.shape, k)), np.empty((*value.shape, k, k))
    for a in range(k):
        slope[..., a] = (up[a] - down[a]) / (2 * h[a])
        curvature[..., a, a] = (up[a] - 2 * value + down[a]) / h[a] ** 2
    for a, b in combinations(range(k), 2):
        both = function(x + steps[a] + steps[b]) + function(x - steps[a] - steps[b])
        mixed = both - up[a] - down[a] - up[b] - down[b] + 2 * value
        curvature[..., a, b] = curvature[..., b, a] = mixed / (2 * h[a] * h[b])
    return Taylor(value, slope, curvature)
