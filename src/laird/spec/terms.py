"""What a model consists of: terms, random terms, parts, priors, and the frozen `Spec`.

These are values: text only, nothing learned from data, hashable, deeply immutable.
"""

from __future__ import annotations

from dataclasses import dataclass

from laird.spec.syntax import Expr


@dataclass(frozen=True, slots=True)
class Term:
    """A product of factors; the empty product is the intercept.

    `factors` are `Name` or `Call` nodes in order of first appearance.
    """

    factors: tuple[Expr, ...] = ()

    @property
    def is_intercept(self) -> bool:
        """True for the empty product."""
        return not self.factors

    @property
    def degree(self) -> int:
        """Number of factors."""
        return len(self.factors)


INTERCEPT = Term()


@dataclass(frozen=True, slots=True)
class RandomTerm:
    """Random coefficients of `terms` over the groups of `group` (columns joined by ``:``).

    `correlated` is False for ``(… || g)``: every coefficient is then independent.
    """

    terms: tuple[Term, ...]
    group: tuple[str, ...]
    correlated: bool = True

    @property
    def group_name(self) -> str:
        """The factor's name: ``school``, or ``batch:cask`` for crossed columns."""
        return ":".join(self.group)


@dataclass(frozen=True, slots=True)
class KnownVariance:
    """``meta_V(x)``: the known sampling variance, a column or a matrix given in ``known=``."""

    name: str
    scale: str = "additive"


@dataclass(frozen=True, slots=True)
class Location:
    """The mean of one outcome: ``outcome ~ terms + random terms + meta_V(...)``."""

    outcome: Expr
    terms: tuple[Term, ...]
    random: tuple[RandomTerm, ...] = ()
    known: KnownVariance | None = None


@dataclass(frozen=True, slots=True)
class DistributionalPart:
    """A log-sd or correlation regression: ``sigma ~``, ``sd(study) ~``, ``rho(y1, y2) ~``.

    `parameter` is ``"sigma"``, ``"sd"`` or ``"rho"``; `target` the names in parentheses.
    """

    parameter: str
    target: tuple[str, ...]
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Prior:
    """One row of the prior table: ``parameter ~ family(values)``.

    `parameter` is a term name (``"ses"``), ``"b"`` (all coefficients but the
    intercept), ``"Intercept"``, ``"sigma"``, ``"sd(school)"``, ``"sd(school, ses)"``
    or ``"cor(school)"``.  `family` is a name of `laird.spec.priors.FAMILIES`.
    """

    parameter: str
    family: str
    values: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Spec:
    """A model as text says it; see `laird.spec.parse_spec` and `laird.read_spec`.

    Parts
    -----
    locations
        One `Location` per outcome (one for a univariate model).
    distributional
        Regressions of sigma, group sds and correlations, in order of appearance.
    priors
        Overrides only; the defaults depend on the data and are added by the model.
    levels
        Category order by column, ``((column, (level, ...)), ...)``.
    name, title, question, data, missing
        What a TOML file says besides the formulas: a short name, a heading, the
        question the model answers, a bundled data set or a CSV path, and what to do
        with missing values (``"error"`` or ``"drop"``).
    """

    locations: tuple[Location, ...]
    distributional: tuple[DistributionalPart, ...] = ()
    priors: tuple[Prior, ...] = ()
    levels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    missing: str = "error"
    data: str = ""
    name: str = ""
    title: str = ""
    question: str = ""
