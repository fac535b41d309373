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
====================  ================================  ==========================================

The intercept's prior is stated for the outcome's mean at average predictors, as in brms,
rstanarm and Bambi, so it does not depend on where a predictor has its zero.  A model
without intercept measures sizes about zero: rms (root mean square) takes the place of sd.
A column of constant values in a random term counts with its rms.

An override holds for what it names, and the most specific one wins: ``"*"``, then ``"b"``
(all coefficients but the intercept), ``"sd"`` and ``"cor"``, then ``"sd(school)"``, then
``"sd(school, ses)"``, the name of a term (``"Sector"``) and the name of a column
(``"Sector[Public]"``).  ``flat`` is the density 1 on the parameter itself; for ``cor`` it
is lkj(1), flat on correlation matrices.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan

import numpy as np
from numpy.typing import NDArray

from laird.design import Design, RandomDesign
from laird.errors import DataError, SpecError, nearest
from laird.posterior.table import Kind, PriorRow, PriorTable
from laird.spec.terms import Prior

type Floats = NDArray[np.float64]
type Numbers = tuple[str, tuple[float, ...], str]

SPREADS = 2.5
DEGREES_OF_FREEDOM = 3.0
ETA = 2.0
INTERCEPT = "Intercept"
RESERVED = frozenset({"*", "b", "sd", "cor", "sigma", INTERCEPT})


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
    targets = tuple(_targets(design))
    _refuse_unknown(overrides, targets)
    return PriorTable(tuple(_row(target, overrides) for target in targets), design.outcome)


@dataclass(frozen=True, slots=True)
class _Target:
    """A parameter before its prior is chosen: names from least to most specific, and its default."""

    row: PriorRow
    names: tuple[str, ...]
    default: Callable[[], Numbers]


def _blank(
    parameter: str, kind: Kind, group: str = "", index: int = 0, unit: float = 1.0, size: int = 1
) -> PriorRow:
    return PriorRow(parameter, kind, group, index, "", (), "", unit, size)


def _row(target: _Target, overrides: dict[str, Prior]) -> PriorRow:
    name = next((name for name in reversed(target.names) if name in overrides), None)
    if name is None:
        family, values, rule = target.default()
    else:
        family, values, rule = overrides[name].family, overrides[name].values, f'given for "{name}"'
    return replace(target.row, family=family, values=values, rule=rule)


def _refuse_unknown(overrides: Iterable[str], targets: Sequence[_Target]) -> None:
    known = dict.fromkeys(name for target in targets for name in target.names if name != "*")
    for name in overrides:
        if name not in known and name != "*":
            raise SpecError(
                f"The prior for `{name}` fits no parameter of this model.",
                allowed=nearest(name, known),
                remedy="Name a term, `b`, `Intercept`, `sigma`, `sd(g)`, `sd(g, term)` or `cor(g)`.",
            )


def _targets(design: Design) -> Iterator[_Target]:
    sizes = _Sizes(design)
    for k, name in enumerate(design.names):
        yield _intercept(sizes, k) if name == INTERCEPT else _coefficient(sizes, k)
    yield _Target(
        _blank("sigma", "sigma"),
        ("*", "sigma"),
        lambda: ("half_student_t", (DEGREES_OF_FREEDOM, sizes.outcome), sizes.outcome_text),
    )
    for random in design.random:
        yield from (_group_sd(sizes, random, k) for k in range(len(random.names)))
        if (size := max(map(len, random.blocks))) > 1:
            yield _cor(random, size)


def _intercept(sizes: _Sizes, k: int) -> _Target:
    y = sizes.design.outcome
    place = ", at average predictors" if len(sizes.design.names) > 1 else ""

    def default() -> Numbers:
        values = (float(sizes.design.y.mean()), SPREADS * sizes.outcome)
        return "normal", values, f"mean({y}), {SPREADS:g} sd({y}){place}"

    return _Target(_blank(INTERCEPT, "coefficient", index=k), ("*", INTERCEPT), default)


def _coefficient(sizes: _Sizes, k: int) -> _Target:
    name = sizes.design.names[k]
    size = sizes.of(sizes.design.X[:, k])

    def default() -> Numbers:
        rule = f"{SPREADS:g} {sizes.outcome_text} / {sizes.word}({name})"
        return "normal", (0.0, SPREADS * sizes.per(size, name)), rule

    own = tuple(key for key in (_term(name), name) if key not in RESERVED)
    return _Target(_blank(name, "coefficient", index=k, unit=size), ("*", "b", *own), default)


def _group_sd(sizes: _Sizes, random: RandomDesign, k: int) -> _Target:
    group, name = random.group, random.names[k]
    size, text = _random_size(name, random.Z[:, k])

    def default() -> Numbers:
        values = (DEGREES_OF_FREEDOM, sizes.per(size, f"sd({group}, {name})"))
        return "half_student_t", values, sizes.outcome_text + (f" / {text}" if text else "")

    names = ("*", "sd", f"sd({group})", f"sd({group}, {_term(name)})", f"sd({group}, {name})")
    return _Target(_blank(names[-1], "sd", group, k, size), names, default)


def _cor(random: RandomDesign, size: int) -> _Target:
    name = f"cor({random.group})"
    return _Target(
        _blank(name, "cor", random.group, unit=nan, size=size),
        ("*", "cor", name),
        lambda: ("lkj", (ETA,), "constant"),
    )


@dataclass(frozen=True, slots=True)
class _Sizes:
    """How large the outcome and the columns are: sd, or rms when the model has no intercept."""

    design: Design

    @property
    def word(self) -> str:
        return "sd" if INTERCEPT in self.design.names else "rms"

    @property
    def outcome_text(self) -> str:
        return f"{self.word}({self.design.outcome})"

    @property
    def outcome(self) -> float:
        return _checked(self.of(self.design.y), f"The outcome `{self.design.outcome}`")

    def of(self, values: Floats) -> float:
        return _sd(values) if self.word == "sd" else _rms(values)

    def per(self, size: float, parameter: str) -> float:
        return self.outcome / _checked(size, f"The column of `{parameter}`")


def _random_size(name: str, values: Floats) -> tuple[float, str]:
    """Return the size of a column of Z and its text: a constant column counts with its rms."""
    if np.ptp(values) > 0:
        return _sd(values), f"sd({name})"
    return _rms(values), "" if name == INTERCEPT else f"rms({name})"


def _sd(values: Floats) -> float:
    return float(np.std(values - values[0], ddof=1)) if np.ptp(values) > 0 else 0.0


def _rms(values: Floats) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _checked(size: float, subject: str) -> float:
    if size > 0 and isfinite(size):
        return size
    raise DataError(
        f"{subject} does not vary, so a default prior has no scale.",
        remedy="Check the data, or state the priors of all parameters that need it (`priors=`).",
    )


def _term(column: str) -> str:
    """Return the term of a column: ``ses:Sector`` for ``ses:Sector[Public]``."""
    return re.sub(r"\[[^\]]*\]", "", column)


def _spaced(parameter: str) -> str:
    """Return a parameter's name with one space after every comma."""
    return re.sub(r"\s*,\s*", ", ", parameter.strip())
