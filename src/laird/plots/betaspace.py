"""Beta space: every estimate of a line as a point with its confidence ellipses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from laird.compare.betaspace import Level, Line
from laird.compare.comparison import Estimators
from laird.errors import FitError
from laird.plots.estimatorsource import as_estimators, choose_levels, choose_x, groups_at, is_difference
from laird.plots.geometry import ellipse, robust_limits
from laird.plots.grid import Given, grid, label_grid, legend_of
from laird.plots.grouplines import own_coefficients
from laird.plots.sources import check_probability, choose
from laird.plots.style import ESTIMATORS, MEDIUM, Look, heading, mark_clipped

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

type Floats = NDArray[np.float64]

GROUP = Look("own line of a group", MEDIUM, "o")


def beta_space(
    found: Estimators,
    levels: str | Sequence[str] | None = None,
    *,
    estimators: Sequence[str] | None = None,
    x: str | None = None,
    prob: float = 0.95,
    groups: bool = False,
    figure: FigureBase | None = None,
    axes: Given = None,
) -> tuple[Axes, ...]:
    """Draw every estimate of a line as a point, intercept and slope, with its confidence ellipses.

    The outer ellipse of an estimate covers the true line with probability `prob`.  The inner,
    filled one casts shadows on the axes that are the `prob` intervals of intercept and slope, and of
    every other linear combination: where it does not reach a line of zero, that coefficient
    differs from zero (slides, Figures 4 to 7).  Each level has a panel, and each difference
    of levels.  Estimators without an intercept (fixed effects with common slopes) have no
    point.  Ellipses of ``averaged`` generalise to new rows of the same groups only, those of
    ``two_stage``, about the same point, to the population of groups.

    Parameters
    ----------
    found
        What `laird.estimators` returned.
    levels
        Levels of the between variable and differences, as ``"Public"``, ``"Public - Catholic"``;
        None: all.
    estimators
        Names, as ``["pooled", "mixed"]``; None: all.
    x
        The within variable whose slope is on the vertical axis; None: the first.
    prob
        Probability of ellipses and shadows.
    groups
        Draw the groups' own least-squares lines too, where x is the only within variable.
    figure
        Figure or subfigure to draw into; None: a new pyplot figure.
    axes
        Axes to draw into instead, one for each level.

    Raises
    ------
    FitError
        An unknown level, estimator or variable.

    Examples
    --------
    >>> import laird as ld
    >>> hs = ld.load_data("hs")
    >>> found = ld.estimators("mathach ~ ses", group="school", between="Sector", data=hs)
    >>> [ax.get_title(loc="left") for ax in ld.plots.beta_space(found, estimators=["two_stage", "mixed"])]
    ['Catholic', 'Public', 'Public - Catholic']
    """
    check_probability(prob)
    own = as_estimators(found)
    shown, name = choose_levels(own, levels, differences=True), choose_x(own, x)
    wanted = _estimators(own, estimators)
    panels = [_panel(own, level, name, wanted, prob, groups=groups) for level in shown]
    drawn = grid(len(shown), min(len(shown), 3), (3.7, 3.7), figure, axes)
    for ax, panel in zip(drawn.axes, panels, strict=True):
        alike = [other for other in panels if is_difference(other.level) == is_difference(panel.level)]
        ax.set(xlim=_limits(alike, 0), ylim=_limits(alike, 1))
        _draw(ax, panel)
        heading(ax, "" if panel.level.name == "all" else panel.level.name)
    percent = f"{100 * prob:g} %"
    note = f"outer ellipse: covers the line with {percent}; inner: its shadows are {percent} intervals"
    label_grid(drawn, "Intercept", f"Slope of {name}", [note])
    legend_of(drawn)
    return drawn.axes


def _estimators(found: Estimators, wanted: Sequence[str] | None) -> tuple[str, ...]:
    known = list(dict.fromkeys(line.estimator for line in found.lines()))
    names = known if wanted is None else [wanted] if isinstance(wanted, str) else list(wanted)
    if not names:
        raise FitError("There are no estimators to draw.")
    return tuple(choose("estimator with an intercept", name, known) for name in names)


class _Outline(NamedTuple):
    """An estimate and its ellipses, shapes (2, points)."""

    line: Line
    covering: Floats
    shadow: Floats


class _Panel(NamedTuple):
    """What is drawn of a level: estimates, and the groups' own lines, shape (J, 2)."""

    level: Level
    outlines: tuple[_Outline, ...]
    groups: Floats


def _panel(
    found: Estimators, level: Level, x: str, wanted: Sequence[str], prob: float, *, groups: bool
) -> _Panel:
    lines = [line for line in found.lines(x) if line.level == level.name and line.estimator in wanted]
    outlines = tuple(
        _Outline(
            line, *(ellipse(line.mean, line.cov, r) for r in (line.radius(prob), line.shadow_radius(prob)))
        )
        for line in lines
    )
    if not groups or is_difference(level) or len(found.sample.x_names) > 1:
        return _Panel(level, outlines, np.zeros((0, 2)))
    return _Panel(level, outlines, own_coefficients(found.sample)[groups_at(found.sample, level)])


def _limits(panels: Sequence[_Panel], axis: int) -> tuple[float, float]:
    """One scale for all levels, and one for all differences."""
    outer = [outline.covering[axis] for panel in panels for outline in panel.outlines]
    return robust_limits(np.concatenate(outer), np.concatenate([panel.groups[:, axis] for panel in panels]))


def _draw(ax: Axes, panel: _Panel) -> None:
    if is_difference(panel.level):
        for zero in (ax.axhline, ax.axvline):
            zero(0.0, color=MEDIUM, linewidth=0.9, zorder=1.5)
    for outline in panel.outlines:
        colour = ESTIMATORS[outline.line.estimator].colour
        ax.fill(*outline.shadow, color=colour, alpha=0.07, linewidth=0, zorder=1.6)
        ax.plot(*outline.shadow, color=colour, linewidth=1.4, zorder=3)
        ax.plot(*outline.covering, color=colour, linewidth=0.7, zorder=2.5)
        _point(ax, outline.line)
    if len(panel.groups):
        ax.plot(*panel.groups.T, label="own line of a group", zorder=2, alpha=0.6, **GROUP.points(2.8))
        mark_clipped(ax, panel.groups[:, 0], panel.groups[:, 1], GROUP)


def _point(ax: Axes, line: Line) -> None:
    """Hollow where one estimator has two effects and this is that between groups."""
    look, several = ESTIMATORS[line.estimator], line.estimator == "contextual"
    style = look.points(6.0 if look.filled else 9.5) | {"markeredgewidth": 1.2}
    if several and line.effect == "between":
        style["markerfacecolor"] = "white"
    text = f"{look.label}, {line.effect}" if several else look.label
    ax.plot(*line.mean[:, None], label=text, zorder=5, **style)
