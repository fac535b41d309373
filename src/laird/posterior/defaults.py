"""Which prior a parameter gets: the default rules, and the overrides of a spec.

Defaults are weakly informative on the scale of the data (s = sd(outcome)):

====================  ================================  ==========================================
parameter             default prior                     meaning
====================  ================================  ==========================================
``Intercept``         normal(mean(outcome), 2.5 s)      the outcome's mean where every other column
                                                        is at its average
coefficient of x      normal(0, 2.5 s / sd(x))          change of the outcome per unit of x
``sigma``             half_student_t(3, s)              residual standard deviation
``sd(g, Intercept)``  half_student_t(3, s)              how much group means differ
``sd(g, x)``          half_student_t(3, s / sd(x))      how much slopes of x differ between groups
``cor(g)``            lkj(2)                            correlations of the coefficients of a group
``phi``               lognormal(0, 1)                   multiplier of a proportional V
``rho(y1, y2)``       lkj(2)                            correlation of two outcomes
``log_sigma(x)``,     normal(0, 0.5 / sd(x))            change of a log sd, or of an atanh
``log_sd(g, x)``,                                       correlation, per unit of x
``atanh_rho(…, x)``
====================  ================================  ==========================================

The intercept's prior is stated for the outcome's mean at average predictors, as in brms,
rstanarm and Bambi, so it does not depend on where a predictor has its zero.  An outcome
that differs by less than its known sampling errors (``meta_V``) counts with the median of
their sds.  A model
without intercept measures sizes about zero: rms (root mean square) takes the place of sd.
A column of constant values in a random term counts with its rms.  Sds and correlations
that have predictors have these priors where the predictors are at their average.  Several
outcomes have each its own size; their parameters are called ``sigma(y1)``,
``log_sigma(y1, x)`` and ``y1: x``.

Other sets go by name, ``"informative"`` and ``"flat"`` (`laird.posterior.sets`), alone or as
the override of ``"*"``, everything.

An override holds for what it names, and the most specific one wins: ``"*"``, then ``"b"``
(all coefficients but the intercept), ``"sd"`` and ``"cor"``, then ``"sd(school)"``, then
``"sd(school, ses)"``, the name of a term (``"Sector"``) and the name of a column
(``"Sector[Public]"``).  Slopes go by ``"log_sigma"``, ``"log_sd"``, ``"atanh_rho"``, their
term and their column; shapes of families that are not normal by ``"nu"`` and ``"alpha"``
(`laird.posterior.shapes`).  ``flat`` is the density 1 on the parameter itself; for ``cor`` it
is lkj(1), flat on correlation matrices.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from math import nan

import numpy as np
from numpy.typing import NDArray

from laird.design import Design, RandomDesign
from laird.errors import SpecError, nearest
from laird.posterior.boundary import avoiding
from laird.posterior.regressions import group_sd_slopes, scale_targets
from laird.posterior.sets import DEFAULT, SETS, PriorSet, times
from laird.posterior.shapes import shape_targets
from laird.posterior.table import PriorTable
from laird.posterior.targets import (
    INTERCEPT,
    Numbers,
    Sizes,
    Target,
    blank,
    rms,
    sd,
    sizes_for,
    sizes_of,
    term_of,
)
from laird.spec.terms import Prior

type Floats = NDArray[np.float64]

RESERVED = frozenset({"*", "b", "sd", "cor", "sigma", "phi", "rho", INTERCEPT})


def prior_table(priors: Iterable[Prior], design: Design) -> PriorTable:
    """Return the priors of every parameter of the model: defaults from the data, then overrides.

    Parameters
    ----------
    priors
        The overrides of a spec, e.g. from `laird.spec.priors.parse_priors`.
    design
        The arrays of the model.

    Raises
    ------
    SpecError
        When an override names no parameter of this model.
    DataError
        When a default prior has no scale because a column does not vary.

    Examples
    --------
    >>> y, ids = np.array([1.0, 2.0, 4.0, 5.0]), np.array([0, 0, 1, 1])
    >>> one = np.ones((4, 1))
    >>> school = RandomDesign("school", ("a", "b"), ids, one, ("Intercept",), ((0,),))
    >>> design = Design("score", y, one, ("Intercept",), (school,), np.arange(4))
    >>> print(prior_table([Prior("sd", "half_normal", (3.0,))], design))
    parameter              prior                    90 % range     on score       rule
    Intercept              normal(3, 4.56)          -4.51 to 10.5  -4.51 to 10.5  mean(score), 2.5 sd(score)
    sigma                  half_student_t(3, 1.83)  0.124 to 5.81  0.124 to 5.81  sd(score)
    sd(school, Intercept)  half_normal(3)           0.188 to 5.88  0.188 to 5.88  given for "sd"
    """
    overrides = {_spaced(prior.parameter): prior for prior in priors}
    named = _named_set(overrides)
    targets = tuple(_targets(design, named))
    if named.avoids_boundary:
        targets = tuple(avoiding(target, sampling=design.known is not None) for target in targets)
    _refuse_unknown(overrides, targets)
    outcome = design.outcome if len(design.outcomes) < 2 else "its outcome"
    return PriorTable(tuple(target.chosen(overrides) for target in targets), outcome)


def check_overrides(priors: Iterable[Prior], design: Design) -> None:
    """Refuse overrides that name no parameter of the model, also where priors are not used.

    Raises
    ------
    SpecError
        There is such an override.
    """
    overrides = {_spaced(prior.parameter): prior for prior in priors}
    _refuse_unknown(overrides, tuple(_targets(design, _named_set(overrides))))


def _named_set(overrides: dict[str, Prior]) -> PriorSet:
    """The set that was asked for by name, which is then no override of single parameters."""
    name = overrides["*"].family if "*" in overrides else DEFAULT
    if name not in SETS:
        return SETS[DEFAULT]
    overrides.pop("*", None)
    return SETS[name]


def _refuse_unknown(overrides: Iterable[str], targets: Sequence[Target]) -> None:
    known = dict.fromkeys(name for target in targets for name in target.names if name != "*")
    for name in overrides:
        if name not in known and name != "*":
            raise SpecError(
                f"The prior for `{name}` fits no parameter of this model.",
                allowed=nearest(name, known),
                remedy="Name a term, `b`, `Intercept`, `sigma`, `sd(g)`, `sd(g, term)` or `cor(g)`.",
            )


def _targets(design: Design, priors: PriorSet) -> Iterator[Target]:
    sizes = sizes_of(design)
    for k, name in enumerate(design.names):
        own = sizes_for(sizes, name)
        yield (_intercept if own.own(name) == INTERCEPT else _coefficient)(design, own, k, priors)
    yield from scale_targets(design, priors)
    for random in design.random:
        for k, name in enumerate(random.names):
            yield _group_sd(sizes_for(sizes, name), random, k, priors)
        yield from group_sd_slopes(design, random, priors)
        if (size := max(map(len, random.blocks))) > 1:
            yield _cor(random, size, priors)
    yield from shape_targets(design)


def _intercept(design: Design, sizes: Sizes, k: int, priors: PriorSet) -> Target:
    y, name = sizes.outcome, design.names[k]
    own = [other for other in design.names if other.startswith(sizes.label)]
    place = ", at average predictors" if len(own) > 1 else ""

    def default() -> Numbers:
        values = (float(sizes.y.mean()), priors.intercept * sizes.size)
        return "normal", values, f"mean({y}), {times(priors.intercept, sizes.text)}{place}"

    return Target(blank(name, "coefficient", index=k), ("*", INTERCEPT, *_spellings(name)), default)


def _coefficient(design: Design, sizes: Sizes, k: int, priors: PriorSet) -> Target:
    name = design.names[k]
    size = sizes.of(design.X[:, k])

    def default() -> Numbers:
        rule = f"{times(priors.coefficient, sizes.text)} / {sizes.word}({sizes.own(name)})"
        return "normal", (0.0, priors.coefficient * sizes.per(size, name)), rule

    own = sizes.own(name)
    spelled = (term_of(own), own, *_spellings(term_of(name)), *_spellings(name))
    keys = tuple(key for key in spelled if key not in RESERVED)
    return Target(blank(name, "coefficient", index=k, unit=size), ("*", "b", *keys), default)


def _spellings(name: str) -> tuple[str, str]:
    """A column of one of several outcomes, as it is called and as a formula would read it."""
    return name, name.replace(": ", ":", 1)


def _group_sd(sizes: Sizes, random: RandomDesign, k: int, priors: PriorSet) -> Target:
    group, name = random.group, random.names[k]
    size, text = _random_size(sizes, name, random.Z[:, k])

    def default() -> Numbers:
        own = priors.sd
        values = own.values(sizes.per(size, f"sd({group}, {name})"))
        return own.family, values, times(own.share, sizes.text) + (f" / {text}" if text else "")

    spelled = (term_of(name), *reversed(_spellings(name)))
    names = ("*", "sd", f"sd({group})", *(f"sd({group}, {own})" for own in spelled))
    return Target(blank(names[-1], "sd", group, k, size), names, default)


def _cor(random: RandomDesign, size: int, priors: PriorSet) -> Target:
    name = f"cor({random.group})"
    return Target(
        blank(name, "cor", random.group, unit=nan, size=size),
        ("*", "cor", name),
        lambda: ("lkj", (priors.eta,), "constant"),
    )


def _random_size(sizes: Sizes, name: str, values: Floats) -> tuple[float, str]:
    """Return the size of a column of Z and its text: a constant column counts with its rms."""
    own, name = values[sizes.rows], sizes.own(name)
    if np.ptp(own) > 0:
        return sd(own), f"sd({name})"
    return rms(own), "" if name == INTERCEPT else f"rms({name})"


def _spaced(parameter: str) -> str:
    """Return a parameter's name with one space after every comma."""
    return re.sub(r"\s*,\s*", ", ", parameter.strip())
