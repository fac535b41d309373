"""Where the true effect of a new study, and an estimate of it, will lie."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from laird.design import Design
from laird.errors import FitError
from laird.fitting.predict import by_outcome
from laird.fitting.refusals import beyond_normal
from laird.fitting.result import Fit
from laird.fitting.standard import of_rows, standard_of
from laird.inference.combinations import check_probability, draws_of
from laird.inference.dispersion import dispersion_at
from laird.inference.distributions import t_quantile
from laird.inference.reference import Df, Reference, reference
from laird.inference.studies import drawn_at, level_variances, require_known, rows_at, variances_at

type Floats = NDArray[np.float64]


class _Intervals(NamedTuple):
    """Half-open bounds by row of the mean, of a true effect, of an estimate."""

    estimate: Floats
    se: Floats
    tau: Floats
    bounds: list[Floats]


def prediction_interval(
    fit: Fit,
    new: Any = None,
    *,
    v: ArrayLike | None = None,
    df: Df | Reference | None = None,
    prob: float = 0.95,
) -> pd.DataFrame:
    """Predict the true effect of a new study, and a new estimate of it.

    The true effect of a study at moderators x is N(x'β, τ²(x)), τ²(x) the sum of the
    heterogeneity at all levels, with ``sigma ~ …`` and ``sd(g) ~ …`` at the moderators given
    (Higgins, Thompson & Spiegelhalter 2009; Riley, Higgins & Deeks 2011).

    Parameters
    ----------
    fit
        A fit of a model with ``meta_V``.
    new
        A frame with the moderators of location and scale; None: the rows of the fit, one
        where all are alike.
    v
        Sampling variances of the new estimates, one or one for each row; without it only
        the true effect is predicted.
    df
        As in `laird.coef_tests`: gives standard error of the mean and quantiles.
    prob
        Probability of all intervals.

    Returns
    -------
    ``estimate, se, lower, upper`` of the mean; ``tau``; ``pi_lower, pi_upper`` of the true effect;
    with `v` ``estimate_lower, estimate_upper`` of the estimate.  For draws (``eb``, ``nuts``)
    means, sds and equal-tailed intervals of the posterior predictive distribution.  Of several
    outcomes one row each, with the columns ``row, outcome`` in front.

    Raises
    ------
    FitError
        No known sampling variances in the model, negative `v`, or a `df` that is not available.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("yi ~ 1 + meta_V(vi)", data=ld.load_data("bcg_rr")).fit("reml")
    >>> ld.prediction_interval(fit, df="normal")[["estimate", "pi_lower", "pi_upper"]].round(3)
       estimate  pi_lower  pi_upper
    0    -0.715    -1.867     0.438
    """
    check_probability(prob)
    require_known(fit)
    rows = rows_at(fit, new)
    sampling = _sampling(v, len(rows.X))
    found = _drawn(fit, rows, sampling, prob) if draws_of(fit, df) else _fitted(fit, rows, sampling, df, prob)
    names = ["lower", "upper", "pi_lower", "pi_upper", "estimate_lower", "estimate_upper"]
    columns = {"estimate": found.estimate, "se": found.se}
    bounds = dict(zip(names, found.bounds, strict=False))
    columns |= {"lower": bounds["lower"], "upper": bounds["upper"], "tau": found.tau}
    columns |= {name: bounds[name] for name in names[2:] if name in bounds}
    return by_outcome(rows, pd.DataFrame(columns))


def _sampling(v: ArrayLike | None, m: int) -> Floats | None:
    if v is None:
        return None
    found = np.asarray(v, dtype=float)
    if found.ndim > 1 or found.size not in (1, m) or not np.all(found >= 0) or not np.all(np.isfinite(found)):
        raise FitError(
            "`v` does not fit the rows.", allowed=f"Allowed: sampling variances from 0, one or {m} of them."
        )
    return np.broadcast_to(found, (m,))


def _fitted(
    fit: Fit, rows: Design, sampling: Floats | None, df: Df | Reference | None, prob: float
) -> _Intervals:
    at, X = reference(fit, df), rows.X
    own = dispersion_at(fit, rows)
    tau2 = level_variances(rows, own).sum(axis=0)
    estimate = X @ fit.point.beta
    variance = np.einsum("ip,pr,ir->i", X, at.cov, X)
    t = t_quantile(0.5 + prob / 2, at.rows(X))
    spreads = [variance, variance + tau2]
    if sampling is not None:
        spreads.append(variance + tau2 + own.phi * sampling)
    halves = [t * np.sqrt(spread) for spread in spreads]
    bounds = [bound for half in halves for bound in (estimate - half, estimate + half)]
    return _Intervals(estimate, np.sqrt(variance), np.sqrt(tau2), bounds)


def _deviations(fit: Fit, rows: Design, levels: Floats, rng: np.random.Generator) -> Floats:
    """Draws of how far true effects are from their mean, given the variances of all levels, (S, rows)."""
    if not rows.families:
        return np.sqrt(levels.sum(axis=1)) * rng.standard_normal(levels[:, 0].shape)
    if fit.draws is None or any(own.names != ("Intercept",) for own in rows.random):
        raise beyond_normal(rows)
    names = [of_rows(rows), *(own.group for own in rows.random)]
    whole = (standard_of(rows, fit.draws, name, slice(None)) for name in names)
    drawn = [own.draw(levels.shape[-1], rng) for own in whole]
    return np.asarray(np.sum(np.sqrt(levels) * np.stack(drawn, axis=1), axis=1))


def _drawn(fit: Fit, rows: Design, sampling: Floats | None, prob: float) -> _Intervals:
    parts = zip(*drawn_at(fit, rows), strict=True)
    mean, levels, phi = (np.concatenate(own) for own in parts)
    rng = np.random.default_rng([fit.origin.seed or 0, len(mean)])
    effect = mean + _deviations(fit, rows, levels, rng)
    drawn = [mean, effect]
    if sampling is not None:
        drawn.append(effect + np.sqrt(phi[:, None] * sampling) * rng.standard_normal(mean.shape))
    tails = [(1 - prob) / 2, (1 + prob) / 2]
    bounds = [bound for own in drawn for bound in np.quantile(own, tails, axis=0)]
    at_estimate = np.sqrt(variances_at(fit, rows).sum(axis=0))
    return _Intervals(rows.X @ fit.point.beta, mean.std(axis=0, ddof=1), at_estimate, bounds)
