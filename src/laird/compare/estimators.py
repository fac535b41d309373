"""`estimators`: the ways to relate an outcome to a variable that varies within and between groups.

The slides on the High School data put one question, how mathach depends on ses in the two
sectors, to every method in turn; this is that comparison for any data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import numpy as np

from laird.compare import estimates, estimates_mixed
from laird.compare.answers import Situation
from laird.compare.betaspace import Level, shadow_radius
from laird.compare.comparison import Estimators, Paradox, Refusal
from laird.compare.estimates import INTERCEPT, Estimate, Sample
from laird.compare.estimates_mixed import Slopes
from laird.compare.question import Missing, Question, read_question
from laird.errors import LairdError
from laird.fitting.display import number
from laird.fitting.options import one_of
from laird.fitting.result import Fit
from laird.inference.distributions import f_tail
from laird.spec import term_name

type SmallGroups = Literal["refuse", "drop"]


class Found(NamedTuple):
    """What one estimator gave."""

    estimator: str
    estimates: tuple[Estimate, ...]
    fit: Fit | None = None


def estimators(
    formula: str,
    *,
    group: str,
    between: str = "",
    data: Any,
    levels: Mapping[str, Sequence[Any]] | None = None,
    missing: Missing = "error",
    slopes: Slopes = "random",
    small_groups: SmallGroups = "refuse",
) -> Estimators:
    """Estimate the effect of variables that vary within groups in seven ways, side by side.

    1 pooled least squares; 2a least squares in every group, averaged; 2b fixed effects
    with common slopes; 3 two-stage (derived variables): the groups' lines as data; 4
    between groups: the group means as data; 5 the mixed model; 6 the mixed model with
    contextual variables, which tells the effects within and between groups apart.

    Parameters
    ----------
    formula
        Outcome and within variables, ``"mathach ~ ses"`` or ``"y ~ x + z"``.
    group
        Column of the groups, or several joined by a colon: ``"school:class"``.
    between
        Variables constant within groups, ``"Sector"`` or ``"Sector + Size"``; lines may depend
        on them.  Of one categorical variable each level has its line.
    data
        Any data frame that narwhals accepts.
    levels, missing
        As in `laird.model`.
    slopes
        ``"random"``: the mixed models have random slopes of all within variables;
        ``"common"``: random intercepts only.
    small_groups
        Groups without a least-squares line of their own (one row, or no spread) make 2a and 3
        impossible: ``"refuse"`` says so in their place, ``"drop"`` leaves these groups out
        of 2a and 3.

    Returns
    -------
    `Estimators`: a table (`to_frame`), the three questions to every estimator in words
    (`answers`), Robinson's and Simpson's paradoxes (`paradoxes`), points and ellipses of
    beta space (`line`, `lines`), and the two mixed fits (`fits`).  An estimator that the
    data do not allow is named in `refused` with the reason.

    Raises
    ------
    SpecError, DataError
        The formula or the data cannot be used: a within variable is constant in all
        groups, a between variable varies within a group.
    FitError
        The outcome is an exact function of the variables.

    Notes
    -----
    Source: G. Monette, Mixed Models with R: From Hierarchical to Mixed (slides), p. 40 to 75.

    Examples
    --------
    >>> import laird as ld
    >>> hs = ld.load_data("hs")
    >>> found = ld.estimators("mathach ~ ses", group="school", between="Sector", data=hs)
    >>> table = found.to_frame()
    >>> table[table.term == "ses:Sector[Public]"][["estimator", "effect", "estimate", "se"]].round(3)
            estimator      effect  estimate     se
    3          pooled     mixture     1.605  0.385
    7        averaged      within     1.110  0.454
    9   common_slopes      within     1.205  0.436
    13      two_stage      within     1.110  0.509
    17        between     between     2.474  1.392
    21          mixed     mixture     1.389  0.436
    25     contextual      within     1.172  0.489
    29     contextual     between     2.410  1.374
    31     contextual  contextual     1.238  1.458
    """
    one_of("slopes", slopes, ("random", "common"))
    one_of("small_groups", small_groups, ("refuse", "drop"))
    question = read_question(formula, group, between, data, levels, missing)
    results = list(_all(question, slopes, drop=small_groups == "drop"))
    found = [result for result in results if isinstance(result, Found)]
    return Estimators(
        title=question.title,
        estimates=tuple(estimate for result in found for estimate in result.estimates),
        refused=tuple(result for result in results if isinstance(result, Refusal)),
        levels=question.levels,
        situation=_situation(question, found),
        found=tuple(_paradoxes(question)),
        fitted=tuple((result.estimator, result.fit) for result in found if result.fit is not None),
        sample=question.sample,
    )


def _all(question: Question, slopes: Slopes, *, drop: bool) -> Iterator[Found | Refusal]:
    sample = question.sample
    estimators: dict[str, Callable[[], Found]] = {
        "pooled": lambda: _single(estimates.pooled(sample)),
        "averaged": lambda: _single(estimates.averaged(sample, drop=drop)),
        "common_slopes": lambda: _single(estimates.common_slopes(sample)),
        "two_stage": lambda: _single(estimates.two_stage(sample, drop=drop)),
        "between": lambda: _single(estimates.between(sample)),
        "mixed": lambda: _fitted(*estimates_mixed.mixed(sample, question.mixed(slopes))),
        "contextual": lambda: _fitted(*estimates_mixed.contextual(sample, question.contextual(slopes))),
    }
    return (_attempt(name, estimator) for name, estimator in estimators.items())


def _single(estimate: Estimate) -> Found:
    return Found(estimate.estimator, (estimate,))


def _fitted(fit: Fit, *found: Estimate) -> Found:
    return Found(found[0].estimator, found, fit)


def _attempt(name: str, estimator: Callable[[], Found]) -> Found | Refusal:
    """What the data do not allow is an answer too: the other estimators stand beside it."""
    try:
        return estimator()
    except LairdError as error:
        return Refusal(name, " ".join(part for part in (error.what, error.remedy) if part))


def _situation(question: Question, found: Sequence[Found]) -> Situation:
    sample = question.sample
    return Situation(
        x=" and ".join(sample.x_names),
        group=sample.group,
        between=" and ".join(map(term_name, question.between)),
        rows=len(sample.y),
        groups=sample.J,
        smallest=int(sample.sizes.min()),
        largest=int(sample.sizes.max()),
        balanced=bool(estimates.equal_means(sample).all()),
        contextual=next((_evidence(result) for result in found if result.estimator == "contextual"), ""),
    )


def _evidence(result: Found) -> str:
    """Wald test that the effects within and between groups are equal, as a sentence."""
    estimate = next(estimate for estimate in result.estimates if estimate.effect == "contextual")
    r, df = len(estimate.coefficients), float(estimate.df.min())
    z = np.linalg.solve(estimate.cov, estimate.coefficients)
    statistic = float(estimate.coefficients @ z) / r
    p = f_tail(statistic, r, df)
    verdict = "Here they differ" if p < 0.05 else "Here they do not differ beyond error"
    shown = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    return f"{verdict} (F = {number(statistic, 3)}, {shown})."


def _paradoxes(question: Question) -> Iterator[Paradox]:
    """Slopes of all rows, ignoring the between variables, and of every level of one categorical."""
    sample = question.sample
    alone = replace(sample, w=np.ones((sample.J, 1)), w_names=(INTERCEPT,))
    yield from _paradoxes_of(alone, [Level("all", np.ones(1))])
    yield from _paradoxes_of(sample, question.separate_levels)


def _paradoxes_of(sample: Sample, levels: Sequence[Level]) -> Iterator[Paradox]:
    within = _or_none(estimates.common_slopes, sample)
    others = {"Robinson": _or_none(estimates.between, sample), "Simpson": _or_none(estimates.pooled, sample)}
    for name, other in others.items():
        if within and other:
            yield from (_paradox(name, within, other, x, level) for x in sample.x_names for level in levels)


def _or_none(estimator: Callable[[Sample], Estimate], sample: Sample) -> Estimate | None:
    try:
        return estimator(sample)
    except LairdError:
        return None


def _paradox(name: str, within: Estimate, other: Estimate, x: str, level: Level) -> Paradox:
    (a, a_clear), (b, b_clear) = _slope(within, x, level), _slope(other, x, level)
    return Paradox(name, x, level.name, a, b, bool(a * b < 0), a_clear and b_clear)


def _slope(estimate: Estimate, x: str, level: Level) -> tuple[float, bool]:
    """A slope at a level, and whether its 95 % interval excludes zero."""
    own, k = estimate.at(level.weights), estimate.rows.index(x)
    slope, se = float(own.coefficients[k]), float(own.se[k])
    return slope, abs(slope) > shadow_radius(float(own.df[k])) * se
