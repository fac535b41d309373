"""The funnel plot: estimates against their standard errors, with regions of significance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting.result import Fit
from laird.inference.distributions import t_quantile
from laird.plots.crowds import points
from laird.plots.effect_axis import effect_axis
from laird.plots.sources import check_probability, choose
from laird.plots.studies import Studies, studies
from laird.plots.style import CHAINS, DARK, axes, legend_above

type Floats = NDArray[np.float64]
type Kind = Literal["effects", "residuals"]

SHADES = ("#d3d3d3", "#e3e3e3", "#f0f0f0")
"""Of the regions between the contours, from the inner to the outer one."""


def funnel(
    fit: Fit,
    *,
    kind: Kind | None = None,
    contours: Sequence[float] = (0.90, 0.95, 0.99),
    by: str | Sequence[Any] | None = None,
    outcome: str | None = None,
    exponentiate: bool = False,
    prob: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Draw estimates against standard errors, or residuals against the sds that the model gives them.

    Shaded regions are contours of two-sided p-values (Peters et al. 2008): of no effect
    for ``"effects"``, so that small studies that are missing where they would not be significant can
    be told from other asymmetry; of the model for ``"residuals"``.

    Parameters
    ----------
    fit
        A fit of a model with ``meta_V``, by any method but ``"ols"``.
    kind
        ``"effects"``: y against √v, with the mean and limits mean ± z√v (sampling error alone) and
        mean ± z√(v + τ²).  ``"residuals"``: y - x'β against √(v + τ²), each with its own τ, which
        is right for moderators and location-scale models.  None: ``"effects"`` where
        all studies have one mean and one τ.
    contours
        Probabilities, ascending, at most three; none: ``()``.
    by
        Subgroups in colours, as in `laird.plots.forest`.
    outcome
        One of several outcomes.
    exponentiate
        Label the axis with exp(effect), for logs of ratios.
    prob
        Probability of the limits about the mean.
    ax
        Axes to draw into; None: a new pyplot figure.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("yi ~ 1 + meta_V(vi)", data=ld.load_data("bcg_rr")).fit("reml")
    >>> ld.plots.funnel(fit).get_ylabel()
    'Standard error √v'
    """
    check_probability(prob)
    levels = _checked(contours)
    own = studies(fit, by=by, outcome=outcome)
    chosen = _kind(own, kind)
    ax = axes(ax, (6.4, 5.0))
    x, sd = (own.y, np.sqrt(own.v)) if chosen == "effects" else (own.y - own.mean, own.total_sd)
    deepest = 1.05 * float(sd.max())
    ax.set_ylim(deepest, 0.0)
    ax.set_xlim(_limits(own, x, chosen, deepest, prob))
    ax.grid(visible=False)
    draw_points(ax, own, x, sd)
    if chosen == "effects":
        _draw_limits(ax, own, deepest, prob)
    _draw_contours(ax, levels, deepest, chosen)
    name = own.outcome if chosen == "effects" else f"{own.outcome} − model's mean"
    effect_axis(ax, name, exponentiate=exponentiate)
    ax.set_ylabel("Standard error √v" if chosen == "effects" else "Sd of an estimate √(v + τ²)")
    legend_above(ax)
    return ax


def _checked(contours: Sequence[float]) -> tuple[float, ...]:
    levels = tuple(check_probability(level) for level in contours)
    if len(levels) > len(SHADES) or list(levels) != sorted(set(levels)):
        raise FitError(
            f"contours = {levels} cannot be drawn.", allowed="Allowed: up to three probabilities, ascending."
        )
    return levels


def _kind(own: Studies, kind: Kind | None) -> str:
    chosen = choose(
        "kind of funnel", kind or ("effects" if own.constant else "residuals"), ("effects", "residuals")
    )
    if chosen == "effects" and not own.constant:
        raise FitError(
            "The studies have different means or heterogeneity: there is no one funnel of effects.",
            remedy='Draw kind="residuals".',
        )
    return chosen


def _limits(own: Studies, x: Floats, kind: str, deepest: float, prob: float) -> tuple[float, float]:
    """Room for all points and for the widest limits."""
    z, centre, tau2 = _z(prob), 0.0, 0.0
    if kind == "effects":
        centre, tau2 = float(own.mean[0]), float(own.tau2[0])
    half = z * np.sqrt(deepest**2 + tau2)
    lower, upper = min(float(x.min()), centre - half), max(float(x.max()), centre + half)
    room = 0.04 * (upper - lower)
    return lower - room, upper + room


def _z(prob: float) -> float:
    return float(t_quantile(0.5 + prob / 2, np.inf))


def _draw_contours(ax: Axes, levels: Sequence[float], deepest: float, kind: str) -> None:
    """Regions about zero, the first beyond the first contour."""
    sd, (left, right) = np.array([0.0, deepest]), ax.get_xlim()
    names = [f"p < {1 - a:.2g}" for a in levels]
    bounds = [*(_z(level) * sd for level in levels), np.full(2, max(-left, right))]
    for k, name in enumerate(names):
        for side in (-1, 1):
            ax.fill_betweenx(
                sd,
                side * bounds[k],
                side * np.maximum(bounds[k + 1], bounds[k]),
                color=SHADES[k],
                linewidth=0,
                zorder=0.5,
                label="_" if side > 0 else name,
            )
    if kind == "residuals":
        ax.axvline(0.0, color=DARK, linewidth=1.0, zorder=1.5)


def _draw_limits(ax: Axes, own: Studies, deepest: float, prob: float) -> None:
    """The mean, and where estimates of it are with and without heterogeneity."""
    sd, mean, tau2, z = np.linspace(0.0, deepest, 101), float(own.mean[0]), float(own.tau2[0]), _z(prob)
    ax.axvline(mean, color=DARK, linewidth=1.2, zorder=1.5, label="mean")
    for half, style, name in (
        (z * sd, (0, (5, 3)), f"{100 * prob:g} %, sampling error alone"),
        (z * np.sqrt(sd**2 + tau2), (0, (1.5, 2)), f"{100 * prob:g} %, with heterogeneity"),
    ):
        for side in (-1, 1):
            label = "_" if side > 0 else name
            ax.plot(
                mean + side * half, sd, color=DARK, linewidth=1.0, linestyle=style, zorder=1.6, label=label
            )


def draw_points(ax: Axes, own: Studies, x: Floats, y: Floats) -> None:
    """A point for each study, in the colour of its subgroup."""
    look = points(len(x))
    for k, name in enumerate(own.names):
        mine = own.ids == k
        ax.plot(x[mine], y[mine], color=CHAINS[k % len(CHAINS)], zorder=3, label=name or "estimates", **look)
