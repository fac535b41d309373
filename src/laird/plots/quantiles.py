"""Uniform quantile plots: every variable of a data frame at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from laird.data.column import Column
from laird.data.frame import as_frame
from laird.data.grouping import codes_of, column_of
from laird.errors import DataError
from laird.plots.grid import Given, grid
from laird.plots.style import DARK, LOOKS, MEDIUM, extent, heading, shortened

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

type Floats = NDArray[np.float64]

COLOUR = LOOKS["blue"].colour
MOST_LABELS = 8
"""Bars of more categories have no labels."""
MOST_POINTS = 2000
"""Of more values so many quantiles are drawn, evenly spaced, the smallest and largest among them."""
WIDEST = 4
"""Panels in a row."""


def quantiles(
    data: Any,
    columns: Sequence[str] | None = None,
    *,
    figure: FigureBase | None = None,
    axes: Given = None,
) -> tuple[Axes, ...]:
    """Draw a uniform quantile plot of every variable: its values lined up from smallest to largest.

    The i-th smallest of n values stands at (i - ½)/n: the height over ½ is the median, over
    ¼ and ¾ the quartiles; a flat stretch is a value that many rows have, a jump at an end an
    outlier.  The line is the mean.  Categories are bars of their counts, in their order; more
    than eight have no labels and stand in the order of their counts.  The heading says how
    many values are missing or infinite (slides, Figure 1).

    Parameters
    ----------
    data
        Any data frame that narwhals accepts, or a mapping of columns.
    columns
        Variables to draw; None: all.
    figure
        Figure or subfigure to draw into; None: a new pyplot figure.
    axes
        Axes to draw into instead, one for each variable.

    Raises
    ------
    DataError
        The frame has no rows, or lacks a column.

    Examples
    --------
    >>> import laird as ld
    >>> axes = ld.plots.quantiles(ld.load_data("hs"), ["mathach", "Sector"])
    >>> [ax.get_title(loc="left") for ax in axes]
    ['mathach', 'Sector']
    """
    read = _read(data, columns)
    drawn = grid(len(read), min(len(read), WIDEST), (2.35, 1.9), figure, axes)
    for ax, column in zip(drawn.axes, read, strict=True):
        if column.kind == "number":
            _values(ax, column)
        else:
            _counts(ax, column)
        heading(ax, ", ".join([column.name, *_absent(column)]))
    return drawn.axes


def _read(data: Any, columns: Sequence[str] | None) -> list[Column]:
    frame = as_frame(data)
    names = frame.columns if columns is None else [columns] if isinstance(columns, str) else list(columns)
    if len(frame) == 0 or not names:
        raise DataError("There is nothing to draw: the data have no rows or no columns.")
    return [column_of(frame, name) for name in names]


def _absent(column: Column) -> list[str]:
    counts = {"missing": int(column.missing.sum()), "infinite": int(column.infinite().sum())}
    return [f"{count} {what}" for what, count in counts.items() if count]


def _values(ax: Axes, column: Column) -> None:
    usable = column.values[~column.missing & ~column.infinite()].astype(float)
    share, value = uniform_quantiles(usable)
    size = float(np.clip(0.16 * extent(ax)[0] / np.sqrt(max(len(value), 1)), 1.0, 4.0))
    ax.plot(share, value, "o", color=COLOUR, markersize=size, markeredgewidth=0)
    if len(usable):
        ax.axhline(usable.mean(), color=MEDIUM, linewidth=0.9, zorder=1.5)
    ax.set_xlim(-0.02, 1.02)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "¼", "½", "¾", "1"])
    ax.set_xlabel(f"Fraction of {len(usable)}", fontsize="small")
    ax.locator_params(axis="y", nbins=5)


def uniform_quantiles(values: ArrayLike, most: int = MOST_POINTS) -> tuple[Floats, Floats]:
    """Return (i - ½)/n and the i-th smallest value, i = 1 … n, or `most` of them evenly spaced.

    Examples
    --------
    >>> share, value = uniform_quantiles([3.0, 1.0])
    >>> share.tolist(), value.tolist()
    ([0.25, 0.75], [1.0, 3.0])
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    n = len(ordered)
    kept = np.arange(n) if n <= most else np.linspace(0, n - 1, most).round().astype(int)
    return (kept + 0.5) / max(n, 1), ordered[kept]


def _counts(ax: Axes, column: Column) -> None:
    """Horizontal bars, the first category on top."""
    codes = codes_of(column)
    count, places = np.bincount(codes.codes[codes.codes >= 0], minlength=len(codes.labels)), codes.labels
    few = len(places) <= MOST_LABELS
    count = count if few else np.sort(count)[::-1]
    ax.barh(np.arange(len(count)), count, height=0.75 if few else 1.0, color=COLOUR, alpha=0.85)
    ax.set_ylim(len(count) - 0.4, -0.6)
    ax.grid(visible=False, axis="y")
    ax.locator_params(axis="x", nbins=4, integer=True)
    if few:
        ax.set_yticks(range(len(places)), [shortened(name) for name in places])
        _numbers(ax, count)
    else:
        ax.set_yticks([])
        ax.set_ylabel(f"{len(places)} categories", fontsize="small", color=DARK)
    ax.set_xlabel("Rows", fontsize="small")


def _numbers(ax: Axes, count: NDArray[np.int64]) -> None:
    """Each count at the end of its bar: within a long one, else beside it."""
    for place, number in enumerate(count):
        inside = number > 0.5 * count.max()
        ax.annotate(
            f"{number}",
            (number, place),
            (-4 if inside else 4, 0),
            textcoords="offset points",
            color="white" if inside else DARK,
            fontsize="x-small",
            horizontalalignment="right" if inside else "left",
            verticalalignment="center",
        )
