"""Priors of the shapes of families that are not normal: degrees of freedom ν, and skewness α.

====================  ================  =====================================================
parameter             default prior     meaning
====================  ================  =====================================================
``nu(g)``             gamma(2, 0.1)     degrees of freedom of a Student t, above 2: the sd exists
``alpha(g, x)``       normal(0, 4)      Azzalini's shape of a skew-normal, 0 for the normal
====================  ================  =====================================================

``g`` is a grouping factor, ``errors`` or ``true_effects`` (`laird.spec.families`).  The prior of
ν is that of Juarez and Steel (2010, J Bus Econ Stat 28, 52-66): most of it between 4 and 50.
It is cut at 2.  A flat prior of ν or α has no proper posterior, as the normal is its limit; so
``priors="flat"`` leaves theirs as they are.
"""

from __future__ import annotations

from collections.abc import Iterator

from laird.design import Design, RandomDesign
from laird.errors import SpecError
from laird.posterior.targets import Target, blank, term_of

NU = (2.0, 0.1)
ALPHA = 4.0


def shape_targets(design: Design) -> Iterator[Target]:
    """Yield ν and α of every family that is not normal."""
    factors = {random.group: random for random in design.random}
    for what, family in design.families:
        if family == "t":
            name = f"nu({what})"
            yield Target(blank(name, "nu", what), ("nu", name), lambda: ("gamma", NU, "constant, above 2"))
        elif what in factors:
            yield from _skewed(factors[what])
        else:
            yield _alpha(f"alpha({what})", what, 0)


def _skewed(random: RandomDesign) -> Iterator[Target]:
    if max(map(len, random.blocks)) > 1:
        raise SpecError(
            f"Skew-normal effects of `{random.group}` cannot be correlated.",
            remedy=f"Write (... || {random.group}) for independent coefficients, or the family t.",
        )
    for k, name in enumerate(random.names):
        scopes = (f"alpha({random.group})", f"alpha({random.group}, {term_of(name)})")
        yield _alpha(f"alpha({random.group}, {name})", random.group, k, scopes)


def _alpha(name: str, what: str, index: int, scopes: tuple[str, ...] = ()) -> Target:
    names = ("alpha", *scopes, name)
    return Target(blank(name, "alpha", what, index), names, lambda: ("normal", (0.0, ALPHA), "constant"))
