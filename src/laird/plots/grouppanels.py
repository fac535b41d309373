"""One panel for each group: its data, and its line by several methods."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from math import ceil, sqrt
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from laird.bound import model
from laird.compare.question import Missing, Question, read_question
from laird.data.factors import Codes
from laird.errors import DataError, LairdWarning
from laird.fitting.options import one_of
from laird.fitting.result import Fit
from laird.plots.arrangement import Arrangement, arrange, complete_rows
from laird.plots.geometry import robust_limits
from laird.plots.grid import Given, Grid, grid, label_grid, legend_of, share_limits
from laird.plots.grouplines import Lines, fitted_lines, own_lines, parallel_lines, split_lines, x_column
from laird.plots.sources import as_fits
from laird.plots.style import (
    DARK,
    ESTIMATORS,
    LOOKS,
    MEDIUM,
    METHODS,
    Look,
    characters,
    extent,
    heading,
    marker_size,
)

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

type Ids = NDArray[np.int64]
type Line = Literal["least_squares", "split", "fixed_effects", "mixed"]

KINDS: tuple[Line, ...] = ("least_squares", "split", "fixed_effects", "mixed")
ALL: tuple[Line, ...] = ("least_squares", "fixed_effects", "mixed")
LEAST_SQUARES = Look("least squares, own data", LOOKS["blue"].colour, "o")
SPLIT = (MEDIUM, LOOKS["posterior"].colour, METHODS["ml"].colour, DARK)
MOST_GROUPS = 60
"""Panels that can still be read."""
FEW = 5
"""Fewer panels stand in one row."""
PAGE = 9.6
"""Inches of a new figure's width."""


def group_panels(
    formula: str,
    *,
    group: str,
    data: Any,
    between: str = "",
    order: str | Sequence[str] | None = None,
    split: str | None = None,
    lines: Sequence[Line] = ALL,
    fits: Fit | Iterable[Fit] | None = None,
    select: Sequence[Any] | None = None,
    missing: Missing = "error",
    figure: FigureBase | None = None,
    axes: Given = None,
) -> tuple[Axes, ...]:
    r"""Draw y against x in a panel for each group, with the group's line by several methods.

    ``"least_squares"`` is the group's own line; ``"fixed_effects"`` has the group's own
    intercept and the slope that all groups (with `between`: all of one kind) share;
    ``"mixed"`` is the group's line by the mixed model, between its own and the population's;
    ``"split"`` are least-squares lines of the rows of each category of `split`.
    Lines end where the group's data end.  All panels have one scale (slides, Figures 2, 3).

    Parameters
    ----------
    formula
        Outcome and the column of the x axis, ``"mathach ~ ses"``.
    group, between, missing
        As in `laird.estimators`.
    data
        Any data frame that narwhals accepts.
    order
        Columns that are constant within groups, by which panels stand, from left to right and
        from top to bottom; their values are in the headings.  None: the order of the groups.
    split
        A category by which points are coloured.
    lines
        What is drawn, of ``"least_squares"``, ``"split"``, ``"fixed_effects"``, ``"mixed"``.
    fits
        A fit, or several, whose lines take the place of ``"mixed"``; other variables
        are at their mean or mode in the group.  None: the REML fit of the lines with
        random intercepts and slopes.
    select
        Groups to draw, in this order unless `order` is given; None: all, up to sixty.
    figure
        Figure or subfigure to draw into; None: a new pyplot figure.
    axes
        Axes to draw into instead, one for each group.

    Raises
    ------
    SpecError, DataError, FitError
        As `laird.estimators`; more groups than can be read, an unknown group, an
        `order` that varies within groups.

    Examples
    --------
    >>> import laird as ld
    >>> hs = ld.load_data("hs")
    >>> axes = ld.plots.group_panels(
    ...     "mathach ~ ses", group="school", between="Sector", data=hs, order=["Sector", "Size"]
    ... )
    >>> len(axes), axes[0].get_title(loc="left")
    (40, '5761\nCatholic, 215')
    """
    for line in lines:
        one_of("lines", line, KINDS)
    _refuse_unsplit(lines, split)
    with warnings.catch_warnings():
        # few groups say little of the sd between them, which is no matter of lines of their own
        warnings.filterwarnings("ignore", message=r".* groups: the data say", category=LairdWarning)
        question = read_question(formula, group, between, data, None, missing)
    names = x_column(question), question.outcome
    arranged = arrange(complete_rows(data, question, group), select, order, MOST_GROUPS)
    drawn = _grid(len(arranged.groups), figure, axes)
    _share(drawn, question, arranged.groups)
    kinds = arranged.category(split) if split else _one_kind(len(question.sample.y))
    _points(drawn, question, arranged.groups, kinds)
    for found in _lines(question, data, kinds, lines, fits):
        _draw(drawn, arranged.groups, found)
    _name(drawn, arranged)
    label_grid(drawn, *names)
    legend_of(drawn)
    return drawn.axes


