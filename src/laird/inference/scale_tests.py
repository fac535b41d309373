"""Tests of the coefficients of log sds: Wald, t and likelihood ratio, one by one and jointly."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.design import Design
from laird.errors import FitError
from laird.fitting.options import one_of
from laird.fitting.regressions import places
from laird.fitting.result import Fit
from laird.gaussian.coordinates import correlated_pairs
from laird.gaussian.theta import Theta
from laird.inference.combinations import check_probability
from laird.inference.dispersion import drawn_theta
from laird.inference.distributions import chi2_tail, t_quantile, two_sided
from laird.inference.profiles import profile_limits, profile_of
from laird.inference.refits import refit
from laird.posterior.codings import Coding

type Floats = NDArray[np.float64]
type Method = Literal["wald", "t", "lr"]

METHODS = ("wald", "t", "lr")


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """A joint test: statistic, degrees of freedom and tail of χ²."""

    chi2: float
    df: int
    p_value: float
    method: str

    def __str__(self) -> str:
        return f"chi2({self.df}) = {self.chi2:.4g}, p = {self.p_value:.3g} ({self.method})"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ScaleTests:
    """Result of `scale_tests`.

    Attributes
    ----------
    rows
        One row per coefficient: ``parameter`` (``"sigma"`` or ``"sd"``), ``group`` (the outcome of a
        sigma when there are several, the grouping factor of an sd), ``term, estimate, se,
        df, statistic, p_value, lower, upper, method``; of draws ``…, estimate, se, lower, upper,
        above, method``.
    joint
        That all of them but intercepts are zero; None for draws and where there are only intercepts.
    """

    rows: pd.DataFrame
    joint: ChiSquare | None

    def __repr__(self) -> str:
        return self.rows.to_string(index=False) + (f"\n{self.joint}" if self.joint else "")

    def _repr_html_(self) -> str:
        return self.rows.to_html(index=False) + (f"<p>{self.joint}</p>" if self.joint else "")


class _Coefficient(NamedTuple):
    """A coefficient of a log sd: its regression and its place there."""

    coding: Coding
    k: int

    @property
    def term(self) -> str:
        return self.coding.names[self.k]

    @property
    def is_tested(self) -> bool:
        return self.term != "Intercept" and "Intercept" in self.coding.names

    def at(self, theta: Theta) -> float:
        return float(self.coding.coefficients(theta)[self.k])


def scale_tests(
    fit: Fit, *, method: Method = "wald", pattern: str | None = None, prob: float = 0.95
) -> ScaleTests:
    """Test the coefficients of log sds against zero: whether sds depend on moderators.

    Parameters
    ----------
    fit
        A fit of a model with ``sigma ~ x`` or ``sd(g) ~ x``, by any method.
    method
        ``"wald"`` refers to the normal distribution, ``"t"`` to Student's with as many degrees
        of freedom as rows (groups for an sd) minus coefficients, ``"lr"`` refits without the
        coefficient, and gives profile-likelihood intervals.  Intercepts, and all coefficients of a
        regression without one, have estimates and intervals only: a log sd of zero is no
        hypothesis.
    pattern
        A regular expression: only terms in which it is found.
    prob
        Probability of the intervals.

    Raises
    ------
    FitError
        The model has no such regressions, no term is found, or the fit has no likelihood
        (``"lr"`` of draws).

    Notes
    -----
    Coefficients are those of log standard deviations; R's metafor has log variances, twice as
    large.  REML likelihoods may be compared here, since the fixed effects are the same.

    Examples
    --------
    >>> import laird as ld
    >>> data = ld.load_data("restoration")
    >>> fit = ld.model("yi ~ habitat + meta_V(vi)", "sigma ~ habitat", data=data).fit("ml")
    >>> tests = ld.scale_tests(fit, method="lr")
    >>> tests.rows[["estimate", "lower", "upper", "p_value"]].tail(1).round(3).values.tolist()
    [[0.678, 0.168, 1.297, 0.008]]
    """
    check_probability(prob)
    one_of("method", method, METHODS)
    chosen = _chosen(fit, pattern)
    if fit.draws is not None:
        return ScaleTests(_drawn(fit, chosen, prob), None)
    tested = [own for own in chosen if own.is_tested]
    if method == "lr":
        return ScaleTests(_by_ratio(fit, chosen, prob), _ratio(fit, tested) if tested else None)
    return ScaleTests(_by_errors(fit, chosen, method, prob), _quadratic(fit, tested) if tested else None)


def _chosen(fit: Fit, pattern: str | None) -> list[_Coefficient]:
    codings = [own for own in fit.problem.codings if own.parameter in ("sigma", "sd") and not own.constant]
    if not codings:
        raise FitError(
            "The model has no regression of an sd.",
            remedy='Add a formula such as "sigma ~ x" or "sd(g) ~ x".',
        )
    every = [_Coefficient(own, k) for own in codings for k in range(len(own.names))]
    if pattern is None:
        return every
    found = [own for own in every if re.search(pattern, own.term)]
    if not found:
        raise FitError(
            f"No coefficient of a log sd has {pattern!r} in its name.",
            allowed="They are: " + ", ".join(f"`{own.term}`" for own in every) + ".",
        )
    return found


def _frame(chosen: Sequence[_Coefficient]) -> pd.DataFrame:
    rows = [(own.coding.parameter, own.coding.group, own.term) for own in chosen]
    return pd.DataFrame(rows, columns=["parameter", "group", "term"])


def _estimate(fit: Fit, own: _Coefficient) -> tuple[float, float]:
    """Estimate and standard error."""
    coding = own.coding
    found = next(r for r in fit.regressions if (r.parameter, r.group) == (coding.parameter, coding.group))
    return float(found.estimate[own.k]), float(found.se[own.k])


def _degrees(fit: Fit, own: _Coefficient) -> float:
    """Rows of the outcome, or groups, minus coefficients; at least 1."""
    design, coding = fit.problem.design, own.coding
    if coding.parameter == "sd":
        units = len(design.random[coding.factor].levels)
    elif design.outcomes:
        units = int(np.sum(design.which == design.outcomes.index(coding.group)))
    else:
        units = len(design.y)
    return float(max(units - len(coding.names), 1))


def _by_errors(fit: Fit, chosen: Sequence[_Coefficient], method: str, prob: float) -> pd.DataFrame:
    estimate, se = np.array([_estimate(fit, own) for own in chosen]).T
    df = np.array([_degrees(fit, own) if method == "t" else np.inf for own in chosen])
    statistic = np.where([own.is_tested for own in chosen], estimate / se, np.nan)
    half = t_quantile(0.5 + prob / 2, df) * se
    return _frame(chosen).assign(
        estimate=estimate,
        se=se,
        df=df,
        statistic=statistic,
        p_value=two_sided(statistic, df),
        lower=estimate - half,
        upper=estimate + half,
        method=method,
    )


def _quadratic(fit: Fit, tested: Sequence[_Coefficient]) -> ChiSquare:
    """γ'Cov(γ)⁻¹γ over all regressions, which are correlated."""
    uncertainty = fit.uncertainty
    if uncertainty is None or fit.theta is None:
        return ChiSquare(np.nan, len(tested), np.nan, "wald")
    estimate, J = _jacobian(fit, tested)
    free = np.isfinite(np.diag(uncertainty.cov))
    cov = J[:, free] @ uncertainty.cov[np.ix_(free, free)] @ J[:, free].T
    known = np.isfinite([_estimate(fit, own)[1] for own in tested])
    if not np.all(known & np.isfinite(estimate)) or np.any(J[:, ~free]):
        return ChiSquare(np.nan, len(tested), np.nan, "wald")
    chi2 = float(estimate @ np.linalg.solve(cov, estimate))
    return ChiSquare(chi2, len(tested), chi2_tail(chi2, len(tested)), "wald")


