"""How much true effects differ: Q, τ, I², H² and R², overall, by level, by outcome and at moderators."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from laird.fitting.codings import outcome_rows
from laird.fitting.options import one_of
from laird.fitting.result import Fit
from laird.inference.combinations import check_probability
from laird.inference.dispersion import dispersion_at, rows_of
from laird.inference.gls import gls
from laird.inference.homogeneous import by_sampling, homogeneous, typical
from laird.inference.places import Interval, Place, limits_of, measured
from laird.inference.qtests import QTest, jackson, q_test
from laird.inference.refits import refit, subset
from laird.inference.studies import distinct_rows, require_known, rows_at

INTERVALS = ("auto", "q-profile", "profile", "none")

SPANNED = 1e-8
"""Constants are among the moderators when these leave less than this of them."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Heterogeneity:
    """Result of `heterogeneity`.

    Attributes
    ----------
    table
        One row per level of heterogeneity (``"residual"``: between the rows themselves; the
        grouping factors; ``"total"``) and outcome: ``tau2, tau2_se, tau, tau_lower,
        tau_upper``, ``I2`` and ``H2`` with limits, ``R2`` (I² and R² in per cent), and what the
        ``interval`` is.
    Q
        Test that nothing but sampling error lies between the estimates and the fixed part.
    typical_variance
        The sampling variance that I² compares with, by outcome.
    jackson_I2
        I² from the covariances of the coefficients with and without heterogeneity, by outcome.
    """

    table: pd.DataFrame
    Q: QTest
    typical_variance: pd.Series
    jackson_I2: pd.Series

    def __repr__(self) -> str:
        return f"{self._headline()}\n{self.table.round(4).to_string(index=False)}"

    def _repr_html_(self) -> str:
        return f"<p>{self._headline()}</p>{self.table.to_html(index=False)}"

    def _headline(self) -> str:
        return f"Q({self.Q.df}) = {self.Q.Q:.5g}, p = {self.Q.p_value:.3g}"


def heterogeneity(
    fit: Fit, *, interval: Interval = "auto", null: Fit | None = None, prob: float = 0.95
) -> Heterogeneity:
    """Measure the heterogeneity of a meta-analysis.

    Parameters
    ----------
    fit
        A fit by any method of any model with ``meta_V``.  Where heterogeneity depends on
        moderators, variances are means over the rows; see `laird.heterogeneity_at`.
    interval
        Of ``ml`` and ``reml``: ``"q-profile"`` (models with one variance; exact: Viechtbauer
        2007), ``"profile"`` likelihood (any model), ``"none"``; ``"auto"`` is the first of the
        two that the model has.  Of draws: equal-tailed.
    null
        What R² compares with; None: the same model without moderators of the location, by
        the same method (by REML when there are draws).
    prob
        Probability of the intervals.

    Returns
    -------
    With τ² the variance of the true effects (of random slopes the mean of z'Gz; Johnson 2014) and
    s² the typical sampling variance: I² = τ²/(τ² + s²), of a level its share of τ² + s²;
    H² = (τ² + s²)/s² (Higgins & Thompson 2002); R² = 1 - τ²/τ₀², at least 0 (Raudenbush 2009).

    Raises
    ------
    FitError
        The model has no known sampling variances, or V is singular, or an interval is not
        available.

    Examples
    --------
    >>> import laird as ld
    >>> data = ld.load_data("bcg_rr")
    >>> found = ld.heterogeneity(ld.model("yi ~ 1 + meta_V(vi)", data=data).fit("reml"))
    >>> found.Q.df, round(found.Q.Q, 3)
    (12, 152.233)
    >>> found.table[["level", "tau2", "tau_lower", "tau_upper", "I2", "H2"]].round(3).values.tolist()
    [['total', 0.313, 0.346, 1.054, 92.221, 12.856]]
    """
    check_probability(prob)
    one_of("interval", interval, INTERVALS)
    require_known(fit)
    before = _without_moderators(fit) if null is None else null
    parts = [_of_outcome(fit, before, name, interval, prob) for name in fit.problem.design.outcomes or ("",)]
    table = pd.concat([part.table for part in parts], ignore_index=True)
    if fit.problem.design.outcomes:
        table.insert(0, "outcome", np.repeat([p.outcome for p in parts], [len(p.table) for p in parts]))
    names = [part.outcome for part in parts]
    return Heterogeneity(
        table=table,
        Q=q_test(by_sampling(homogeneous(fit.problem.design))),
        typical_variance=pd.Series([p.typical for p in parts], index=names, name="typical_variance"),
        jackson_I2=pd.Series([p.jackson_I2 for p in parts], index=names, name="I2"),
    )


