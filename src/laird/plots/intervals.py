"""Horizontal intervals that end in an arrow where the axes do."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

type Floats = NDArray[np.float64]


def draw_intervals(
    ax: Axes, y: ArrayLike, lower: ArrayLike, upper: ArrayLike, *, head: float, **line: Any
) -> None:
    """Draw horizontal lines, cut at the limits of the axes.

    Parameters
    ----------
    ax
        The axes, with their x limits set.
    y, lower, upper
        Heights and ends.
    head
        Size in points of the arrows where an end is cut.
    **line
        Looks of the lines, `color` among them.
    """
    left, right = ax.get_xlim()
    heights, low, high = (np.atleast_1d(np.asarray(values, dtype=float)) for values in (y, lower, upper))
    ax.hlines(heights, np.maximum(low, left), np.minimum(high, right), **line)
    for edge, marker, cut in ((left, "<", low < left), (right, ">", high > right)):
        if cut.any():
            look = {"marker": marker, "markersize": head, "markeredgewidth": 0, "color": line["color"]}
            at = np.full(int(cut.sum()), edge)
            ax.plot(at, heights[cut], linestyle="none", clip_on=False, zorder=4, **look)
