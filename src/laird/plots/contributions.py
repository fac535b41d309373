"""The Baujat plot: which studies make the heterogeneity, and which of these move the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from laird.errors import FitError
from laird.fitting.result import Fit
from laird.inference.dispersion import rows_of
from laird.inference.influence import Deletion, deletions
from laird.inference.refits import refit
from laird.inference.rowcovariance import between
from laird.inference.studies import require_known
from laird.inference.units import units_of
from laird.plots.columns import text_width
from laird.plots.sources import as_fit
from laird.plots.style import CHAINS, DARK, axes, extent, label

type Floats = NDArray[np.float64]

NAMED = 30
"""At most so many studies are named."""
TEXT = 8.0
"""Size of names in points."""
SIDES: Mapping[str, tuple[float, float, Literal["left", "center", "right"]]] = {
    "right": (5.0, 0.0, "left"),
    "left": (-5.0, 0.0, "right"),
    "above": (0.0, 9.0, "center"),
    "below": (0.0, -9.0, "center"),
}
"""Where a name may stand: its shift in points and its alignment."""


class Contributions(NamedTuple):
    """What each study contributes, shapes (m,).

    Attributes
    ----------
    labels
        The studies.
    misfit
        e'Σ⁻¹e of its residuals e = y - Xβ̂.
    influence
        d'(X C₍₋₎ X')⁻d of the change d of its fitted means without it; NaN where the rest does not
        identify the model.
    """

    labels: tuple[str, ...]
    misfit: Floats
    influence: Floats


def baujat(
    fit: Fit, *, labels: Sequence[Any] | str | None = None, ax: Axes | None = None, **options: Any
) -> Axes:
    """Draw every study's influence on the result against its part in the misfit (Baujat et al. 2002).

    To the right: squared residuals, in the metric of Σ = V + heterogeneity.  Upwards: how far the
    study's fitted mean moves when it is left out and the model is fitted again, in squared
    standard errors (Viechtbauer 2021).

    Parameters
    ----------
    fit
        A fit of a model with ``meta_V``.
    labels
        What is left out together: a grouping factor, or labels by row; None: as in
        `laird.leave_one_out`.
    ax
        Axes to draw into; None: a new pyplot figure.
    **options
        As in `laird.leave_one_out`: `method` (``"reml"`` is fast next to ``"nuts"``), options of
        ``eb`` and ``nuts``.

    Examples
    --------
    >>> import laird as ld
    >>> data = ld.load_data("bcg_rr")
    >>> fit = ld.model("yi ~ 1 + meta_V(vi)", data=data).fit("reml")
    >>> ld.plots.baujat(fit, labels=data["trial"]).get_xlabel()
    "Squared standardised residual, e'Σ⁻¹e"
    """
    require_known(as_fit(fit))
    found = contributions(fit, labels, **options)
    if np.isnan(found.influence).all():
        raise FitError("Without any one study the model is not identified.", remedy="Pass finer `labels`.")
    ax = axes(ax, (6.4, 5.0))
    x, y = found.misfit, found.influence
    ax.plot(x, y, "o", color=CHAINS[0], markersize=5, markeredgecolor="white", markeredgewidth=0.5, zorder=3)
    ax.set_xlim(-0.02 * float(x.max()), 1.08 * float(x.max()))
    ax.set_ylim(-0.03 * float(np.nanmax(y)), 1.08 * float(np.nanmax(y)))
    _name(ax, found)
    missing = int(np.isnan(y).sum())
    notes = (
        [f"{missing} of {len(y)} without which the model is not identified are not shown"] if missing else []
    )
    label(
        ax,
        "Squared standardised residual, e'Σ⁻¹e",
        "Influence on the fitted mean, in squared standard errors",
        notes,
    )
    return ax


def contributions(fit: Fit, labels: Sequence[Any] | str | None = None, **options: Any) -> Contributions:
    """Return what every study contributes to misfit and result.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("yi ~ 1 + meta_V(vi)", data=ld.load_data("bcg_rr")).fit("reml")
    >>> found = contributions(fit)
    >>> found.labels[7], float(found.misfit[7]), float(found.influence[7])
    ('7', 1.664..., 0.199...)
    """
    units = units_of(fit, labels)
    base = (
        refit(fit, fit.problem.design, **options) if options.get("method", fit.method) != fit.method else fit
    )
    own, design = rows_of(base), fit.problem.design
    residual = design.y - design.X @ base.point.beta
    Sigma = own.total()
    misfit, moved = [], []
    for deletion in deletions(fit, units, **options):
        i = np.flatnonzero(deletion.left_out)
        misfit.append(float(residual[i] @ np.linalg.solve(between(own.where, Sigma, i), residual[i])))
        moved.append(_moved(base, design.X[i], deletion))
    return Contributions(units.labels, np.array(misfit), np.array(moved))


def _moved(base: Fit, X: Floats, deletion: Deletion) -> float:
    if deletion.fit is None:
        return float("nan")
    change = X @ (base.point.beta - deletion.fit.point.beta)
    return float(change @ np.linalg.pinv(X @ deletion.fit.point.beta_cov @ X.T, hermitian=True) @ change)


def _name(ax: Axes, found: Contributions) -> None:
    """Names of the farthest studies that do not run over each other, nor over a point."""
    across, up = extent(ax)
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    x = (found.misfit - left) / (right - left) * across
    y = (np.nan_to_num(found.influence) - bottom) / (top - bottom) * up
    farthest = np.argsort(-np.hypot(x / across, y / up))[:NAMED]
    widths = [text_width(name, TEXT) for name in found.labels]
    for k, side in free_places(x, y, widths, farthest, across):
        dx, dy, align = SIDES[side]
        ax.annotate(
            found.labels[k],
            (found.misfit[k], found.influence[k]),
            xytext=(dx, dy),
            textcoords="offset points",
            ha=align,
            va="center",
            fontsize=TEXT,
            color=DARK,
            zorder=4,
        )


def free_places(
    x: ArrayLike,
    y: ArrayLike,
    widths: Sequence[float],
    order: Sequence[int] | NDArray[np.intp],
    across: float,
) -> list[tuple[int, str]]:
    """Choose which points get their name, and on which side, so that none runs over another or a point.

    Parameters
    ----------
    x, y
        Places of the points, in points of text.
    widths
        Widths of the names.
    order
        Which points are named first.
    across
        Width of the picture.

    Examples
    --------
    >>> free_places([0.0, 30.0, 30.0], [0.0, 0.0, 2.0], [40.0, 40.0, 40.0], [1, 0, 2], 90.0)
    [(1, 'right'), (2, 'above')]
    """
    px, py = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    taken: list[Box] = []
    chosen: list[tuple[int, str]] = []
    for k in order:
        others = np.arange(len(px)) != k
        for side in SIDES:
            box = _box(px[k], py[k], widths[k], side)
            inside = box.left >= 0.0 and box.right <= across
            if inside and not box.holds(px[others], py[others]) and not any(map(box.meets, taken)):
                taken.append(box)
                chosen.append((int(k), side))
                break
    return chosen


class Box(NamedTuple):
    """Where a name is."""

    left: float
    right: float
    middle: float

    def meets(self, other: Box) -> bool:
        """Whether two names run over each other."""
        close = abs(self.middle - other.middle) < 1.15 * TEXT
        return close and self.left < other.right and other.left < self.right

    def holds(self, x: Floats, y: Floats) -> bool:
        """Whether the name runs over any of these points."""
        return bool(((np.abs(y - self.middle) < 0.7 * TEXT) & (x > self.left) & (x < self.right)).any())


def _box(x: float, y: float, width: float, side: str) -> Box:
    dx, dy, align = SIDES[side]
    left = x + dx - {"left": 0.0, "center": width / 2, "right": width}[align]
    return Box(left, left + width, y + dy)
