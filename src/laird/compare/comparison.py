"""`Estimators`: several estimators of the same coefficients side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd

from laird.compare.answers import Situation, answers
from laird.compare.betaspace import Level, Line, shadow_radius
from laird.compare.estimates import INTERCEPT, Estimate, Sample
from laird.data.grouping import counted
from laird.errors import FitError, nearest
from laird.fitting.display import Card, number
from laird.fitting.result import Fit
from laird.inference.distributions import two_sided

LABELS: Mapping[str, str] = MappingProxyType(
    {
        "pooled": "1   pooled",
        "averaged": "2a  fixed effects, averaged",
        "common_slopes": "2b  fixed effects, common slopes",
        "two_stage": "3   two-stage",
        "between": "4   between groups",
        "mixed": "5   mixed",
        "contextual": "6   mixed + contextual",
    }
)
"""The estimators in the order and with the numbers of the slides."""


class Refusal(NamedTuple):
    """An estimator that the data do not allow, and why."""

    estimator: str
    reason: str


class Paradox(NamedTuple):
    """Slopes within groups and elsewhere, of one variable at one level.

    `signs_differ` of the slope between groups is Robinson's paradox, of the pooled slope
    Simpson's; `beyond_error` says that the 95 % intervals of both slopes exclude zero.
    """

    name: str
    term: str
    level: str
    within: float
    other: float
    signs_differ: bool
    beyond_error: bool


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Estimators:
    """What `estimators` returns: seven estimators of one line, or of one for each level.

    Attributes
    ----------
    title
        The question as text.
    estimates
        One for each estimator and effect.
    refused
        Estimators that the data do not allow, with reasons.
    levels
        Levels of the between variable, and their differences from the first.
    situation
        Names and sizes.
    found
        Slopes within groups compared with those between groups and with pooled ones.
    fitted
        The REML fits with their names.
    sample
        The data as arrays.
    """

    title: str
    estimates: tuple[Estimate, ...]
    refused: tuple[Refusal, ...]
    levels: tuple[Level, ...]
    situation: Situation
    found: tuple[Paradox, ...]
    fitted: tuple[tuple[str, Fit], ...]
    sample: Sample

    @property
    def fits(self) -> dict[str, Fit]:
        """The REML fits, by ``"mixed"`` and ``"contextual"``, to go on with."""
        return dict(self.fitted)

    def to_frame(self, prob: float = 0.95) -> pd.DataFrame:
        """One row per estimator, effect and term.

        Columns ``estimator, effect, term, estimate, se, df, statistic, p_value, lower,
        upper, df_method, n_groups``; t statistics and t intervals of probability `prob`.  Degrees
        of freedom are residual ones, of the mixed models Satterthwaite's, or by nlme's
        ``inner-outer`` rule where these cannot be had; ``n_groups`` counts those used.
        """
        return pd.concat([_table(estimate, prob) for estimate in self.estimates], ignore_index=True)

    def by_level(self, prob: float = 0.95) -> pd.DataFrame:
        """Intercepts and slopes at each level of the between variable, and their differences.

        As `to_frame`, with the column ``level``: of one categorical variable its levels and their
        differences from the first; else the average group and one unit of each column.
        """
        tables = [
            _table(estimate.at(level.weights), prob).assign(level=level.name)
            for estimate in self.estimates
            for level in self.levels
        ]
        table = pd.concat(tables, ignore_index=True)
        return table[["estimator", "effect", "level", *table.columns[2:-1]]]

    def answers(self) -> pd.DataFrame:
        """Consistent for what, efficient, honest for what: one row per estimator, in words."""
        names = self._names()
        rows = [answers(name, self.situation) for name in names]
        return pd.DataFrame(rows, index=pd.Index(names, name="estimator"))

    def paradoxes(self) -> pd.DataFrame:
        """Do slopes change sign?  One row per paradox (Robinson, Simpson), term and level.

        Columns ``name, term, level, within, other, signs_differ, beyond_error``; `other` is
        the slope between groups (Robinson) or of all rows pooled (Simpson).  The level
        ``"all"`` ignores the between variables.
        """
        return pd.DataFrame(list(self.found), columns=list(Paradox._fields))

    def line(
        self, estimator: str, level: str | None = None, *, effect: str | None = None, x: str | None = None
    ) -> Line:
        """Return one estimate as a point of beta space with its covariance.

        Parameters
        ----------
        estimator
            ``"pooled"``, ``"averaged"``, ``"two_stage"``, ``"between"``, ``"mixed"`` or
            ``"contextual"``.
        level
            ``"Public"``, or a difference, ``"Public - Catholic"``; None: the first.
        effect
            For ``"contextual"``: ``"within"`` (default) or ``"between"``.
        x
            The within variable; None: the first.

        Raises
        ------
        FitError
            There is no such estimate.

        Examples
        --------
        >>> import laird as ld
        >>> hs = ld.load_data("hs")
        >>> found = ld.estimators("mathach ~ ses", group="school", between="Sector", data=hs)
        >>> found.line("averaged", "Public - Catholic")
        Line(averaged, within, Public - Catholic: Intercept -2.027 (0.352), ses 1.110 (0.454))
        """
        estimate = self._estimate(estimator, effect)
        return _line(estimate, self._level(level), x or estimate.rows[1])

    def lines(self, x: str | None = None) -> tuple[Line, ...]:
        """Every estimate that has intercept and slope, at every level, as points of beta space."""
        return tuple(self._lines(x))

    def _lines(self, x: str | None) -> Iterator[Line]:
        for estimate in self.estimates:
            if INTERCEPT in estimate.rows:
                for level in self.levels:
                    yield _line(estimate, level, x or estimate.rows[1])

    def _names(self) -> list[str]:
        return list(dict.fromkeys(estimate.estimator for estimate in self.estimates))

    def _estimate(self, estimator: str, effect: str | None) -> Estimate:
        for refusal in self.refused:
            if refusal.estimator == estimator:
                raise FitError(
                    f"`{estimator}` is not available for these data.", where=f"    {refusal.reason}"
                )
        for estimate in self.estimates:
            if estimate.estimator == estimator and effect in (None, estimate.effect):
                if INTERCEPT not in estimate.rows:
                    raise FitError(f"`{estimator}` has no intercept for this effect, hence no line.")
                return estimate
        raise FitError(
            f"There is no estimator `{estimator}`" + (f" of the effect `{effect}`." if effect else "."),
            allowed=nearest(estimator, self._names()),
        )

    def _level(self, name: str | None) -> Level:
        for level in self.levels:
            if name in (None, level.name):
                return level
        raise FitError(
            f"There is no level `{name}`.", allowed=nearest(str(name), [level.name for level in self.levels])
        )

    def __repr__(self) -> str:
        return self._card().text()

    def _repr_html_(self) -> str:
        return self._card().html()

    def _card(self) -> Card:
        s = self.situation
        sizes = f"{s.rows} rows, {s.groups} groups of {s.group} ({s.sizes})"
        return Card((self.title, sizes), self._display_table(), tuple(self._footer()))

    def _display_table(self) -> pd.DataFrame:
        terms = list(dict.fromkeys(name for estimate in self.estimates for name in estimate.terms))
        rows = [
            [LABELS[estimate.estimator], estimate.effect, *_cells(estimate, terms)]
            for estimate in self.estimates
        ]
        return pd.DataFrame(rows, columns=["", "effect", *terms])

    def _footer(self) -> Iterator[str]:
        yield "estimate (standard error); .answers(): consistent, efficient, honest?"
        for estimate in self.estimates:
            if left_out := self.situation.groups - estimate.groups:
                label, count = LABELS[estimate.estimator], counted(left_out, "group")
                yield f"{label}: {count} without a line of their own left out"
        yield from (f"{LABELS[name]}: not available. {reason}" for name, reason in self.refused)
        for name, fit in self.fits.items():
            if fit.status != "ok":
                yield f"{LABELS[name]}: status {fit.status}; see .fits[{name!r}].check()"
        yield from _warnings(self.found)


def with_error(value: float, se: float) -> str:
    """Write an estimate to the digits of its standard error, which has three.

    Examples
    --------
    >>> with_error(13.557903, 0.18813), with_error(-0.9215, 12.0)
    ('13.558 (0.188)', '-0.9 (12.0)')
    """
    if not 1e-5 < se < 1e5:
        return f"{number(value)} ({number(se, 3)})"
    digits = max(2 - int(np.floor(np.log10(se))), 0)
    return f"{value:.{digits}f} ({se:.{digits}f})"


def _cells(estimate: Estimate, terms: Sequence[str]) -> list[str]:
    found = {
        name: with_error(value, se)
        for name, value, se in zip(estimate.terms, estimate.coefficients, estimate.se, strict=True)
    }
    return [found.get(name, "") for name in terms]


def _warnings(found: Sequence[Paradox]) -> Iterator[str]:
    for p in found:
        if p.signs_differ:
            other = "between groups" if p.name == "Robinson" else "pooled"
            doubt = "" if p.beyond_error else " (not beyond error)"
            level = "" if p.level == "all" else f" in {p.level}"
            yield (
                f"{p.name}'s paradox{level}: the slope of {p.term} is {number(p.within)} within groups, "
                f"{number(p.other)} {other}{doubt}"
            )
    if found and not any(p.signs_differ for p in found):
        compared = "between groups and pooled" if found[0].name == "Robinson" else "and pooled"
        yield f"No paradox: slopes within groups{',' * (compared[0] == 'b')} {compared} have the same signs."


def _table(estimate: Estimate, prob: float) -> pd.DataFrame:
    se, df = estimate.se, estimate.df
    half = np.array([shadow_radius(own, prob) for own in df]) * se
    statistic = estimate.coefficients / se
    return pd.DataFrame(
        {
            "estimator": estimate.estimator,
            "effect": estimate.effect,
            "term": list(estimate.terms),
            "estimate": estimate.coefficients,
            "se": se,
            "df": df,
            "statistic": statistic,
            "p_value": two_sided(statistic, df),
            "lower": estimate.coefficients - half,
            "upper": estimate.coefficients + half,
            "df_method": estimate.reference.name,
            "n_groups": estimate.groups,
        }
    )


def _line(estimate: Estimate, level: Level, x: str) -> Line:
    """Intercept and the slope of x at a level."""
    if x not in estimate.rows[1:]:
        raise FitError(f"There is no within variable `{x}`.", allowed=nearest(x, estimate.rows[1:]))
    own, place = estimate.at(level.weights), [0, estimate.rows.index(x)]
    return Line(
        estimator=estimate.estimator,
        effect=estimate.effect,
        level=level.name,
        names=(INTERCEPT, x),
        mean=own.coefficients[place],
        cov=own.cov[np.ix_(place, place)],
        df=float(own.df[place].min()),
        wishart=estimate.wishart,
    )
