"""The pictures of a meta-analysis: each one call of `laird.plots`, with its caption and its words."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from laird import plots
from laird.fitting.result import Fit
from laird.plots.moderators import moderators
from laird.report.blocks import Block, Picture, Pictures, Section, Text
from laird.report.figures import WIDE, single
from laird.report.meta.synthesis import Synthesis
from laird.report.study import SHORT
from laird.report.words import plural

FOREST_INCHES, ROW_INCHES, FRAME_INCHES = 10.4, 0.23, 1.0
"""Width of a forest plot; height of a row, and of axis and legend."""
HEADINGS, MEANS = 3, 5
"""Rows of a forest plot beside the studies: headings and the overall mean, and those of a subgroup."""
MOST_ROWS = 150
"""A forest of more rows cannot be read."""
MOST_LEVELS = 8
MOST_MODERATORS = 4


def study_pictures(about: Synthesis) -> tuple[Block, ...]:
    """A forest plot of every outcome, of what can be read."""
    shown = [_forest(about, outcome) for outcome in _outcomes(about) if _size(about, outcome) <= MOST_ROWS]
    return (Pictures(tuple(shown), wide=True),) if shown else ()


def _outcomes(about: Synthesis) -> tuple[str | None, ...]:
    return about.study.model.design.outcomes or (None,)


def _of(outcome: str | None) -> str:
    return f" of {outcome}" if outcome else ""


def _size(about: Synthesis, outcome: str | None) -> int:
    design = about.study.model.design
    if outcome is None:
        return len(design.y)
    return int(np.count_nonzero(design.which == design.outcomes.index(outcome)))


def _forest(about: Synthesis, outcome: str | None) -> Picture:
    fit, k = about.study.reference, _size(about, outcome)
    by = next(iter(_categories(about)), None)
    of = _of(outcome)
    return single(
        partial(plots.forest, fit, labels=list(about.labels), by=by, outcome=outcome),
        alt=f"Forest plot of {plural(k, 'estimate')}{of} with intervals, true effects and means.",
        caption=(
            f"Estimates{of} with 95 % intervals, below each its true effect by {SHORT[fit.method]}; means, "
            "and prediction intervals of the true effect of a new study."
        ),
        size=(
            FOREST_INCHES,
            FRAME_INCHES + ROW_INCHES * (k + HEADINGS + MEANS * (1 + _subgroups(about, by))),
        ),
    )


def _subgroups(about: Synthesis, by: str | None) -> int:
    return len(set(_told(about)[by])) if by else 0


def _told(about: Synthesis) -> dict[str, Any]:
    """Moderators whose values pictures know; none when one is hidden in a function, or of one outcome."""
    known = moderators(about.study.reference)
    grid = about.predictions.grid.frame if about.predictions else None
    names = [] if grid is None else [str(name) for name in grid]
    if any(name not in known or pd.isna(known[name]).any() for name in names):
        return {}
    return {name: known[name] for name in names}


def _categories(about: Synthesis) -> list[str]:
    """Categorical moderators of few levels."""
    told = _told(about).items()
    return [name for name, own in told if own.dtype == object and len(set(own)) <= MOST_LEVELS]


def _numbers(about: Synthesis) -> list[str]:
    return [name for name, own in _told(about).items() if own.dtype != object]


def heterogeneity_pictures(about: Synthesis) -> tuple[Block, ...]:
    """τ against each of its moderators."""
    if about.varying is None:
        return ()
    fit, frame = about.study.reference, about.varying.grid.frame
    known = () if frame is None else [name for name in frame if frame[name].nunique() > 1]
    names = [str(name) for name in known if name in _told(about)][:MOST_MODERATORS]
    shown = [_tau(fit, name, outcome) for outcome in _outcomes(about) for name in names]
    return (Pictures(tuple(shown)),) if shown else ()


def _tau(fit: Fit, name: str, outcome: str | None) -> Picture:
    of = _of(outcome)
    return single(
        partial(plots.heterogeneity, fit, name, outcome=outcome),
        alt=f"Standard deviation of the true effects{of} against {name}, with its interval.",
        caption=f"Heterogeneity{of} against {name} by {SHORT[fit.method]}, with 95 % intervals.",
    )


def prediction_pictures(about: Synthesis) -> tuple[Block, ...]:
    """Estimates by category, and against numeric moderators."""
    fit = about.study.reference
    orchards, bubbles = list[Picture](), list[Picture]()
    categories: list[str | None] = [*_categories(about)]
    for outcome in _outcomes(about):
        orchards += [_orchard(fit, by, _subgroups(about, by) or 1, outcome) for by in categories or [None]]
        bubbles += [_bubble(fit, x, outcome) for x in _numbers(about)[:MOST_MODERATORS]]
    found = (Pictures(tuple(orchards), wide=True), Pictures(tuple(bubbles)))
    return tuple(block for block in found if block.pictures)


def _orchard(fit: Fit, by: str | None, groups: int, outcome: str | None) -> Picture:
    of = _of(outcome)
    where = f" by {by}" if by else ""
    return single(
        partial(plots.orchard, fit, by=by, outcome=outcome),
        alt=f"All estimates{of}{where}, with means and prediction intervals.",
        caption=(
            f"Estimates{of}{where} (area: precision), means with 95 % intervals (thick) and prediction "
            f"intervals (thin) by {SHORT[fit.method]}."
        ),
        size=(8.4, 1.6 + 1.1 * groups),
    )


def _bubble(fit: Fit, name: str, outcome: str | None) -> Picture:
    of = _of(outcome)
    return single(
        partial(plots.bubble, fit, name, outcome=outcome),
        alt=f"Estimates{of} against {name} with the mean and the spread of the true effects.",
        caption=(
            f"Estimates{of} against {name} (area: weight), the mean with its 95 % interval, and the band of "
            f"one τ about it, by {SHORT[fit.method]}."
        ),
        size=WIDE,
    )


def influence_pictures(about: Synthesis) -> tuple[Block, ...]:
    """What every study contributes to misfit and result."""
    fit = about.likelihood
    if fit is None or about.deletions is None:
        return ()
    shown = single(
        partial(plots.baujat, fit, labels=list(about.deletions.by)),
        alt="Influence of every study on the fitted mean against its squared residual.",
        caption=(
            "Baujat plot: studies to the right fit badly, studies at the top move the mean "
            f"({SHORT[fit.method]})."
        ),
        size=WIDE,
    )
    return (Pictures((shown,)),)


def small_study_section(about: Synthesis) -> Iterator[Section]:
    """Whether small studies differ: funnel and radial plots."""
    fit = about.likelihood or about.study.reference
    explained = Text(
        "Small studies that find larger effects make a funnel lopsided. Studies that were not published "
        "are one reason; others are true differences between small and large studies, and chance. Regions "
        "are shaded by the p-value of a study, so that a gap where studies would not be significant can be "
        "told from other gaps."
    )
    pictures = [
        picture for outcome in _outcomes(about) for picture in (_funnel(fit, outcome), _radial(fit, outcome))
    ]
    yield Section("small", "Small-study effects", (explained, Pictures(tuple(pictures))))


def _funnel(fit: Fit, outcome: str | None) -> Picture:
    of = _of(outcome)
    return single(
        partial(plots.funnel, fit, outcome=outcome),
        alt=f"Funnel plot of the estimates{of}, with contours of significance.",
        caption=f"Funnel plot{of} ({SHORT[fit.method]}).",
        size=WIDE,
    )


def _radial(fit: Fit, outcome: str | None) -> Picture:
    of = _of(outcome)
    return single(
        partial(plots.radial, fit, outcome=outcome),
        alt=f"Radial plot of the estimates{of}: standardised estimates against precision.",
        caption=f"Radial plot{of} (Galbraith): studies outside the band fit badly.",
        size=WIDE,
    )
