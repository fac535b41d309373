"""One grouping factor, or none, and a constant sigma, as the other densities are called.

The density itself is `laird.gaussian.marginal.log_marginal_density`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from laird.gaussian.fused import read_only
from laird.gaussian.marginal import Marginal, arguments, log_marginal_density

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]


class GroupedModel(NamedTuple):
    """What follows (L, sigma, b) in `log_marginal_density`."""

    ZZ: Floats
    ZW: Floats
    WW: Floats
    n: int
    sampled: Ids
    integrated: Ids
    P: Floats
    Pm: Floats
    constant: float
    Tinv: Floats
    y_scale: float
    unit: Floats
    shift: Floats


def grouped_model(problem: Marginal) -> GroupedModel:
    """Arrays of one memory layout and type."""
    found = arguments(problem)
    return GroupedModel._make(read_only(own) if isinstance(own, np.ndarray) else own for own in found)


@njit(cache=True, error_model="numpy")
def grouped_value(
    m: GroupedModel, L: Floats, alpha: Floats, b: Floats, d_L: Floats, d_alpha: Floats, d_b: Floats
) -> float:
    """The log density; its derivatives are added, that in L is overwritten."""
    sigma = np.exp(alpha[0])
    value, own_L, own_sigma, own_b = log_marginal_density(
        L, sigma, b, m.ZZ, m.ZW, m.WW, m.n, m.sampled, m.integrated, m.P, m.Pm,
        m.constant, m.Tinv, m.y_scale, m.unit, m.shift,
    )  # fmt: skip
    d_L[:] = own_L
    d_alpha[0] += own_sigma * sigma
    for k in range(len(b)):
        d_b[k] += own_b[k]
    return value
