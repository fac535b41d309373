"""The axis of effects: its line of no effect, and ticks of exponentiated logs of ratios."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from laird.plots.style import MEDIUM

MOST_TICKS = 7
STEPS = ((1, 1.25, 1.5, 2, 3, 4, 5, 6, 8), (1, 1.5, 2, 3, 5), (1, 2, 5), (1, 3), (1,))
"""Multiples of powers of ten that may be ticks, from many to few."""


def effect_axis(ax: Axes, outcome: str, *, exponentiate: bool) -> None:
    """Label the x axis with the outcome, draw a line at no effect where there is room for it."""
    lower, upper = ax.get_xlim()
    if lower < 0.0 < upper:
        ax.axvline(0.0, color=MEDIUM, linewidth=0.8, zorder=1.0)
    if exponentiate:
        ticks = ratio_ticks(lower, upper)
        ax.xaxis.set_major_locator(FixedLocator(np.log(ticks).tolist()))
        ax.xaxis.set_major_formatter(FixedFormatter([f"{tick:g}" for tick in ticks]))
        ax.xaxis.set_minor_locator(NullLocator())
    else:
        ax.locator_params(axis="x", nbins=MOST_TICKS)
    ax.set_xlim(lower, upper)
    ax.set_xlabel(f"exp({outcome})" if exponentiate else outcome)


def ratio_ticks(lower: float, upper: float) -> list[float]:
    """Return round ratios between exp(lower) and exp(upper), at most `MOST_TICKS`.

    Examples
    --------
    >>> ratio_ticks(-2.5, 1.0)
    [0.1, 0.2, 0.5, 1.0, 2.0]
    """
    powers = range(int(np.floor(lower / np.log(10))), int(np.ceil(upper / np.log(10))) + 1)
    found: list[float] = []
    for steps in STEPS:
        ticks = (float(f"{step * 10.0**power:.6g}") for power in powers for step in steps)
        found = [tick for tick in ticks if np.exp(lower) <= tick <= np.exp(upper)]
        if len(found) <= MOST_TICKS:
            return found
    return found[:: len(found) // MOST_TICKS + 1]
