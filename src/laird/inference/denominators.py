"""Denominator degrees of freedom of tests about β, from how the covariance of β̂ varies."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.fitting.satterthwaite import Covariation, of_rows

type Floats = NDArray[np.float64]

EQUAL = 1e-8
"""Degrees of freedom that differ by less are the same (as lmerTest)."""


class Denominator(NamedTuple):
    """An F statistic times `scale` has an F distribution with `df` denominator degrees of freedom."""

    scale: float
    df: float


def fai_cornelius(K: Floats, c: Covariation) -> Denominator:
    """Denominator of a joint F by Satterthwaite's method (Fai & Cornelius 1996), as lmerTest.

    With KCK' = P diag(d) P', the q statistics (P'K)_iβ/√d_i have ν_i degrees of freedom each;
    the sum of their squares has the expectation E = Σ ν_i/(ν_i - 2) of q F(q, df) if
    df = 2E/(E - q).
    """
    P = np.linalg.eigh(K @ c.cov @ K.T)[1]
    nu, q = of_rows(P.T @ K, c), len(K)
    if np.isinf(nu).all() or np.ptp(nu) < EQUAL:
        return Denominator(1.0, float(nu.mean()))
    if not np.all(nu > 2.0):
        return Denominator(1.0, 2.0)
    excess = float(np.sum(2.0 / (nu - 2.0)))
    return Denominator(1.0, 2.0 * (q + excess) / excess)


def kenward_roger_scale(K: Floats, c: Covariation) -> Denominator:
    """Scale and denominator of a joint F by Kenward & Roger (1997), as pbkrtest.

    The scaled statistic matches two moments of an F; the constants make it exact for
    Hotelling's T² and balanced analyses of variance (their section 3; Halekoh &
    Højsgaard 2014, appendix).
    """
    q = len(K)
    Theta = K.T @ np.linalg.solve(K @ c.cov @ K.T, K)
    moved = Theta @ c.gradient
    traces = np.trace(moved, axis1=1, axis2=2)
    A1 = float(traces @ c.parameter_cov @ traces)
    A2 = float(np.einsum("ik,ipr,krp->", c.parameter_cov, moved, moved))
    if A2 <= 0.0:
        return Denominator(1.0, np.inf)
    B = (A1 + 6.0 * A2) / (2.0 * q)
    g = ((q + 1) * A1 - (q + 4) * A2) / ((q + 2) * A2)
    divisor = 3.0 * q + 2.0 * (1.0 - g)
    c1, c2, c3 = g / divisor, (q - g) / divisor, (q + 2.0 - g) / divisor
    V0, V1, V2 = 1.0 + c1 * B, 1.0 - c2 * B, 1.0 - c3 * B
    rho = _ratio(1.0 - A2 / q, V1) ** 2 * V0 / V2 / q
    df = 4.0 + (q + 2.0) / (q * rho - 1.0)
    scale = 1.0 if abs(df - 2.0) < 1e-2 else df * (1.0 - A2 / q) / (df - 2.0)
    return Denominator(scale, df)


def _ratio(a: float, b: float) -> float:
    """a / b, 1 where both vanish (pbkrtest)."""
    return 1.0 if abs(a) < 1e-14 and abs(b) < 1e-14 else a / b
