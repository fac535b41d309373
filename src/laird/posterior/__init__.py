"""Priors with numbers: families, the prior table of a model, and densities built on them."""

from __future__ import annotations

from laird.posterior.coefficients import CoefficientPrior, centring, coefficient_prior
from laird.posterior.defaults import check_overrides, prior_table
from laird.posterior.table import PriorRow, PriorTable

__all__ = [
    "CoefficientPrior",
    "PriorRow",
    "PriorTable",
    "centring",
    "check_overrides",
    "coefficient_prior",
    "prior_table",
]
