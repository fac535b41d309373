"""Effect plots: the predicted outcome as one variable moves, with confidence bands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from laird.errors import FitError
from laird.fitting.options import one_of
from laird.fitting.parts import Part
from laird.fitting.result import Fit
from laird.inference.combinations import drawn, draws_of, estimated
from laird.inference.reference import Df, Reference, reference
from laird.plots.effectpaths import MOVING, Course, Curve, Moving, course
from laird.plots.effectrows import effect_rows
from laird.plots.sources import as_fit, check_probability
from laird.plots.style import CHAINS, DARK, axes, label, legend_above
from laird.spec import text

type Floats = NDArray[np.float64]

DASHES: tuple[Any, ...] = ("-", (0, (6, 2)), (0, (6, 2, 1, 2)), (0, (1, 1.2)))
MARKERS = "osD^v"
EFFECTS = {
    "within": "within groups",
    "between": "between groups",
    "contextual": "its group mean alone",
}


def effect(
    fit: Fit,
    x: str,
    by: str | None = None,
    *,
    effect: Moving = "within",
    values: ArrayLike | None = None,
    at: Mapping[str, Any] | None = None,
    difference: bool = False,
    outcome: str | None = None,
    df: Df | Reference | None = None,
    prob: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Draw the predicted outcome of the population as x moves, with pointwise confidence bands.

    Other variables stand at their means, categories at the shares of their levels (Fox
    1987), or where `at` says.  Bands are those of `laird.wald` for each prediction: t with
    Satterthwaite's degrees of freedom, or quantiles of draws.

    Parameters
    ----------
    fit
        A fit by any method.
    x
        A column, or one factor of the formula that moves by itself, ``"cvar(ses, school)"``.
    by
        A category or number, with a line for each level or for each value in `at`; a number
        without them: mean and mean ± 1 sd.
    effect
        How group means of x move in a contextual model: ``"within"``: they stand;
        ``"between"``: they move with x; ``"contextual"``: they move and x stands.
    values
        Values of x; None: its range, between groups that of the means.
    at
        Values of other variables, as the formula writes them.
    difference
        True: how much the other lines of `by` are above the first, as x moves (the gap between
        sectors at each SES); where a band does not hold zero they differ.
    outcome
        Which, of several.
    df
        As in `laird.coef_tests`.
    prob
        Probability of the bands.
    ax
        Axes to draw into; None: a new pyplot figure.

    Raises
    ------
    FitError
        A variable that the fixed part does not have, or a range that is not known.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("mathach ~ ses * Sector + (ses | school)", data=ld.load_data("hs")).fit("reml")
    >>> ax = ld.plots.effect(fit, "ses", by="Sector")
    >>> ax.get_ylabel(), ax.get_legend_handles_labels()[1]
    ('Predicted mathach', ['Sector: Catholic', 'Sector: Public'])
    """
    one_of("effect", effect, MOVING)
    check_probability(prob)
    shown = course(as_fit(fit), x, by, effect, values, at or {}, outcome)
    lines = [_Line(curve.name, _rows(fit, shown.part, curve)) for curve in shown.curves]
    if difference:
        lines = _differences(lines, by)
    ax = axes(ax)
    for k, line in enumerate(lines):
        table = _described(fit, line.K, df, prob)
        style = _Style(k, len(lines), CHAINS[(k + difference) % len(CHAINS)], line.name)
        if shown.axis.levels:
            _points(ax, shown.axis.values, table, style)
        else:
            _curve(ax, shown.axis.values, table, style)
    if shown.axis.levels:
        ax.set_xticks(shown.axis.values, shown.axis.levels)
        ax.grid(visible=False, axis="x")
    if difference:
        ax.axhline(0.0, color=DARK, linewidth=0.9, zorder=1)
    what = "Difference in" if difference else "Predicted"
    label(ax, _moving_label(shown, effect), f"{what} {_outcome(fit, shown)}", _notes(shown, prob))
    if by is not None:
        legend_above(ax)
    return ax


class _Line(NamedTuple):
    """Name of a line, and its points as combinations of the coefficients."""

    name: str
    K: Floats


def _differences(lines: list[_Line], by: str | None) -> list[_Line]:
    if by is None or len(lines) < 2:
        raise FitError(
            "A difference is between the lines of a variable, and there is one line.",
            remedy='Name the variable: by="Sector".',
        )
    first = lines[0].name.split(": ", 1)[-1]
    return [_Line(f"{line.name} − {first}", line.K - lines[0].K) for line in lines[1:]]


def _rows(fit: Fit, part: Part, curve: Curve) -> Floats:
    K = np.zeros((curve.path.points, len(fit.problem.design.names)))
    K[:, part.places] = effect_rows(part, curve.path, curve.at)
    return K


def _described(fit: Fit, K: Floats, df: Df | Reference | None, prob: float) -> pd.DataFrame:
    """Return ``estimate, se, lower, upper`` at each value along the axis."""
    draws, zero = draws_of(fit, df), np.zeros(len(K))
    if draws is not None:
        return drawn(fit, K, zero, draws, prob)
    return estimated(fit, K, zero, reference(fit, df), prob)


class _Style(NamedTuple):
    """Number of a curve, how many there are, and its colour and name."""

    k: int
    curves: int
    colour: str
    name: str


def _curve(ax: Axes, x: Floats, table: pd.DataFrame, style: _Style) -> None:
    lower, upper, mean = (table[name].to_numpy() for name in ("lower", "upper", "estimate"))
    ax.fill_between(x, lower, upper, color=style.colour, alpha=0.16, linewidth=0, zorder=2)
    dash = DASHES[style.k % len(DASHES)]
    ax.plot(x, mean, color=style.colour, linestyle=dash, linewidth=1.8, zorder=3, label=style.name or None)
    ax.margins(x=0.01)


def _points(ax: Axes, x: Floats, table: pd.DataFrame, style: _Style) -> None:
    """Categories: points with intervals, curves side by side."""
    shift = 0.12 * (style.k - (style.curves - 1) / 2)
    mean = table["estimate"].to_numpy()
    reach = np.abs(table[["lower", "upper"]].to_numpy().T - mean)
    ax.errorbar(
        x + shift,
        mean,
        yerr=reach,
        fmt=MARKERS[style.k % len(MARKERS)],
        color=style.colour,
        markersize=5.5,
        elinewidth=1.6,
        label=style.name or None,
        zorder=3,
    )
    ax.set_xlim(-0.5, len(x) - 0.5)


def _moving_label(shown: Course, effect: Moving) -> str:
    """The variable, and what else moves or stands where the model has its group means."""
    name = text(shown.axis.x)
    return f"{name}, {EFFECTS[effect]}" if shown.has_means else name


def _outcome(fit: Fit, shown: Course) -> str:
    return shown.part.outcome or fit.problem.design.outcome


def _notes(shown: Course, prob: float) -> list[str]:
    kind = "intervals" if shown.axis.levels else "bands"
    standing = f"; at their means: {', '.join(shown.standing)}" if shown.standing else ""
    return [f"{100 * prob:g} % {kind}{standing}"]
