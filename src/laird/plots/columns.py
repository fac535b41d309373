"""Columns of text beside the axes, row by row with what is drawn inside."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextToPath
from numpy.typing import ArrayLike

from laird.plots.style import DARK

GAP = 12.0
"""Points between columns."""


class Column(NamedTuple):
    """Texts of one column.

    Attributes
    ----------
    cells
        From top to bottom, the header first.
    align
        To which side.
    gap
        Points to the left of the column.
    wide_header
        Whether the header stands above the column before, too.
    """

    cells: Sequence[str]
    align: Literal["left", "right"] = "right"
    gap: float = GAP
    wide_header: bool = False


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a text in points.

    Examples
    --------
    >>> text_width("mm", 10.0) == 2 * text_width("m", 10.0) > 0.0
    True
    """
    font = FontProperties(size=size, weight="bold" if bold else "normal")
    return float(TextToPath().get_text_width_height_descent(text, font, ismath=False)[0]) if text else 0.0


def column_width(
    column: Column, size: float, bold: Collection[int] = (), spanning: Collection[int] = ()
) -> float:
    """Width of the widest cell; those of `spanning` rows may run over the next columns."""
    skipped = {*spanning, 0} if column.wide_header else spanning
    cells = ((k, text) for k, text in enumerate(column.cells) if k not in skipped)
    return max((text_width(text, size, bold=k in bold) for k, text in cells), default=0.0)


def total_width(
    columns: Sequence[Column], size: float, bold: Collection[int] = (), spanning: Collection[int] = ()
) -> float:
    """Width of columns and gaps."""
    return sum(column.gap + column_width(column, size, bold, spanning) for column in columns)


def draw_columns(
    ax: Axes,
    columns: Sequence[Column],
    heights: ArrayLike,
    side: Literal["left", "right"],
    size: float,
    *,
    bold: Collection[int] = (),
    spanning: Collection[int] = (),
) -> None:
    """Write columns to the left or the right of the axes.

    Parameters
    ----------
    ax
        The axes.
    columns, heights
        The columns, and where their rows are on the y axis.
    side
        Beside which edge.
    size
        Of the text, in points.
    bold, spanning
        Numbers of rows in bold, and of rows whose texts may run over the next columns.
    """
    edge, at = (0.0, -total_width(columns, size, bold, spanning) - GAP) if side == "left" else (1.0, 0.0)
    for column in columns:
        left = at + column.gap
        at = left + column_width(column, size, bold, spanning)
        place = left if column.align == "left" else at
        for k, (text, y) in enumerate(zip(column.cells, np.asarray(heights, dtype=float), strict=True)):
            if text:
                _write(ax, text, edge, y, place, column.align, size, weight="bold" if k in bold else "normal")


def _write(
    ax: Axes, text: str, edge: float, y: float, place: float, align: str, size: float, **font: Any
) -> None:
    ax.annotate(
        text,
        (edge, y),
        xycoords=ax.get_yaxis_transform(),
        xytext=(place, 0.0),
        textcoords="offset points",
        ha=align,
        va="center_baseline",
        fontsize=size,
        color=DARK,
        annotation_clip=False,
        **font,
    )
