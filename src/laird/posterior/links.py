"""How parameters follow from the free coordinates of a posterior, and the sum of their priors.

The coordinate x of a parameter is a logarithm (`LOG`: exp x), a multiple (`LINEAR`: cx), an
inverse hyperbolic tangent (`ATANH`: tanh x), or a signed number of which only the size
counts (`SIGNED`: c|x|).
"""

from __future__ import annotations

import numpy as np
from numba import types
from numpy.typing import NDArray

from laird.gaussian.compiled import compiled
from laird.gaussian.small import MATRIX, PLACES, VECTOR
from laird.posterior.scalars import log_density

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]

LOG, LINEAR, ATANH, SIGNED = range(4)


@compiled(types.float64(types.float64))
def _log_sech2(x: float) -> float:
    """log(1 - tanh²x), without cancellation."""
    a = abs(x)
    return float(2.0 * (np.log(2.0) - a - np.log1p(np.exp(-2.0 * a))))


@compiled(types.float64(VECTOR, PLACES, VECTOR, PLACES, MATRIX, types.boolean, types.float64[::1]))
def log_priors(
    phi: Floats, links: Ids, scales: Floats, codes: Ids, numbers: Floats, jacobian: bool, gradient: Floats
) -> float:
    """Sum of the log densities of independent parameters, and its derivative in each coordinate.

    Parameters
    ----------
    phi
        Coordinates, shape (k,).
    links, scales
        How parameters follow from them, and the c of `LINEAR` and `SIGNED`, (k,).
    codes, numbers
        Density of each parameter, (k,) and (k, 6).
    jacobian
        True: densities of the coordinates; False: of the parameters.
    gradient
        Overwritten by the derivatives.
    """
    total = 0.0
    for i in range(len(phi)):
        x, link, c = phi[i], links[i], scales[i]
        if link == ATANH:
            z, exponent = np.tanh(x), numbers[i, 3] + (1.0 if jacobian else 0.0)
            total += numbers[i, 2] + exponent * _log_sech2(x)
            gradient[i] = -2.0 * exponent * z
            continue
        value, slope = np.exp(x), np.exp(x)
        if link == LINEAR:
            value, slope = c * x, c
        elif link == SIGNED:
            value, slope = c * np.abs(x), c * np.sign(x)
        log_p, d_value = log_density(codes[i], numbers[i], value)
        total += log_p
        gradient[i] = d_value * slope
        if jacobian and link == LOG:
            total += x
            gradient[i] += 1.0
        elif jacobian:
            total += np.log(c) if link == LINEAR else np.log(0.5 * c)
    return total


@compiled(types.float64[::1](MATRIX, PLACES, VECTOR, PLACES, MATRIX, types.boolean))
def log_priors_each(
    phi: Floats, links: Ids, scales: Floats, codes: Ids, numbers: Floats, jacobian: bool
) -> Floats:
    """Values of `log_priors` at a stack of points (S, k), shape (S,)."""
    values, gradient = np.empty(len(phi)), np.empty(phi.shape[1])
    for s in range(len(phi)):
        values[s] = log_priors(phi[s], links, scales, codes, numbers, jacobian, gradient)
    return values
