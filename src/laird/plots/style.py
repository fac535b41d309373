"""How every picture looks: a colour, marker and name for each kind of estimate, and light axes.

The functions of `laird.plots` draw into the axes or the figure they are given and return
the axes.  Given none they make a figure with pyplot, so that a notebook shows it.  Sizes
of text are relative to matplotlib's ``font.size``; no setting of matplotlib is changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from textwrap import wrap
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from laird.plots.geometry import outside

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure, FigureBase, SubFigure
    from matplotlib.legend import Legend

type Floats = NDArray[np.float64]

DARK, MEDIUM, LIGHT, PALE = "#222222", "#767676", "#b0b0b0", "#e9e9e9"
SIZE = (7.0, 4.5)
POINTS_PER_INCH = 72.0
LABEL_CHARACTERS = 18
EM = 0.55
"""Width of the usual character, as a share of the size of the text."""


@dataclass(frozen=True, slots=True)
class Look:
    """Name, colour and marker of one kind of estimate; the marker is hollow or filled."""

    label: str
    colour: str
    marker: str
    plural: str = ""
    filled: bool = True

    def points(self, size: float) -> dict[str, Any]:
        """Keywords of `Axes.plot` for markers of `size` points without a line."""
        return {
            "linestyle": "none",
            "marker": self.marker,
            "markersize": size,
            "color": self.colour,
            "markerfacecolor": self.colour if self.filled else "white",
            "markeredgewidth": 0.0 if self.filled else max(size / 5.0, 0.5),
        }


LOOKS: Mapping[str, Look] = MappingProxyType(
    {
        "blue": Look("BLUE (own data)", "#0072B2", "o", "BLUEs", filled=False),
        "eblup": Look("EBLUP", "#D55E00", "o", "EBLUPs"),
        "eb": Look("empirical Bayes", "#009E73", "D", "empirical Bayes estimates"),
        "posterior": Look("posterior mean", "#8A1170", "s", "posterior means"),
    }
)
METHODS: Mapping[str, Look] = MappingProxyType(
    {
        "ols": Look("OLS", LOOKS["blue"].colour, "o", filled=False),
        "ml": Look("ML", "#6B3D0A", "v"),
        "reml": Look("REML", LOOKS["eblup"].colour, "o"),
        "eb": Look("EB", LOOKS["eb"].colour, "D"),
        "nuts": Look("NUTS", LOOKS["posterior"].colour, "s"),
    }
)
ESTIMATORS: Mapping[str, Look] = MappingProxyType(
    {
        "pooled": Look("pooled", DARK, "s"),
        "averaged": Look("fixed effects, averaged", LOOKS["blue"].colour, "o", filled=False),
        "common_slopes": Look("fixed effects, common slopes", LOOKS["eb"].colour, "X"),
        "two_stage": Look("two-stage", METHODS["ml"].colour, "o"),
        "between": Look("between groups", LOOKS["posterior"].colour, "D"),
        "mixed": Look("mixed", LOOKS["eblup"].colour, "^"),
        "contextual": Look("mixed + contextual", "#7722DD", "v"),
    }
)
"""The estimators of `laird.estimators`."""
CHAINS = ("#0072B2", "#D55E00", "#009E73", "#8A1170", "#6B3D0A", "#767676", "#C2185B", "#222222")


def axes(ax: Axes | None, size: tuple[float, float] = SIZE) -> Axes:
    """Return `ax`, or the axes of a new pyplot figure of `size` inches, dressed."""
    if ax is None:
        from matplotlib import pyplot as plt

        ax = plt.subplots(figsize=size, layout="constrained")[1]
    dress(ax)
    return ax


def panels(
    figure: FigureBase | None, count: int, columns: int, size: tuple[float, float]
) -> tuple[Axes, ...]:
    """Return `count` dressed axes in rows of `columns`, each of `size` inches in a new figure."""
    rows = ceil(count / columns)
    if figure is None:
        from matplotlib import pyplot as plt

        figure = plt.figure(figsize=(columns * size[0], rows * size[1]), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for empty in grid[count:]:
        empty.remove()
    for ax in grid[:count]:
        dress(ax)
    return tuple(grid[:count])


def dress(ax: Axes) -> None:
    """Take away the box; leave a pale grid behind the data and small grey tick labels."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(LIGHT)
    ax.tick_params(color=LIGHT, labelcolor="#444444", labelsize="small")
    ax.grid(visible=True, color=PALE, linewidth=0.8)
    ax.set_axisbelow(True)


def extent(ax: Axes) -> tuple[float, float]:
    """Return width and height of the axes in points."""
    scale = POINTS_PER_INCH / ax.get_figure(root=True).dpi  # type: ignore[union-attr]
    return float(ax.bbox.width * scale), float(ax.bbox.height * scale)


