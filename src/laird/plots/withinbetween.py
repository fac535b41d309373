"""Within, between and pooled: three slopes of the same data in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from numpy.typing import NDArray

from laird.compare.betaspace import Level
from laird.compare.comparison import Estimators
from laird.compare.estimates import Estimate
from laird.fitting.display import number
from laird.plots.estimatorsource import as_estimators, choose_levels, choose_x, estimate_at, groups_at
from laird.plots.geometry import robust_limits
from laird.plots.grid import Given, grid, label_grid, legend_of, share_limits
from laird.plots.style import ESTIMATORS, MEDIUM, heading, marker_size

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

type Floats = NDArray[np.float64]

WITHIN, BETWEEN, POOLED = (ESTIMATORS[name] for name in ("common_slopes", "between", "pooled"))


class View(NamedTuple):
    """What is drawn at one level of the between variable.

    Attributes
    ----------
    x, y
        The rows, shapes (n,).
    means, sd
        Means of x and y of the groups, (J, 2), and sds of x within them, (J,).
    within
        The slope that groups share; their intercepts are their own.
    between, pooled
        Intercept and slope.  NaN where the data do not allow an estimate.
    """

    x: Floats
    y: Floats
    means: Floats
    sd: Floats
    within: float
    between: Floats
    pooled: Floats


def within_between(
    found: Estimators,
    levels: str | Sequence[str] | None = None,
    *,
    x: str | None = None,
    figure: FigureBase | None = None,
    axes: Given = None,
) -> tuple[Axes, ...]:
    """Draw the slope within groups, the slope between them, and that of all rows pooled.

    A large dot is the mean of a group; the short line through it has the slope within groups
    and reaches one standard deviation of the group's x to either side.  The line between
    groups is that of the dots; the pooled line, that of the small dots, lies between the two:
    it is a mixture (slides, p. 7 and 60 to 75).  The slopes are in the headings.

    Parameters
    ----------
    found
        What `laird.estimators` returned.
    levels
        Levels of the between variable, a panel for each; None: all, or all groups together.
    x
        The within variable; None: the first.  Others are at the means of the panel's groups.
    figure
        Figure or subfigure to draw into; None: a new pyplot figure.
    axes
        Axes to draw into instead, one for each level.

    Raises
    ------
    FitError
        An unknown level or variable.

    Examples
    --------
    >>> import laird as ld
    >>> hs = ld.load_data("hs")
    >>> found = ld.estimators("mathach ~ ses", group="school", between="Sector", data=hs)
    >>> for ax in ld.plots.within_between(found):
    ...     print(ax.get_title(loc="left"))
    Catholic: within 1.70, between 4.03, pooled 2.30
    Public: within 2.90, between 6.50, pooled 3.90
    """
    own = as_estimators(found)
    shown = choose_levels(own, levels, differences=False)
    name = choose_x(own, x)
    drawn = grid(len(shown), min(len(shown), 3), (4.4, 3.9), figure, axes)
    views = [_view(own, level, own.sample.x_names.index(name)) for level in shown]
    share_limits(drawn, *(robust_limits(np.concatenate([view[k] for view in views])) for k in (0, 1)))
    for ax, view, level in zip(drawn.axes, views, shown, strict=True):
        _draw(ax, view)
        heading(ax, _slopes(view) if level.name == "all" else f"{level.name}: {_slopes(view)}")
    label_grid(drawn, name, own.sample.outcome)
    legend_of(drawn)
    return drawn.axes


def _view(found: Estimators, level: Level, k: int) -> View:
    sample, groups = found.sample, groups_at(found.sample, level)
    rows = np.isin(sample.ids, groups)
    x, means = sample.x[rows, k], sample.means(sample.x)[groups]
    sizes, inside = sample.sizes, sample.within(sample.x)[:, k]
    variance = np.bincount(sample.ids, inside**2, sample.J) / np.maximum(sizes - 1, 1)
    slopes = estimate_at(found, "common_slopes", level)
    return View(
        x=x,
        y=sample.y[rows],
        means=np.column_stack([means[:, k], sample.means(sample.y)[groups]]),
        sd=np.sqrt(variance[groups]),
        within=float(slopes.coefficients[k]) if slopes else np.nan,
        between=_line(estimate_at(found, "between", level), k, means.mean(axis=0)),
        pooled=_line(estimate_at(found, "pooled", level), k, sample.x[rows].mean(axis=0)),
    )


def _line(estimate: Estimate | None, k: int, others: Floats) -> Floats:
    """Intercept and slope of variable k, the others held at their means."""
    if estimate is None:
        return np.full(2, np.nan)
    intercept, slopes = estimate.coefficients[0], estimate.coefficients[1:]
    held = np.delete(slopes, k) @ np.delete(others, k)
    return np.array([intercept + held, slopes[k]])


def _slopes(view: View) -> str:
    slopes = {"within": view.within, "between": view.between[1], "pooled": view.pooled[1]}
    return ", ".join(f"{name} {number(value, 3)}" for name, value in slopes.items() if np.isfinite(value))


def _draw(ax: Axes, view: View) -> None:
    size = marker_size(ax, len(view.x))
    ax.plot(view.x, view.y, "o", color=MEDIUM, markersize=size, markeredgewidth=0, alpha=0.5, zorder=1.5)
    ax.plot(
        *view.means.T,
        "o",
        color=WITHIN.colour,
        markersize=1.6 * marker_size(ax, max(len(view.means), 40)),
        markeredgecolor="white",
        markeredgewidth=0.6,
        zorder=6,
        label="group means",
    )
    _short_lines(ax, view)
    for (intercept, slope), x, look, dash, text in (
        (view.between, view.means[:, 0], BETWEEN, "-", "between groups"),
        (view.pooled, view.x, POOLED, (0, (6, 2)), "pooled"),
    ):
        ends = np.array([x.min(), x.max()])
        ax.plot(
            ends,
            intercept + slope * ends,
            linestyle=dash,
            color=look.colour,
            linewidth=2.0,
            zorder=5,
            label=text,
        )


def _short_lines(ax: Axes, view: View) -> None:
    """A line with the slope within groups through the mean of each."""
    reach = np.column_stack([view.sd, view.within * view.sd])
    segments = np.stack([view.means - reach, view.means + reach], axis=1)
    ax.add_collection(
        LineCollection(list(segments), colors=WITHIN.colour, linewidths=1.3, zorder=3, label="within groups"),
        autolim=False,
    )
