"""Priors that keep sds off zero and correlations off ±1, and leave everything else to the likelihood.

Where the likelihood is largest at an sd of zero, the mode is about one standard error away from it
with gamma(2, rate) and a small rate, whose density is nearly the sd itself (Chung, Rabe-Hesketh,
Dorie, Gelman & Liu 2013, Psychometrika 78, 685-709).  For a covariance matrix G of q
coefficients the same is the Wishart density of q + 2 degrees of freedom and a large scale, |G|^½
(Chung, Gelman, Rabe-Hesketh, Liu & Dorie 2015, J. Educ. Behav. Stat. 40, 136-157): in sds and
correlations, |G| = Π sd² |C|, it is gamma(2, rate) of every sd and lkj(1.5).
"""

from __future__ import annotations

from dataclasses import replace

from laird.posterior.table import CORRELATIONS, SLOPES
from laird.posterior.targets import Numbers, Target

SHAPE, ETA = 2.0, 1.5

RATE = 0.01
"""In units of one over the size of the outcome for one unit of the sd's column: an sd of that size has
its density lowered by a hundredth."""

LEFT = frozenset({"coefficient", "phi", *SLOPES})


def avoiding(target: Target, *, sampling: bool) -> Target:
    """A parameter with its prior of the set ``boundary_avoiding`` for default.

    Parameters
    ----------
    target
        A parameter with the default of the set ``weakly_informative``.
    sampling
        Whether there are known sampling variances, beside which residual sds may vanish.
    """
    kind = target.row.kind
    if kind in CORRELATIONS:
        return replace(target, default=lambda: ("lkj", (ETA,), "constant"))
    if kind == "sd" or (kind == "sigma" and sampling):
        return replace(target, default=lambda: _kept_off_zero(target))
    if kind == "sigma" or kind in LEFT:
        return replace(target, default=lambda: ("flat", (), "left to the likelihood"))
    return target


def _kept_off_zero(target: Target) -> Numbers:
    _, (*_, size), text = target.default()
    shown = f"({text})" if " / " in text else text
    return "gamma", (SHAPE, RATE / size), f"rate {RATE:g} / {shown}"
