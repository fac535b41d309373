"""Intraclass correlations and design effects, with intervals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting.intervals import credible
from laird.fitting.result import Fit
from laird.gaussian.coordinates import (
    correlated_pairs,
    factor_of_log_scale,
    log_scale_of_factor,
    lower_factor,
)
from laird.gaussian.crossproducts import Grouped
from laird.gaussian.reduced import profiled
from laird.inference.combinations import check_probability
from laird.inference.variances import drawn_shares, mean_square, shares, shares_at

type Floats = NDArray[np.float64]


def icc(fit: Fit, prob: float = 0.95) -> pd.DataFrame:
    """Intraclass correlations and the design effects they cause.

    The correlation of two rows of the same group given the predictors: of a factor alone
    its share of the variance, for a factor nested in others their shares too.  With random
    slopes the variance of a factor is the mean of z'Gz over the rows (Johnson 2014).

    Parameters
    ----------
    fit
        A fit with random terms and constant sigma.
    prob
        Probability of the intervals: by profile likelihood for a single variance (they
        may reach zero), by the delta method on the logit scale for several, equal-tailed
        for draws.

    Returns
    -------
    One row per grouping factor: ``group, variance, share, icc, lower, upper, size,
    design_effect, design_lower, design_upper, method``.  ``size`` is Σn_j²/n; the design
    effect 1 + (size - 1) icc is how many times larger the variance of the rows' mean is
    than that of as many independent rows (Kish 1965).

    Raises
    ------
    FitError
        Fits without random terms, or with regressions of sds.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("mathach ~ 1 + (1 | school)", data=ld.load_data("hs")).fit("reml")
    >>> ld.icc(fit).round(3)[["icc", "lower", "upper", "design_effect"]].to_dict("records")
    [{'icc': 0.169, 'lower': 0.111, 'upper': 0.256, 'design_effect': 9.504}]
    """
    check_probability(prob)
    own = shares(fit)
    if fit.problem.design.scales:
        raise FitError("With predictors of sigma the intraclass correlation differs between rows.")
    sums = _sums(fit)
    value = (sums @ own.groups / own.total)[:, 0]
    lower, upper, method = _interval(fit, sums, value, prob)
    design = fit.problem.design
    size = np.array([np.sum(np.bincount(r.ids) ** 2.0) / len(r.ids) for r in design.random])
    return pd.DataFrame(
        {
            "group": [r.group for r in design.random],
            "variance": own.groups[:, 0],
            "share": (own.groups / own.total)[:, 0],
            "icc": value,
            "lower": lower,
            "upper": upper,
            "size": size,
            "design_effect": 1 + (size - 1) * value,
            "design_lower": 1 + (size - 1) * lower,
            "design_upper": 1 + (size - 1) * upper,
            "method": method,
        }
    )


def _sums(fit: Fit) -> Floats:
    """Which factors' effects (columns) two rows of one group of a factor (rows) share, (F, F)."""
    random = fit.problem.design.random
    return np.array([[float(_is_within(a.ids, b.ids)) for b in random] for a in random])


def _is_within(inner: NDArray[np.int64], outer: NDArray[np.int64]) -> bool:
    parent = np.zeros(int(inner.max()) + 1, dtype=np.int64)
    parent[inner] = outer
    return bool(np.array_equal(parent[inner], outer))


def _interval(fit: Fit, sums: Floats, value: Floats, prob: float) -> tuple[Floats, Floats, str]:
    if fit.method in ("eb", "nuts"):
        own = drawn_shares(fit)
        return *credible((sums @ own.groups / own.total).T, prob, value), "posterior"
    data = fit.problem.data
    if isinstance(data, Grouped) and data.q == 1:
        return *_profile(fit, data, prob), "profile likelihood"
    return *_delta(fit, sums, value, prob), "delta method"


def _profile(fit: Fit, data: Grouped, prob: float) -> tuple[Floats, Floats]:
    """Where the profiled deviance is below its minimum plus the quantile of χ²(1)."""
    from scipy.optimize import brentq
    from scipy.special import chdtri

    restricted = fit.method == "reml"
    T = float(data.scaling.T[0, 0])
    estimate = float(np.sqrt(fit.point.G[0, 0])) / fit.point.sigma / T

    def excess(theta: float) -> float:
        value = profiled(data, np.array([[theta]]), restricted=restricted)[0]
        return value - at_estimate - float(chdtri(1, 1 - prob))

    at_estimate = profiled(data, np.array([[estimate]]), restricted=restricted)[0]
    low = brentq(excess, 0.0, estimate) if estimate > 0 and excess(0.0) > 0 else 0.0
    high = brentq(excess, estimate, _beyond(excess, estimate))
    ratio = (T * np.array([low, high])) ** 2 * mean_square(fit.problem.design.random[0])[0, 0]
    lower, upper = ratio / (1 + ratio)
    return np.array([lower]), np.array([upper])


def _beyond(excess: Callable[[float], float], estimate: float) -> float:
    high = 2 * estimate + 0.1
    while excess(high) < 0:
        high *= 2
    return high


def _delta(fit: Fit, sums: Floats, value: Floats, prob: float) -> tuple[Floats, Floats]:
    """Symmetric intervals of logit icc; parameters on the boundary are held there."""
    from scipy.special import expit, logit, ndtri

    blocks = fit.problem.data.blocks
    pairs, q = correlated_pairs(blocks), len(fit.point.G)
    L = lower_factor(fit.point.G, blocks)
    with np.errstate(divide="ignore", invalid="ignore"):
        phi = log_scale_of_factor(L, fit.point.sigma, pairs)
    cov = np.nan_to_num(fit.uncertainty.cov) if fit.uncertainty else np.zeros((len(phi), len(phi)))
    free = np.diag(cov) > 0

    def transformed(at: Floats) -> Floats:
        factor, sigma = factor_of_log_scale(at, q, pairs)
        own = shares_at(fit, fit.point.beta[None], (factor @ factor.T)[None], np.array([sigma**2]))
        return np.asarray(logit((sums @ own.groups / own.total)[:, 0]))

    steps = 1e-5 * np.eye(len(phi))[free]
    with np.errstate(invalid="ignore", divide="ignore"):
        J = np.array([(transformed(phi + h) - transformed(phi - h)) / 2e-5 for h in steps])
        se = np.sqrt(np.einsum("kf,kh,hf->f", J, cov[np.ix_(free, free)], J))
        half = float(ndtri(0.5 + prob / 2)) * se
        return np.asarray(expit(logit(value) - half)), np.asarray(expit(logit(value) + half))
