"""Distributions of errors, true effects and group effects that are not normal.

``{"errors": "t", "school": "skew_normal"}``: a family by what it is the distribution of.

=================  ==========================================================================
``"errors"``       the residuals, in models without ``meta_V``
``"true_effects"`` how the true effects of the rows differ (``sigma``), in models with ``meta_V``,
                   whose sampling errors stay normal with known variances
a grouping factor  the effects of its groups
=================  ==========================================================================

``"t"`` has heavy tails, with ν > 2 degrees of freedom as a parameter; ``"skew_normal"`` is
asymmetric, with Azzalini's shape α as a parameter (0: normal).  Both have mean zero and the
sds that the normal has, so that sds and their priors mean the same for every family.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from laird.errors import SpecError, nearest
from laird.spec.scanner import normalised
from laird.spec.terms import DistributionalPart, Location

type Families = tuple[tuple[str, str], ...]

EFFECT_FAMILIES = ("normal", "t", "skew_normal")
ERRORS, TRUE_EFFECTS = "errors", "true_effects"
_EXAMPLE = 'Write {"school": "t"}.'


def parse_families(families: Mapping[str, str] | None) -> Families:
    """Return pairs (what, family), ordered by what; normal families are left out.

    Raises
    ------
    SpecError
        No mapping of text, or no family.

    Examples
    --------
    >>> parse_families({"school": "t", "errors": "normal"})
    (('school', 't'),)
    """
    if families is not None and not isinstance(families, Mapping):
        raise SpecError("`families` must be a mapping.", where=f"    {families!r}", remedy=_EXAMPLE)
    rows = (_row(what, family) for what, family in (families or {}).items())
    return tuple(sorted((what, family) for what, family in rows if family != "normal"))


def _row(what: object, family: object) -> tuple[str, str]:
    if not isinstance(what, str) or not isinstance(family, str):
        raise SpecError("`families` must be text.", where=f"    {what!r}: {family!r}", remedy=_EXAMPLE)
    if family not in EFFECT_FAMILIES:
        raise SpecError(
            f"There is no family `{family}` of errors or effects.",
            where=f'    "{what}": "{family}"',
            allowed=nearest(family, EFFECT_FAMILIES),
        )
    return normalised(what), family


def check_families(
    families: Families, locations: Sequence[Location], parts: Sequence[DistributionalPart]
) -> None:
    """Refuse families of what the model does not have.

    Raises
    ------
    SpecError
        With the nearest name, or the name that the model has for it.
    """
    groups = {random.group_name for one in locations for random in one.random}
    rows = _row_name(locations, parts)
    allowed = [*groups, *([rows] if rows else [])]
    for what, family in families:
        if what not in allowed:
            raise SpecError(
                f"The model has no `{what}` that a family could be of.",
                where=f'    "{what}": "{family}"',
                allowed=nearest(what, sorted(allowed)),
                remedy=_remedy(what, locations, rows),
            )


def _row_name(locations: Sequence[Location], parts: Sequence[DistributionalPart]) -> str:
    """What the distribution of single rows is called; empty when there is none to choose."""
    zero = any(part.parameter == "sigma" and not part.terms for part in parts)
    if len(locations) > 1 or zero:
        return ""
    return TRUE_EFFECTS if locations[0].known else ERRORS


def _remedy(what: str, locations: Sequence[Location], rows: str) -> str:
    if what not in (ERRORS, TRUE_EFFECTS):
        return f"Name a grouping factor{f', or `{rows}`' if rows else ''}."
    if len(locations) > 1:
        return "With several outcomes only effects of groups have other families."
    if not rows:
        return "`sigma ~ 0` leaves no heterogeneity of rows: take it away, or name a grouping factor."
    if rows == TRUE_EFFECTS:
        return (
            "Sampling errors with known variances are normal; what they leave is the heterogeneity of the "
            f"true effects: write `{TRUE_EFFECTS}`."
        )
    return f"True effects need known sampling variances, meta_V(v); the residuals are called `{ERRORS}`."


def families_text(families: Families) -> str:
    """Return families as a line of text.

    Examples
    --------
    >>> families_text((("errors", "t"), ("school", "skew_normal")))
    'families: errors t, school skew_normal'
    """
    return "families: " + ", ".join(f"{what} {family}" for what, family in families)
