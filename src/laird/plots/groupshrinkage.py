"""One group in the plane of two coefficients: from its own estimate to its predictor."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from laird.compare.shrinkage import NAMES
from laird.errors import FitError
from laird.fitting import ols
from laird.fitting.result import Fit
from laird.plots.geometry import ellipse, robust_limits
from laird.plots.osculation import Shrunk, shrunk
from laird.plots.plane import coefficient_pair
from laird.plots.sources import as_fit, coefficient_name, random_design
from laird.plots.style import DARK, LOOKS, MEDIUM, Look, axes, heading, label, legend_above


def group_shrinkage(
    fit: Fit,
    level: str,
    x: str = "Intercept",
    y: str | None = None,
    *,
    group: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw why the estimate of one group is shrunk, and where to.

    About the mean that the fixed part gives, the ellipse of G shows how true lines vary; about
    the group's own estimate (BLUE), the ellipse of V_j = σ²(Z_j'Z_j)⁻¹ how uncertain it is.  The
    predictor (BLUP) lies on the curve of all points where two ellipses of these shapes touch,
    which need not be straight; the thin ellipses touch at the predictor (with two
    coefficients).  The ellipse about it shows what stays uncertain.  Shadows of the filled
    ellipses are ± 1 sd (slides, p. 138 and 169).

    Parameters
    ----------
    fit
        A fit by any method but ``"ols"``.
    level
        Label of the group.
    x, y
        Coefficients of the groups; `y` None: the first that is not `x`.
    group
        Grouping factor, when the model has several.
    ax
        Axes to draw into; None: a new pyplot figure.

    Raises
    ------
    FitError
        An unknown group or coefficient, or a group too small for an estimate of its own.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("mathach ~ ses + (ses | school)", data=ld.load_data("hs")).fit("reml")
    >>> ld.plots.group_shrinkage(fit, "5619").get_title(loc="left")
    'school 5619'
    """
    random = random_design(as_fit(fit), group)
    pair = coefficient_pair(random, x, y)
    if fit.method == "ols":
        raise FitError("Least squares does not shrink.", remedy='Fit with "ml", "reml", "eb" or "nuts".')
    own = ols.fit(fit.problem).group_coef(random.group).to_numpy()
    at = (random.names.index(pair[0]), random.names.index(pair[1]))
    found = shrunk(fit, own, random.group, str(level), at)
    ax = axes(ax, (5.6, 5.0))
    _draw(ax, found, LOOKS[NAMES[fit.method]])
    outcome = fit.problem.design.outcome
    names = [f"{coefficient_name(name)} ({outcome})" for name in pair]
    label(ax, names[0], names[1], ["shadow of each filled ellipse: ± 1 sd"])
    heading(ax, f"{random.group} {level}")
    legend_above(ax)
    return ax


def _draw(ax: Axes, found: Shrunk, look: Look) -> None:
    blue = LOOKS["blue"]
    kinds = (
        (found.mean, found.G, Look("mean and G", DARK, "P")),
        (found.blue, found.V, Look("BLUE and V", blue.colour, blue.marker, filled=False)),
        (found.blup, found.left, Look(f"{look.label} and what stays uncertain", look.colour, look.marker)),
    )
    outlines = [ellipse(centre, cov) for centre, cov, _ in kinds]
    whole = np.concatenate(outlines, axis=1)
    ax.set(xlim=robust_limits(whole[0]), ylim=robust_limits(whole[1]))
    for (centre, _, own), outline in zip(kinds, outlines, strict=True):
        ax.fill(*outline, color=own.colour, alpha=0.08, linewidth=0, zorder=1.5)
        ax.plot(*outline, color=own.colour, linewidth=1.4, zorder=3)
        ax.plot(*centre[:, None], zorder=5, label=own.label, **own.points(7.5))
    for (centre, cov, own), radius in zip(kinds, found.radii, strict=False):
        if np.isfinite(radius):
            ax.plot(*ellipse(centre, cov, radius), color=own.colour, linewidth=0.6, zorder=2)
    dash = (0, (4, 2))
    ax.plot(*found.curve, color=MEDIUM, linewidth=1.1, linestyle=dash, zorder=4, label="where ellipses touch")
