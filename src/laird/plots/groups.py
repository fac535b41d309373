"""Pictures of the groups' coefficients: arrows from BLUE to EBLUP, and the caterpillar."""

from __future__ import annotations

from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation
from numpy.typing import NDArray

from laird.plots.geometry import distinct, robust_limits, side_by_side
from laird.plots.sources import (
    Coefficients,
    Source,
    check_probability,
    choose_shrunken,
    coefficients,
)
from laird.plots.style import (
    DARK,
    LIGHT,
    LOOKS,
    MEDIUM,
    POINTS_PER_INCH,
    axes,
    blue_notes,
    extent,
    label,
    legend_above,
    mark_clipped,
    marker_size,
    shortened,
)

type Floats = NDArray[np.float64]

FEW = 6
"""Up to this many distinct means are lines across the picture, distinct sizes ticks of their own."""
LOG_RATIO = 30.0
"""Sizes that differ by a larger factor are drawn on a logarithmic axis."""
LABEL_POINTS = 8.0
"""Width of a rotated tick label."""
ROOMY = 2.4
"""Points that a vertical interval needs to stand beside another."""
WIDEST = 14.0
"""Points that all intervals of one group may take."""


def shrinkage_arrows(
    source: Source,
    term: str = "Intercept",
    *,
    to: str | None = None,
    group: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how every group's own estimate shrinks, against the size of the group.

    An arrow leads from the BLUE, the group's own least squares, to the estimate that
    pools.  A line, or a short line at each group when there are more than six distinct
    ones, shows the mean that the fixed part gives.  When many groups have one size
    they stand side by side, and the axis says so.  BLUEs far out (beyond the quartiles
    ± 3 interquartile ranges) may lie outside the picture: triangles at its edge.

    Parameters
    ----------
    source
        A table of `laird.shrinkage`, a fit, or several fits of one model.
    term
        The coefficient.
    to
        ``"eblup"``, ``"eb"`` or ``"posterior"``; None: the first of these that there is.
    group
        Grouping factor, when fits have several.
    ax
        Axes to draw into; None: a new pyplot figure.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("Reaction ~ Days + (Days | Subject)", data=ld.load_data("sleepstudy")).fit("reml")
    >>> ld.plots.shrinkage_arrows(fit, "Days").get_ylabel()
    'Coefficient of Days (Reaction)'
    """
    (data,) = coefficients(source, (term,), group)
    kind = choose_shrunken(data, to)
    blue, target = data.estimate["blue"], data.estimate[kind]
    x, dodged = side_by_side(data.n, blue)
    ax = axes(ax)
    ax.set_ylim(robust_limits(np.concatenate([target, data.mean]), blue))
    _size_axis(ax, data.n)
    size = marker_size(ax, len(x))
    for name, zorder in (("blue", 3), (kind, 4)):
        ax.plot(x, data.estimate[name], label=LOOKS[name].label, zorder=zorder, **LOOKS[name].points(size))
    _arrows(ax, x, blue, target, size)
    _means(ax, x, data, kind)
    notes = ["groups of one size stand side by side"] if dodged else []
    notes += blue_notes(blue, mark_clipped(ax, x, blue, LOOKS["blue"]))
    label(ax, f"Rows per {data.group}, n", data.axis_label, notes)
    legend_above(ax)
    return ax


def _size_axis(ax: Axes, n: NDArray[np.int64]) -> None:
    sizes = np.unique(n)
    if n.max() > LOG_RATIO * n.min():
        ax.set_xscale("log")
    elif len(sizes) <= FEW:
        ax.set_xticks(sizes)
    else:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))


def _arrows(ax: Axes, x: Floats, start: Floats, stop: Floats, size: float) -> None:
    """Shafts from start to stop; heads, where there is room, touch the marker at stop."""
    ax.vlines(x, start, stop, color=MEDIUM, linewidth=0.8, zorder=2, label="shrinkage")
    room = np.abs(_height(ax, start) - _height(ax, stop)) > 2.2 * size
    for heads, marker, side in ((room & (stop < start), "v", 1), (room & (stop > start), "^", -1)):
        shift = ScaledTranslation(0, side * 0.9 * size / POINTS_PER_INCH, ax.figure.dpi_scale_trans)
        ax.plot(
            x[heads],
            stop[heads],
            linestyle="none",
            marker=marker,
            markersize=0.8 * size,
            markeredgewidth=0,
            color=MEDIUM,
            transform=ax.transData + shift,
            zorder=2.5,
        )


def _height(ax: Axes, y: Floats) -> Floats:
    """Height of y in points."""
    lower, upper = ax.get_ylim()
    return y * extent(ax)[1] / (upper - lower)


def _means(ax: Axes, x: Floats, data: Coefficients, kind: str) -> None:
    """One line for each distinct mean, or a short line at each group, tied to its estimate."""
    levels = distinct(data.mean)
    if len(levels) > FEW:
        ax.vlines(x, data.estimate[kind], data.mean, color=LIGHT, linewidth=0.5, zorder=1.8)
        ax.plot(
            x, data.mean, "_", color=DARK, markersize=7, zorder=2.2, label=f"{data.mean_label} of the group"
        )
        return
    numbers = ", ".join(f"{level:.4g}" for level in levels)
    name = f"{data.mean_label}{'s' if len(levels) > 1 else ''} {numbers}"
    for k, level in enumerate(levels):
        ax.axhline(level, color=DARK, linewidth=1.2, zorder=1.5, label="_" if k else name)


def caterpillar(
    source: Source,
    term: str = "Intercept",
    *,
    prob: float = 0.95,
    group: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw every group's estimates by all methods with intervals, in the order of the EBLUP.

    Intervals are estimate ± z·sd with the sds of the table, z the normal quantile of
    `prob`: a pale bar for the BLUE, lines side by side for the others, and with little room
    lines along the ends (medians of neighbours where groups are closer than a line is
    wide).  Tick labels name as many groups as can be read: all of 40, every few of 160,
    none of thousands.  BLUEs far out may lie outside the picture: triangles at its edge.

    Parameters
    ----------
    source
        A table of `laird.shrinkage`, a fit, or several fits of one model.
    term
        The coefficient.
    prob
        Probability of the intervals.
    group
        Grouping factor, when fits have several.
    ax
        Axes to draw into; None: a new pyplot figure.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("Reaction ~ Days + (Days | Subject)", data=ld.load_data("sleepstudy")).fit("reml")
    >>> ax = ld.plots.caterpillar(fit, "Days")
    >>> [label.get_text() for label in ax.get_xticklabels()][:3]
    ['335', '309', '310']
    """
    z = _normal_quantile(check_probability(prob))
    (data,) = coefficients(source, (term,), group)
    ax = axes(ax)
    J = len(data.labels)
    leader = next((kind for kind in ("eblup", "posterior", "eb") if kind in data.estimate), "blue")
    rank = np.empty(J)
    rank[np.argsort(data.estimate[leader], kind="stable")] = np.arange(J)
    spacing = extent(ax)[0] / (J + 1)
    ax.set_xlim(-1, J)
    ax.set_ylim(_interval_limits(data, z))
    _own_intervals(ax, rank, data, z, spacing)
    for k, kind in enumerate(data.shrunken):
        _intervals(ax, rank, data, kind, z, k, spacing)
    _means(ax, rank, data, leader)
    _group_labels(ax, data.labels, rank, spacing)
    blue = data.estimate["blue"]
    notes = blue_notes(blue, mark_clipped(ax, rank, blue, LOOKS["blue"]))
    label(
        ax,
        f"{data.group} ({J}), in the order of the {LOOKS[leader].label}",
        data.axis_label,
        [f"{100 * prob:g} % intervals", *notes],
    )
    legend_above(ax)
    return ax


def _normal_quantile(prob: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(0.5 + prob / 2))


def _interval_limits(data: Coefficients, z: float) -> tuple[float, float]:
    """Room for the intervals of the estimates that pool, and for BLUEs that are not far out."""
    ends = [data.mean, *(data.estimate[k] + s * z * data.sd[k] for k in data.shrunken for s in (-1, 1))]
    return robust_limits(np.concatenate(ends), data.estimate["blue"])


def _own_intervals(ax: Axes, x: Floats, data: Coefficients, z: float, spacing: float) -> None:
    """A pale bar for each group, behind the other estimates, and a point."""
    look, centre, reach = LOOKS["blue"], data.estimate["blue"], z * data.sd["blue"]
    width = min(0.8 * spacing, WIDEST)
    ax.vlines(x, centre - reach, centre + reach, color=look.colour, linewidth=width, alpha=0.16, zorder=1.2)
    ax.plot(x, centre, label=look.label, zorder=2, **look.points(float(np.clip(0.5 * spacing, 2.2, 5.0))))


def _intervals(ax: Axes, x: Floats, data: Coefficients, kind: str, z: float, k: int, spacing: float) -> None:
    """Vertical lines side by side where a group has the room; else lines along the ends."""
    look, centre, reach, count = LOOKS[kind], data.estimate[kind], z * data.sd[kind], len(data.shrunken)
    room = spacing / count
    if room >= ROOMY:
        step = min(0.7 * room, WIDEST / count) / spacing
        x = x + step * (k - (count - 1) / 2)
        width = min(0.4 * room, 1.4)
        ax.vlines(x, centre - reach, centre + reach, color=look.colour, linewidth=width, zorder=3)
    else:
        for end in (centre - reach, centre + reach):
            line = _typical(x, end, ceil(1.5 / spacing))
            ax.plot(*line, color=look.colour, linewidth=0.7, drawstyle="steps-mid", zorder=3)
    ax.plot(x, centre, label=look.label, zorder=4, **look.points(float(np.clip(0.9 * room, 1.2, 4.5))))


def _typical(x: Floats, y: Floats, count: int) -> tuple[Floats, Floats]:
    """Medians of x and y over each `count` neighbours in the order of x."""
    order = np.argsort(x)
    parts = np.array_split(order, ceil(len(order) / count))
    return np.array([np.median(x[part]) for part in parts]), np.array([np.median(y[part]) for part in parts])


def _group_labels(ax: Axes, names: tuple[str, ...], rank: Floats, spacing: float) -> None:
    """Name as many groups as can be read; none when fewer than one in eight would fit."""
    ax.grid(visible=False, axis="x")
    stride = ceil(LABEL_POINTS / spacing)
    if stride > 8:
        ax.set_xticks([])
        return
    ordered = [shortened(names[k]) for k in np.argsort(rank)][::stride]
    flat = max(map(len, ordered)) * 0.6 * LABEL_POINTS < spacing * stride
    ax.set_xticks(range(0, len(names), stride), ordered, rotation=0 if flat else 90, fontsize="x-small")
