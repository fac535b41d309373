"""The bubble plot: estimates against a moderator, the mean, and how far true effects lie about it."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting.result import Fit
from laird.inference.reference import Df
from laird.plots.crowds import crowded, edge, opacity
from laird.plots.means import Means, means
from laird.plots.moderators import varied
from laird.plots.sources import check_probability
from laird.plots.studies import Studies, moderator, studies
from laird.plots.style import CHAINS, LIGHT, MEDIUM, axes, label, legend_above

type Floats = NDArray[np.float64]
type Flags = NDArray[np.bool_]

LARGEST, SMALLEST = 15.0, 2.5
"""Diameters of bubbles in points."""
SPREAD, CERTAIN = 0.12, 0.25
"""Opacity of the bands of true effects and of the mean."""
DASHES = (0, (4, 3))


def bubble(
    fit: Fit,
    x: str,
    *,
    by: str | None = None,
    outcome: str | None = None,
    data: Any = None,
    prediction: bool = False,
    points: int = 31,
    df: Df | None = None,
    prob: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Draw estimates against a numeric moderator, with the model's mean and the spread of true effects.

    The area of a bubble is the weight of the study.  The line is the mean of the model at x, averaged
    over the other moderators as the studies have them; the darker band its interval;
    the pale band, mean ± τ(x), holds two thirds of the true effects.

    Parameters
    ----------
    fit
        A fit of a model with ``meta_V``, by any method but ``"ols"``.
    x
        A numeric moderator.
    by
        A categorical moderator of the model: a line and a colour for each of its levels.
    outcome
        One of several outcomes.
    data
        The data that were fitted: needed where the model has the moderator only within a
        function such as ``log(x)``.
    prediction
        Whether to draw limits of the prediction interval, too.
    points
        Number of values of x.
    df
        Of the mean's interval, as in `laird.coef_tests`.
    prob
        Probability of the interval.
    ax
        Axes to draw into; None: a new pyplot figure.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("yi ~ ablat + meta_V(vi)", data=ld.load_data("bcg_rr")).fit("reml")
    >>> ax = ld.plots.bubble(fit, "ablat")
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('ablat', 'yi')
    """
    check_probability(prob)
    own = studies(fit, by=by, outcome=outcome)
    values = _numeric(own, x, data)
    ax = axes(ax, (6.8, 4.6))
    for k, name in enumerate(own.names):
        mine = own.ids == k
        grid = np.linspace(values[mine].min(), values[mine].max(), points)
        rows = own.rows.copy()
        rows[own.rows] = mine
        found = means(fit, *varied(fit, rows, x, grid.tolist(), data), df=df, prob=prob)
        _draw_bands(ax, grid, found, CHAINS[k % len(CHAINS)], name, prediction=prediction)
        _draw_bubbles(ax, own, mine, values, CHAINS[k % len(CHAINS)])
    _explain(ax, CHAINS[0] if len(own.names) == 1 else MEDIUM, prob, prediction=prediction)
    lower, upper = ax.get_ylim()
    if lower < 0.0 < upper:
        ax.axhline(0.0, color=LIGHT, linewidth=0.9, zorder=0.8)
    label(ax, x, own.outcome)
    legend_above(ax)
    return ax


def _numeric(own: Studies, x: str, data: Any) -> Floats:
    """Values of a numeric moderator of the studies; FitError for anything else."""
    values = moderator(own, x, data)
    if values.dtype == object:
        raise FitError(f"`{x}` is a category.", remedy=f'Draw `orchard(fit, by="{x}")`.')
    return values


def _draw_bands(ax: Axes, x: Floats, found: Means, colour: str, name: str, *, prediction: bool) -> None:
    for lower, upper, alpha in (
        (found.estimate - found.tau, found.estimate + found.tau, SPREAD),
        (found.lower, found.upper, CERTAIN),
    ):
        ax.fill_between(x, lower, upper, color=colour, alpha=alpha, linewidth=0, zorder=1)
    for end in (found.estimate - found.tau, found.estimate + found.tau):
        ax.plot(x, end, color=colour, linewidth=0.8, alpha=0.6, zorder=1.4)
    ax.plot(
        x, found.estimate, color=colour, linewidth=1.8, zorder=2.5, label=f"{name}: mean" if name else "mean"
    )
    for end in (found.pi_lower, found.pi_upper) if prediction else ():
        ax.plot(x, end, color=colour, linewidth=1.0, linestyle=DASHES, zorder=1.5)


def _explain(ax: Axes, colour: str, prob: float, *, prediction: bool) -> None:
    """Entries of the legend for what all lines have."""
    nothing: list[float] = []
    for alpha, text in ((CERTAIN, f"{100 * prob:g} % interval of the mean"), (SPREAD, "mean ± τ(x)")):
        ax.fill_between(nothing, nothing, nothing, color=colour, alpha=alpha, label=text)
    if prediction:
        text = f"{100 * prob:g} % prediction interval"
        ax.plot(nothing, nothing, color=colour, linewidth=1.0, linestyle=DASHES, label=text)


def _draw_bubbles(ax: Axes, own: Studies, mine: Flags, x: Floats, colour: str) -> None:
    look: dict[str, Any] = {
        "facecolor": colour,
        "edgecolor": "white",
        "linewidth": edge(len(x)),
        "alpha": opacity(len(x)),
    }
    ax.scatter(x[mine], own.y[mine], s=bubble_area(own.weight)[mine], zorder=2.2, **look)


def bubble_area(weight: Floats) -> Floats:
    """Areas in points², in proportion to positive weights; smaller where there are many.

    Examples
    --------
    >>> bubble_area(np.array([1.0, 2.0]))
    array([112.5, 225. ])
    """
    share = np.maximum(weight, 0.0) / weight.max()
    return np.asarray(np.maximum((crowded(len(weight)) * LARGEST) ** 2 * share, SMALLEST**2))
