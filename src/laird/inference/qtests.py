"""Cochran's Q, the typical sampling variance, I² and H², and intervals of one τ² from the generalised Q.

Q_gen(τ²) = y'P(τ²)y with Σ = V + τ²T follows χ² with n - p degrees of freedom at the true τ², and falls
with τ²: inverting it gives an exact interval (Viechtbauer 2007; Jackson 2013; Jackson, Turner, Rhodes &
Viechtbauer 2014 for any V).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.inference.gls import Gls, gls, trace_P, trace_PTPT, trace_TT
from laird.inference.rowblocks import Layout, whitener

type Floats = NDArray[np.float64]

FAR = 1e12
"""The upper limit of τ² is looked for up to so many times the typical variance."""


class QTest(NamedTuple):
    """Q = (y - Xβ̂)'V⁻¹(y - Xβ̂), which is χ² with `df` when all true effects are as X says."""

    Q: float
    df: float
    p_value: float


def q_test(found: Gls) -> QTest:
    """The test of heterogeneity, from generalised least squares with Σ = V (Cochran 1954)."""
    from scipy.special import chdtrc

    return QTest(found.Q, found.df, float(chdtrc(found.df, found.Q)) if found.df else float("nan"))


def typical_variance(
    y: Floats, X: Floats, where: Layout, V: Sequence[Floats], weights: Floats | None = None
) -> float:
    """The typical sampling variance (n - p) / tr(P), P at Σ = V (Higgins & Thompson 2002).

    (k - 1)Σw / ((Σw)² - Σw²) for independent effects with a common mean, w = 1/v.

    Examples
    --------
    >>> from laird.inference.rowblocks import layout
    >>> V = [np.full((3, 1, 1), 0.5)]
    >>> typical_variance(np.zeros(3), np.ones((3, 1)), layout(np.arange(3)), V)
    0.5
    """
    by = whitener(where, V)
    found = gls(y, X, by, weights)
    return found.df / trace_P(by, found, weights)


def inconsistency(tau2: Floats, typical: float) -> tuple[Floats, Floats]:
    """I² = 100 τ²/(τ² + s²) in per cent, H² = (τ² + s²)/s².

    Examples
    --------
    >>> inconsistency(np.array([0.0, 3.0]), 1.0)
    (array([ 0., 75.]), array([1., 4.]))
    """
    tau2 = np.asarray(tau2, dtype=float)
    return 100 * tau2 / (tau2 + typical), (tau2 + typical) / typical


def jackson(random: Floats, fixed: Floats) -> float:
    """I² in per cent from the covariances of β̂ with and without heterogeneity, shapes (p, p).

    R = (|C_random| / |C_fixed|)^(1/2p), I² = (R² - 1)/R² (Jackson, White & Riley 2012).

    Examples
    --------
    >>> jackson(np.diag([4.0, 4.0]), np.eye(2))
    75.0
    """
    log_R2 = (np.linalg.slogdet(random)[1] - np.linalg.slogdet(fixed)[1]) / len(random)
    return float(-100 * np.expm1(-log_R2))


def tau2_se(
    y: Floats, X: Floats, where: Layout, Sigma: Sequence[Floats], T: Sequence[Floats], *, restricted: bool
) -> float:
    """Standard error of τ̂² from the expected information ½tr(PTPT), or ½tr(Σ⁻¹TΣ⁻¹T) for ML."""
    by = whitener(where, Sigma)
    trace = trace_PTPT(by, gls(y, X, by), T) if restricted else trace_TT(by, T)
    return float(np.sqrt(2 / trace))


def q_profile(
    y: Floats, X: Floats, where: Layout, V: Sequence[Floats], T: Sequence[Floats], prob: float
) -> tuple[float, float] | None:
    """The interval of τ² in Σ = V + τ²T at which Q_gen is no surprise; None when no τ² ≥ 0 is.

    Parameters
    ----------
    y, X
        Shapes (n,), (n, p).
    where, V, T
        Layout, sampling covariance and shape of the heterogeneity by stack.
    prob
        Probability of the interval.
    """
    from scipy.special import chdtri

    df = len(y) - X.shape[1]
    high, low = (float(chdtri(df, tail)) for tail in ((1 - prob) / 2, (1 + prob) / 2))
    scale = typical_variance(y, X, where, V)

    def Q(ratio: float) -> float:
        tau2 = ratio * scale
        return gls(y, X, whitener(where, [v + tau2 * t for v, t in zip(V, T, strict=True)])).Q

    at_zero = Q(0.0)
    if at_zero < low:
        return None
    return (0.0 if at_zero < high else scale * _crossing(Q, high)), scale * _crossing(Q, low)


def _crossing(Q: Callable[[float], float], level: float) -> float:
    """The ratio at which the falling Q reaches `level`."""
    from scipy.optimize import brentq

    upper = 1.0
    while Q(upper) > level and upper < FAR:
        upper *= 4.0
    return float(brentq(lambda ratio: Q(ratio) - level, 0.0, upper, xtol=1e-14, rtol=1e-12))