def _grid(count: int, figure: FigureBase | None, axes: Given) -> Grid:
    """Panels in the shape of a page, twice as many in a row as rows."""
    columns = count if count < FEW else ceil(sqrt(1.6 * count))
    width = float(np.clip(PAGE / columns, 1.0, 2.6))
    drawn = grid(count, columns, (width, 1.05 * width), figure, axes)
    for ax in drawn.axes:
        ax.tick_params(labelsize="x-small", length=2.0, pad=1.5)
        ax.locator_params(nbins=4)
    return drawn


def _share(drawn: Grid, question: Question, groups: Ids) -> None:
    """One scale for all panels, with all of their data."""
    shown = np.isin(question.sample.ids, groups)
    x, y = question.sample.x[shown, 0], question.sample.y[shown]
    share_limits(drawn, robust_limits(x), robust_limits(y))


def _refuse_unsplit(lines: Sequence[Line], split: str | None) -> None:
    if "split" in lines and split is None:
        raise DataError(
            "Lines by category need the column that tells the categories.",
            remedy='Name it: split="Sex", or draw "least_squares".',
        )


def _one_kind(n: int) -> Codes:
    return Codes(np.zeros(n, dtype=np.int64), ("",))


def _points(drawn: Grid, question: Question, groups: Ids, kinds: Codes) -> None:
    sample = question.sample
    size = marker_size(drawn.axes[0], int(sample.sizes.mean()))
    for ax, j in zip(drawn.axes, groups, strict=True):
        for k, name in enumerate(kinds.labels):
            rows = (sample.ids == j) & (kinds.codes == k)
            look = Look(name, SPLIT[k], "o", filled=k != 1)
            ax.plot(
                sample.x[rows, 0],
                sample.y[rows],
                label=name or None,
                alpha=0.7,
                zorder=2,
                **look.points(size),
            )


def _name(drawn: Grid, arranged: Arrangement) -> None:
    """Headings of one line, or all of two where one is too long."""
    lines = arranged.headings()
    room = characters(extent(drawn.axes[0])[0], "x-small")
    one_line = max(len(", ".join(parts)) for parts in lines) <= room
    for ax, (name, *values) in zip(drawn.axes, lines, strict=True):
        heading(
            ax, *([", ".join([name, *values])] if one_line else [name, ", ".join(values)]), size="x-small"
        )


class _Drawn(NamedTuple):
    """Lines and how they look."""

    lines: Lines
    look: Look
    dash: Any


def _lines(
    question: Question,
    data: Any,
    kinds: Codes,
    wanted: Sequence[Line],
    fits: Fit | Iterable[Fit] | None,
) -> Iterator[_Drawn]:
    if "split" in wanted:
        for lines, colour in zip(split_lines(question.sample, kinds), SPLIT, strict=False):
            yield _Drawn(lines, Look("", colour, "o"), "-")
    if "least_squares" in wanted:
        yield _Drawn(own_lines(question.sample), LEAST_SQUARES, "-")
    if "fixed_effects" in wanted:
        yield _Drawn(parallel_lines(question.sample), ESTIMATORS["common_slopes"], (0, (4, 1.5)))
    if fits is not None:
        for fit in as_fits(fits):
            yield _Drawn(fitted_lines(question, data, fit), METHODS[fit.method], "-")
    elif "mixed" in wanted:
        request = question.mixed("random")
        fit = model(request.formula, data=request.data, **request.options).fit("reml")
        yield _Drawn(fitted_lines(question, data, fit), ESTIMATORS["mixed"], "-")


def _draw(drawn: Grid, groups: Ids, found: _Drawn) -> None:
    for ax, j in zip(drawn.axes, groups, strict=True):
        ax.plot(
            found.lines.x[j],
            found.lines.y[j],
            color=found.look.colour,
            linestyle=found.dash,
            linewidth=1.5,
            label=found.look.label or None,
            zorder=3,
        )