def _jacobian(fit: Fit, tested: Sequence[_Coefficient]) -> tuple[Floats, Floats]:
    """Coefficients, and their derivatives in (log sds, atanh partial correlations, α, δ, …)."""
    theta, uncertainty = fit.theta, fit.uncertainty
    if theta is None or uncertainty is None:
        raise FitError("The fit has no standard errors of its covariance parameters.")
    pairs = len(correlated_pairs(fit.problem.data.blocks))
    J, estimate = np.zeros((len(tested), len(uncertainty.cov))), np.empty(len(tested))
    for row, own in enumerate(tested):
        J[row, places(own.coding, theta, pairs)] = own.coding.A[own.k]
        estimate[row] = own.coding.coefficients(theta)[own.k]
    return estimate, J


def _by_ratio(fit: Fit, chosen: Sequence[_Coefficient], prob: float) -> pd.DataFrame:
    profile = profile_of(fit)
    rows = []
    for own in chosen:
        estimate, se = _estimate(fit, own)
        test = _ratio(fit, [own]) if own.is_tested else None
        lower, upper = _bounded(*profile_limits(profile, own.at, prob))
        statistic, p_value = (np.nan, np.nan) if test is None else (test.chi2, test.p_value)
        rows.append((estimate, se, 1.0, statistic, p_value, lower, upper, "lr"))
    names = ["estimate", "se", "df", "statistic", "p_value", "lower", "upper", "method"]
    return _frame(chosen).join(pd.DataFrame(rows, columns=names))


def _bounded(lower: float, upper: float) -> tuple[float, float]:
    """Limits, NaN when any value agrees with the data: then there is no interval."""
    return (np.nan, np.nan) if np.isinf(lower) and np.isinf(upper) else (lower, upper)


def _ratio(fit: Fit, tested: Sequence[_Coefficient]) -> ChiSquare:
    """Twice the log-likelihood lost without these coefficients."""
    if fit.method not in ("ml", "reml"):
        raise FitError(f'Likelihood ratios are for ml and reml; this fit is by "{fit.method}".')
    small = refit(fit, _dropped(fit.problem.design, tested))
    chi2 = max(2 * (fit.loglik - small.loglik), 0.0)
    return ChiSquare(chi2, len(tested), chi2_tail(chi2, len(tested)), "lr")


def _dropped(design: Design, tested: Sequence[_Coefficient]) -> Design:
    """The design without some columns of the predictors of log sds."""
    scales = []
    for scale in design.scales:
        gone = {
            own.k
            for own in tested
            if (own.coding.parameter, own.coding.group) == (scale.parameter, scale.group)
        }
        kept = [k for k in range(len(scale.names)) if k not in gone]
        names = tuple(scale.names[k] for k in kept)
        scales.append(replace(scale, W=scale.W[:, kept], names=names))
    return replace(design, scales=tuple(scales))


def _drawn(fit: Fit, chosen: Sequence[_Coefficient], prob: float) -> pd.DataFrame:
    theta, _ = drawn_theta(fit)
    values = np.column_stack([own.coding.coefficients(theta)[:, own.k] for own in chosen])
    lower, upper = np.quantile(values, [(1 - prob) / 2, (1 + prob) / 2], axis=0)
    return _frame(chosen).assign(
        estimate=[_estimate(fit, own)[0] for own in chosen],
        se=values.std(axis=0, ddof=1),
        lower=lower,
        upper=upper,
        above=np.mean(values > 0, axis=0),
        method="posterior",
    )
