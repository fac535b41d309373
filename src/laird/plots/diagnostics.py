"""Diagnostics of a fit: residuals against fitted values, and normal Q-Q plots."""

from __future__ import annotations

from math import ceil
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from laird.errors import FitError
from laird.fitting.result import Fit
from laird.plots.sources import as_fit, check_probability, choose, random_design
from laird.plots.style import DARK, MEDIUM, METHODS, Look, axes, label, legend_above, marker_size

type Floats = NDArray[np.float64]

POINT = Look("residual", "#5b7c99", "o")
MOST_BINS = 30
MOST_POINTS = 20_000
"""Of more residuals only so many are drawn, evenly spaced."""
TAIL = 500
"""So many order statistics at either end of a Q-Q plot are always drawn."""


def residuals_vs_fitted(
    fit: Fit, *, level: Literal["group", "population"] = "group", ax: Axes | None = None
) -> Axes:
    """Draw standardised residuals against fitted values, with averages over bins of equal count.

    Where the model holds, about 95 % of the averages lie within their bars, ± 2 standard
    errors about zero (Gelman and Hill 2007, section 5.6), and the spread is the same from left
    to right.

    Parameters
    ----------
    fit
        A fit by any method.
    level
        Residuals about the groups' lines (``"group"``) or about the fixed part.
    ax
        Axes to draw into; None: a new pyplot figure.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("Reaction ~ Days + (Days | Subject)", data=ld.load_data("sleepstudy")).fit("reml")
    >>> ld.plots.residuals_vs_fitted(fit).get_xlabel()
    "Fitted Reaction, the groups' lines"
    """
    choose("level of residuals", level, ("group", "population"))
    fitted, residual = as_fit(fit).fitted(level=level), fit.residuals(level=level, standardized=True)
    ax = axes(ax)
    every = ceil(len(fitted) / MOST_POINTS)
    _cloud(ax, fitted[::every], residual[::every])
    centres, means, errors = binned_means(fitted, residual)
    ax.errorbar(
        centres,
        means,
        yerr=2 * errors,
        fmt="o",
        color=DARK,
        markersize=3.5,
        elinewidth=1.0,
        zorder=4,
        label="average of a bin ± 2 se",
    )
    ax.axhline(0.0, color=MEDIUM, linewidth=0.9, zorder=1.5)
    notes = [f"one residual in {every} is drawn; averages are over all"] if every > 1 else []
    about = {"group": "the groups' lines", "population": "the fixed part"}[level]
    label(ax, f"Fitted {fit.problem.design.outcome}, {about}", "Residual / sigma", notes)
    legend_above(ax)
    return ax


def _cloud(ax: Axes, x: Floats, y: Floats) -> None:
    style = POINT.points(min(marker_size(ax, len(x)) * 1.4, 4.5))
    ax.plot(x, y, label=POINT.label, alpha=float(np.clip(25 / np.sqrt(len(x)), 0.15, 0.8)), zorder=2, **style)


