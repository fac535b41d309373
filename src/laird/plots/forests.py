"""The forest plot: every study's estimate and true effect, means, prediction intervals, text in columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from numpy.typing import NDArray

from laird.fitting.result import Fit
from laird.inference.reference import Df
from laird.plots.columns import Column, draw_columns, total_width
from laird.plots.effect_axis import effect_axis
from laird.plots.forest_marks import Canvas, draw_means, draw_studies, limits, predictions
from laird.plots.forest_rows import Order, Row, forest_rows, of_subgroups, overall, places
from laird.plots.forest_text import left_columns, right_columns
from laird.plots.sources import check_probability
from laird.plots.studies import studies
from laird.plots.style import POINTS_PER_INCH, axes, extent, legend_above

type Floats = NDArray[np.float64]

PLOT_INCHES = 3.6
"""Width of the axes of a new figure."""
ROW_POINTS, TIGHT_ROW_POINTS, MANY = 15.0, 12.5, 60
"""Height of a row in a new figure, and in one of many rows."""


def forest(
    fit: Fit,
    *,
    labels: str | Sequence[Any] | None = None,
    by: str | Sequence[Any] | None = None,
    at: Any = None,
    columns: Mapping[str, Sequence[Any]] | None = None,
    order: Order = "data",
    outcome: str | None = None,
    effects: bool = True,
    prediction: bool = True,
    exponentiate: bool = False,
    digits: int = 2,
    df: Df | None = None,
    prob: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Draw every study's estimate, its true effect as the model predicts it, and means.

    Squares are estimates with intervals y ± z√v, their area the share in the estimate of a common
    mean.  Below each stands the prediction of the study's true effect, shrunken to the model's
    mean.  Diamonds are means with their intervals, bars prediction intervals of the true
    effect of a new study.  Fits with draws show densities.  An estimate far out, or the end of its
    interval, may lie outside the picture: arrows at its edge.

    Parameters
    ----------
    fit
        A fit of a model with ``meta_V``, by any method but ``"ols"``.
    labels
        Names of the studies: one for each row of the data or of the fit, or the name of a grouping
        factor or moderator; None: the finest grouping factor, else row numbers.
    by
        Subgroups, given in the same ways.  Their means are, for groups of the model, the
        predicted ones; of a model without moderators those of separate fits; else
        averages of the model over the studies of the subgroup.
    at
        A frame of moderators: a mean for each of its rows, instead of the mean over the studies.
    columns
        Further columns of text by header, one value for each row of the data.
    order
        Of the studies: ``"data"``, ``"estimate"`` or ``"precision"``.
    outcome
        One of several outcomes.
    effects, prediction
        Whether to draw true effects, and prediction intervals.
    exponentiate
        Label axis and text with exp(effect), for logs of ratios.
    digits
        Decimal places of the text.
    df
        Of the means' intervals, as in `laird.coef_tests`.
    prob
        Probability of all intervals.
    ax
        Axes to draw into, with room on both sides (``layout="constrained"`` makes it);
        None: a new pyplot figure that fits the rows and columns.

    Examples
    --------
    >>> import laird as ld
    >>> data = ld.load_data("bcg_rr")
    >>> fit = ld.model("yi ~ 1 + meta_V(vi)", data=data).fit("reml")
    >>> ax = ld.plots.forest(fit, labels=data["author"], by=data["alloc"], exponentiate=True)
    >>> ax.get_xlabel()
    'exp(yi)'
    """
    check_probability(prob)
    own = studies(fit, labels, by, outcome)
    groups = of_subgroups(own, by, df, prob) if by is not None else []
    total = overall(own, at, df, prob)
    rows = forest_rows(own, groups, total, order, prediction=prediction, prob=prob)
    shown = [*groups, *total]
    y = places(rows, dense=own.fit.draws is not None)
    left = left_columns(own, rows, columns)
    right = right_columns(own, rows, shown, digits, prob, exponentiate=exponentiate)
    canvas, size = _canvas(ax, y, rows, left, right)
    _draw_text(canvas, rows, left, right, size)
    predicted = predictions(own, prob) if effects else None
    canvas.ax.set_xlim(limits(own, predicted, shown, prob))
    draw_means(canvas, rows, shown, own.fit.method)
    draw_studies(canvas, rows, own, predicted, prob)
    effect_axis(canvas.ax, own.outcome, exponentiate=exponentiate)
    legend_above(canvas.ax)
    return canvas.ax


def _canvas(
    ax: Axes | None, y: Floats, rows: Sequence[Row], left: Sequence[Column], right: Sequence[Column]
) -> tuple[Canvas, float]:
    """The axes, with one unit per row from top to bottom, and the size of the text in points."""
    base = FontProperties(size="small").get_size_in_points()
    height, bold, spanning = float(y[-1]) + 0.5, _bold(rows), _spanning(rows)
    if ax is None:
        row = TIGHT_ROW_POINTS if len(rows) > MANY else ROW_POINTS
        beside = sum(total_width(own, base, bold, spanning) for own in (left, right))
        width = (beside + 30) / POINTS_PER_INCH + PLOT_INCHES
        ax = axes(None, (width, (height * row + 70) / POINTS_PER_INCH))
    else:
        row = extent(axes(ax))[1] / height
    ax.set_ylim(height, 0.0)
    ax.set_yticks([])
    ax.grid(visible=False, axis="y")
    ax.spines["left"].set_visible(False)
    return Canvas(ax, row, y), min(base, 0.72 * row)


def _bold(rows: Sequence[Row]) -> set[int]:
    return {k for k, row in enumerate(rows) if row.kind in ("header", "group", "mean")}


def _spanning(rows: Sequence[Row]) -> set[int]:
    return {k for k, row in enumerate(rows) if row.kind in ("group", "note")}


def _draw_text(
    canvas: Canvas, rows: Sequence[Row], left: Sequence[Column], right: Sequence[Column], size: float
) -> None:
    bold, spanning = _bold(rows), _spanning(rows)
    draw_columns(canvas.ax, left, canvas.y, "left", size, bold=bold, spanning=spanning)
    draw_columns(canvas.ax, right, canvas.y, "right", size, bold=bold, spanning=spanning)
