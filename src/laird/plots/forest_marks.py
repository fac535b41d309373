"""What a forest plot draws: squares, true effects, diamonds, bars, densities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from laird.inference.blups import conditional_effects, true_effects_of
from laird.inference.distributions import t_quantile
from laird.inference.sampledeffects import TrueEffects, drawn_deviating
from laird.plots.density import kernel, mixture
from laird.plots.forest_rows import Row, Summary
from laird.plots.geometry import robust_limits
from laird.plots.intervals import draw_intervals
from laird.plots.studies import SHRUNKEN, Studies
from laird.plots.style import DARK, LOOKS, MEDIUM, METHODS, PALE, Look

type Floats = NDArray[np.float64]

SHIFT, DENSE_SHIFT = 0.29, 0.5
"""How far below the middle of the row the prediction of a true effect stands, without and with densities."""
CURVE = 401
"""Points of a density."""
SMALLEST = 0.16
"""Side of the smallest square, as a share of the largest."""
RISE = 0.85
"""Height of a density, in rows."""


class Canvas(NamedTuple):
    """Where and how large to draw.

    Attributes
    ----------
    ax
        The axes.
    row
        Points per row.
    y
        Middle of every row.
    """

    ax: Axes
    row: float
    y: Floats

    def of(self, rows: Sequence[Row], kind: str) -> tuple[Floats, NDArray[np.int64]]:
        """Middles of the rows of a kind, and their numbers."""
        chosen = [k for k, row in enumerate(rows) if row.kind == kind]
        return self.y[chosen], np.array([rows[k].number for k in chosen], dtype=np.int64)


def predictions(own: Studies, prob: float) -> TrueEffects:
    """The true effects of the studies."""
    return TrueEffects(*(values[own.rows] for values in true_effects_of(own.fit, prob)))


def limits(
    own: Studies, predicted: TrueEffects | None, shown: Sequence[Summary], prob: float
) -> tuple[float, float]:
    """Room for the last mean and the true effects, and for estimates and other means that are not far out."""
    half = float(t_quantile(0.5 + prob / 2, np.inf)) * np.sqrt(own.v)
    ends = [_ends(summary) for summary in shown]
    core = [np.zeros(1), ends[-1], *([] if predicted is None else [predicted.lower, predicted.upper])]
    wild = [own.y - half, own.y + half, *ends[:-1]]
    return robust_limits(np.concatenate(core), np.concatenate(wild), margin=0.03)


def _ends(summary: Summary) -> Floats:
    found = summary.means
    if found is None:
        return np.zeros(0)
    return np.concatenate([found.lower, found.upper, found.pi_lower, found.pi_upper])


def draw_studies(
    canvas: Canvas, rows: Sequence[Row], own: Studies, predicted: TrueEffects | None, prob: float
) -> None:
    """Estimates with intervals, and true effects below them."""
    y, k = canvas.of(rows, "study")
    _rules(canvas, rows)
    half = float(t_quantile(0.5 + prob / 2, np.inf)) * np.sqrt(own.v[k])
    rise = SHIFT / 2 if predicted is not None else 0.0
    look = LOOKS["blue"]
    _intervals(canvas, y - rise, own.y[k] - half, own.y[k] + half, look.colour)
    sides = square_sides(own.weight[k], 0.55 * canvas.row)
    name = f"estimate, {100 * prob:g} % interval; area: weight"
    canvas.ax.scatter(
        own.y[k], y - rise, s=sides**2, marker="s", color=look.colour, linewidth=0, zorder=3, label=name
    )
    if not own.constant:
        canvas.ax.plot(
            own.mean[k], y, "|", color=MEDIUM, markersize=0.8 * canvas.row, zorder=1.8, label="model's mean"
        )
    if predicted is not None:
        _draw_true(canvas, y, k, own, predicted)


def _rules(canvas: Canvas, rows: Sequence[Row]) -> None:
    """Faint lines above the first rows of studies, where some have several."""
    if any(row.kind == "study" and not row.text for row in rows):
        firsts = [y for row, y in zip(rows, canvas.y, strict=True) if row.kind == "study" and row.text]
        across = canvas.ax.get_yaxis_transform()
        canvas.ax.hlines(
            np.array(firsts) - 0.5, 0.0, 1.0, transform=across, color=PALE, linewidth=0.8, zorder=0.5
        )


def square_sides(weight: Floats, largest: float) -> Floats:
    """Sides of squares whose areas are in proportion to positive weights.

    Examples
    --------
    >>> square_sides(np.array([1.0, 4.0, -1.0]), 10.0)
    array([ 5. , 10. ,  1.6])
    """
    share = np.sqrt(np.maximum(weight, 0.0) / weight.max())
    return np.asarray(largest * np.maximum(share, SMALLEST))


def _draw_true(canvas: Canvas, y: Floats, k: NDArray[np.int64], own: Studies, predicted: TrueEffects) -> None:
    look = METHODS[own.fit.method]
    at = y + (SHIFT if own.fit.draws is None else DENSE_SHIFT)
    _intervals(canvas, at, predicted.lower[k], predicted.upper[k], look.colour)
    name = f"true effect, {SHRUNKEN[own.fit.method]}"
    points = look.points(float(np.clip(0.24 * canvas.row, 1.5, 4.0)))
    canvas.ax.plot(predicted.estimate[k], at, label=name, zorder=4, **points)
    if own.fit.draws is not None:
        _draw_densities(canvas, at, k, own, look)


def _draw_densities(canvas: Canvas, at: Floats, k: NDArray[np.int64], own: Studies, look: Look) -> None:
    x = np.linspace(*canvas.ax.get_xlim(), CURVE)
    for y, density in zip(at, _densities(x, k, own), strict=True):
        shape(canvas.ax, x, density, y, look.colour)


def _densities(x: Floats, k: NDArray[np.int64], own: Studies) -> Iterator[Floats]:
    """The posterior of each true effect: a mixture of normals over the draws; of families of its draws."""
    fit = own.fit
    if fit.draws is not None and fit.problem.design.families:
        theta = drawn_deviating(fit.problem, fit.draws)[0][:, own.rows]
        yield from (kernel(x, theta[:, i]) for i in k)
        return
    parts = zip(*conditional_effects(fit), strict=True)
    mean, variance, _ = (np.concatenate(part)[:, own.rows] for part in parts)
    sd = np.sqrt(np.maximum(variance, 0.0))
    yield from (mixture(x, mean[:, i], sd[:, i]) for i in k)


def shape(ax: Axes, x: Floats, height: Floats, base: float, colour: str) -> None:
    """A density standing on its row, of one height for all; what is too low to be seen is left out."""
    seen = height > 0.004 * height.max()
    ax.fill_between(
        x,
        base,
        base - RISE * height / height.max(),
        where=seen.tolist(),
        color=colour,
        alpha=0.22,
        linewidth=0,
        zorder=1.5,
    )


def _intervals(canvas: Canvas, y: Floats, lower: Floats, upper: Floats, colour: str, **line: Any) -> None:
    width, head = float(np.clip(0.07 * canvas.row, 0.5, 1.2)), float(np.clip(0.3 * canvas.row, 2.0, 5.0))
    look = {"color": colour, "linewidth": width, "zorder": 2.5} | line
    draw_intervals(canvas.ax, y, lower, upper, head=head, **look)


def draw_means(canvas: Canvas, rows: Sequence[Row], shown: Sequence[Summary], method: str) -> None:
    """Diamonds of means and bars of prediction intervals, under the densities of draws."""
    for y, k in zip(*canvas.of(rows, "mean"), strict=True):
        _draw_mean(canvas, y, shown[k], METHODS[method].colour)
    for y, k in zip(*canvas.of(rows, "interval"), strict=True):
        _draw_interval(canvas, y, shown[k], METHODS[method].colour)


def _draw_mean(canvas: Canvas, y: float, summary: Summary, colour: str) -> None:
    found = summary.means
    if found is None:
        return
    centre, lower, upper = (float(values[0]) for values in (found.estimate, found.lower, found.upper))
    canvas.ax.fill(
        [lower, centre, upper, centre], [y, y - 0.32, y, y + 0.32], facecolor=DARK, edgecolor="none", zorder=3
    )
    if found.drawn is not None:
        x = np.linspace(*canvas.ax.get_xlim(), CURVE)
        curve = kernel(x, found.drawn.mean[:, 0])
        shape(canvas.ax, x, curve, y, colour)


def _draw_interval(canvas: Canvas, y: float, summary: Summary, colour: str) -> None:
    found = summary.means
    if found is None:
        return
    width = 0.28 * canvas.row
    _intervals(canvas, np.array([y]), found.pi_lower, found.pi_upper, MEDIUM, linewidth=width, zorder=2)
    if found.drawn is not None:
        x = np.linspace(*canvas.ax.get_xlim(), CURVE)
        curve = mixture(x, found.drawn.mean[:, 0], found.drawn.tau[:, 0])
        shape(canvas.ax, x, curve, y, colour)
