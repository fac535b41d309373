"""Likelihood-ratio tests of nested models, also of variances, whose null value is on the boundary."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting.options import seed, whole_number
from laird.fitting.problem import grouped
from laird.fitting.result import Fit
from laird.inference.distributions import chi2_tail
from laird.inference.exact_null import draw_null
from laird.inference.nesting import Difference, difference
from laird.inference.replicates import bootstrap_null

type Floats = NDArray[np.float64]

ROUNDING = 1e-4
"""A larger model may have a log-likelihood lower by this; by more, its fit has not converged."""

MOST_GROUPS = 3_000
"""At most so many groups have the eigenvalues of their matrix computed."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LikelihoodRatio:
    """Result of `lr_test`.

    Attributes
    ----------
    table
        The smaller and the larger model: ``model, parameters, loglik, aic, bic``.
    statistic
        Twice the difference of the log-likelihoods.
    df
        Difference of the numbers of parameters.
    p_value
        From the simulated distribution if there is one, else from `reference`.
    reference
        The distribution under the smaller model: ``"chi2(2)"``, ``"0.5 chi2(1) + 0.5 chi2(2)"``.
    asymptotic_p_value
        From `reference`.
    simulated
        Statistics under the smaller model, shape (S,); None without simulation.
    method
        ``"asymptotic"``, ``"exact simulation"`` (Crainiceanu & Ruppert 2004) or
        ``"parametric bootstrap"``.
    """

    table: pd.DataFrame
    statistic: float
    df: int
    p_value: float
    reference: str
    asymptotic_p_value: float
    simulated: Floats | None
    method: str

    def __str__(self) -> str:
        drawn = "" if self.simulated is None else f", {len(self.simulated)} draws"
        how = self.reference if self.simulated is None else f"{self.method}{drawn}"
        return (
            f"Likelihood ratio {self.statistic:.4g} on {self.df} parameters, p = {self.p_value:.3g} ({how})"
        )

    def __repr__(self) -> str:
        return f"{self.table.to_string(index=False)}\n{self}"

    def _repr_html_(self) -> str:
        return f"{self.table.to_html(index=False)}<p>{self}</p>"


def lr_test(fit0: Fit, fit1: Fit, *, simulate: int = 0, random_seed: int | None = None) -> LikelihoodRatio:
    """Compare two nested models by their likelihoods.

    Parameters
    ----------
    fit0, fit1
        Fits to the same data, the smaller model first or last: both by ``"ml"`` (or the
        smaller by ``"ols"``), or both by ``"reml"`` with the same fixed part.
    simulate
        Number of draws of the statistic under the smaller model; 0: none.  The exact
        distribution is drawn when the models differ in one variance of a single term
        ``(1 | g)`` or ``(0 + x | g)`` and the smaller has no groups (Crainiceanu & Ruppert
        2004: thousands of draws in a second); else both models are fitted again to
        outcomes simulated from the smaller one.
    random_seed
        Seed of the draws.

    Notes
    -----
    The models differing in one variance (with k - 1 other parameters: covariances, fixed
    effects) the statistic is asymptotically ½χ²(k - 1) + ½χ²(k) (Self & Liang 1987; Stram &
    Lee 1994), in many groups; with few groups the share at zero is larger, and the mixture
    conservative.  With several variances χ²(k) is used, which is conservative, and says so.

    Raises
    ------
    FitError
        The fits cannot be compared (methods, data, fixed parts under REML, not nested), or
        the larger one has not converged.

    Examples
    --------
    >>> import laird as ld
    >>> sleep = ld.load_data("sleepstudy")
    >>> small = ld.model("Reaction ~ Days + (1 | Subject)", data=sleep).fit("reml")
    >>> large = ld.model("Reaction ~ Days + (Days | Subject)", data=sleep).fit("reml")
    >>> ld.lr_test(small, large)
                                         model  parameters      loglik         aic         bic
           Reaction ~ 1 + Days + (1 | Subject)           4 -893.232543 1794.465085 1807.236913
    Reaction ~ 1 + Days + (1 + Days | Subject)           6 -871.814136 1755.628272 1774.786013
    Likelihood ratio 42.84 on 2 parameters, p = 2.79e-10 (0.5 chi2(1) + 0.5 chi2(2))
    """
    draws = whole_number("simulate", simulate, 0)
    small, large = (fit0, fit1) if fit0.df_model <= fit1.df_model else (fit1, fit0)
    apart = difference(small, large)
    statistic = _statistic(small, large, apart)
    reference, asymptotic = boundary_tail(statistic, apart)
    simulated, method = _simulated(small, large, apart, draws, random_seed)
    return LikelihoodRatio(
        table=pd.DataFrame([_row(small), _row(large)]),
        statistic=statistic,
        df=apart.parameters,
        p_value=asymptotic if simulated is None else exceedance(simulated, statistic),
        reference=reference,
        asymptotic_p_value=asymptotic,
        simulated=simulated,
        method=method,
    )


