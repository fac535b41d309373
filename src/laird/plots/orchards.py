"""The orchard plot: estimates of each subgroup as fruits, its mean and prediction interval as the branch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from laird.fitting.result import Fit
from laird.inference.reference import Df
from laird.plots.crowds import crowded, edge, opacity
from laird.plots.density import mixture
from laird.plots.effect_axis import effect_axis
from laird.plots.forest_rows import Summary, of_subgroups, overall
from laird.plots.geometry import robust_limits
from laird.plots.intervals import draw_intervals
from laird.plots.sources import check_probability
from laird.plots.studies import Studies, studies
from laird.plots.style import CHAINS, DARK, axes, extent

type Floats = NDArray[np.float64]

SWARM = 0.36
"""Fruits lie at most so far from their branch, in subgroups."""
LARGEST, SMALLEST = 13.0, 3.0
"""Sizes of fruits in points."""
LEGEND_SIZES = 3
GRID = 201
"""Points of the density that gives crowds their breadth."""


def orchard(
    fit: Fit,
    *,
    by: str | Sequence[Any] | None = None,
    outcome: str | None = None,
    exponentiate: bool = False,
    df: Df | None = None,
    prob: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Draw all estimates by subgroup, with means and prediction intervals (Nakagawa et al. 2021).

    A circle is an estimate, its area the precision 1/√v; circles are moved across so that crowds
    become broad.  The thick line is the interval of the mean, the thin one the prediction
    interval of the true effect of a new study.

    Parameters
    ----------
    fit
        A fit of a model with ``meta_V``, by any method but ``"ols"``.
    by
        Subgroups, and what their means are: as in `laird.plots.forest`; None: all in one.
    outcome
        One of several outcomes.
    exponentiate
        Label the axis with exp(effect), for logs of ratios.
    df
        Of the means' intervals, as in `laird.coef_tests`.
    prob
        Probability of both intervals.
    ax
        Axes to draw into; None: a new pyplot figure.

    Examples
    --------
    >>> import laird as ld
    >>> data = ld.load_data("restoration")
    >>> fit = ld.model("yi ~ habitat + meta_V(vi)", "sigma ~ habitat", data=data).fit("reml")
    >>> [text.get_text() for text in ld.plots.orchard(fit, by="habitat").get_yticklabels()]
    ['grassland', 'forest']
    """
    check_probability(prob)
    own = studies(fit, by=by, outcome=outcome)
    means = overall(own, None, df, prob) if by is None else of_subgroups(own, by, df, prob)
    m = len(own.names)
    ax = axes(ax, (7.0, 1.3 + 0.95 * min(m, 12) if m > 1 else 2.8))
    ax.set_ylim(m - 0.4, -0.6)
    ax.set_xlim(robust_limits(np.append(own.y, 0.0), np.concatenate([*map(_ends, means)]), margin=0.04))
    ax.set_yticks(range(m), [name or "All" for name in own.names])
    ax.tick_params(axis="y", length=0, labelsize="medium")
    ax.grid(visible=False, axis="y")
    ax.spines["left"].set_visible(False)
    precision = 1 / np.sqrt(own.v)
    for k, summary in enumerate(means):
        colour = CHAINS[k % len(CHAINS)]
        _draw_fruits(ax, own, k, precision, colour)
        _draw_branch(ax, summary, k, colour)
        _count(ax, own, k, summary)
    effect_axis(ax, own.outcome, exponentiate=exponentiate)
    _legend(ax, precision, prob)
    return ax


def _ends(summary: Summary) -> Floats:
    found = summary.means
    return (
        np.zeros(0)
        if found is None
        else np.concatenate([found.lower, found.upper, found.pi_lower, found.pi_upper])
    )


def fruit_area(precision: ArrayLike, most: float, largest: float = LARGEST) -> Floats:
    """Areas in points² of circles, in proportion to precision.

    Examples
    --------
    >>> fruit_area([1.0, 4.0], 4.0)
    array([ 42.25, 169.  ])
    """
    share = np.asarray(precision, dtype=float) / most
    return np.asarray(np.maximum(largest**2 * share, SMALLEST**2))


