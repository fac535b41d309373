"""What a report tells of errors and effects that are not normal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Any, Literal

import pandas as pd

from laird import plots
from laird.compare.families import (
    NORMAL,
    compare_families,
    family_effects,
    family_name,
    normal_model,
    outlier_weights,
)
from laird.errors import FitError
from laird.fitting.display import row_name
from laird.fitting.result import Fit
from laird.inference.criticism import predictive_check
from laird.report.blocks import Block, Cell, Picture, Pictures, Section, Table, Text
from laird.report.estimates import Comparison, described
from laird.report.figures import panelled, single
from laird.report.meta.labels import stacked_labels
from laird.report.study import Study
from laird.report.words import DASH, code, listed, number, sentence, with_error
from laird.spec.families import ERRORS, TRUE_EFFECTS

type Unit = Literal["group", "row"]

NAMES = {"t": "Student t", "skew_normal": "skew-normal"}
COUNTED_LESS, MOST = 0.5, 10
"""Weights below are told; of many the smallest."""
FEW_ROWS, MOST_ROWS = 3000, 60
"""Of so many rows each is left out in turn; so many effects have a picture."""

_LEFT_OUT = "What rests on the likelihood of the normal model is left out here: {}."
_OF_GROUPS = "OLS, REML and empirical Bayes, and normal quantile plots of what is not normal"
_OF_STUDIES = "REML and empirical Bayes, tests for few studies, leave-one-out diagnostics, and R²"
TOLD_APART = 4.0
"""A smaller difference in log density is small next to its error (Sivula, Magnusson and Vehtari 2020)."""
_SDS = (
    "Standard deviations are those of the distributions themselves, so that they mean the same in every "
    "family. The normal model has the same priors, draws and seed."
)


@dataclass(frozen=True, slots=True, eq=False)
class Families:
    """The fit beside that of the normal model.

    Attributes
    ----------
    fits
        The normal fit, and the study's, by name.
    table
        As `laird.compare_families` returns it.
    unit
        What was left out in turn; empty for nothing.
    weights
        Below ½, as `laird.outlier_weights` returns them, with the labels of the report; None without a t.
    """

    fits: Mapping[str, Fit]
    table: pd.DataFrame
    unit: str
    weights: pd.DataFrame | None


def families_of(study: Study) -> Families | None:
    """Fit the normal model too, and compare; None where everything is normal."""
    if not study.model.spec.families:
        return None
    fit = study.reference
    chains, draws = fit.draws.shape if fit.draws else (4, 1000)
    how = {"chains": chains, "draws": draws, "random_seed": fit.origin.seed, "progress": False}
    fits = {NORMAL: normal_model(study.model).fit("nuts", **how), family_name(study.model): fit}
    table, unit = _compared(study, fits)
    return Families(fits, table, unit, _weights(study))


def _compared(study: Study, fits: Mapping[str, Fit]) -> tuple[pd.DataFrame, str]:
    """The table, and what was left out of predictions: what can be, of models that are not large."""
    units: tuple[Unit, ...] = (
        ("row", "group") if ERRORS in dict(study.model.spec.families) else ("group", "row")
    )
    for unit in units if len(study.model.design.y) <= FEW_ROWS else ():
        try:
            return compare_families(fits, unit=unit), unit
        except FitError:  # whole groups of several factors cannot be left out
            continue
    return compare_families(fits, unit=None), ""


def _weights(study: Study) -> pd.DataFrame | None:
    if "t" not in dict(study.model.spec.families).values():
        return None
    found = outlier_weights(study.reference)
    found = found[found["weight"] < COUNTED_LESS]
    return found.assign(label=[_label(study, own.what, own.label) for own in found.itertuples()])


def _label(study: Study, what: object, label: object) -> str:
    if what == TRUE_EFFECTS:
        return dict(zip(map(str, study.model.design.rows), stacked_labels(study.model), strict=True))[
            str(label)
        ]
    return f"row {label}" if what == ERRORS else str(label)


def sentences_on_families(about: Families | None, study: Study, comparison: Comparison) -> Iterator[str]:
    """What the data say of the families."""
    if about is None:
        return
    yield f"{sentence(listed(_described(study)))}."
    shapes = [key for key in comparison.keys if key[0] in ("nu", "alpha")]
    yield f"Shapes are {listed(described(row_name(*key), comparison.of('nuts', key)) for key in shapes)}."
    if about.unit:
        yield _on_predictions(about, study)
    if about.weights is not None:
        yield _on_weights(about.weights)


def _described(study: Study) -> Iterator[str]:
    rows = {ERRORS: "residuals", TRUE_EFFECTS: "true effects"}
    for what, family in study.model.spec.families:
        yield f"{rows.get(what, f'effects of {code(what)}')} have a {NAMES[family]} distribution"


def _on_predictions(about: Families, study: Study) -> str:
    loo = _left_out_rows(about)
    behind = min(about.fits, key=lambda name: loo["elpd_diff"][name])
    difference, error = -loo["elpd_diff"][behind], loo["elpd_diff"][f"{behind}_sd"]
    models = (
        "this model than with the normal one" if behind == NORMAL else "the normal model than with this one"
    )
    apart = "" if difference > max(2 * error, TOLD_APART) else ", too little to tell them apart"
    density = f"The log density of left-out {_units(about, study)}"
    return f"{density} is higher by {with_error(difference, error)} with {models}{apart}."


def _left_out_rows(about: Families) -> dict[str, dict[str, float]]:
    """The rows of predictions by term."""
    records = about.table[about.table["component"] == "loo"].to_dict("records")
    return {r["term"]: {str(name): value for name, value in r.items()} for r in records}


def _units(about: Families, study: Study) -> str:
    if study.model.design.known is not None and not study.model.design.random:
        return "studies"
    return f"{about.unit}s"


def _model(name: str) -> str:
    return NAMES.get(name, name)


def _on_weights(weights: pd.DataFrame) -> str:
    if weights.empty:
        return f"No weight is below {COUNTED_LESS}: there are no clear outliers."
    head = weights.head(MOST)
    first = [f"{own} ({number(w, 2)})" for own, w in zip(head["label"], head["weight"], strict=True)]
    rest = len(weights) - len(first)
    shown = listed([*first, f"{rest} more"] if rest else first)
    return f"Outliers, which count less than half of a typical one by their weights: {shown}."


def families_section(about: Families, study: Study) -> Section:
    """Both fits side by side, outliers, effects by family, and a predictive check."""
    blocks = (
        Text(f"{_SDS} {_left_out(study)}"),
        _parameters(about),
        *_predictions(about, study),
        *_effects(about, study),
        _check(study.reference),
    )
    return Section("families", "Families beside the normal", blocks)


def _left_out(study: Study) -> str:
    return _LEFT_OUT.format(_OF_STUDIES if study.model.design.known else _OF_GROUPS)


def _parameters(about: Families) -> Table:
    rows = about.table[about.table["component"] != "loo"].to_dict("records")
    cells = [(Cell(row_name(r["component"], r["group"], r["term"])), *_pair(about, r)) for r in rows]
    head = (Cell("Parameter"), *(Cell(sentence(_model(name))) for name in about.fits))
    return Table("Posterior mean ± sd by family", "lrr", head, tuple(cells))


def _pair(about: Families, record: Mapping[Any, Any]) -> Iterator[Cell]:
    for name in about.fits:
        yield Cell(with_error(record[name], record[f"{name}_sd"]))


def _predictions(about: Families, study: Study) -> Iterator[Table]:
    if about.unit:
        loo = _left_out_rows(about)
        head = ("Model", "Log density", "Less than the best", "Largest k̂")
        rows = tuple(
            tuple(map(Cell, (sentence(_model(name)), *_predicted(loo, name)))) for name in about.fits
        )
        caption = f"Predictions of left-out {_units(about, study)}"
        note = "Larger log densities are better; beyond a k̂ of 0.7 they are not reliable."
        yield Table(caption, "lrrr", tuple(map(Cell, head)), rows, note)


def _predicted(loo: Mapping[str, Mapping[str, float]], name: str) -> tuple[str, str, str]:
    spread = f"{name}_sd"
    behind, error = loo["elpd_diff"][name], loo["elpd_diff"][spread]
    apart = with_error(-behind, error) if behind < 0 else DASH
    density = with_error(loo["elpd"][name], loo["elpd"][spread])
    return density, apart, number(loo["worst pareto_k"][name], 2)


def _effects(about: Families, study: Study) -> Iterator[Block]:
    """What each family makes of the effects that are not normal."""
    for what in dict(study.model.spec.families):
        if what == ERRORS:
            continue
        table = family_effects(about.fits, what, list(stacked_labels(study.model)))
        shown = [_picture(what, str(term), rows) for term, rows in table.groupby("term", sort=False)]
        if len(table) <= MOST_ROWS * len(shown):
            yield Pictures(tuple(shown), wide=True)


def _picture(what: str, term: str, rows: pd.DataFrame) -> Picture:
    name = "True effects" if what == TRUE_EFFECTS else f"{term} of the groups of {what}"
    return single(
        partial(plots.families, rows, term),
        alt=f"{name}: own estimates, and posterior means by family.",
        caption=(
            f"{name}: own estimates ± one standard error, and posterior means by family; the weights of "
            f"outliers, below {COUNTED_LESS}, are written beside them."
        ),
        size=(7.5, 1.4 + 0.24 * len(rows)),
    )


def _check(fit: Fit) -> Pictures:
    found = predictive_check(fit)
    shown = panelled(
        partial(plots.predictive_check, found),
        alt="Histograms of statistics of replicated data, with a line where the data are.",
        caption=(
            "Predictive check: statistics of data that the fitted model gives, and of the data (line); p is "
            "the share of replicates that reach it."
        ),
        size=(9.6, 2.1 * ceil(len(found.labels) / 4)),
    )
    return Pictures((shown,), wide=True)
