"""What a model consists of: terms, random terms, parts and priors.

These are values: text only, nothing learned from data, hashable, deeply immutable.
"""

from __future__ import annotations

from dataclasses import dataclass

from laird.spec.syntax import Call, Expr


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
    def key(self) -> frozenset[Expr]:
        """The factors without their order: ``a:b`` and ``b:a`` have the same."""
        return frozenset(self.factors)

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
    """``meta_V(x)``: the known sampling variance, a column, or a matrix given or built in ``known=``."""

    name: str
    scale: str = "additive"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the matrix ``meta_V(name)`` is built from columns: a call of a builder (`laird.spec.recipes`)."""

    name: str
    call: Call


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

    `parameter` is ``"sigma"``, ``"sd"`` or ``"rho"``.  `target` is what stands in the
    parentheses: outcomes (none for the sigma of a single outcome), or for ``"sd"`` the
    columns of a grouping factor, as in `RandomTerm.group`.
    """

    parameter: str
    target: tuple[str, ...]
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Prior:
    """One row of the prior table: ``parameter ~ family(values)``.

    `parameter` is a term name (``"ses"``), ``"b"`` (all coefficients but the
    intercept), ``"Intercept"``, ``"sigma"``, ``"sd"``, ``"sd(school)"``,
    ``"sd(school, ses)"``, ``"cor"``, ``"cor(school)"``, ``"phi"``, ``"rho(y1, y2)"``, a slope
    such as ``"log_sigma(x)"``, or ``"*"``: every parameter, with `family` the name of a set.
    `family` is a name of `laird.spec.priors.FAMILIES`.  `published` is the name of the prior
    when it was given by one (`laird.spec.published`).
    """

    parameter: str
    family: str
    values: tuple[float, ...] = ()
    published: str = ""
