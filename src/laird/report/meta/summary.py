"""A meta-analysis in one paragraph each: what was combined, what came out, how far it holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import isnan
from typing import Any

import numpy as np

from laird.inference.rowcovariance import RESIDUAL
from laird.report.estimates import Comparison, fixed_terms
from laird.report.meta.grid import EVERY
from laird.report.meta.heterogeneity import TOTAL, q_text
from laird.report.meta.influence import sentence_on_influence
from laird.report.meta.synthesis import Synthesis
from laird.report.study import SHORT
from laird.report.summary import Paragraph, agreement, findings, joined, methods, verdicts
from laird.report.words import code, interval, listed, number, plural

SURPRISING = 0.05
MOST = 4
"""So many combinations of moderators are told in a sentence."""


def meta_summary(
    about: Synthesis, comparison: Comparison, families: Iterable[str] = ()
) -> tuple[Paragraph, ...]:
    """Return the paragraphs of the summary, each after its heading; `families` are sentences."""
    study = about.study
    return joined(
        {
            "Data and methods": (_combined(about),),
            "Mean effects": findings(study, comparison),
            "Heterogeneity": _heterogeneity(about),
            "Prediction": _prediction(about),
            "Families": families,
            "True effects": _pulled(about),
            "Single studies": sentence_on_influence(about.deletions, fixed_terms(comparison))
            if about.deletions
            else (),
            "Agreement": agreement(study, comparison),
            "Checks": verdicts(study),
        }
    )


def _combined(about: Synthesis) -> str:
    design = about.study.model.design
    names = listed(map(code, design.outcomes or (design.outcome,)))
    groups = [f"in {plural(len(r.levels), 'group')} of {code(r.group)}" for r in design.random]
    units = len(np.unique(design.units)) if design.outcomes else 0
    groups += [f"from {plural(units, 'study', 'studies')}"] if units else []
    data = " ".join([plural(len(design.y), "estimate"), *groups])
    known = f"known sampling {'covariances' if _correlated(about) else 'variances'}"
    return f"{data} of {names}, with {known}, were combined by {listed(methods(about.study))}."


def _correlated(about: Synthesis) -> bool:
    known = about.study.model.design.known
    return known is not None and bool(known.blocks)


def _heterogeneity(about: Synthesis) -> Iterator[str]:
    method = about.study.reference.method
    found = about.heterogeneity[method]
    more = "more than" if found.Q.p_value < SURPRISING else "no more than"
    yield f"The estimates differ {more} sampling errors make them ({q_text(found.Q)})."
    shown = [_tau(record) for record in found.table.to_dict("records")]
    yield f"By {SHORT[method]}, the true effects have the standard deviation {listed(shown)}."
    if about.varying is not None:
        records = about.varying.tables[method].to_dict("records")
        labels = about.varying.grid.labels
        at = [(labels[r["row"]], r) for r in records if r["level"] == TOTAL and "outcome" not in r]
        by = [f"{number(r['tau'])} ({_limits(r)}) with {label}" for label, r in at[:MOST]]
        yield from [f"It depends on moderators: {listed(by)}."] if by else []


def _tau(record: Mapping[Any, Any]) -> str:
    is_total = record["level"] == TOTAL
    where = {TOTAL: " in total", RESIDUAL: " between estimates"}
    level = where.get(record["level"], f" between groups of {code(record['level'])}")
    outcome = f" of {code(record['outcome'])}" if "outcome" in record else ""
    share = f", I² {record['I2']:.0f} %" if is_total else ""
    return f"{number(record['tau'])} ({_limits(record)}{share}){level}{outcome}"


def _limits(record: Mapping[Any, Any]) -> str:
    """The interval of τ; one that has no upper end says where it begins."""
    lower, upper = record["tau_lower"], record["tau_upper"]
    if isnan(upper):
        return f"from {number(lower)}" if lower == lower else "no interval"
    return interval(lower, upper, (upper - lower) / 4)


def _prediction(about: Synthesis) -> Iterator[str]:
    """Where a new study's true effect lies, with numbers at their medians."""
    if about.predictions is None:
        return
    method, outcomes = about.study.reference.method, about.study.model.design.outcomes or ("",)
    grid = about.predictions.grid
    labels = [(label, name) for label in grid.labels[: grid.central] for name in outcomes][:MOST]
    records = about.predictions.tables[method].to_dict("records")
    shown = [f"{_range(r)}{_where(*at)}" for r, at in zip(records, labels, strict=False)]
    yield f"The true effect of a new study lies, with 95 % probability, between {listed(shown)}."


def _range(record: Mapping[Any, Any]) -> str:
    return interval(record["pi_lower"], record["pi_upper"], record["se"]).replace(" to ", " and ")


def _where(label: str, outcome: str) -> str:
    of = f" for {code(outcome)}" if outcome else ""
    return of + (f" with {label}" if label != EVERY else "")


def _pulled(about: Synthesis) -> Iterator[str]:
    name = [column for column in map(str, about.effects) if column.endswith("_factor")][-1]
    shares = 100 * about.effects[name]
    yield (
        f"Estimates are pulled towards what the moderators expect by {shares.min():.0f} % to "
        f"{shares.max():.0f} % of the way, at the median by {shares.median():.0f} %."
    )
