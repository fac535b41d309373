"""Regressions of sds and correlations; see `laird.posterior.codings`."""

from laird.posterior.codings import CONSTANT, Coding, Codings, codings, outcome_rows, sigma_designs

__all__ = ["CONSTANT", "Coding", "Codings", "codings", "outcome_rows", "sigma_designs"]
