"""Parameters before their priors are chosen, and the sizes that default priors are made of."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from laird.design import Design
from laird.errors import DataError
from laird.posterior.table import Kind, PriorRow
from laird.spec.terms import Prior

type Floats = NDArray[np.float64]
type Flags = NDArray[np.bool_]
type Numbers = tuple[str, tuple[float, ...], str]

INTERCEPT = "Intercept"


@dataclass(frozen=True, slots=True)
class Target:
    """A parameter before its prior is chosen: names from least to most specific, and its default."""

    row: PriorRow
    names: tuple[str, ...]
    default: Callable[[], Numbers]

    def chosen(self, overrides: dict[str, Prior]) -> PriorRow:
        """Return the row with the most specific override, else with the default."""
        name = next((name for name in reversed(self.names) if name in overrides), None)
        if name is None:
            family, values, rule = self.default()
        else:
            prior = overrides[name]
            family, values, rule = prior.family, prior.values, f'given for "{name}"'
            rule += f": {prior.published}" if prior.published else ""
        return replace(self.row, family=family, values=values, rule=rule)


def blank(
    parameter: str, kind: Kind, group: str = "", index: int = 0, unit: float = 1.0, size: int = 1
) -> PriorRow:
    """Return the row of a parameter without its prior."""
    return PriorRow(parameter, kind, group, index, "", (), "", unit, size)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large an outcome and the columns in its rows are: sd, or rms when it has no intercept.

    Outcomes that differ by less than their known sampling errors, by chance or because they are
    all alike, have the size of these.

    Attributes
    ----------
    outcome, label
        Name of the outcome, and what its columns begin with: ``"y1: "`` among several.
    y, rows
        Its values, and which rows of the design they are.
    word
        ``"sd"`` or ``"rms"``.
    sampling
        Median sd of its known sampling errors, 0 without.
    """

    outcome: str
    label: str
    y: Floats
    rows: Flags
    word: str
    sampling: float = 0.0

    @property
    def text(self) -> str:
        """The size of the outcome in words."""
        own = f"{self.word}({self.outcome})"
        return own if self.of(self.y) >= self.sampling else f"sampling sd of {self.outcome}"

    @property
    def size(self) -> float:
        """The size of the outcome."""
        return checked(max(self.of(self.y), self.sampling), f"The outcome `{self.outcome}`")

    def of(self, values: Floats) -> float:
        """The size of a column, from all its rows (n,)."""
        own = values[self.rows] if len(values) == len(self.rows) else values
        return sd(own) if self.word == "sd" else rms(own)

    def per(self, size: float, parameter: str) -> float:
        """The outcome's size for one unit of a column of this size."""
        return self.size / checked(size, f"The column of `{parameter}`")

    def own(self, name: str) -> str:
        """The name of a column without its outcome."""
        return name.removeprefix(self.label)


def sizes_of(design: Design) -> tuple[Sizes, ...]:
    """Return the sizes of every outcome."""
    if not design.outcomes:
        word = "sd" if INTERCEPT in design.names else "rms"
        every = np.ones(len(design.y), dtype=bool)
        return (Sizes(design.outcome, "", design.y, every, word, _sampling(design, every)),)
    found = []
    for k, outcome in enumerate(design.outcomes):
        rows, label = np.asarray(design.which == k), f"{outcome}: "
        word = "sd" if f"{label}{INTERCEPT}" in design.names else "rms"
        found.append(Sizes(outcome, label, design.y[rows], rows, word, _sampling(design, rows)))
    return tuple(found)


def _sampling(design: Design, rows: Flags) -> float:
    """Median sd of the known sampling errors; a proportional V does not say how large they are."""
    known = design.known
    if known is None or known.proportional:
        return 0.0
    return float(np.median(np.sqrt(known.variances[rows])))


def sizes_for(sizes: tuple[Sizes, ...], name: str) -> Sizes:
    """Return the sizes of the outcome that a column belongs to."""
    return next((own for own in sizes if own.label and name.startswith(own.label)), sizes[0])


def sd(values: Floats) -> float:
    """Standard deviation (divisor n - 1), exactly 0 for constants."""
    return float(np.std(values - values[0], ddof=1)) if np.ptp(values) > 0 else 0.0


def rms(values: Floats) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(values**2)))


def checked(size: float, subject: str) -> float:
    """Return a size that can be divided by; else a DataError."""
    if size > 0 and isfinite(size):
        return size
    raise DataError(
        f"{subject} does not vary, so a default prior has no scale.",
        remedy="Check the data, or state the priors of all parameters that need it (`priors=`).",
    )


def term_of(column: str) -> str:
    """Return the term of a column: ``ses:Sector`` for ``ses:Sector[Public]``.

    Examples
    --------
    >>> term_of("ses:Sector[Public]")
    'ses:Sector'
    """
    return re.sub(r"\[[^\]]*\]", "", column)
