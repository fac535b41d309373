"""The report in one paragraph each: what was fitted, what came out, how far to trust it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from laird.report.agreement import effect_difference, fixed_difference, understated
from laird.report.effects import estimators, median_weights
from laird.report.estimates import Comparison, described, fixed_terms
from laird.report.standouts import standouts
from laird.report.study import LONG, SHORT, Study
from laird.report.words import code, count, listed, number, plural

_MOST_NAMED = 12
_LEAST, _CLOSE, _FAR = 0.01, 0.1, 0.5
"""Differences in standard errors: not told apart, of no matter, of matter."""


type Paragraph = tuple[str, str]


def summary(
    study: Study,
    comparison: Comparison,
    tables: Mapping[str, pd.DataFrame],
    families: Iterable[str] = (),
) -> tuple[Paragraph, ...]:
    """Return the paragraphs of the summary, each after its heading; `families` are sentences."""
    paragraphs = {
        "Data and methods": (_fitted(study),),
        "Estimates": (*findings(study, comparison), *_spread(comparison, study.reference.method)),
        "Families": families,
        "Shrinkage": _shrunk(tables),
        "Groups that stand out": _standing_out(study),
        "Agreement": (*agreement(study, comparison), *_agreement_on_groups(study, comparison, tables)),
        "Checks": verdicts(study),
    }
    return joined(paragraphs)


def joined(paragraphs: Mapping[str, Iterable[str]]) -> tuple[Paragraph, ...]:
    """Join the sentences of every paragraph; leave out those without any."""
    texts = {heading: " ".join(sentences) for heading, sentences in paragraphs.items()}
    return tuple((heading, text) for heading, text in texts.items() if text)


def _fitted(study: Study) -> str:
    design = study.model.design
    groups = [
        f"in {plural(len(r.levels), 'group')} of {code(r.group)} ({_sizes(np.bincount(r.ids))})"
        for r in design.random
    ]
    data = " ".join([plural(len(design.y), "row"), *groups])
    return f"The model of {code(design.outcome)} was fitted to {data} by {listed(methods(study))}."


def _sizes(sizes: np.ndarray) -> str:
    if sizes.min() == sizes.max():
        return f"{plural(int(sizes[0]), 'row')} each"
    return f"{count(int(sizes.min()))} to {plural(int(sizes.max()), 'row')} each"


def methods(study: Study) -> Iterator[str]:
    """The methods, with the number of draws."""
    for fit in study.fits:
        chains, draws = fit.draws.shape if fit.draws else (0, 0)
        is_sampled = fit.method == "nuts"
        size = f" ({plural(chains, 'chain')} of {plural(draws, 'draw')})" if is_sampled else ""
        yield LONG[fit.method] + size


def findings(study: Study, comparison: Comparison) -> Iterator[str]:
    """The fixed effects, by the fullest method."""
    method = study.reference.method
    every = {term: comparison.of(method, ("fixed", "", term)) for term in fixed_terms(comparison)}
    effects = {term: e for term, e in every.items() if not is_intercept(term)} or every
    clear = [described(term, e) for term, e in effects.items() if e.excludes_zero]
    open_ = [described(term, e) for term, e in effects.items() if not e.excludes_zero]
    by = f"By {SHORT[method]}, with 95 % intervals:"
    if clear:
        yield f"{by} {_are(len(clear), 'effect')} clearly different from zero: {listed(clear)}."
    if open_:
        start = "The sign is open for" if clear else f"{by} the sign is open for"
        yield f"{start} {listed(open_)}."


def is_intercept(term: str) -> bool:
    """Whether a coefficient is the intercept, of one outcome among several.

    Examples
    --------
    >>> is_intercept("Intercept"), is_intercept("AL: Intercept"), is_intercept("AL: year")
    (True, True, False)
    """
    return term.rpartition(": ")[2] == "Intercept"


def _are(n: int, noun: str) -> str:
    return f"{plural(n, noun)} {'is' if n == 1 else 'are'}"


def _spread(comparison: Comparison, method: str) -> Iterator[str]:
    """How groups and rows vary."""
    for group in dict.fromkeys(group for part, group, _ in comparison.keys if part == "sd"):
        sds = [
            described(key[2], comparison.of(method, key))
            for key in comparison.keys
            if key[:2] == ("sd", group)
        ]
        if sds and method != "ols":
            yield f"Between groups of {code(group)}, coefficients have the standard deviations {listed(sds)}."
    sigma = ("sigma", "", "residual")
    if sigma in comparison.keys:
        shown = described("sigma", comparison.of(method, sigma)).partition(" ")[2]
        yield f"The residual standard deviation is {shown}."


def _shrunk(tables: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    for group, table in tables.items():
        weights = [
            f"{_percent(median)} for {code(term)}{_range(_percent(low), _percent(high))}"
            for term, (median, low, high) in median_weights(table).items()
        ]
        yield (
            f"The weight that a group of {code(group)} gives to its own estimate is, at the median, "
            f"{listed(weights)}; the rest comes from what the fixed effects expect."
        )


def _standing_out(study: Study) -> Iterator[str]:
    """The groups that differ from what the fixed effects expect."""
    fit = study.reference
    for group in study.groups if study.grouped else ():
        found = [(term, labels) for term, labels in standouts(fit, group).items() if labels]
        terms = [f"in {code(term)} {_some(labels)}" for term, labels in found]
        which = (
            f"these groups of {code(group)}: {'; '.join(terms)}" if terms else f"no group of {code(group)}"
        )
        yield (
            f"By {SHORT[fit.method]}, the deviation from what the fixed effects expect is larger than 1.96 "
            f"standard errors for {which}."
        )


def _some(labels: Sequence[str]) -> str:
    shown = list(labels[:_MOST_NAMED])
    rest = len(labels) - len(shown)
    return listed([*shown, f"{rest} more"] if rest else shown)


def _range(low: str, high: str) -> str:
    return "" if low == high else f" (from {low} to {high})"


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")


def agreement(study: Study, comparison: Comparison) -> Iterator[str]:
    """How far the methods agree on the fixed effects."""
    names = [fit.method for fit in study.grouped]
    if len(names) > 1:
        difference, term = fixed_difference(comparison, names)
        yield (
            f"{listed([SHORT[name] for name in names])} {_closeness(difference)} on the fixed effects: "
            f"they differ by at most {_errors(difference)} ({code(term)})."
        )


def _agreement_on_groups(
    study: Study, comparison: Comparison, tables: Mapping[str, pd.DataFrame]
) -> Iterator[str]:
    for group, table in tables.items():
        names = estimators(table)[1:]
        if len(names) > 1:
            largest = _errors(effect_difference(table, names))
            yield f"The coefficients of the groups of {code(group)} differ by at most {largest}."
    if tables and study.fits[0].method == "ols":
        yield from _understated(study, comparison)


def _errors(difference: float) -> str:
    return f"{number(difference, 2) if difference >= _LEAST else _LEAST} standard errors"


def _closeness(difference: float) -> str:
    if difference < _CLOSE:
        return "agree closely"
    return "agree" if difference < _FAR else "disagree"


def _understated(study: Study, comparison: Comparison) -> Iterator[str]:
    ratio, term = understated(comparison, study.reference.method)
    if ratio < 1:
        yield (
            f"OLS ignores the groups and gives {code(term)} a standard error only {_percent(ratio)} as large "
            f"as {SHORT[study.reference.method]} does."
        )


def verdicts(study: Study) -> Iterator[str]:
    """What the checks of the fits found wrong."""
    troubled = [
        (fit, check) for fit in study.fits for check in fit.checks if check.status not in ("ok", "note")
    ]
    if not troubled:
        yield "All checks of all fits passed."
    for fit, check in troubled:
        yield f"{SHORT[fit.method]}: {check.message}"
