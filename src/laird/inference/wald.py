"""Wald tests of linear hypotheses about the fixed effects, row by row and jointly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from laird.errors import FitError
from laird.fitting.result import Fit
from laird.inference.combinations import check_probability, drawn, draws_of, estimated, labelled
from laird.inference.distributions import chi2_tail, f_tail
from laird.inference.hypotheses import Hypothesis, read_hypothesis
from laird.inference.reference import Df, Reference, reference

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class JointTest:
    """All rows of a hypothesis at once.

    Attributes
    ----------
    f, df1, df2, p_value
        F statistic (of Kenward and Roger: scaled), its degrees of freedom, and its tail.
    chi2, chi2_p_value
        The Wald statistic for known covariance parameters, χ² with `df1` degrees of freedom.
    method
        Of the degrees of freedom.
    """

    f: float
    df1: int
    df2: float
    p_value: float
    chi2: float
    chi2_p_value: float
    method: str

    def __str__(self) -> str:
        return (
            f"F({self.df1}, {self.df2:.4g}) = {self.f:.4g}, p = {self.p_value:.3g} ({self.method}); "
            f"chi2({self.df1}) = {self.chi2:.4g}, p = {self.chi2_p_value:.3g}"
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class WaldTest:
    """Result of `wald`.

    Attributes
    ----------
    rows
        One row per hypothesis: ``hypothesis, estimate, value, se, df, statistic, p_value,
        lower, upper, method``; of draws ``hypothesis, estimate, value, se, lower, upper,
        above, method``.  ``value`` is what the combination is tested against.
    joint
        The test of all rows; None for draws.
    """

    rows: pd.DataFrame
    joint: JointTest | None

    def __repr__(self) -> str:
        return self.rows.to_string(index=False) + (f"\n{self.joint}" if self.joint else "")

    def _repr_html_(self) -> str:
        return self.rows.to_html(index=False) + (f"<p>{self.joint}</p>" if self.joint else "")


def wald(
    fit: Fit,
    hypothesis: Any = None,
    *,
    pattern: str | None = None,
    rhs: ArrayLike | None = None,
    df: Df | Reference | None = None,
    prob: float = 0.95,
) -> WaldTest:
    """Test linear combinations of the fixed effects.

    Parameters
    ----------
    fit
        A fit by any method.
    hypothesis
        ``"ses:Sector[Public] = 0"``, ``"ses + ses:Sector[Public] = 2"``, ``"a = b"``,
        ``"(a + b)/2"`` (to be zero); a list of these, or a mapping from labels to them; a
        matrix (r, p) or a frame with terms as columns.
    pattern
        Instead: a regular expression; every term in which it is found is to be zero.
    rhs
        Values of the rows of a matrix or pattern, a number or (r,).
    df
        As in `laird.coef_tests`.  Joint tests pool the degrees of freedom of rows as
        lmerTest (Fai & Cornelius 1996) or pbkrtest (Kenward & Roger 1997).
    prob
        Probability of the intervals.

    Raises
    ------
    SpecError
        Text that cannot be read or names an unknown term.
    FitError
        A matrix of the wrong shape, redundant rows, or a `df` that is not available.

    Examples
    --------
    >>> import laird as ld
    >>> hs = ld.load_data("hs")
    >>> fit = ld.model("mathach ~ ses * Sector + (1 | school)", data=hs).fit("reml")
    >>> test = ld.wald(fit, "ses + ses:Sector[Public] = 2")
    >>> test.rows[["estimate", "value", "lower", "upper"]].round(2).to_dict("records")
    [{'estimate': 3.2, 'value': 2.0, 'lower': 2.59, 'upper': 3.82}]
    >>> joint = ld.wald(fit, pattern="Sector").joint
    >>> joint.df1, round(joint.f, 2), round(joint.df2, 1)
    (2, 8.67, 67.8)
    """
    check_probability(prob)
    found = _with_values(_hypothesis(fit, hypothesis, pattern), rhs)
    draws = draws_of(fit, df)
    if draws is not None:
        return WaldTest(_labelled(drawn(fit, found.K, found.rhs, draws, prob), found), None)
    at = reference(fit, df)
    rows = _labelled(estimated(fit, found.K, found.rhs, at, prob), found)
    return WaldTest(rows, joint_test(fit, found.K, found.rhs, at))


def joint_test(fit: Fit, K: Floats, rhs: Floats, at: Reference) -> JointTest:
    """The F and χ² tests of Kβ = rhs."""
    distance, q = K @ fit.point.beta - rhs, len(K)
    scale, df = at.joint(K)
    F = scale * _quadratic(distance, K @ at.cov @ K.T) / q
    chi2 = _quadratic(distance, K @ fit.point.beta_cov @ K.T)
    return JointTest(F, q, df, f_tail(F, q, df), chi2, chi2_tail(chi2, q), at.name)


def _quadratic(x: Floats, cov: Floats) -> float:
    return float(x @ np.linalg.solve(cov, x))


def _hypothesis(fit: Fit, given: Any, pattern: str | None) -> Hypothesis:
    if (given is None) == (pattern is None):
        raise FitError(
            "A Wald test needs either a hypothesis or a pattern.",
            remedy='Write `wald(fit, "a = b")` or `wald(fit, pattern="a")`.',
        )
    return read_hypothesis(given if pattern is None else _compiled(pattern), fit.problem.design.names)


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise FitError(f"The pattern {pattern!r} is not a regular expression: {error}.") from error


def _with_values(found: Hypothesis, rhs: ArrayLike | None) -> Hypothesis:
    if rhs is None:
        return found
    values = np.array(rhs, dtype=float)
    if found.rhs.any() or values.shape not in ((), found.rhs.shape) or not np.all(np.isfinite(values)):
        raise FitError(
            f"rhs = {rhs!r} does not fit the hypothesis.",
            allowed=f"It is a number or {len(found.rhs)} numbers, for rows that state no value themselves.",
        )
    return Hypothesis(found.K, np.broadcast_to(values, found.rhs.shape).copy(), found.labels)


def _labelled(table: pd.DataFrame, found: Hypothesis) -> pd.DataFrame:
    table.insert(1, "value", found.rhs)
    return labelled(table, "hypothesis", found.labels)
