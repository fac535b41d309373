"""The plane of two coefficients: BLUEs, BLUPs, means and ellipses of dispersion."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from numpy.typing import NDArray

from laird.compare.shrinkage import NAMES
from laird.design import RandomDesign
from laird.errors import FitError
from laird.fitting.result import Fit
from laird.plots.dispersion import Dispersion, dispersion
from laird.plots.geometry import distinct, ellipse, robust_limits
from laird.plots.meanellipse import mean_ellipses
from laird.plots.sources import (
    Coefficients,
    as_fits,
    check_probability,
    choose,
    choose_shrunken,
    coefficients,
    random_design,
)
from laird.plots.style import (
    DARK,
    LIGHT,
    LOOKS,
    MEDIUM,
    axes,
    blue_notes,
    label,
    legend_above,
    mark_clipped,
    marker_size,
)

type Floats = NDArray[np.float64]

CENTRES = 3
"""Up to this many distinct means have ellipses of their own."""


def coefficient_plane(
    fits: Fit | Iterable[Fit],
    x: str = "Intercept",
    y: str | None = None,
    *,
    to: str | None = None,
    group: str | None = None,
    prob: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the groups as points in the plane of two coefficients, before and after shrinkage.

    A line leads from every BLUE to its BLUP (EBLUP, empirical Bayes or posterior mean).
    The ellipses are those of G, the variance of the true coefficients, of the BLUEs
    (larger) and of the BLUPs (smaller), about the mean of the fixed part; the shadow of
    each on an axis is the mean ± 1 sd.  With up to three distinct means every one has its
    ellipses, with more they stand at the average.  The variance of the BLUEs is G + V_j
    averaged over groups, without those whose V_j is far out.  BLUEs far out may lie outside
    the picture: triangles at its edge.

    Parameters
    ----------
    fits
        A fit, or several fits of one model.
    x, y
        Coefficients of the groups; `y` None: the first that is not `x`.
    to
        ``"eblup"``, ``"eb"`` or ``"posterior"``; None: the first of these that there is.
    group
        Grouping factor, when the model has several.
    prob
        Probability with which a dotted ellipse, of up to three means, covers the true mean;
        None: no such ellipse.
    ax
        Axes to draw into; None: a new pyplot figure.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("Reaction ~ Days + (Days | Subject)", data=ld.load_data("sleepstudy")).fit("reml")
    >>> ax = ld.plots.coefficient_plane(fit)
    >>> ax.get_xlabel().splitlines()[0], ax.get_ylabel()
    ('Intercept (Reaction)', 'Coefficient of Days (Reaction)')
    """
    given = as_fits(fits)
    random = random_design(given[0], group)
    x, y = coefficient_pair(random, x, y)
    horizontal, vertical = coefficients(given, (x, y), random.group)
    kind = choose_shrunken(horizontal, to)
    chosen = next(fit for fit in given if NAMES[fit.method] == kind)
    outlines = _outlines(_spread(chosen, random, (x, y)), _centres(horizontal, vertical))
    ax = axes(ax)
    _limits(ax, horizontal, vertical, kind, outlines)
    clipped = _points(ax, horizontal, vertical, kind)
    _draw_outlines(ax, outlines, kind)
    _means(ax, horizontal, vertical)
    if prob is not None:
        _certainty(ax, chosen, random, (x, y), check_probability(prob))
    shadows = f"shadow of each {'other ' * (prob is not None)}ellipse: mean ± 1 sd"
    notes = [shadows, *blue_notes(horizontal.estimate["blue"], clipped)]
    label(ax, horizontal.axis_label, vertical.axis_label, notes)
    legend_above(ax)
    return ax


def coefficient_pair(random: RandomDesign, x: str, y: str | None) -> tuple[str, str]:
    """Return the two coefficients of a plane; `y` None is the first that is not `x`."""
    choose("coefficient", x, random.names)
    others = [name for name in random.names if name != x]
    if not others:
        raise FitError(
            f"The groups of `{random.group}` have one coefficient, `{x}`; the plane needs two.",
            remedy="Draw `shrinkage_arrows`, or fit a model with random slopes.",
        )
    return x, choose("second coefficient", y or others[0], others)