def width_of(figure: Figure | SubFigure) -> float:
    """Return the width of a figure in points."""
    box = figure.transSubfigure.transform([(0.0, 0.0), (1.0, 0.0)])
    return float(np.ptp(box[:, 0]) * POINTS_PER_INCH / figure.dpi)


def marker_size(ax: Axes, count: int) -> float:
    """Return a size in points, smaller when many groups share the axes."""
    return float(np.clip(0.11 * extent(ax)[0] / np.sqrt(count), 1.2, 5.5))


def label(ax: Axes, x: str, y: str, notes: Sequence[str] = ()) -> None:
    """Label both axes; what a reader must know about the drawing goes below the x label."""
    width, height = extent(ax)
    ax.set_xlabel(broken([x, *notes], "medium", 1.15 * width))
    ax.set_ylabel(broken([y], "medium", 1.15 * height))


def heading(ax: Axes, *lines: str, size: str = "small") -> None:
    """Name a panel, above it on the left."""
    ax.set_title(broken(lines, size, 1.3 * extent(ax)[0]), fontsize=size, loc="left", pad=4.0)


def broken(lines: Sequence[str], size: str, width: float) -> str:
    """Join lines, those longer than `width` points broken."""
    return "\n".join(part for line in lines for part in wrap(line, max(characters(width, size), 8)))


def characters(width: float, size: str) -> int:
    """Return how many characters of usual width stand in `width` points."""
    return int(width / (EM * FontProperties(size=size).get_size_in_points()))


def shortened(name: str) -> str:
    """Return a name that fits an axis: itself, or its beginning and its end.

    Examples
    --------
    >>> shortened("a"), shortened("Our Lady of Perpetual Help")
    ('a', 'Our Lady…tual Help')
    """
    keep = LABEL_CHARACTERS // 2
    return name if len(name) <= LABEL_CHARACTERS else f"{name[: keep - 1]}…{name[-keep:]}"


def mark_clipped(ax: Axes, x: Floats, y: Floats, look: Look) -> int:
    """Mark points outside the axes' limits by triangles at the edge; return how many they are."""
    left, right, below, above = (*ax.get_xlim(), *ax.get_ylim())
    beyond = outside(x, (left, right)) | outside(y, (below, above))
    inside_x, inside_y = np.clip(x, left, right), np.clip(y, below, above)
    high, low = y > above, y < below
    sides = (("^", high), ("v", low), (">", ~high & ~low & (x > right)), ("<", ~high & ~low & (x < left)))
    for marker, at in ((marker, side & beyond) for marker, side in sides):
        points = {**look.points(4.5), "marker": marker, "markerfacecolor": look.colour}
        if at.any():
            ax.plot(inside_x[at], inside_y[at], **points, clip_on=False, zorder=5)
    return int(beyond.sum())


def blue_notes(blue: Floats, clipped: int) -> list[str]:
    """What a reader must know of BLUEs that are not where the others are."""
    missing = int(np.isnan(blue).sum())
    notes = [(clipped, "BLUEs outside the picture (triangles)"), (missing, "groups too small for a BLUE")]
    return [f"{count} of {len(blue)} {what}" for count, what in notes if count]


def legend_above(ax: Axes) -> None:
    """Put the legend above the axes and their heading, in as many columns as fit: it hides no data."""
    handles, labels = ax.get_legend_handles_labels()
    lines = ax.get_title(loc="left").count("\n") + bool(ax.get_title(loc="left"))
    points = lines * 1.4 * FontProperties(size="small").get_size_in_points()
    legend = ax.legend(
        handles,
        labels,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0 + points / extent(ax)[1]),
        ncols=_columns(labels, 1.1 * extent(ax)[0]),
        borderaxespad=0.2,
        **_LEGEND,
    )
    _enlarge(legend)


def legend_of_figure(figure: Figure | SubFigure, handles: Sequence[Artist], labels: Sequence[str]) -> None:
    """Put one legend above all panels."""
    columns = _columns(labels, width_of(figure))
    legend = figure.legend(handles, labels, loc="outside upper left", ncols=columns, **_LEGEND)
    _enlarge(legend)


_LEGEND: Mapping[str, Any] = MappingProxyType(
    {"frameon": False, "fontsize": "small", "handlelength": 1.6, "columnspacing": 1.4}
)


def _enlarge(legend: Legend) -> None:
    """Markers that can be told apart, however small those in the picture are."""
    for handle in legend.legend_handles:
        if isinstance(handle, Line2D):
            handle.set(markersize=max(handle.get_markersize(), 5.0), alpha=1.0)


def _columns(labels: Sequence[str], width: float) -> int:
    """The largest number of columns whose longest entries stand beside one another in `width` points."""
    em = FontProperties(size="small").get_size_in_points()
    entries = np.array([em * (3.8 + EM * len(text)) for text in labels])

    def total(columns: int) -> float:
        return sum(float(column.max()) for column in np.array_split(entries, columns))

    return next((n for n in range(len(entries), 1, -1) if total(n) <= width), 1)
