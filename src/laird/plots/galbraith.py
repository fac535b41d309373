"""The radial (Galbraith) plot: standardised estimates against precision, effects on an arc."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from laird.fitting.result import Fit
from laird.inference.distributions import t_quantile
from laird.plots.effect_axis import ratio_ticks
from laird.plots.funnels import draw_points
from laird.plots.means import means
from laird.plots.sources import check_probability
from laird.plots.studies import Studies, studies
from laird.plots.style import DARK, LIGHT, MEDIUM, axes, label, legend_above

type Floats = NDArray[np.float64]

CLEAR = 1.06
"""The arc is so many times as far from the origin as the farthest study."""
BEYOND = 1.13
"""Room to the right of the arc for its labels."""


class Scale(NamedTuple):
    """An arc: the part of an ellipse about the origin with half-axes `across`, `up`."""

    across: float
    up: float

    def at(self, effect: ArrayLike, beyond: float = 0.0) -> tuple[Floats, Floats]:
        """Points where lines from the origin with these slopes meet the arc.

        Examples
        --------
        >>> x, z = Scale(3.0, 6.0).at([0.0, 2.0])
        >>> x.round(3), z.round(3)
        (array([3.   , 2.121]), array([0.   , 4.243]))
        """
        slope = np.asarray(effect, dtype=float)
        x = (1.0 + beyond) / np.sqrt(1 / self.across**2 + (slope / self.up) ** 2)
        return x, slope * x


def radial(
    fit: Fit,
    *,
    by: str | Sequence[Any] | None = None,
    outcome: str | None = None,
    exponentiate: bool = False,
    prob: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Draw estimates over their sds against precision (Galbraith 1988).

    A line from the origin to the arc has the slope of an effect, which the arc tells: that of a
    study goes through its point, that of the mean is drawn.  In the band about it
    the share `prob` of the studies is expected, in moderator and location-scale models too:
    there y - x'β takes the place of y, and the line is at zero.

    Parameters
    ----------
    fit
        A fit of a model with ``meta_V``, by any method but ``"ols"``.
    by
        Subgroups in colours, as in `laird.plots.forest`.
    outcome
        One of several outcomes.
    exponentiate
        Label the arc with exp(effect), for logs of ratios.
    prob
        Probability of the band and of the interval of the mean on the arc.
    ax
        Axes to draw into; None: a new pyplot figure.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("yi ~ 1 + meta_V(vi)", data=ld.load_data("bcg_rr")).fit("reml")
    >>> ld.plots.radial(fit).get_xlabel()
    'Precision 1 / √(v + τ²)'
    """
    check_probability(prob)
    own = studies(fit, by=by, outcome=outcome)
    ax = axes(ax, (6.4, 5.0))
    effect, slope = (own.y, float(own.mean[0])) if own.constant else (own.y - own.mean, 0.0)
    x, z = 1 / own.total_sd, effect / own.total_sd
    half = float(t_quantile(0.5 + prob / 2, np.inf))
    longest = float(x.max())
    reach = max(float(np.abs(np.concatenate([z, slope * x + half, slope * x - half])).max()), 2.5)
    radius = CLEAR * float(np.hypot(x / longest, z / reach).max())
    scale = Scale(radius * longest, radius * reach)
    draw_points(ax, own, x, z)
    _draw_band(ax, slope, half, longest, prob)
    tallest = _draw_arc(ax, effect, scale, exponentiate=exponentiate)
    if own.constant:
        _draw_mean(ax, own, scale, prob)
    ax.set_xlim(0.0, BEYOND * scale.across)
    ax.set_ylim(-1.08 * max(reach, tallest), 1.08 * max(reach, tallest))
    ax.grid(visible=False)
    top = own.outcome if own.constant else f"({own.outcome} − model's mean)"
    label(ax, "Precision 1 / √(v + τ²)", f"{top} / √(v + τ²)")
    legend_above(ax)
    return ax


def _draw_band(ax: Axes, slope: float, half: float, longest: float, prob: float) -> None:
    x = np.array([0.0, longest])
    ax.fill_between(
        x,
        slope * x - half,
        slope * x + half,
        color=MEDIUM,
        alpha=0.15,
        linewidth=0,
        zorder=1,
        label=f"{100 * prob:g} % of studies",
    )
    ax.plot(x, slope * x, color=DARK, linewidth=1.2, zorder=1.5, label="mean")
    if slope:
        ax.plot(x, 0 * x, color=LIGHT, linewidth=0.9, zorder=1.2)


def _draw_arc(ax: Axes, effect: Floats, scale: Scale, *, exponentiate: bool) -> float:
    """Draw the scale of effects, as far as the studies go; return its highest point."""
    lower, upper = float(effect.min()), float(effect.max())
    ticks = _ticks(lower, upper, exponentiate=exponentiate)
    across, height = scale.at(np.linspace(min([lower, *ticks]), max([upper, *ticks]), 200))
    ax.plot(across, height, color=MEDIUM, linewidth=1.0, zorder=2)
    inner, outer = scale.at(list(ticks)), scale.at(list(ticks), 0.015)
    ax.plot([inner[0], outer[0]], [inner[1], outer[1]], color=MEDIUM, linewidth=1.0, zorder=2)
    for text, x, z in zip(ticks.values(), *scale.at(list(ticks), 0.03), strict=True):
        ax.text(x, z, text, fontsize="small", va="center", ha="left", color="#444444", clip_on=False)
    return float(np.abs(height).max())


def _ticks(lower: float, upper: float, *, exponentiate: bool) -> dict[float, str]:
    if exponentiate:
        return {float(np.log(tick)): f"{tick:g}" for tick in ratio_ticks(lower, upper)}
    return {float(tick): f"{tick:.4g}".replace("-", "−") for tick in MaxNLocator(7).tick_values(lower, upper)}


def _draw_mean(ax: Axes, own: Studies, scale: Scale, prob: float) -> None:
    """The interval of the mean on the arc."""
    found = means(own.fit, own.design, np.zeros(len(own.y), dtype=np.int64), prob=prob)
    ends = np.linspace(found.lower[0], found.upper[0], 50)
    name = f"{100 * prob:g} % interval of the mean"
    ax.plot(*scale.at(ends), color=DARK, linewidth=3.5, zorder=2.5, solid_capstyle="butt", label=name)
