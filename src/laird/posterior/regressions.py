"""Priors of residual sds, of φ, of correlations of outcomes, and of the slopes of their regressions.

The constant of a regression of a log sd is stated as an sd where the predictors are at
their average, that of an atanh correlation as a correlation; slopes are stated per unit
of their predictor.  A regression without a column of ones, such as ``sigma ~ 0 + habitat``,
has the same constant, and the slopes are differences to the column that is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.design import Design, RandomDesign, RhoDesign, ScaleDesign
from laird.errors import SpecError
from laird.gaussian.coordinates import correlated_pairs
from laird.gaussian.standardise import column_moments, constant_coefficients
from laird.posterior.sets import PriorSet, times
from laird.posterior.table import Kind
from laird.posterior.targets import Numbers, Sizes, Target, blank, checked, sizes_of, term_of

type Floats = NDArray[np.float64]


class Slope(NamedTuple):
    """A slope: its name, the column of its predictor, the predictor's sd, and the word for that."""

    name: str
    column: int
    size: float
    word: str


def slopes(W: Floats, names: tuple[str, ...]) -> tuple[bool, tuple[Slope, ...]]:
    """Whether a regression has a constant, and its slopes, as `standard_columns` orders them.

    Parameters
    ----------
    W, names
        Predictors (n, k) and their names.

    Examples
    --------
    >>> slopes(np.array([[1.0, 2.0], [1.0, 4.0]]), ("Intercept", "x"))
    (True, (Slope(name='x', column=1, size=1.0, word='sd'),))
    """
    if not names:
        return False, ()
    c = constant_coefficients(W)
    if c is None:
        rms = np.sqrt(np.mean(W**2, axis=0))
        return False, tuple(Slope(name, k, float(rms[k]), "rms") for k, name in enumerate(names))
    lead, sds = int(np.argmax(np.abs(c))), column_moments(W)[1]
    others = [k for k in range(len(names)) if k != lead]
    between = "" if np.count_nonzero(c) == 1 else f" - {names[lead]}"
    return True, tuple(
        Slope(names[k] + (between if c[k] != 0 else ""), k, float(sds[k]), "sd") for k in others
    )


def scale_targets(design: Design, priors: PriorSet) -> Iterator[Target]:
    """Yield sigma by outcome with its slopes, φ, and the correlations of outcomes with their slopes."""
    for own in sizes_of(design):
        yield from _sigma(design, own, priors)
    if design.known is not None and design.known.proportional:
        yield Target(blank("phi", "phi"), ("*", "phi"), lambda: ("lognormal", (0.0, priors.phi), "constant"))
    order = correlated_pairs((tuple(range(len(design.outcomes))),))
    for rho in sorted(design.rhos, key=lambda rho: order.index((rho.pair[1], rho.pair[0]))):
        yield from _rho(design, rho, priors)


def _sigma(design: Design, sizes: Sizes, priors: PriorSet) -> Iterator[Target]:
    group = sizes.outcome if sizes.label else ""
    scale = next((s for s in design.scales if s.parameter == "sigma" and s.group == group), None)
    if scale is None:
        yield _residual(sizes, group, "", priors)
        return
    has_constant, own = slopes(scale.W[sizes.rows], tuple(map(sizes.own, scale.names)))
    if has_constant:
        yield _residual(sizes, group, ", at average predictors" if own else "", priors)
    yield from (_slope("log_sigma", group, slope, priors) for slope in own)


def _residual(sizes: Sizes, group: str, place: str, priors: PriorSet) -> Target:
    name = f"sigma({group})" if group else "sigma"

    def default() -> Numbers:
        own = priors.sigma
        return own.family, own.values(sizes.size), times(own.share, sizes.text) + place

    return Target(blank(name, "sigma", group), ("*", "sigma", name), default)


def _slope(kind: Kind, group: str, slope: Slope, priors: PriorSet) -> Target:
    """A slope of a regression; `group` is the outcome, the grouping factor, or both outcomes."""
    before = f"{group}, " if group else ""
    name = f"{kind}({before}{slope.name})"
    term = f"{kind}({before}{term_of(slope.name.partition(' - ')[0])})"
    scopes = (f"{kind}({group})", term, name) if group else (term, name)

    def default() -> Numbers:
        spread = priors.slope / checked(slope.size, f"The predictor `{slope.name}`")
        return "normal", (0.0, spread), f"{priors.slope:g} / {slope.word}({slope.name})"

    return Target(blank(name, kind, group, slope.column, slope.size), ("*", kind, *scopes), default)


def _rho(design: Design, rho: RhoDesign, priors: PriorSet) -> Iterator[Target]:
    pair = ", ".join(design.outcomes[k] for k in rho.pair)
    name, size = f"rho({pair})", len(design.outcomes)
    has_constant, own = slopes(rho.W, rho.names)
    place = ", at average predictors" if own else ""
    if has_constant:
        row = blank(name, "rho", pair, rho.pair[0], np.nan, size)
        yield Target(row, ("*", "rho", name), lambda: ("lkj", (priors.eta,), f"constant{place}"))
    yield from (_slope("atanh_rho", pair, slope, priors) for slope in own)


def group_sd_slopes(design: Design, random: RandomDesign, priors: PriorSet) -> Iterator[Target]:
    """Yield the slopes of the log sd of a grouping factor; its constant is in the sds themselves."""
    scales = (s for s in design.scales if s.parameter == "sd" and s.group == random.group)
    scale: ScaleDesign | None = next(scales, None)
    if scale is None:
        return
    values = np.zeros((len(random.levels), scale.W.shape[1]))
    values[random.ids] = scale.W
    has_constant, own = slopes(values, scale.names)
    if not has_constant:
        raise SpecError(
            f"The regression of `sd({random.group})` has no constant.",
            remedy=f"Write sd({random.group}) ~ 1 + ..., or a factor with all its levels.",
        )
    yield from (_slope("log_sd", random.group, slope, priors) for slope in own)
