"""Minimisation with the boundary as an ordinary point.

A standard deviation enters a Gaussian likelihood only through its square, so the objective
is even in it, and in every column of a factor of a covariance matrix.  Zero is then an
interior stationary point.  Whether it is a minimum is decided by the derivative in the
square (Kuhn-Tucker), which is read off the gradient next to zero.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from laird.fitting.newton import Objective, Optimum, hessian, minimise

type Floats = NDArray[np.float64]
type Ids = NDArray[np.intp]

ZERO = 1e-5
"""A coordinate of order one that is below this is tried at zero, and kept there if that is no worse."""

ESCAPES = 5
"""How often the search is sent away from a stationary point at the boundary that is no minimum."""

NEAR_ZERO = 1e-3
"""Where the derivative in the square of a coordinate is measured."""

ESCAPE_STEP = 0.1

SLOPE_TOLERANCE = 1e-6
"""A derivative in a square that is above minus this, for each unit of `scale`, is rounding."""


def minimise_even(
    objective: Objective, x: Floats, evens: Sequence[Ids], *, scale: float
) -> tuple[Optimum, Floats]:
    """Minimise a function that is even in each of some groups of coordinates.

    Parameters
    ----------
    objective
        Value and gradient.
    x
        Start.
    evens
        Groups of coordinates: changing the sign of a group changes nothing.  The first of a
        group vanishes only with the whole group.
    scale
        Size of the objective, such as the number of rows.

    Returns
    -------
    Where the method ended, and that point with exact zeros for what vanished.

    Examples
    --------
    >>> def objective(x):
    ...     return float((x[0] ** 2 + 1) ** 2), 4 * x * (x**2 + 1)
    >>> minimise_even(objective, np.array([0.7]), [np.array([0])], scale=1.0)[1]
    array([0.])
    """
    for _ in range(ESCAPES):
        optimum = minimise(objective, x, approximate=hessian(objective, x))
        x = snapped(objective, optimum.x, evens)
        better = _escape(objective, x, evens, scale)
        if better is None:
            break
        x = better
    return optimum, x


def snapped(objective: Objective, x: Floats, evens: Sequence[Ids]) -> Floats:
    """Set groups that nearly vanish to zero where that does not worsen the objective beyond rounding."""
    value = objective(x)[0]
    for group in evens:
        if abs(x[group[0]]) >= ZERO:
            continue
        trial = x.copy()
        trial[group] = 0.0
        if objective(trial)[0] <= value + 1e-10 * max(abs(value), 1.0):
            x = trial
    return x


def _escape(objective: Objective, x: Floats, evens: Sequence[Ids], scale: float) -> Floats | None:
    """A better start when the objective falls as a vanished group grows, else None."""
    for group in evens:
        if x[group].any():
            continue
        w, V = np.linalg.eigh(_slopes(objective, x, group))
        if w[0] < -SLOPE_TOLERANCE * scale:
            trial = x.copy()
            trial[group] = ESCAPE_STEP * V[:, 0]
            return trial
    return None


def _slopes(objective: Objective, x: Floats, group: Ids) -> Floats:
    """H with f(x + tv) = f(x) + t²v'Hv + …, for steps within the group."""
    H = np.empty((len(group), len(group)))
    for row, k in enumerate(group):
        trial = x.copy()
        trial[k] = NEAR_ZERO
        H[row] = objective(trial)[1][group] / (2 * NEAR_ZERO)
    return np.asarray((H + H.T) / 2)