def quasirandom(x: ArrayLike) -> Floats:
    """Offsets in [-1, 1] that fill the outline of the density of x evenly.

    Van der Corput's sequence in the order of x, times the density (Sherrill-Mix & Clarke's violin points).

    Examples
    --------
    >>> quasirandom([0.0, 0.0, 0.0]).round(2)
    array([ 0. , -0.5,  0.5])
    """
    values = np.asarray(x, dtype=float)
    n = len(values)
    width = max(float(np.std(values)) * n**-0.2, 1e-12)
    grid = np.linspace(values.min(), values.max(), GRID)
    density = np.interp(values, grid, mixture(grid, values, np.full(n, width)))
    offsets = np.empty(n)
    offsets[np.argsort(values, kind="stable")] = [2 * _reflected(k + 1) - 1 for k in range(n)]
    return np.asarray(offsets * density / density.max())


def _reflected(k: int) -> float:
    """The binary digits of k behind the point, in reverse order."""
    return int(f"{k:b}"[::-1], 2) / float(2 ** k.bit_length())


def _draw_fruits(ax: Axes, own: Studies, k: int, precision: Floats, colour: str) -> None:
    members = own.ids == k
    y = own.y[members]
    area = fruit_area(precision[members], float(precision.max()), LARGEST * crowded(len(own.y)))
    at = k + SWARM * quasirandom(y)
    look: dict[str, Any] = {
        "facecolor": colour,
        "edgecolor": "white",
        "linewidth": edge(len(own.y)),
        "alpha": opacity(len(own.y)),
    }
    ax.scatter(y, at, s=area, zorder=2, **look)


def _draw_branch(ax: Axes, summary: Summary, k: int, colour: str) -> None:
    found = summary.means
    if found is None:
        return
    draw_intervals(ax, k, found.pi_lower, found.pi_upper, head=6.0, color=DARK, linewidth=1.2, zorder=3)
    draw_intervals(ax, k, found.lower, found.upper, head=6.0, color=DARK, linewidth=4.5, zorder=3.1)
    ax.plot(
        found.estimate,
        [k],
        "o",
        markersize=9,
        color=colour,
        markeredgecolor=DARK,
        markeredgewidth=1.6,
        zorder=4,
    )


def _count(ax: Axes, own: Studies, k: int, summary: Summary) -> None:
    """How many estimates, and of how many groups of the coarsest factor, at the right edge."""
    members = own.ids == k
    text = f"k = {int(members.sum())}"
    random = min(own.design.random, key=lambda one: len(one.levels), default=None)
    if random is not None:
        text += f"\n{random.group}: {len(np.unique(random.ids[members]))}"
    text += "" if summary.means is not None else "\ntoo few for a mean"
    across = ax.get_yaxis_transform()
    ax.text(1.01, k, text, transform=across, va="center", ha="left", fontsize="small", color=DARK)


def _legend(ax: Axes, precision: Floats, prob: float) -> None:
    """What lines are, and sizes of some precisions."""
    lines = [
        Line2D([], [], color=DARK, linewidth=4.5, label=f"{100 * prob:g} % interval of the mean"),
        Line2D([], [], color=DARK, linewidth=1.2, label="prediction interval"),
    ]
    shown = np.unique([float(f"{p:.1g}") for p in np.quantile(precision, [0.05, 0.5, 0.95])])[:LEGEND_SIZES]
    largest = LARGEST * crowded(len(precision))
    sizes = np.sqrt(fruit_area(shown, float(precision.max()), largest))
    style: dict[str, Any] = {
        "linestyle": "none",
        "marker": "o",
        "color": "#9a9a9a",
        "markeredgecolor": "white",
    }
    fruits = [
        Line2D([], [], markersize=s, label=f"1/se = {p:g}", **style)
        for s, p in zip(sizes, shown, strict=True)
    ]
    columns = 5 if extent(ax)[0] > 330 else 2
    ax.legend(
        handles=[*lines, *fruits],
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=columns,
        frameon=False,
        fontsize="small",
        borderaxespad=0.2,
        columnspacing=1.2,
        handletextpad=0.5,
    )
