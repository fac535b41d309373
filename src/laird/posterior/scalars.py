"""Log densities of one number, compiled: all that priors are made of.

Every family is one of a few shapes with numbers,

    normal      c - z²/2,                       z = (x - m)/s
    student_t   c - (ν + 1)/2 log(1 + z²/ν)
    power       c + a log x - b x - d/x
    log_normal, log_student_t                   the same of log x, minus log x
    partial     c + a log(1 - x²)
    constant    c

on an interval (lower, upper) and zero outside.  A `Shape` holds the code of the shape and
the vector (lower, upper, c, and m, s, ν or a, b, d).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from laird.gaussian.compiled import compiled
from laird.gaussian.small import VECTOR

type Floats = NDArray[np.float64]

CONSTANT, NORMAL, STUDENT_T, POWER, LOG_NORMAL, LOG_STUDENT_T, PARTIAL = range(7)
PAIR = types.UniTuple(types.float64, 2)  # type: ignore[no-untyped-call]
PAIRS = types.UniTuple(types.float64[::1], 2)  # type: ignore[no-untyped-call]


class Shape(NamedTuple):
    """Code of a shape and its numbers (lower, upper, c, three of the shape)."""

    code: int
    numbers: tuple[float, float, float, float, float, float]


@compiled(PAIR(types.int64, VECTOR, types.float64))
def log_density(code: int, numbers: Floats, x: float) -> tuple[float, float]:
    """Log density at x and its derivative; -inf and 0 outside the support."""
    if not (x >= numbers[0] and x <= numbers[1]):
        return -np.inf, 0.0
    c, a, b, d = numbers[2], numbers[3], numbers[4], numbers[5]
    logarithmic = code in (LOG_NORMAL, LOG_STUDENT_T)
    if x == 0.0 and (logarithmic or (code == POWER and d != 0.0)):
        return -np.inf, 0.0
    if code == CONSTANT:
        return c, 0.0
    if code == PARTIAL:
        left = (1.0 - x) * (1.0 + x)
        return (c, 0.0) if a == 0.0 else (c + a * np.log(left), -2.0 * a * x / left)
    if code == POWER:
        value, slope = c - b * x, -b
        if a != 0.0:
            value, slope = value + a * np.log(x), slope + a / x
        if d != 0.0:
            value, slope = value - d / x, slope + d / (x * x)
        return value, slope
    t = np.log(x) if logarithmic else x
    z = (t - a) / b
    if code in (NORMAL, LOG_NORMAL):
        value, slope = c - 0.5 * z * z, -z / b
    else:
        value = c - 0.5 * (d + 1.0) * np.log1p(z * z / d)
        slope = -(d + 1.0) * z / (b * (d + z * z))
    return (value - t, (slope - 1.0) / x) if logarithmic else (value, slope)


@compiled(PAIRS(types.int64, VECTOR, VECTOR))
def log_densities(code: int, numbers: Floats, x: Floats) -> tuple[Floats, Floats]:
    """`log_density` at every element of x (n,)."""
    values, slopes = np.empty(len(x)), np.empty(len(x))
    for i in range(len(x)):
        values[i], slopes[i] = log_density(code, numbers, x[i])
    return values, slopes
