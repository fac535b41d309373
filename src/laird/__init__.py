"""laird: hierarchical models, contextual effects and meta-analysis; one spec, three fits.

>>> import laird as ld
>>> hs = ld.load_data("hs")
>>> model = ld.model("mathach ~ ses * Sector + (1 + ses | school)", data=hs)
>>> reml = model.fit("reml")
>>> reml.fixef.round(3).to_dict()
{'Intercept': 13.48, 'ses': 1.805, 'Sector[Public]': -1.599, 'ses:Sector[Public]': 1.389}
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from laird.bound import Model, model
    from laird.compare.eb_intervals import eb_intervals
    from laird.compare.estimators import estimators
    from laird.compare.families import compare_families, family_effects, outlier_weights
    from laird.compare.shrinkage import shrinkage
    from laird.compare.simulated_school import simulated_school
    from laird.compare.true_effects import true_effects
    from laird.data.bundled import list_data, load_data
    from laird.data.groupwise import by_group, group_labels, sample_groups
    from laird.data.joins import join_levels
    from laird.data.levels import between, levels
    from laird.data.tables import table
    from laird.errors import DataError, FitError, LairdError, LairdWarning, SpecError
    from laird.fitting.reliability import reliability
    from laird.fitting.result import Fit
    from laird.fitting.stored import load_fit
    from laird.inference.assumed_correlation import rho_sensitivity
    from laird.inference.coefficients import coef_tests
    from laird.inference.comparisons import comparisons
    from laird.inference.contextual import contextual
    from laird.inference.criticism import predictive_check
    from laird.inference.criticism_loglik import log_likelihood
    from laird.inference.criticism_plausible import prior_predictive
    from laird.inference.criticism_scaling import power_scaling
    from laird.inference.cumulative import cumulative
    from laird.inference.envelopes import envelope
    from laird.inference.group_posterior import group_posterior
    from laird.inference.group_weights import group_weights, variance_inequality
    from laird.inference.hausman import hausman
    from laird.inference.heterogeneity import heterogeneity, heterogeneity_at
    from laird.inference.influence import influence, leave_one_out
    from laird.inference.intraclass import icc
    from laird.inference.likelihood_ratio import lr_test
    from laird.inference.logo import compare_loo, loo
    from laird.inference.marginal_means import marginal_means
    from laird.inference.predictions import predictions
    from laird.inference.predictive import prediction_interval
    from laird.inference.residuals import leverage, residuals
    from laird.inference.robust import cluster_robust
    from laird.inference.rsquared import r2
    from laird.inference.scale_tests import scale_tests
    from laird.inference.slopes import slopes
    from laird.inference.wald import wald
    from laird.meta import effects
    from laird.meta.covariances import vcov_bivariate, vcov_cluster
    from laird.report.page import write_report
    from laird.spec import Spec, multilevel, parse_spec, read_spec
    from laird.variants.settings import sensitivity

_HOMES = {
    "DataError": "laird.errors",
    "Fit": "laird.fitting.result",
    "FitError": "laird.errors",
    "LairdError": "laird.errors",
    "LairdWarning": "laird.errors",
    "Model": "laird.bound",
    "Spec": "laird.spec",
    "SpecError": "laird.errors",
    "between": "laird.data.levels",
    "by_group": "laird.data.groupwise",
    "cluster_robust": "laird.inference.robust",
    "coef_tests": "laird.inference.coefficients",
    "compare_families": "laird.compare.families",
    "compare_loo": "laird.inference.logo",
    "comparisons": "laird.inference.comparisons",
    "contextual": "laird.inference.contextual",
    "cumulative": "laird.inference.cumulative",
    "eb_intervals": "laird.compare.eb_intervals",
    "envelope": "laird.inference.envelopes",
    "estimators": "laird.compare.estimators",
    "family_effects": "laird.compare.families",
    "group_labels": "laird.data.groupwise",
    "group_posterior": "laird.inference.group_posterior",
    "group_weights": "laird.inference.group_weights",
    "hausman": "laird.inference.hausman",
    "heterogeneity": "laird.inference.heterogeneity",
    "heterogeneity_at": "laird.inference.heterogeneity",
    "icc": "laird.inference.intraclass",
    "influence": "laird.inference.influence",
    "join_levels": "laird.data.joins",
    "leave_one_out": "laird.inference.influence",
    "levels": "laird.data.levels",
    "leverage": "laird.inference.residuals",
    "list_data": "laird.data.bundled",
    "load_data": "laird.data.bundled",
    "load_fit": "laird.fitting.stored",
    "log_likelihood": "laird.inference.criticism_loglik",
    "loo": "laird.inference.logo",
    "lr_test": "laird.inference.likelihood_ratio",
    "marginal_means": "laird.inference.marginal_means",
    "model": "laird.bound",
    "multilevel": "laird.spec",
    "outlier_weights": "laird.compare.families",
    "parse_spec": "laird.spec",
    "power_scaling": "laird.inference.criticism_scaling",
    "prediction_interval": "laird.inference.predictive",
    "predictions": "laird.inference.predictions",
    "predictive_check": "laird.inference.criticism",
    "prior_predictive": "laird.inference.criticism_plausible",
    "r2": "laird.inference.rsquared",
    "read_spec": "laird.spec",
    "reliability": "laird.fitting.reliability",
    "residuals": "laird.inference.residuals",
    "rho_sensitivity": "laird.inference.assumed_correlation",
    "sample_groups": "laird.data.groupwise",
    "scale_tests": "laird.inference.scale_tests",
    "sensitivity": "laird.variants.settings",
    "shrinkage": "laird.compare.shrinkage",
    "simulated_school": "laird.compare.simulated_school",
    "slopes": "laird.inference.slopes",
    "table": "laird.data.tables",
    "true_effects": "laird.compare.true_effects",
    "variance_inequality": "laird.inference.group_weights",
    "vcov_bivariate": "laird.meta.covariances",
    "vcov_cluster": "laird.meta.covariances",
    "wald": "laird.inference.wald",
    "write_report": "laird.report.page",
}
_MODULES = {"effects": "laird.meta.effects", "plots": "laird.plots"}

__all__ = [
    "DataError",
    "Fit",
    "FitError",
    "LairdError",
    "LairdWarning",
    "Model",
    "Spec",
    "SpecError",
    "between",
    "by_group",
    "cluster_robust",
    "coef_tests",
    "compare_families",
    "compare_loo",
    "comparisons",
    "contextual",
    "cumulative",
    "eb_intervals",
    "effects",
    "envelope",
    "estimators",
    "family_effects",
    "group_labels",
    "group_posterior",
    "group_weights",
    "hausman",
    "heterogeneity",
    "heterogeneity_at",
    "icc",
    "influence",
    "join_levels",
    "leave_one_out",
    "levels",
    "leverage",
    "list_data",
    "load_data",
    "load_fit",
    "log_likelihood",
    "loo",
    "lr_test",
    "marginal_means",
    "model",
    "multilevel",
    "outlier_weights",
    "parse_spec",
    "plots",
    "power_scaling",
    "prediction_interval",
    "predictions",
    "predictive_check",
    "prior_predictive",
    "r2",
    "read_spec",
    "reliability",
    "residuals",
    "rho_sensitivity",
    "sample_groups",
    "scale_tests",
    "sensitivity",
    "shrinkage",
    "simulated_school",
    "slopes",
    "table",
    "true_effects",
    "variance_inequality",
    "vcov_bivariate",
    "vcov_cluster",
    "wald",
    "write_report",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that the import stays light."""
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name not in _HOMES:
        raise AttributeError(f"module 'laird' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
