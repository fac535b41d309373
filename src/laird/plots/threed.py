"""Axes in three dimensions."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from laird.errors import FitError

PANE = "white"


def three_dimensional(ax: Axes | None, what: str) -> Any:
    """Return `ax`, or three-dimensional axes of a new pyplot figure; FitError for flat ones."""
    if ax is None:
        from matplotlib import pyplot as plt

        ax = plt.figure(figsize=(6.0, 5.4)).add_axes((0.07, 0.04, 0.88, 0.94), projection="3d")
    if not hasattr(ax, "get_zlim"):
        raise FitError(f"{what} needs three-dimensional axes.", remedy='Make them with projection="3d".')
    return ax


def dress_walls(ax: Any) -> None:
    """White walls and small tick labels."""
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.set_pane_color(PANE)
    ax.tick_params(labelsize="x-small", labelcolor="#444444", pad=0.0)
