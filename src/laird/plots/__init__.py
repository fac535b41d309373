"""Pictures: functions that draw into the axes or figure they are given, and return the axes.

Given none, they make a pyplot figure, which a notebook shows.  Colours and markers are
the same in all pictures: see `laird.plots.style`.
"""

from laird.plots.betaspace import beta_space
from laird.plots.diagnostics import qq, residuals_vs_fitted
from laird.plots.effect import effect
from laird.plots.geometry import ellipse
from laird.plots.grouppanels import group_panels
from laird.plots.groups import caterpillar, shrinkage_arrows
from laird.plots.parameters import estimates
from laird.plots.plane import coefficient_plane
from laird.plots.quantiles import quantiles
from laird.plots.sampling import prior_posterior, trace_rank
from laird.plots.withinbetween import within_between

__all__ = [
    "beta_space",
    "caterpillar",
    "coefficient_plane",
    "effect",
    "ellipse",
    "estimates",
    "group_panels",
    "prior_posterior",
    "qq",
    "quantiles",
    "residuals_vs_fitted",
    "shrinkage_arrows",
    "trace_rank",
    "within_between",
]
