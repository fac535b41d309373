"""Parameters of the model: estimates by method side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from laird.errors import FitError
from laird.fitting.display import row_name
from laird.fitting.result import Fit
from laird.plots.geometry import outside
from laird.plots.sources import as_fits, check_probability
from laird.plots.style import LIGHT, METHODS, heading, panels

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

type Floats = NDArray[np.float64]
type Key = tuple[str, str, str]

REACH = 4.0
"""An interval may be this many times as long as the usual one before its end is cut."""


def estimates(
    fits: Fit | Iterable[Fit], *, prob: float = 0.95, figure: FigureBase | None = None
) -> tuple[Axes, ...]:
    """Draw fixed effects, sds, correlations and sigma by method, one panel for each parameter.

    Every panel has its own scale.  An interval much longer than the others of its panel
    ends in an arrow at the edge.  Intervals are those of `Fit.summary`; a point without a
    line has none, and a parameter that a fit does not have has no point.

    Parameters
    ----------
    fits
        A fit, or several fits of one model by different methods.
    prob
        Probability of the intervals.
    figure
        Figure or subfigure to draw into; None: a new pyplot figure.

    Examples
    --------
    >>> import laird as ld
    >>> model = ld.model("Reaction ~ Days + (Days | Subject)", data=ld.load_data("sleepstudy"))
    >>> [ax.get_title(loc="left") for ax in ld.plots.estimates([model.fit("ml"), model.fit("reml")])][:2]
    ['Intercept', 'Days']
    """
    check_probability(prob)
    tables = _tables(as_fits(fits), prob)
    keys = max((list(table) for table in tables.values()), key=len)
    drawn = panels(figure, len(keys), 3, (2.5, 0.62 + 0.18 * len(tables)))
    for k, (ax, key) in enumerate(zip(drawn, keys, strict=True)):
        _forest(ax, {method: table[key] for method, table in tables.items() if key in table}, list(tables))
        heading(ax, row_name(*key))
        ax.tick_params(labelleft=k % 3 == 0)
    return drawn


def _tables(fits: Sequence[Fit], prob: float) -> dict[str, dict[Key, Floats]]:
    """Estimate, lower and upper end by method and parameter."""
    methods = [fit.method for fit in fits]
    if len(set(methods)) < len(methods):
        raise FitError("Two fits are by one method.", remedy="Pass one fit by each method.")
    return {fit.method: _intervals(fit.summary(prob)) for fit in fits}


def _intervals(summary: pd.DataFrame) -> dict[Key, Floats]:
    keys = summary[["component", "group", "term"]].itertuples(index=False, name=None)
    return dict(zip(keys, summary[["estimate", "lower", "upper"]].to_numpy(dtype=float), strict=True))


def _forest(ax: Axes, rows: Mapping[str, Floats], methods: Sequence[str]) -> None:
    """One line for each method, the first on top."""
    limits = panel_limits(list(rows.values()))
    ax.set_xlim(limits)
    ax.set_ylim(len(methods) - 0.4, -0.6)
    ax.set_yticks(range(len(methods)), [METHODS[method].label for method in methods])
    ax.grid(visible=False, axis="y")
    ax.locator_params(axis="x", nbins=4)
    if limits[0] < 0.0 < limits[1]:
        ax.axvline(0.0, color=LIGHT, linewidth=1.0, zorder=1.5)
    for method, (estimate, lower, upper) in rows.items():
        look, place = METHODS[method], methods.index(method)
        ax.hlines(place, lower, upper, color=look.colour, linewidth=1.6, zorder=2)
        ax.plot([estimate], [place], zorder=3, **look.points(5.0))
        _cut_ends(ax, np.array([lower, upper]), place, look.colour, limits)


def panel_limits(rows: ArrayLike) -> tuple[float, float]:
    """Return limits for rows of estimate, lower and upper end.

    There is room for every estimate, and for its interval up to `REACH` times the usual
    half-width.

    Examples
    --------
    >>> panel_limits([[2.0, 1.0, 3.0], [2.0, 1.0, 3.0], [2.0, 1.0, 90.0]])
    (0.6, 6.4)
    """
    values = np.asarray(rows, dtype=float)
    values = values[np.isfinite(values[:, 0])]
    if not len(values):
        return -1.0, 1.0
    centre, reach = values[:, 0], np.abs(values[:, 1:] - values[:, :1])
    finite = reach[np.isfinite(reach)]
    usual = REACH * float(np.median(finite)) if len(finite) else 0.0
    ends = np.nan_to_num(np.minimum(reach, usual))
    lower, upper = float(np.min(centre - ends[:, 0])), float(np.max(centre + ends[:, 1]))
    room = 0.08 * (upper - lower) or 0.1 * max(abs(upper), 1.0)
    return lower - room, upper + room


def _cut_ends(ax: Axes, ends: Floats, place: int, colour: str, limits: tuple[float, float]) -> None:
    for edge, marker, cut in zip(limits, "<>", outside(ends, limits), strict=True):
        if cut:
            ax.plot([edge], [place], marker=marker, color=colour, markersize=5, clip_on=False, zorder=4)
