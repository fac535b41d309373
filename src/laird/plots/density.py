"""Densities of draws, as shapes."""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import ArrayLike, NDArray

type Floats = NDArray[np.float64]

MOST = 1000
"""Of more components of a mixture only so many are used, evenly spaced."""

POINT = 1e-3
"""A component with a smaller share of the spread of the means is a point."""


def mixture(x: ArrayLike, mean: ArrayLike, sd: ArrayLike) -> Floats:
    """Density of an equal mixture of normal distributions, shape of x; points are smoothed as draws are.

    Examples
    --------
    >>> mixture([0.0], [0.0, 0.0], [1.0, 1.0]).round(4)
    array([0.3989])
    """
    every = ceil(len(np.asarray(mean)) / MOST)
    m, s = (np.asarray(values, dtype=float)[::every, None] for values in (mean, sd))
    points = s <= POINT * m.std()
    s = np.where(points, bandwidth(m[:, 0]), s) if points.any() else s
    z = (np.asarray(x, dtype=float) - m) / s
    return np.asarray(np.mean(np.exp(-0.5 * z**2) / s, axis=0) / np.sqrt(2 * np.pi))


def bandwidth(draws: ArrayLike) -> float:
    """Silverman's rule of thumb, 0.9 min(sd, IQR/1.34) n^(-1/5) (1986, p. 48).

    Examples
    --------
    >>> round(bandwidth(np.linspace(-1.0, 1.0, 32)), 3)
    0.272
    """
    x = np.asarray(draws, dtype=float)
    quarter = float(np.subtract(*np.quantile(x, [0.75, 0.25]))) / 1.34
    return float(0.9 * min(float(x.std(ddof=1)), quarter) * len(x) ** -0.2)


def kernel(x: ArrayLike, draws: ArrayLike) -> Floats:
    """Normal kernel density of draws at x."""
    thinned = np.asarray(draws, dtype=float)
    thinned = thinned[:: ceil(len(thinned) / MOST)]
    return mixture(x, thinned, np.full(len(thinned), bandwidth(thinned)))
