"""Predictive checks: statistics of replicated data, and where those of the data lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from laird.errors import FitError
from laird.inference.criticism import PredictiveCheck
from laird.inference.criticism_plausible import PriorPredictive
from laird.plots.style import DARK, MEDIUM, heading, panels

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

type Floats = NDArray[np.float64]

BINS = 40
MIDDLE = (0.001, 0.999)
"""Replicates beyond these quantiles are not drawn: priors can have very long tails."""


def predictive_check(
    check: PredictiveCheck | PriorPredictive, *, figure: FigureBase | None = None
) -> tuple[Axes, ...]:
    """Draw a histogram of every statistic over the replicates, and a line where the data are.

    p is the share of replicates that reach the data's value.

    Parameters
    ----------
    check
        From `laird.predictive_check` or `laird.prior_predictive`.
    figure
        Figure or subfigure to draw into; None: a new pyplot figure.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("mathach ~ ses + (1 | school)", data=ld.load_data("hs")).fit()
    >>> drawn = ld.plots.predictive_check(ld.predictive_check(fit, random_seed=1))
    >>> print(drawn[4].get_title(loc="left"))
    sd of group means
    data 3.01, p = 0.032
    """
    own = check.check if isinstance(check, PriorPredictive) else check
    if not isinstance(own, PredictiveCheck):
        raise FitError("This picture is of a predictive check.", remedy="Pass `laird.predictive_check(fit)`.")
    drawn = panels(figure, len(own.labels), min(len(own.labels), 4), (2.4, 1.8))
    for ax, name, observed, values in zip(drawn, own.labels, own.observed, own.replicated.T, strict=True):
        _panel(ax, name, float(observed), values)
    return drawn


def _panel(ax: Axes, name: str, observed: float, values: Floats) -> None:
    low, high = np.quantile(values, MIDDLE)
    ax.hist(values, bins=np.linspace(low, high, BINS + 1).tolist(), color=MEDIUM, alpha=0.5)
    ax.axvline(observed, color=DARK, linewidth=1.6)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.grid(visible=False)
    ax.locator_params(axis="x", nbins=4)
    heading(ax, name, f"data {observed:.3g}, p = {np.mean(values >= observed):.3g}")
