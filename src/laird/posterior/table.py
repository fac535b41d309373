"""The prior table: every parameter of a model with its prior, in numbers, and where they came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import inf, nan
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from laird.posterior import lkj
from laird.posterior.families import quantile

if TYPE_CHECKING:
    import pandas as pd

type Floats = NDArray[np.float64]
type Kind = Literal[
    "coefficient", "sigma", "log_sigma", "phi", "rho", "atanh_rho", "sd", "log_sd", "cor", "nu", "alpha"
]

CORRELATIONS = frozenset({"cor", "rho"})
SLOPES = frozenset({"log_sigma", "log_sd", "atanh_rho"})
ON_OUTCOME = frozenset({"coefficient", "sigma", "sd"})
LEAST_NU = 2.0
"""A Student t has a variance for more degrees of freedom than these: priors of ν hold above."""


@dataclass(frozen=True, slots=True)
class PriorRow:
    """The prior of one parameter.

    Attributes
    ----------
    parameter
        ``Intercept``, a column of X, ``sigma``, ``sd(school, ses)``, ``cor(school)``, ``phi``,
        ``rho(y1, y2)``, ``nu(school)``, ``alpha(school, ses)``, or a slope: ``log_sigma(x)``,
        ``log_sd(study, x)``, ``atanh_rho(y1, y2, x)``.
    kind
        What comes before the parenthesis; ``"coefficient"`` for a fixed effect.
    group
        Grouping factor of an sd or a cor, outcome of a sigma, both outcomes of a rho, what a nu or
        an alpha is of, else ``""``.
    index
        Column of X (coefficient), of Z (sd) or of the predictors (slope), else 0.
    family, values
        The prior; ``lkj`` or ``flat`` for a correlation.
    rule
        How the numbers came from the data, or which override gave them.
    unit
        Size of the parameter's column: what one unit of the parameter does to the outcome.
    size
        Number of columns of the (largest) correlation matrix of a correlation, else 1.
    """

    parameter: str
    kind: Kind
    group: str
    index: int
    family: str
    values: tuple[float, ...]
    rule: str
    unit: float = 1.0
    size: int = 1

    @property
    def prior(self) -> str:
        """The prior as text, e.g. ``normal(0, 17.2)``."""
        return f"{self.family}({', '.join(map(_number, self.values))})"

    @property
    def eta(self) -> float:
        """Shape of the LKJ prior of a correlation; flat is lkj(1)."""
        return self.values[0] if self.family == "lkj" else 1.0

    def interval(self, prob: float = 0.9) -> tuple[float, float]:
        """Return the central range that holds `prob` of the prior.

        Examples
        --------
        >>> PriorRow("sigma", "sigma", "", 0, "uniform", (0.0, 10.0), "").interval()
        (0.5, 9.5)
        """
        tails = np.array([(1 - prob) / 2, (1 + prob) / 2])
        if self.kind in CORRELATIONS:
            lower, upper = lkj.quantile(tails, self.eta, self.size)
        elif self.family == "flat":
            lower, upper = (-inf if self.kind == "coefficient" or self.kind in SLOPES else 0.0), inf
        else:
            if self.kind == "nu":
                tails = above(tails, self.family, self.values)
            lower, upper = quantile(self.family, tails, *self.values)
        return float(lower), float(upper)


def above(p: Floats, family: str, values: tuple[float, ...], least: float = LEAST_NU) -> Floats:
    """Probabilities of a family whose quantiles are those at `p` of its part above `least`.

    Examples
    --------
    >>> above(np.array([0.5]), "uniform", (0.0, 10.0)).tolist()
    [0.6]
    """
    below = _mass_below(family, values, least)
    return below + p * (1 - below)


def _mass_below(family: str, values: tuple[float, ...], x: float) -> float:
    from scipy.optimize import brentq

    def excess(p: float) -> float:
        return float(quantile(family, p, *values)) - x

    tiny = 1e-12
    if excess(tiny) >= 0.0 or excess(1 - tiny) <= 0.0:
        return 0.0 if excess(tiny) >= 0.0 else 1 - tiny
    return float(round(brentq(excess, tiny, 1 - tiny, xtol=1e-14), 12))


@dataclass(frozen=True, slots=True)
class PriorTable:
    """The priors of all parameters of a model; see `laird.posterior.defaults` for the rules.

    Examples
    --------
    >>> row = PriorRow("sigma", "sigma", "", 0, "exponential", (0.5,), "given")
    >>> print(PriorTable((row,), "y"))
    parameter  prior             90 % range     on y           rule
    sigma      exponential(0.5)  0.103 to 5.99  0.103 to 5.99  given
    """

    rows: tuple[PriorRow, ...]
    outcome: str

    def __iter__(self) -> Iterator[PriorRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def coefficients(self) -> tuple[PriorRow, ...]:
        """Rows of the fixed effects, in the order of the columns of X."""
        return self.of("coefficient")

    @property
    def sigma(self) -> PriorRow:
        """The row of the (first) residual standard deviation."""
        return next(row for row in self.rows if row.kind == "sigma")

    def of(self, *kinds: Kind, group: str | None = None) -> tuple[PriorRow, ...]:
        """Return the rows of some kinds, of all groups or of one."""
        return tuple(row for row in self.rows if row.kind in kinds and group in (None, row.group))

    def sds(self, group: str) -> tuple[PriorRow, ...]:
        """Return the rows of the sds of `group`, in the order of its columns."""
        return self.of("sd", group=group)

    def cor(self, group: str) -> PriorRow | None:
        """Return the row of the correlations of `group`, None when it has none."""
        return next(iter(self.of("cor", group=group)), None)

    def to_frame(self, prob: float = 0.9) -> pd.DataFrame:
        """Return one row per parameter: prior, rule, its range, and the range times the column's sd.

        Columns `parameter, prior, rule, lower, upper, outcome_lower, outcome_upper`; the
        last two are on the scale of the outcome, NaN for what is not: correlations, φ, slopes.
        """
        import pandas as pd

        names = ["parameter", "prior", "rule", "lower", "upper", "outcome_lower", "outcome_upper"]
        return pd.DataFrame([_record(row, prob) for row in self.rows], columns=names)

    def __str__(self) -> str:
        return _text([self._header(), *map(_cells, self.rows)])

    def brief(self) -> str:
        """Return parameter, prior and its range on the outcome as text for narrow places.

        Examples
        --------
        >>> row = PriorRow("sigma", "sigma", "", 0, "exponential", (0.5,), "given")
        >>> print(PriorTable((row,), "y").brief())
        parameter  prior             90 % range on y
        sigma      exponential(0.5)  0.103 to 5.99
        """
        lines = [(cells[0], cells[1], cells[3]) for cells in map(_cells, self.rows)]
        return _text([("parameter", "prior", f"90 % range on {self.outcome}"), *lines])

    def _header(self) -> tuple[str, ...]:
        return ("parameter", "prior", "90 % range", f"on {self.outcome}", "rule")

    def _repr_html_(self) -> str:
        head = _html_row(self._header(), "th")
        body = "".join(_html_row(_cells(row), "td") for row in self.rows)
        return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"


def _number(value: float) -> str:
    return f"{value:.3g}".replace("inf", "∞")


def _record(row: PriorRow, prob: float) -> tuple[object, ...]:
    lower, upper = row.interval(prob)
    unit = row.unit if row.kind in ON_OUTCOME else nan
    return (row.parameter, row.prior, row.rule, lower, upper, lower * unit, upper * unit)


def _cells(row: PriorRow) -> tuple[str, ...]:
    lower, upper = row.interval()
    return (row.parameter, row.prior, _range(lower, upper), _effect(row, lower, upper), row.rule)


def _effect(row: PriorRow, lower: float, upper: float) -> str:
    """What the range means: on the outcome; of a slope of a log sd, its factor per sd of the predictor."""
    if row.kind in ON_OUTCOME:
        return _range(lower * row.unit, upper * row.unit)
    if row.kind in ("log_sigma", "log_sd"):
        with np.errstate(over="ignore"):
            return "× " + _range(*np.exp([lower * row.unit, upper * row.unit]))
    return ""


def _range(lower: float, upper: float) -> str:
    return f"{_number(lower)} to {_number(upper)}"


def _text(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(_aligned(line, widths) for line in lines)


def _aligned(cells: Iterable[str], widths: Iterable[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _html_row(cells: Iterable[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"