def boundary_tail(statistic: float, apart: Difference) -> tuple[str, float]:
    """Name of the asymptotic distribution, and its tail.

    Examples
    --------
    >>> name, tail = boundary_tail(2.71, Difference(parameters=1, variances=1))
    >>> name, round(tail, 3)
    ('0.5 chi2(0) + 0.5 chi2(1)', 0.05)
    """
    k = apart.parameters
    if apart.variances == 1:
        tail = 0.5 * chi2_tail(statistic, k - 1) + 0.5 * chi2_tail(statistic, k)
        return f"0.5 chi2({k - 1}) + 0.5 chi2({k})", tail
    conservative = ", conservative: several variances" if apart.variances > 1 else ""
    return f"chi2({k}){conservative}", chi2_tail(statistic, k)


def exceedance(simulated: Floats, statistic: float) -> float:
    """(1 + number of draws at least as large) / (1 + number of draws)."""
    return float((1 + np.count_nonzero(simulated >= statistic)) / (1 + len(simulated)))


def _statistic(small: Fit, large: Fit, apart: Difference) -> float:
    if apart.parameters == 0:
        raise FitError(
            "The two models have the same number of parameters: there is nothing to test.",
            where=f"    {small.spec.formula}\n    {large.spec.formula}",
        )
    statistic = 2.0 * (large.loglik - small.loglik)
    if statistic < -ROUNDING:
        raise FitError(
            f"The larger model has the lower log-likelihood ({large.loglik:.4f} < {small.loglik:.4f}): its "
            "fit has not reached the maximum.",
            remedy="Look at its `fit.check()`.",
        )
    return max(statistic, 0.0)


def _row(fit: Fit) -> dict[str, object]:
    return {
        "model": fit.spec.formula,
        "parameters": fit.df_model,
        "loglik": fit.loglik,
        "aic": fit.aic,
        "bic": fit.bic,
    }


def _simulated(
    small: Fit, large: Fit, apart: Difference, draws: int, random_seed: int | None
) -> tuple[Floats | None, str]:
    if not draws:
        return None, "asymptotic"
    rng = np.random.default_rng(seed(random_seed))
    if _is_one_variance(small, large, apart):
        data = grouped(large.problem.design, large.problem.design.random[0])
        p = data.p
        drawn = draw_null(
            data.ZZ[:, 0, 0],
            data.ZW[:, 0, :p],
            data.WW[:p, :p],
            data.n,
            restricted=large.method == "reml",
            draws=draws,
            rng=rng,
        )
        return drawn, "exact simulation"
    return bootstrap_null(small, large, draws, rng), "parametric bootstrap"


def _is_one_variance(small: Fit, large: Fit, apart: Difference) -> bool:
    """One random coefficient against none, constant sigma and independent rows."""
    design = large.problem.design
    without = small.method == "ols" or not small.problem.design.random
    return (
        apart == (1, 1)
        and without
        and not design.scales
        and design.known is None
        and design.weights is None
        and not design.outcomes
        and len(design.random[0].levels) <= MOST_GROUPS
    )
