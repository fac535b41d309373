"""Sets of priors by name: how far parameters are expected to lie, on the scale of the data.

With s the size of the outcome (`laird.posterior.defaults` says what that is):

====================  ================================  ==========================================
parameter             weakly_informative                informative
====================  ================================  ==========================================
``Intercept``         normal(mean, 2.5 s)               normal(mean, s)
coefficient of x      normal(0, 2.5 s / sd(x))          normal(0, 0.5 s / sd(x))
``sigma``             half_student_t(3, s)              half_normal(s)
``sd(g, x)``          half_student_t(3, s / sd(x))      half_normal(0.5 s / sd(x))
``cor(g)``, ``rho``   lkj(2)                            lkj(4)
``phi``               lognormal(0, 1)                   lognormal(0, 0.5)
slopes of log sds,    normal(0, 0.5 / sd(x))            normal(0, 0.25 / sd(x))
of atanh ``rho``
====================  ================================  ==========================================

Weakly informative priors keep parameters from being absurd, and leave the rest to the data.
Informative ones say that effects have the sizes usual in fields that study people: an sd of a
predictor moves the outcome by less than 0.8 of its sd (90 %), groups differ by less than
0.8 of it in 90 %, which leaves an intraclass correlation beyond one half to the data alone.
``flat`` is the density 1 of every parameter.  ``boundary_avoiding`` is flat but for sds of groups (and of
outcomes beside known sampling variances), gamma(2, 0.01 / (s / sd(x))), and correlations, lkj(1.5): REML
that is kept off the boundary (`laird.posterior.boundary`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Spread(NamedTuple):
    """Prior of an sd: a family, its values before the scale, and the scale in sizes of the outcome.

    Examples
    --------
    >>> Spread("half_student_t", (3.0,), 0.5).values(10.0)
    (3.0, 5.0)
    """

    family: str
    before: tuple[float, ...]
    share: float

    def values(self, size: float) -> tuple[float, ...]:
        """The values for one unit of a column that is worth `size` of the outcome."""
        return (*self.before, self.share * size)


class PriorSet(NamedTuple):
    """Numbers of a set.

    Attributes
    ----------
    intercept, coefficient
        Sds of their normal priors, in sizes of the outcome.
    sigma, sd
        Priors of residual and of group sds.
    eta
        Shape of the LKJ prior of correlations.
    phi
        Sd of the logarithm of the multiplier of V.
    slope
        Sd of the prior of a slope of a log sd or an atanh correlation, per sd of its predictor; an
        indicator of half the rows gets twice as much.
    avoids_boundary
        Whether sds and correlations have the priors of `laird.posterior.boundary` instead, and all
        other parameters flat ones.
    """

    intercept: float
    coefficient: float
    sigma: Spread
    sd: Spread
    eta: float
    phi: float
    slope: float
    avoids_boundary: bool = False


_HALF_T = Spread("half_student_t", (3.0,), 1.0)

DEFAULT = "weakly_informative"
SETS: Mapping[str, PriorSet] = MappingProxyType(
    {
        DEFAULT: PriorSet(2.5, 2.5, _HALF_T, _HALF_T, 2.0, 1.0, 0.5),
        "informative": PriorSet(
            1.0, 0.5, Spread("half_normal", (), 1.0), Spread("half_normal", (), 0.5), 4.0, 0.5, 0.25
        ),
        "boundary_avoiding": PriorSet(2.5, 2.5, _HALF_T, _HALF_T, 2.0, 1.0, 0.5, avoids_boundary=True),
    }
)


def times(share: float, text: str) -> str:
    """A multiple in words.

    Examples
    --------
    >>> times(2.5, "sd(y)"), times(1.0, "sd(y)")
    ('2.5 sd(y)', 'sd(y)')
    """
    return text if share == 1.0 else f"{share:g} {text}"
