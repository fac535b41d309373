"""The slides' simulated school: in the space of the data and in beta space."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from laird.compare.simulated_school import SimulatedSchool
from laird.errors import FitError
from laird.plots.geometry import ellipse, robust_limits
from laird.plots.grid import Given, grid, legend_of
from laird.plots.style import DARK, LOOKS, MEDIUM, Look, heading, label

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

type Floats = NDArray[np.float64]

POPULATION = Look("population γ", DARK, "P")
TRUE = Look("true line β", LOOKS["eb"].colour, "D")
OWN = Look("least squares β̂", LOOKS["blue"].colour, "o", filled=False)
BEST = Look("best predictor β̃", LOOKS["eblup"].colour, "o")


def simulated_school(
    school: SimulatedSchool, *, figure: FigureBase | None = None, axes: Given = None
) -> tuple[Axes, ...]:
    """Draw a simulated school twice: its data and lines, and every line as a point of beta space.

    In the space of the data, the band is the population's line ± 1 sd of true lines.  In beta space,
    about the population's γ the ellipse of G, from which the true line β is drawn, and, dashed, that of
    V = G + σ²(X'X)⁻¹, from which least squares β̂ is; about β the ellipse of σ²(X'X)⁻¹, how β̂
    scatters.  The shadow of each ellipse is ± 1 sd (slides, Figures 8 to 17).

    Parameters
    ----------
    school
        What `laird.simulated_school` returned.
    figure
        Figure or subfigure to draw into; None: a new pyplot figure.
    axes
        Two axes to draw into instead.

    Examples
    --------
    >>> import laird as ld
    >>> data, beta = ld.plots.simulated_school(ld.simulated_school(random_seed=1))
    >>> [ax.get_title(loc="left") for ax in (data, beta)]
    ['Data space', 'Beta space']
    """
    if not isinstance(school, SimulatedSchool):
        raise FitError("This picture is of a simulated school.", remedy="Pass `ld.simulated_school()`.")
    drawn = grid(2, 2, (4.6, 4.3), figure, axes)
    _data(drawn.axes[0], school)
    _beta(drawn.axes[1], school)
    legend_of(drawn)
    return drawn.axes


def _lines(school: SimulatedSchool) -> tuple[tuple[Floats, Look], ...]:
    return (school.gamma, POPULATION), (school.beta, TRUE), (school.blue, OWN), (school.blup, BEST)


def _data(ax: Axes, school: SimulatedSchool) -> None:
    low, high = robust_limits(school.x, margin=0.08)
    x = np.linspace(low, high, 61)
    X = np.column_stack([np.ones_like(x), x])
    sd = np.sqrt(np.einsum("ia,ab,ib->i", X, school.G, X))
    mean = X @ school.gamma
    ax.fill_between(x, mean - sd, mean + sd, color=DARK, alpha=0.08, linewidth=0, zorder=1)
    ax.plot(school.x, school.y, "o", color=MEDIUM, markersize=3.6, markeredgewidth=0, zorder=2, label="data")
    for beta, look in _lines(school):
        ax.plot(x[[0, -1]], beta[0] + beta[1] * x[[0, -1]], color=look.colour, linewidth=1.8, zorder=3)
    ax.set_xlim(low, high)
    heading(ax, "Data space")
    label(ax, "x", "y", ["band: population line ± 1 sd of true lines"])


def _beta(ax: Axes, school: SimulatedSchool) -> None:
    kinds = (
        (school.gamma, school.G, DARK, "-", "G about γ"),
        (school.gamma, school.V, OWN.colour, (0, (5, 2)), "V = G + σ²(X'X)⁻¹ about γ"),
        (school.beta, school.blue_cov, TRUE.colour, "-", "σ²(X'X)⁻¹ about β"),
    )
    for centre, cov, colour, line, name in kinds:
        ax.plot(*ellipse(centre, cov), color=colour, linestyle=line, linewidth=1.5, zorder=2, label=name)
    for beta, look in _lines(school):
        ax.plot(*beta[:, None], zorder=4, label=look.label, **look.points(7.0))
    heading(ax, "Beta space")
    label(ax, "Intercept", "Slope", ["shadow of each ellipse: ± 1 sd"])