def heterogeneity_at(
    fit: Fit,
    new: Any = None,
    *,
    interval: Interval = "auto",
    null: Fit | None = None,
    prob: float = 0.95,
) -> pd.DataFrame:
    """Measure the heterogeneity of studies at given moderators: τ(x), I²(x), H²(x), R²(x).

    Parameters
    ----------
    fit
        A fit by any method of any model with ``meta_V``.
    new
        A frame with the moderators; None: the rows of the fit, one of those alike.
    interval, null, prob
        As in `laird.heterogeneity`.

    Returns
    -------
    ``row`` (counted from 0; with several outcomes ``outcome``), then the columns of `Heterogeneity.table`.

    Examples
    --------
    >>> import laird as ld
    >>> data = ld.load_data("restoration")
    >>> fit = ld.model("yi ~ habitat + meta_V(vi)", "sigma ~ habitat", data=data).fit("reml")
    >>> found = ld.heterogeneity_at(fit, {"habitat": ["grassland", "forest"]})
    >>> found[["tau", "tau_lower", "tau_upper", "I2"]].round(2).values.tolist()
    [[0.19, 0.11, 0.29, 48.6], [0.38, 0.28, 0.51, 78.35]]
    """
    check_probability(prob)
    one_of("interval", interval, INTERVALS)
    require_known(fit)
    rows = distinct_rows(fit.problem.design) if new is None else rows_at(fit, new)
    before = _without_moderators(fit) if null is None else null
    typically = {name: _typical(fit, name) for name in fit.problem.design.outcomes or ("",)}
    tables = []
    for row in range(len(rows.X)):
        own = subset(rows, np.arange(len(rows.X)) == row)
        outcome = rows.outcomes[rows.which[row]] if rows.outcomes else ""
        table = _measured(Place(fit, own, typically[outcome]), before, interval, prob)
        label = {"outcome": outcome} if outcome else {}
        tables.append(pd.DataFrame({"row": row, **label}, index=table.index).join(table))
    return pd.concat(tables, ignore_index=True)


class _Part(NamedTuple):
    """What is reported of one outcome."""

    outcome: str
    table: pd.DataFrame
    typical: float
    jackson_I2: float


def _of_outcome(fit: Fit, null: Fit | None, outcome: str, interval: Interval, prob: float) -> _Part:
    design, variance = fit.problem.design, _typical(fit, outcome)
    rows = outcome_rows(design, outcome)
    place = Place(fit, subset(design, rows), variance)
    columns = np.flatnonzero(np.any(design.X[rows] != 0, axis=0))
    alone = by_sampling(homogeneous(design), float(dispersion_at(fit).phi)).cov
    whole = gls(design.y, design.X, rows_of(fit).whitener()).cov
    within = np.ix_(columns, columns)
    table = _measured(place, null, interval, prob)
    return _Part(outcome, table, variance, jackson(whole[within], alone[within]))


def _measured(place: Place, null: Fit | None, interval: Interval, prob: float) -> pd.DataFrame:
    before = None if null is None else replace(place, fit=null).estimate()
    return measured(place, limits_of(place, interval, prob), before)


def _typical(fit: Fit, outcome: str) -> float:
    design = fit.problem.design
    return typical(homogeneous(design, outcome_rows(design, outcome)), float(dispersion_at(fit).phi))


def _without_moderators(fit: Fit) -> Fit | None:
    """The model with an intercept alone for every outcome; None when it has no more, or none."""
    design = fit.problem.design
    masks = [outcome_rows(design, name) for name in design.outcomes or ("",)]
    ones = np.column_stack(masks).astype(float)
    left = ones - design.X @ np.linalg.lstsq(design.X, ones, rcond=None)[0]
    if np.abs(left).max() > SPANNED or ones.shape[1] == design.X.shape[1]:
        return None
    names = tuple(f"{name}: Intercept" for name in design.outcomes) or ("Intercept",)
    return refit(fit, replace(design, X=ones, names=names), method="reml" if fit.draws else fit.method)
