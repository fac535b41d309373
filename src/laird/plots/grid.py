"""Pictures of several panels: one scale, one legend, and names at the edge.

Panels stand in a figure, new or given, or are axes that the user gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.axes import Axes

from laird.errors import FitError
from laird.plots.style import broken, dress, label, legend_above, legend_of_figure, panels, width_of

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure, FigureBase, SubFigure

type Limits = tuple[float, float]
type Given = Axes | Sequence[Axes] | None


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Panels of one picture.

    Attributes
    ----------
    axes
        The panels.
    columns
        Panels in a row.
    figure
        What they stand in; None for axes that were given.
    """

    axes: tuple[Axes, ...]
    columns: int
    figure: Figure | SubFigure | None

    def at_left(self, place: int) -> bool:
        """Whether a panel is the first of its row; given axes stand anywhere."""
        return self.figure is None or place % self.columns == 0

    def at_bottom(self, place: int) -> bool:
        """Whether there is no panel below."""
        return self.figure is None or place + self.columns >= len(self.axes)


def grid(
    count: int,
    columns: int,
    size: tuple[float, float],
    figure: FigureBase | None = None,
    axes: Given = None,
) -> Grid:
    """Return `count` panels in rows of `columns`, of `size` inches in a new figure, or the `axes` given.

    Raises
    ------
    FitError
        Another number of axes was given, or both a figure and axes.
    """
    if axes is None:
        drawn = panels(figure, count, columns, size)
        return Grid(drawn, columns, drawn[0].figure)
    given = (axes,) if isinstance(axes, Axes) else tuple(axes)
    if len(given) != count or figure is not None:
        what = "a figure as well" if len(given) == count else f"{len(given)}"
        raise FitError(
            f"The picture needs {count} axes; given were {what}.",
            remedy="Pass axes for all panels, or a figure, or neither.",
        )
    for ax in given:
        dress(ax)
    return Grid(given, count, None)


def share_limits(grid: Grid, x: Limits | None, y: Limits | None) -> None:
    """Give all panels the same limits, and tick labels at the edges only."""
    for place, ax in enumerate(grid.axes):
        if x is not None:
            ax.set_xlim(x)
            ax.tick_params(labelbottom=grid.at_bottom(place))
        if y is not None:
            ax.set_ylim(y)
            ax.tick_params(labelleft=grid.at_left(place))


def label_grid(grid: Grid, x: str, y: str, notes: Sequence[str] = ()) -> None:
    """Label the axes of all panels once, or each of the axes given."""
    if grid.figure is None:
        for ax in grid.axes:
            label(ax, x, y, notes)
        return
    grid.figure.supxlabel(broken([x, *notes], "medium", 0.9 * width_of(grid.figure)), fontsize="medium")
    grid.figure.supylabel(y, fontsize="medium")


def legend_of(grid: Grid) -> None:
    """Explain what all panels show, above them, or above the first of the axes given."""
    if grid.figure is None:
        legend_above(grid.axes[0])
        return
    found: dict[str, Artist] = {}
    for ax in grid.axes:
        handles, labels = ax.get_legend_handles_labels()
        found = {**found, **dict(zip(labels, handles, strict=True))}
    if found:
        legend_of_figure(grid.figure, list(found.values()), list(found))
