"""The pictures of a report: each one call of `laird.plots`, with its caption and its words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, Any

import pandas as pd

from laird import plots
from laird.fitting.result import Fit
from laird.report.blocks import Block, Picture, Pictures, Section
from laird.report.effects import LABELS, estimators, one_of_each_kind
from laird.report.pictures import picture
from laird.report.study import SHORT, Study
from laird.report.words import listed, plural
from laird.spec.families import ERRORS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HALF, WIDE, BROAD = (5.0, 4.0), (6.2, 4.9), (10.4, 4.4)
"""Inches: two pictures side by side, one on its own, one with a place for every group."""


def estimate_pictures(study: Study) -> tuple[Block, ...]:
    """All parameters by method, and what the data added to the priors."""
    names = listed([SHORT[fit.method] for fit in study.fits])
    rows = ceil(len(study.reference.summary()) / 3)
    shown = panelled(
        partial(plots.estimates, list(study.fits)),
        alt=f"Estimates with 95 % intervals of every parameter by {names}.",
        caption=f"Estimates with 95 % intervals by {names}, each parameter on its own scale.",
        size=(7.5, rows * (0.7 + 0.18 * len(study.fits))),
    )
    return (Pictures((shown,), wide=True), *_priors_and_posteriors(study.reference))


def _priors_and_posteriors(fit: Fit) -> Iterator[Block]:
    if fit.draws is not None and _scales(fit):
        shown = panelled(
            partial(plots.prior_posterior, fit),
            alt=f"Prior density and {SHORT[fit.method]} draws of each covariance parameter.",
            caption=f"Priors, and draws by {SHORT[fit.method]}, of the standard deviations and correlations.",
            size=(7.0, 2.1 * ceil(_scales(fit) / 2)),
        )
        yield Pictures((shown,), wide=True)


def _scales(fit: Fit) -> int:
    """Number of covariance parameters."""
    return int((fit.summary()["component"] != "fixed").sum())


def chain_pictures(study: Study) -> tuple[Block, ...]:
    """Traces and ranks of the chains, where there are chains."""
    return tuple(
        Pictures((_chains(fit),), wide=True)
        for fit in study.fits
        if fit.method == "nuts" and fit.draws and _scales(fit)
    )


def _chains(fit: Fit) -> Picture:
    return panelled(
        partial(plots.trace_rank, fit),
        alt="Trace of each chain, and ranks of its draws, for every covariance parameter.",
        caption=(
            "Chains of the covariance parameters: traces, and ranks of the draws of each chain among all "
            "draws, which are even, up to chance, when the chains agree."
        ),
        size=(7.0, 1.3 * _scales(fit) + 0.4),
    )


def shrinkage_pictures(study: Study, group: str, table: pd.DataFrame) -> tuple[Block, ...]:
    """Arrows and caterpillar of each coefficient, and the plane of the first two."""
    fits, terms = list(one_of_each_kind(study.fits)), tuple(dict.fromkeys(table["term"]))
    arrows = tuple(_arrows(fits, group, term, table) for term in terms)
    planes = (_plane(fits, group, terms),) if len(terms) > 1 else ()
    caterpillars = tuple(_caterpillar(fits, group, term, table) for term in terms)
    return (Pictures(arrows), *(Pictures((plane,)) for plane in planes), Pictures(caterpillars, wide=True))


def _arrows(fits: Sequence[Fit], group: str, term: str, table: pd.DataFrame) -> Picture:
    target = LABELS[estimators(table)[1]]
    return single(
        partial(plots.shrinkage_arrows, fits, term, group=group),
        alt=f"For every group of {group}, an arrow from its own estimate of {term} to its {target}.",
        caption=f"{term}: from a group's own estimate to its {target}, by the size of the group.",
    )


def _caterpillar(fits: Sequence[Fit], group: str, term: str, table: pd.DataFrame) -> Picture:
    names = listed([LABELS[name] for name in estimators(table)])
    J = table["group"].nunique()
    return single(
        partial(plots.caterpillar, fits, term, group=group),
        alt=f"{term} of {plural(J, 'group')} of {group} with 95 % intervals, ordered, by {names}.",
        caption=f"{term} of every group of {group}, with 95 % intervals.",
        size=BROAD,
    )


def _plane(fits: Sequence[Fit], group: str, terms: Sequence[str]) -> Picture:
    x, y = terms[:2]
    return single(
        partial(plots.coefficient_plane, fits, x, y, group=group),
        alt=f"Plane of {x} and {y}: own and shrunken estimates of the groups of {group}, and ellipses.",
        caption=(
            f"{x} and {y} of the groups of {group}: own estimates and shrunken ones, with ellipses of one "
            "standard deviation for the groups' true lines, for their own estimates, and for the shrunken "
            "ones."
        ),
        size=WIDE,
    )


def diagnostics_section(study: Study) -> Section:
    """Residuals and group effects against what the model assumes, by the fullest fit."""
    fit, families = study.reference, dict(study.model.spec.families)
    effects = tuple(
        _effect_qq(fit, random.group, term)
        for random in study.model.design.random
        if fit.method != "ols" and random.group not in families
        for term in random.names
        if fit.ranef(random.group)[term].any()
    )
    pictures = (_residuals(fit), *([] if ERRORS in families else [_residual_qq(fit)]), *effects)
    title = f"Residuals and group effects ({SHORT[fit.method]})"
    return Section("diagnostics", title, (Pictures(pictures),))


def _residuals(fit: Fit) -> Picture:
    return single(
        partial(plots.residuals_vs_fitted, fit),
        alt="Residuals against fitted values.",
        caption="Residuals against fitted values: a trend or a funnel speaks against the model.",
    )


def _residual_qq(fit: Fit) -> Picture:
    return single(
        partial(plots.qq, fit),
        alt="Normal quantile plot of the residuals.",
        caption="Level 1: residuals against normal quantiles, with a pointwise 95 % envelope.",
    )


def _effect_qq(fit: Fit, group: str, term: str) -> Picture:
    return single(
        partial(plots.qq, fit, group, term=term),
        alt=f"Normal quantile plot of the effects of {group} on {term}.",
        caption=f"Level 2: deviations of {term} of {group} against normal quantiles.",
    )


def single(draw: Any, *, alt: str, caption: str, size: tuple[float, float] = HALF) -> Picture:
    """A picture on one pair of axes."""

    def on_axes(figure: Figure) -> None:
        draw(ax=figure.add_subplot())

    return picture(on_axes, alt=alt, caption=caption, size=size)


def panelled(draw: Any, *, alt: str, caption: str, size: tuple[float, float]) -> Picture:
    """A picture of several panels."""

    def on_figure(figure: Figure) -> None:
        draw(figure=figure)

    return picture(on_figure, alt=alt, caption=caption, size=size)
