"""Q-Q plots of residuals with an envelope that the fitted model gives."""

from __future__ import annotations

from matplotlib.axes import Axes

from laird.errors import FitError
from laird.inference.envelopes import Envelope
from laird.plots.style import DARK, LOOKS, MEDIUM, Look, axes, label, legend_above, marker_size

INSIDE = Look("within", "#5b7c99", "o")
OUTSIDE = Look("outside", LOOKS["eblup"].colour, "D")
NAMED = 3
"""So many points beyond the band at either end are named."""


def envelope(found: Envelope, *, ax: Axes | None = None) -> Axes:
    """Draw sorted residuals against normal quantiles, in the envelope of `laird.envelope`.

    Points outside are marked, and named where the curve ends beyond the band.

    Parameters
    ----------
    found
        What `laird.envelope` gives.
    ax
        Axes to draw into; None: a new pyplot figure.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("Reaction ~ Days + (Days | Subject)", data=ld.load_data("sleepstudy")).fit("reml")
    >>> ld.plots.envelope(ld.envelope(fit, draws=39, random_seed=1)).get_ylabel()
    'Residuals, standardised'
    """
    if not isinstance(found, Envelope):
        raise FitError("This picture is drawn from an envelope.", remedy="Pass `ld.envelope(fit)`.")
    ax, table = axes(ax), found.table
    x, y, outside = (table[name].to_numpy() for name in ("quantile", "residual", "outside"))
    name = f"{100 * found.prob:g} % {found.band} envelope, {found.draws} simulations"
    ax.fill_between(x, table["lower"], table["upper"], color=MEDIUM, alpha=0.18, linewidth=0, label=name)
    ax.plot(x, table["median"], color=DARK, linewidth=0.9, zorder=2)
    size = max(marker_size(ax, len(table)), 2.0)
    for look, here in ((INSIDE, ~outside), (OUTSIDE, outside)):
        if here.any():
            ax.plot(x[here], y[here], label=look.label, zorder=3, **look.points(size))
    _name_ends(ax, found)
    label(ax, "Normal quantile", found.what, [f"p = {found.p_value:.2g} of the whole curve"])
    legend_above(ax)
    return ax


def _name_ends(ax: Axes, found: Envelope) -> None:
    """Name the points at either end that lie beyond the band, each towards the middle."""
    for side, table in ((1, found.table), (-1, found.table[::-1])):
        beyond = side * (table["lower" if side > 0 else "upper"] - table["residual"]) > 0
        for row in table[beyond.cummin()].head(NAMED).itertuples():
            ax.annotate(
                str(row.label),
                (row.quantile, row.residual),
                xytext=(5 * side, 0),
                textcoords="offset points",
                ha="left" if side > 0 else "right",
                va="center",
                fontsize="x-small",
                color=DARK,
            )
