"""Geometry of the pictures: ellipses, limits that wild values do not stretch, places side by side.

Pure functions on arrays.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from laird.errors import FitError

type Floats = NDArray[np.float64]
type Flags = NDArray[np.bool_]

FAR_OUT = 3.0
"""Tukey's outer fences lie this many interquartile ranges beyond the quartiles."""
STRETCH = 1.5
"""An axis may grow by this factor to show the values far out too."""


def ellipse(mean: ArrayLike, cov: ArrayLike, radius: float = 1.0, points: int = 181) -> Floats:
    """Return the outline of the dispersion ellipse {mean + radius·cov^½z : |z| = 1}, shape (2, points).

    Its shadow on either axis is mean ± radius·sd (slides, Figure 13).  A covariance of
    rank one gives a segment, of rank zero a point.

    Raises
    ------
    FitError
        `cov` is not a finite symmetric matrix without negative eigenvalues.

    Examples
    --------
    >>> outline = ellipse([1.0, 0.0], [[4.0, 0.0], [0.0, 1.0]])
    >>> outline.min(axis=1), outline.max(axis=1)
    (array([-1., -1.]), array([3., 1.]))
    """
    centre, matrix = np.asarray(mean, dtype=float), np.asarray(cov, dtype=float)
    values, vectors = _eigen(matrix)
    angle = np.linspace(0.0, 2 * np.pi, points)
    half_axes = radius * vectors * np.sqrt(np.maximum(values, 0.0))
    return np.asarray(centre[:, None] + half_axes @ np.stack([np.cos(angle), np.sin(angle)]))


def _eigen(cov: Floats) -> tuple[Floats, Floats]:
    if cov.shape != (2, 2) or not np.isfinite(cov).all() or not np.allclose(cov, cov.T):
        raise FitError("The covariance of an ellipse must be a finite symmetric 2 × 2 matrix.")
    values, vectors = np.linalg.eigh(cov)
    if values[0] < -1e-9 * max(values[1], 0.0):
        raise FitError(f"The covariance of an ellipse has a negative eigenvalue, {values[0]:.3g}.")
    return values, vectors


def far_out(values: ArrayLike) -> Flags:
    """Return which values lie beyond Tukey's outer fences, the quartiles ± 3 interquartile ranges.

    Examples
    --------
    >>> far_out([1.0, 2.0, 3.0, 4.0, 50.0]).tolist()
    [False, False, False, False, True]
    """
    x = np.asarray(values, dtype=float)
    finite = x[np.isfinite(x)]
    if not len(finite):
        return np.ones(x.shape, dtype=bool)
    lower, upper = np.quantile(finite, [0.25, 0.75])
    reach = FAR_OUT * (upper - lower)
    return np.asarray(~((x >= lower - reach) & (x <= upper + reach)))


def robust_limits(core: ArrayLike, wild: ArrayLike = (), margin: float = 0.05) -> tuple[float, float]:
    """Return axis limits that hold all of `core`, and of `wild` what would not squeeze the picture.

    Values :func:`far_out` are left outside only where they would stretch the axis by
    more than a half.

    Examples
    --------
    >>> robust_limits([0.0, 10.0], [-2.0, 3.0, 4.0, 5.0, 900.0], margin=0.0)
    (-2.0, 10.0)
    """
    kept, extra = (np.asarray(values, dtype=float).ravel() for values in (core, wild))
    kept, extra = kept[np.isfinite(kept)], extra[np.isfinite(extra)]
    lower, upper = _range(np.concatenate([kept, extra[~far_out(extra)]]))
    lowest, highest = _range(np.concatenate([kept, extra]))
    if highest - lowest <= STRETCH * (upper - lower):
        lower, upper = lowest, highest
    room = margin * (upper - lower) or max(abs(upper), 1.0) * margin
    return lower - room, upper + room


def _range(values: Floats) -> tuple[float, float]:
    return (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)


def outside(values: Floats, limits: tuple[float, float]) -> Flags:
    """Return which finite values are not within `limits`."""
    return np.isfinite(values) & ((values < limits[0]) | (values > limits[1]))


def distinct(values: ArrayLike) -> Floats:
    """Return the distinct numbers or rows, sorted; those that differ by rounding count once.

    Examples
    --------
    >>> distinct([2.0, 1.0, 1.0 + 1e-15]).tolist()
    [1.0, 2.0]
    """
    x = np.asarray(values, dtype=float)
    rows = x[np.isfinite(x.reshape(len(x), -1)).all(axis=1)]
    size = np.maximum(np.abs(rows).max(axis=0, initial=0.0), 1e-300)
    first = np.unique((rows / size).round(9), axis=0, return_index=True)[1]
    return rows[first]


def side_by_side(size: ArrayLike, by: ArrayLike) -> tuple[Floats, bool]:
    """Return places on the axis of `size`, and whether ties were put side by side.

    When half of the sizes or more are repetitions, groups of one size stand in the order
    of `by` within 80 % of the gap to the next size; else every group stands at its size.

    Examples
    --------
    >>> side_by_side([5, 5, 5, 6], [3.0, 1.0, 2.0, 0.0])[0].round(2).tolist()
    [5.27, 4.73, 5.0, 6.0]
    """
    x = np.asarray(size, dtype=float)
    sizes, which, counts = np.unique(x, return_inverse=True, return_counts=True)
    if 2 * len(sizes) > len(x):
        return x, False
    gap = float(np.diff(sizes).min()) if len(sizes) > 1 else 1.0
    order = np.lexsort((np.asarray(by, dtype=float), which))
    place = np.empty(len(x))
    place[order] = np.arange(len(x)) - np.repeat(np.cumsum(counts) - counts, counts)
    return x + (place - (counts[which] - 1) / 2) * 0.8 * gap / counts.max(), True