def _spread(fit: Fit, random: RandomDesign, pair: tuple[str, str]) -> Dispersion:
    """The dispersions of the two coefficients."""
    J, at = len(random.levels), [random.names.index(name) for name in pair]
    whole = dispersion(fit.covariance(random.group).to_numpy(), random.Z, random.ids, J, fit.point.sigma)
    return Dispersion(*(cov[np.ix_(at, at)] for cov in whole))


def _centres(horizontal: Coefficients, vertical: Coefficients) -> Floats:
    """Where ellipses stand, shape (m, 2)."""
    means = distinct(np.column_stack([horizontal.mean, vertical.mean]))
    return means if len(means) <= CENTRES else np.array([[horizontal.mean.mean(), vertical.mean.mean()]])


def _means(ax: Axes, horizontal: Coefficients, vertical: Coefficients) -> None:
    means = distinct(np.column_stack([horizontal.mean, vertical.mean]))
    size = 9.0 if len(means) <= CENTRES else 4.0
    ax.plot(
        *means.T,
        "+",
        color=DARK,
        markersize=size,
        markeredgewidth=size / 5,
        zorder=6,
        label=horizontal.mean_label,
    )


def _certainty(ax: Axes, fit: Fit, random: RandomDesign, pair: tuple[str, str], prob: float) -> None:
    """How certain the means are, when they are few."""
    at = (random.names.index(pair[0]), random.names.index(pair[1]))
    ellipses = mean_ellipses(fit, random, at, prob)
    for k, outline in enumerate(ellipses if len(ellipses) <= CENTRES else []):
        name = "_" if k else f"{100 * prob:g} % for the mean"
        ax.plot(*outline, color=MEDIUM, linewidth=1.2, linestyle=(0, (1, 1)), zorder=5.5, label=name)


def _outlines(spread: Dispersion, centres: Floats) -> dict[str, list[Floats]]:
    """Ellipses by kind, one about each centre; none where the groups give no variance."""
    return {
        kind: [ellipse(centre, cov) for centre in centres]
        for kind, cov in spread._asdict().items()
        if np.isfinite(cov).all()
    }


def _limits(
    ax: Axes, horizontal: Coefficients, vertical: Coefficients, kind: str, outlines: dict[str, list[Floats]]
) -> None:
    outline = np.concatenate([one for each in outlines.values() for one in each], axis=1)
    limits = [
        robust_limits(np.concatenate([data.estimate[kind], data.mean, curve]), data.estimate["blue"])
        for data, curve in zip((horizontal, vertical), outline, strict=True)
    ]
    ax.set(xlim=limits[0], ylim=limits[1])


def _points(ax: Axes, horizontal: Coefficients, vertical: Coefficients, kind: str) -> int:
    """Both points of every group and the line between them; return how many BLUEs are clipped."""
    size = marker_size(ax, len(horizontal.labels))
    place = {k: np.column_stack([horizontal.estimate[k], vertical.estimate[k]]) for k in ("blue", kind)}
    for k, zorder in (("blue", 3), (kind, 4)):
        ax.plot(*place[k].T, label=LOOKS[k].label, zorder=zorder, **LOOKS[k].points(size))
    lines = np.stack([place["blue"], place[kind]], axis=1)
    ax.add_collection(LineCollection(list(lines), colors=LIGHT, linewidths=0.7, zorder=2), autolim=False)
    return mark_clipped(ax, horizontal.estimate["blue"], vertical.estimate["blue"], LOOKS["blue"])


def _draw_outlines(ax: Axes, outlines: dict[str, list[Floats]], kind: str) -> None:
    styles = {
        "G": ("G (true coefficients)", DARK, "-"),
        "blue": ("variance of BLUEs", LOOKS["blue"].colour, (0, (5, 2))),
        "blup": (f"variance of {LOOKS[kind].plural}", LOOKS[kind].colour, "-"),
    }
    for name, curves in outlines.items():
        text, colour, line = styles[name]
        for curve, once in zip(curves, [text, *"_" * CENTRES], strict=False):
            ax.plot(*curve, linestyle=line, color=colour, linewidth=1.4, zorder=5, label=once)
