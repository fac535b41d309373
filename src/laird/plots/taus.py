"""Heterogeneity against a moderator: τ(x) with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from laird.fitting.options import one_of
from laird.fitting.result import Fit
from laird.inference.heterogeneity import INTERVALS
from laird.inference.places import TOTAL, Interval, Place, limits_of
from laird.inference.refits import subset
from laird.plots.moderators import varied
from laird.plots.sources import check_probability, choose
from laird.plots.studies import Studies, moderator, studies
from laird.plots.style import METHODS, axes, label, legend_above

type Floats = NDArray[np.float64]

CURVE = 121
"""Points of a curve."""


class Taus(NamedTuple):
    """τ at m values of a moderator, shapes (m,), and what the interval is."""

    tau: Floats
    lower: Floats
    upper: Floats
    interval: str


def heterogeneity(
    fit: Fit,
    x: str,
    *,
    level: str = TOTAL,
    outcome: str | None = None,
    data: Any = None,
    interval: Interval = "auto",
    points: int = 9,
    prob: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    r"""Draw the sd of the true effects against a moderator, with its interval.

    Other moderators are as the studies have them: τ is the root of the mean variance.

    Parameters
    ----------
    fit
        A fit of a model with ``meta_V``, by any method but ``"ols"``.
    x
        A moderator of the model: a curve over the range of a number, or a point for each level
        of a category.
    level
        ``"total"``, ``"residual"`` (between the rows of a group) or a grouping factor.
    outcome
        One of several outcomes.
    data
        The data that were fitted: needed where the model has the moderator only within a
        function such as ``log(x)``.
    interval
        As in `laird.heterogeneity`.
    points
        Number of values of a numeric x at which τ and limits are computed; between them they are
        interpolated (Fritsch & Carlson 1980).
    prob
        Probability of the interval.
    ax
        Axes to draw into; None: a new pyplot figure.

    Examples
    --------
    >>> import laird as ld
    >>> data = ld.load_data("restoration")
    >>> fit = ld.model("yi ~ habitat + meta_V(vi)", "sigma ~ habitat", data=data).fit("reml")
    >>> [text.get_text() for text in ld.plots.heterogeneity(fit, "habitat").get_xticklabels()]
    ['grassland\nk = 40', 'forest\nk = 40']
    """
    check_probability(prob)
    one_of("interval", interval, INTERVALS)
    own = studies(fit, outcome=outcome)
    values = moderator(own, x, data)
    category = values.dtype == object
    places = _levels(fit, x, values) if category else np.linspace(values.min(), values.max(), points).tolist()
    found = taus(own, x, places, level=level, interval=interval, prob=prob, data=data)
    ax = axes(ax, (6.0, 4.0))
    if category:
        _draw_levels(ax, own, places, values, found, prob)
    else:
        _draw_curve(ax, own, np.array(places), values, found, prob)
    ax.set_ylim(bottom=0.0)
    where = "" if level == TOTAL else f" ({level})"
    label(ax, x, f"τ{where}, sd of true effects of {own.outcome}")
    legend_above(ax)
    return ax


def taus(
    own: Studies,
    x: str,
    values: Sequence[Any],
    *,
    level: str = TOTAL,
    interval: Interval = "auto",
    prob: float = 0.95,
    data: Any = None,
) -> Taus:
    """τ at values of a moderator, in the rows of the studies with nothing else changed."""
    rows, ids = varied(own.fit, own.rows, x, values, data)
    places = [Place(own.fit, subset(rows, ids == k), 1.0) for k in range(len(values))]
    found = [_at(place, level, interval, prob) for place in places]
    tau, lower, upper = np.sqrt(np.maximum(np.array([each for each, _ in found]).T, 0.0))
    return Taus(tau, lower, upper, found[0][1])


def _at(place: Place, level: str, interval: Interval, prob: float) -> tuple[list[float], str]:
    """τ² of a level at a place and its limits, and what these are."""
    names = [*place.names, TOTAL]
    chosen = names.index(choose("level", level, names))

    def variance(v: Floats) -> float:
        return float(v.sum() if names[chosen] == TOTAL else v[chosen])

    limits = limits_of(place, interval, prob)
    return [variance(place.estimate()), *limits.of(variance)], limits.name


def _text(found: Taus, prob: float) -> str:
    kinds = {
        "profile": "profile-likelihood interval",
        "q-profile": "Q-profile interval",
        "posterior": "interval of draws",
    }
    return f"{100 * prob:g} % {kinds[found.interval]}"


def _draw_curve(ax: Axes, own: Studies, x: Floats, values: Floats, found: Taus, prob: float) -> None:
    look, grid = METHODS[own.fit.method], np.linspace(x[0], x[-1], CURVE)
    tau, lower, upper = (interpolated(grid, x, each) for each in found[:3])
    ax.plot(grid, tau, color=look.colour, linewidth=1.8, zorder=3, label=f"τ, {look.label}")
    if np.isfinite(found.upper).any():
        band: dict[str, Any] = {"color": look.colour, "alpha": 0.18, "linewidth": 0}
        ax.fill_between(grid, lower, upper, label=_text(found, prob), **band)
    rug: dict[str, Any] = {"linestyle": "none", "marker": "|", "markersize": 9, "label": "studies"}
    at_foot = ax.get_xaxis_transform()
    ax.plot(values, np.zeros(len(values)), transform=at_foot, color=look.colour, alpha=0.6, **rug)


def interpolated(grid: Floats, x: Floats, y: Floats) -> Floats:
    """A smooth curve through points that is monotone where they are; straight lines beside values not finite.

    Examples
    --------
    >>> interpolated(np.array([0.5, 1.0]), np.arange(3.0), np.arange(3.0))
    array([0.5, 1. ])
    """
    from scipy.interpolate import PchipInterpolator

    if not np.isfinite(y).all():
        return np.asarray(np.interp(grid, x, y))
    return np.asarray(PchipInterpolator(x, y)(grid))


def _draw_levels(
    ax: Axes, own: Studies, levels: Sequence[str], values: NDArray[Any], found: Taus, prob: float
) -> None:
    look, at = METHODS[own.fit.method], np.arange(len(levels))
    if np.isfinite(found.upper).any():
        ax.vlines(at, found.lower, found.upper, color=look.colour, linewidth=2.2, label=_text(found, prob))
    ax.plot(at, found.tau, zorder=3, label=f"τ, {look.label}", **look.points(8.0))
    ax.set_xticks(at, [f"{name}\nk = {int((values == name).sum())}" for name in levels])
    ax.set_xlim(-0.6, len(levels) - 0.4)
    ax.grid(visible=False, axis="x")


def _levels(fit: Fit, x: str, values: NDArray[Any]) -> list[str]:
    """The levels that there are, in the order of the model."""
    columns = fit.problem.schema.columns
    levels = next(own.levels for own in columns if own.levels and own.name in (x, f"C({x})"))
    return [level for level in levels if level in values]
