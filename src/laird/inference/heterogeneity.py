"""How much true effects differ: Q, τ, I², H² and R², overall, by level, by outcome and at moderators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.design import Design
from laird.fitting.options import one_of, seed, whole_number
from laird.fitting.result import Fit
from laird.inference.combinations import check_probability
from laird.inference.dispersion import dispersion_at, rows_of
from laird.inference.explained import check_comparable, explained_at, without_moderators
from laird.inference.gls import gls
from laird.inference.homogeneous import by_sampling, homogeneous, typical
from laird.inference.places import Interval, Place, limits_of, measured
from laird.inference.qtests import QTest, jackson, q_test
from laird.inference.refits import subset
from laird.inference.studies import distinct_rows, require_known, rows_at
from laird.posterior.codings import outcome_rows

USUAL, AFFORDABLE = 200, 500
"""Simulated outcomes where none are asked for, and up to so many rows."""

INTERVALS = ("auto", "q-profile", "profile", "none")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Heterogeneity:
    """Result of `heterogeneity`.

    Attributes
    ----------
    table
        One row per level of heterogeneity (``"residual"``: between the rows themselves; the
        grouping factors; ``"total"``) and outcome: ``tau2, tau2_se, tau, tau_lower,
        tau_upper``, ``I2``, ``H2`` and ``R2`` with limits (I² and R² in per cent), and what the
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
        return f"Q({self.Q.df:g}) = {self.Q.Q:.5g}, p = {self.Q.p_value:.3g}"


def heterogeneity(
    fit: Fit,
    *,
    interval: Interval = "auto",
    null: Fit | None = None,
    prob: float = 0.95,
    simulate: int | None = None,
    random_seed: int | None = 0,
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
        What R² compares with, a fit to the same rows with the same levels; None: the same model
        without moderators of the location, by the same method (by REML when there are draws).
    prob
        Probability of the intervals.
    simulate, random_seed
        Outcomes simulated for the interval of R² of ``ml`` and ``reml``, a parametric bootstrap (0:
        no such interval; None: 200 for up to 500 rows without weights, unless `interval` is
        ``"none"``), and their seed.

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
    design = fit.problem.design
    names = design.outcomes or ("",)
    typically = {name: _typical(fit, name) for name in names}
    places = [Place(fit, subset(design, outcome_rows(design, name)), typically[name]) for name in names]
    labels = [{"outcome": name} if name else {} for name in names]
    nulls = _nulls(fit, places, null)
    return Heterogeneity(
        table=_table(places, nulls, labels, interval, prob, simulate, random_seed),
        Q=q_test(by_sampling(homogeneous(design))),
        typical_variance=pd.Series(typically, name="typical_variance"),
        jackson_I2=pd.Series({name: _jackson(fit, name) for name in names}, name="I2"),
    )


def heterogeneity_at(
    fit: Fit,
    new: Any = None,
    *,
    interval: Interval = "auto",
    null: Fit | None = None,
    prob: float = 0.95,
    simulate: int | None = None,
    random_seed: int | None = 0,
) -> pd.DataFrame:
    """Measure the heterogeneity of studies at given moderators: τ(x), I²(x), H²(x), R²(x).

    Parameters
    ----------
    fit
        A fit by any method of any model with ``meta_V``.
    new
        A frame with the moderators; None: the rows of the fit, one of those alike.
    interval, null, prob, simulate, random_seed
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
    owners = [rows.outcomes[k] for k in rows.which] if rows.outcomes else [""] * len(rows.X)
    typically = {name: _typical(fit, name) for name in fit.problem.design.outcomes or ("",)}
    singly = [subset(rows, np.arange(len(rows.X)) == row) for row in range(len(rows.X))]
    places = [Place(fit, own, typically[name]) for own, name in zip(singly, owners, strict=True)]
    labels = [{"row": row} | ({"outcome": name} if name else {}) for row, name in enumerate(owners)]
    nulls = _nulls(fit, places, null, new)
    return _table(places, nulls, labels, interval, prob, simulate, random_seed)


def _nulls(fit: Fit, places: Sequence[Place], null: Fit | None, new: Any = None) -> list[Place] | None:
    """The same places in the model that R² compares with; None without such a model."""
    if null is None:
        without = without_moderators(fit)
        return None if without is None else [replace(place, fit=without) for place in places]
    check_comparable(fit, null)
    rows = null.problem.design if new is None else rows_at(null, new)
    return [Place(null, subset(rows, _among(rows, place.rows)), place.typical) for place in places]


def _among(rows: Design, chosen: Design) -> NDArray[np.bool_]:
    """Which rows of a design are those of another design of the same data."""
    found = np.isin(rows.rows, chosen.rows)
    return found & np.isin(rows.which, chosen.which) if rows.outcomes else found


def _table(
    places: Sequence[Place],
    nulls: Sequence[Place] | None,
    labels: Sequence[Mapping[str, object]],
    interval: Interval,
    prob: float,
    simulate: int | None,
    random_seed: int | None,
) -> pd.DataFrame:
    """All measures at all places, with the labels of each in front."""
    replicates = (
        _replicates(places[0].fit, interval) if simulate is None else whole_number("simulate", simulate, 0)
    )
    shares = explained_at(places[0].fit, places, nulls, prob, replicates, seed(random_seed))
    tables = []
    for place, label, share in zip(places, labels, shares, strict=True):
        found = measured(place, limits_of(place, interval, prob)).join(share)
        method = found.pop("interval")
        tables.append(pd.DataFrame(dict(label), index=found.index).join(found).assign(interval=method))
    return pd.concat(tables, ignore_index=True)


def _replicates(fit: Fit, interval: Interval) -> int:
    """As many as take a second or two, for those who ask for intervals at all."""
    design = fit.problem.design
    few = len(design.y) <= AFFORDABLE and design.weights is None
    return USUAL if few and interval != "none" else 0


def _jackson(fit: Fit, outcome: str) -> float:
    design = fit.problem.design
    columns = np.flatnonzero(np.any(design.X[outcome_rows(design, outcome)] != 0, axis=0))
    within = np.ix_(columns, columns)
    alone = by_sampling(homogeneous(design), float(dispersion_at(fit, moments=True).phi)).cov
    return jackson(
        gls(design.y, design.X, rows_of(fit, moments=True).whitener(), design.weights).cov[within],
        alone[within],
    )


def _typical(fit: Fit, outcome: str) -> float:
    design = fit.problem.design
    return typical(
        homogeneous(design, outcome_rows(design, outcome)), float(dispersion_at(fit, moments=True).phi)
    )
