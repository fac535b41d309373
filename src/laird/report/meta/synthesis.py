"""All that the report on a meta-analysis tells, computed once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from laird.compare.true_effects import true_effects
from laird.errors import FitError
from laird.fitting.result import Fit
from laird.inference.assumed_correlation import rho_sensitivity
from laird.inference.heterogeneity import Heterogeneity, heterogeneity, heterogeneity_at
from laird.inference.influence import influence, leave_one_out
from laird.inference.predictive import prediction_interval
from laird.inference.refits import refit
from laird.inference.units import Units, units_of
from laird.report.effects import one_of_each_kind
from laird.report.meta.grid import Grid, moderator_grid
from laird.report.meta.labels import stacked_labels
from laird.report.study import Study

MOST_UNITS = 300
"""Of more studies none is left out: every one takes a fit of its own."""

LIKELIHOOD = ("ml", "reml")


@dataclass(frozen=True, slots=True, eq=False)
class Deletions:
    """What becomes of the estimates without single studies.

    Attributes
    ----------
    method
        By which the model was fitted again.
    what
        What a unit is: a study, or a group of a factor.
    by
        The unit of every row.
    estimates, influence
        As `laird.leave_one_out` and `laird.influence` return them, with the labels of the report.
    """

    method: str
    what: str
    by: tuple[str, ...]
    estimates: pd.DataFrame
    influence: pd.DataFrame


@dataclass(frozen=True, slots=True, eq=False)
class AtGrid:
    """Tables at combinations of moderators, by method."""

    grid: Grid
    tables: Mapping[str, pd.DataFrame]


@dataclass(frozen=True, slots=True, eq=False)
class Synthesis:
    """The results of a meta-analysis.

    Attributes
    ----------
    study
        The model and its fits.
    labels
        Names of the rows.
    likelihood
        The fit by REML, else by ML, if there is one.
    heterogeneity
        By method.
    varying
        Heterogeneity at its moderators; None when it has none.
    predictions
        Means and predictions at the moderators; None without a simple choice of them.
    effects
        True effects side by side, one row per row of the fit.
    deletions
        Leave-one-out; None when there are too few or too many studies, or not all is normal.
    correlations
        Estimates for other correlations between sampling errors of one study, as
        `laird.rho_sensitivity` returns them; None where studies have one estimate, or several outcomes.
    """

    study: Study
    labels: tuple[str, ...]
    likelihood: Fit | None
    heterogeneity: Mapping[str, Heterogeneity]
    varying: AtGrid | None
    predictions: AtGrid | None
    effects: pd.DataFrame
    deletions: Deletions | None
    correlations: pd.DataFrame | None


def is_meta_analysis(study: Study) -> bool:
    """Whether the rows are estimates with known sampling variances, and a fit knows of them."""
    return study.model.design.known is not None and bool(study.grouped)


def synthesis(study: Study) -> Synthesis:
    """Compute the results of a meta-analysis that the report tells."""
    fits = study.grouped
    labels = stacked_labels(study.model)
    grid, scale_grid = moderator_grid(study.model), moderator_grid(study.model, scale_only=True)
    return Synthesis(
        study=study,
        labels=labels,
        likelihood=likelihood_of(study),
        heterogeneity={fit.method: heterogeneity(fit) for fit in fits},
        varying=_at(fits, scale_grid, heterogeneity_at) if _varies(study) else None,
        predictions=_at(fits, grid, prediction_interval),
        effects=true_effects(one_of_each_kind(fits), list(labels)),
        deletions=deletions(study, labels),
        correlations=correlations(study, labels),
    )


def _varies(study: Study) -> bool:
    """Whether heterogeneity depends on moderators."""
    return any(scale.W.shape[1] > 1 for scale in study.model.design.scales)


def _at(
    fits: Iterable[Fit], grid: Grid | None, measure: Callable[[Fit, pd.DataFrame | None], pd.DataFrame]
) -> AtGrid | None:
    return AtGrid(grid, {fit.method: measure(fit, grid.frame) for fit in fits}) if grid else None


def deletions(study: Study, labels: tuple[str, ...]) -> Deletions | None:
    """Leave every study out, by REML or ML: each is a fit of its own.  Weighted rows have no influence."""
    if study.model.spec.families:
        return None
    fit = likelihood_of(study) or refit(study.reference, study.model.design, "reml")
    units = _units(fit, labels)
    if not 3 <= len(units.labels) <= MOST_UNITS or study.model.design.weights is not None:
        return None
    by = [units.labels[code] for code in units.codes]
    return Deletions(
        fit.method, units.name, tuple(by), leave_one_out(fit, by), influence(fit, by, how="refit")
    )


def correlations(study: Study, labels: tuple[str, ...]) -> pd.DataFrame | None:
    """Estimates for other correlations of sampling errors, where studies have several of one outcome."""
    fit = likelihood_of(study)
    if fit is None or study.model.design.outcomes:
        return None
    codes = _units(fit, labels).codes
    return None if len(np.unique(codes)) == len(codes) else rho_sensitivity(fit, codes.tolist())


def likelihood_of(study: Study) -> Fit | None:
    """The fit by REML, else by ML, if there is one."""
    return next((fit for fit in reversed(study.fits) if fit.method in LIKELIHOOD), None)


def _units(fit: Fit, labels: tuple[str, ...]) -> Units:
    """Groups of the outermost factor, else rows that belong together, by their labels."""
    try:
        units = units_of(fit)
    except FitError:  # factors cross: the rows by themselves
        return _named(fit, "study", labels)
    if fit.problem.design.random:
        return _named(fit, units.name, [f"{units.name} {units.labels[code]}" for code in units.codes])
    studies = [label.partition(": ")[0] for label in labels] if fit.problem.design.outcomes else labels
    first = dict(zip(units.codes[::-1], studies[::-1], strict=True))
    return _named(fit, "study", [first[code] for code in units.codes])


def _named(fit: Fit, what: str, names: Sequence[str]) -> Units:
    found = units_of(fit, list(names))
    return Units(what, found.codes, found.labels)
