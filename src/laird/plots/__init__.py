"""Pictures: functions that draw into the axes or figure they are given, and return the axes.

Given none, they make a pyplot figure, which a notebook shows.  Colours and markers are
the same in all pictures: see `laird.plots.style`.
"""

from laird.plots.betaspace import beta_space
from laird.plots.bubbles import bubble
from laird.plots.contributions import baujat
from laird.plots.criticism import predictive_check
from laird.plots.dataspace import data_space
from laird.plots.diagnostics import qq, residuals_vs_fitted
from laird.plots.eb_intervals import eb_intervals
from laird.plots.effect import effect
from laird.plots.envelopes import envelope
from laird.plots.families import families
from laird.plots.forests import forest
from laird.plots.funnels import funnel
from laird.plots.galbraith import radial
from laird.plots.geometry import ellipse
from laird.plots.grouppanels import group_panels
from laird.plots.groups import caterpillar, shrinkage_arrows
from laird.plots.groupshrinkage import group_shrinkage
from laird.plots.nearsingular import ellipsoid, principal_axes
from laird.plots.orchards import orchard
from laird.plots.parameters import estimates
from laird.plots.plane import coefficient_plane
from laird.plots.quantiles import quantiles
from laird.plots.sampling import prior_posterior, trace_rank
from laird.plots.simulatedschool import simulated_school
from laird.plots.taus import heterogeneity
from laird.plots.withinbetween import within_between

__all__ = [
    "baujat",
    "beta_space",
    "bubble",
    "caterpillar",
    "coefficient_plane",
    "data_space",
    "eb_intervals",
    "effect",
    "ellipse",
    "ellipsoid",
    "envelope",
    "estimates",
    "families",
    "forest",
    "funnel",
    "group_panels",
    "group_shrinkage",
    "heterogeneity",
    "orchard",
    "predictive_check",
    "principal_axes",
    "prior_posterior",
    "qq",
    "quantiles",
    "radial",
    "residuals_vs_fitted",
    "shrinkage_arrows",
    "simulated_school",
    "trace_rank",
    "within_between",
]