def binned_means(x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Return mean x, mean y and its standard error in about √n/2 bins of equal count.

    Examples
    --------
    >>> centres, means, errors = binned_means([1, 2, 3, 4, 5, 6, 7, 8], [1, 3, 1, 3, 2, 4, 2, 4])
    >>> centres.tolist(), means.tolist()
    ([2.5, 6.5], [2.0, 3.0])
    """
    order = np.argsort(np.asarray(x, dtype=float), kind="stable")
    bins = int(np.clip(np.sqrt(len(order)) / 2, 2, MOST_BINS))
    parts = [part for part in np.array_split(order, bins) if len(part) > 1]
    xs, ys = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    return (
        np.array([xs[part].mean() for part in parts]),
        np.array([ys[part].mean() for part in parts]),
        np.array([ys[part].std(ddof=1) / np.sqrt(len(part)) for part in parts]),
    )


def qq(
    fit: Fit,
    level: str = "residual",
    *,
    term: str | None = None,
    prob: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Draw a normal Q-Q plot of the residuals or of a group's effects, with a pointwise band.

    Residuals are over sigma.  Each group's effect is over its own sd, that of the
    predictor β̃_j (Lange and Ryan 1989), since small groups shrink more.  The i-th smallest of m
    normal values lies within the band with probability `prob`: quantiles of
    Beta(i, m + 1 - i).  The points are drawn against its medians.

    Parameters
    ----------
    fit
        A fit; for group effects not by ``"ols"``.
    level
        ``"residual"`` or the name of a grouping factor.
    term
        The coefficient of the groups; None: the first.
    prob
        Pointwise probability of the band.
    ax
        Axes to draw into; None: a new pyplot figure.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("Reaction ~ Days + (Days | Subject)", data=ld.load_data("sleepstudy")).fit("reml")
    >>> ld.plots.qq(fit, "Subject", term="Days").get_ylabel()
    'Effect of Subject on Days / its sd'
    """
    check_probability(prob)
    groups = [random.group for random in as_fit(fit).problem.design.random]
    choose("level", level, ["residual", *groups])
    if level == "residual":
        values, name, look = fit.residuals(standardized=True), "Residual / sigma", POINT
    else:
        values, name, look = *_standardised_effects(fit, level, term), METHODS[fit.method]
    ax = axes(ax)
    drawn = _order_numbers(len(values))
    median, lower, upper = order_statistics(len(values), prob, drawn)
    ax.fill_between(
        median, lower, upper, color=MEDIUM, alpha=0.18, linewidth=0, label=f"{100 * prob:g} % pointwise"
    )
    ax.plot(
        median, np.sort(values)[drawn - 1], zorder=3, **look.points(max(marker_size(ax, len(drawn)), 2.0))
    )
    ax.axline((0.0, 0.0), slope=1.0, color=DARK, linewidth=0.9, zorder=2)
    label(ax, "Normal quantile", name)
    legend_above(ax)
    return ax


def _standardised_effects(fit: Fit, group: str, term: str | None) -> tuple[Floats, str]:
    random = random_design(fit, group)
    if fit.method == "ols":
        raise FitError("Least squares has no group effects.", remedy='Fit with "ml", "reml", "eb" or "nuts".')
    k = random.names.index(choose("coefficient", term or random.names[0], random.names))
    variance = float(fit.covariance(group).to_numpy()[k, k])
    if variance == 0.0:
        raise FitError(f"The sd of `{random.names[k]}` by `{group}` is zero: there are no effects to draw.")
    sd = np.sqrt(fit.shrinkage_factors(group).to_numpy()[:, k] * variance)
    effects = fit.ranef(group).to_numpy()[sd > 0, k] / sd[sd > 0]
    return effects, f"Effect of {group} on {random.names[k]} / its sd"


def _order_numbers(count: int) -> NDArray[np.int64]:
    """1 … count, or both tails and an even selection between them."""
    i = np.arange(1, count + 1)
    between = slice(TAIL, -TAIL, ceil(count / MOST_POINTS * 10))
    return np.concatenate([i[:TAIL], i[between], i[-TAIL:]]) if count > MOST_POINTS else i


def order_statistics(
    count: int, prob: float, numbers: NDArray[np.int64] | None = None
) -> tuple[Floats, Floats, Floats]:
    """Return median and central `prob` range of the order statistics of `count` normal values.

    Φ⁻¹ of quantiles of Beta(i, count + 1 - i), for i in `numbers` (None: 1 … count).

    Examples
    --------
    >>> median, lower, upper = order_statistics(3, 0.9)
    >>> median.round(3).tolist(), upper.round(3).tolist()
    ([-0.819, 0.0, 0.819], [0.336, 1.101, 2.121])
    """
    from scipy.special import betaincinv, ndtri

    i = np.arange(1, count + 1) if numbers is None else numbers
    probabilities = (0.5, (1 - prob) / 2, (1 + prob) / 2)
    median, lower, upper = (np.asarray(ndtri(betaincinv(i, count + 1 - i, p)), float) for p in probabilities)
    return median, lower, upper
