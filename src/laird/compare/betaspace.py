"""Beta space: a line is a point (intercept, slope), and its uncertainty an ellipse around it.

The ellipse {b : (b - β̂)'V⁻¹(b - β̂) <= r²} covers the line with probability `prob` for
r² = 2F(prob; 2, ν); for r = t((1 + prob)/2; ν), which is smaller, its shadows on the axes, and
in every other direction, are the `prob` intervals of single coefficients (slides, Figures 4 to 7).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting.display import number
from laird.fitting.frozen import freeze
from laird.inference.combinations import check_probability
from laird.inference.distributions import f_tail, t_quantile

type Floats = NDArray[np.float64]


class JointTest(NamedTuple):
    """F test that intercept and slope are both zero."""

    statistic: float
    df1: int
    df2: float
    p_value: float


def ellipse_radius(df: float, prob: float = 0.95, *, wishart: bool = False) -> float:
    """Radius at which a dispersion ellipse covers the point with probability `prob`.

    Parameters
    ----------
    df
        Degrees of freedom ν of the covariance; infinite if it is known.
    prob
        Coverage.
    wishart
        False: the covariance is known but for one factor, r² = 2F(2, ν).  True: all of it
        was estimated from ν + 1 lines or their residuals, r² = 2ν/(ν - 1) F(2, ν - 1), Hotelling's T².

    Raises
    ------
    FitError
        `prob` is not a probability, or ν too small for a finite radius.

    Examples
    --------
    >>> round(ellipse_radius(1973), 3), round(ellipse_radius(38, wishart=True), 3)
    (2.45, 2.584)
    """
    check_probability(prob)
    if df < 1 + wishart:
        raise FitError(
            f"{df:g} degrees of freedom are too few for an ellipse: the covariance has two variances.",
            remedy="Use more groups.",
        )
    if wishart:
        return float(np.sqrt(2 * df / (df - 1) * _f_quantile(df - 1, prob)))
    return float(np.sqrt(2 * _f_quantile(df, prob)))


def _f_quantile(df: float, prob: float) -> float:
    """Quantile of F(2, ν), ν/2 ((1 - p)^(-2/ν) - 1), or of χ²(2)/2 for infinite ν."""
    if np.isinf(df):
        return float(-np.log1p(-prob))
    return float(df / 2 * np.expm1(-2 / df * np.log1p(-prob)))


def shadow_radius(df: float, prob: float = 0.95) -> float:
    """Radius at which the shadows of a dispersion ellipse are `prob` intervals: a quantile of t.

    Raises
    ------
    FitError
        `prob` is not a probability.

    Examples
    --------
    >>> round(shadow_radius(1973), 3), round(shadow_radius(38), 3)
    (1.961, 2.024)
    """
    check_probability(prob)
    return float(t_quantile(0.5 + prob / 2, df))


def _squared_distance(b: Floats, V: Floats) -> float:
    """b'V⁻¹b for two coefficients, in units of their sds."""
    sd = np.sqrt(np.diag(V))
    if not (sd > 0).all() or abs(r := V[0, 1] / (sd[0] * sd[1])) >= 1 - 1e-12:
        raise FitError("The covariance of intercept and slope is singular: there is no joint test.")
    z = b / sd
    return float((z[0] ** 2 - 2 * r * z[0] * z[1] + z[1] ** 2) / (1 - r**2))


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """A level of the between variables, or a difference of levels, as weights w (m,) of their columns."""

    name: str
    weights: Floats

    def __post_init__(self) -> None:
        freeze(self)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Line:
    """One estimated line as a point of beta space.

    Attributes
    ----------
    estimator, effect, level
        What estimated it (``"pooled"``), of which effect (``"within"``), for which level of
        the between variable (``"Public"``, ``"Public - Catholic"``).
    names
        Names of the two axes, ``("Intercept", "ses")``.
    mean, cov
        Intercept and slope, shape (2,), and their covariance, shape (2, 2).
    df
        Degrees of freedom of the covariance.
    wishart
        Whether all of the covariance was estimated from the groups' lines (two-stage).

    Examples
    --------
    >>> line = Line("pooled", "mixture", "all", ("Intercept", "x"), np.zeros(2), np.eye(2), 30.0)
    >>> round(line.radius(), 3), round(line.shadow_radius(), 3)
    (2.575, 2.042)
    """

    estimator: str
    effect: str
    level: str
    names: tuple[str, str]
    mean: Floats
    cov: Floats
    df: float
    wishart: bool = False

    def __post_init__(self) -> None:
        freeze(self)

    def radius(self, prob: float = 0.95) -> float:
        """Radius of the ellipse that covers the line with probability `prob`."""
        return ellipse_radius(self.df, prob, wishart=self.wishart)

    def shadow_radius(self, prob: float = 0.95) -> float:
        """Radius of the ellipse whose shadows are `prob` intervals of intercept and slope."""
        return shadow_radius(self.df, prob)

    def interval(self, prob: float = 0.95) -> Floats:
        """Intervals of intercept and slope, the shadows of the ellipse, shape (2, 2): lower, upper."""
        half = self.shadow_radius(prob) * np.sqrt(np.diag(self.cov))
        return np.stack([self.mean - half, self.mean + half], axis=1)

    def test(self) -> JointTest:
        """F test that intercept and slope are both zero; Hotelling's if `wishart`.

        Raises
        ------
        FitError
            The covariance is singular, or has too few degrees of freedom.
        """
        squared = _squared_distance(self.mean, self.cov)
        df2 = self.df - 1 if self.wishart else self.df
        if df2 <= 0:
            raise FitError(f"{self.df:g} degrees of freedom are too few for a joint test.")
        statistic = squared / 2 * (df2 / self.df if self.wishart else 1.0)
        return JointTest(statistic, 2, df2, f_tail(statistic, 2, df2))

    def __repr__(self) -> str:
        estimates = ", ".join(
            f"{name} {number(value)} ({number(se, 3)})"
            for name, value, se in zip(self.names, self.mean, np.sqrt(np.diag(self.cov)), strict=True)
        )
        return f"Line({self.estimator}, {self.effect}, {self.level}: {estimates})"
