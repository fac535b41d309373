"""Heterogeneity at one place, a study at given moderators or the mean over many: by level, with limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.design import Design
from laird.errors import FitError
from laird.fitting.intervals import credible
from laird.fitting.result import Fit
from laird.fitting.uncertainty import log_scale, of_log_scale
from laird.gaussian.coordinates import correlated_pairs
from laird.gaussian.theta import Theta
from laird.inference.dispersion import dispersion, dispersion_chunks
from laird.inference.profiles import profile_limits, profile_of
from laird.inference.qtests import inconsistency, q_profile, tau2_se
from laird.inference.rowcovariance import row_covariance, row_layout
from laird.inference.studies import level_names, level_variances, variances_at, variances_of

type Floats = NDArray[np.float64]
type Interval = Literal["auto", "q-profile", "profile", "none"]
type Function = Callable[[Floats], float]

TOTAL = "total"

STEP = 1e-4
"""Of central differences in log sds and atanh correlations."""


class Limits(NamedTuple):
    """How limits of a function of the variances by level are found.

    Attributes
    ----------
    name
        What a table says.
    of
        Lower and upper limit of a function.
    """

    name: str
    of: Callable[[Function], tuple[float, float]]


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where heterogeneity is measured.

    Attributes
    ----------
    fit
        The fit.
    rows
        A design whose rows the variances are averaged over.
    typical
        The sampling variance that I² compares with.
    """

    fit: Fit
    rows: Design
    typical: float

    @property
    def levels(self) -> list[int]:
        """Levels that these rows have."""
        sd = [np.any(random.Z != 0) for random in self.rows.random]
        coded = self.fit.problem.codings
        outcomes = self.rows.outcomes
        names = {outcomes[k] for k in np.unique(self.rows.which)} if outcomes else {""}
        residual = any(coded.of("sigma", name) is not None for name in names)
        return [k for k, present in enumerate([residual, *sd]) if present]

    @property
    def names(self) -> list[str]:
        """Names of the levels."""
        return [level_names(self.rows)[k] for k in self.levels]

    def estimate(self) -> Floats:
        """Variance by level at the estimate, shape (levels,)."""
        return np.asarray(variances_at(self.fit, self.rows)[self.levels].mean(axis=-1))

    def at(self, theta: Theta) -> Floats:
        """Variance by level at θ, shape (levels,)."""
        return np.asarray(variances_of(self.fit, self.rows, theta)[self.levels].mean(axis=-1))

    def drawn(self) -> Floats:
        """Variance by level of every draw, shape (S, levels)."""
        parts = [
            level_variances(self.rows, at).mean(axis=-1)
            for _, at in dispersion_chunks(self.fit, self.rows, moments=True)
        ]
        return np.asarray(np.concatenate(parts)[:, self.levels])


def measured(place: Place, limits: Limits) -> pd.DataFrame:
    """τ, I² and H² by level and in total, with intervals."""
    v, names = place.estimate(), place.names
    rows = [_level(place, limits, v, k, name) for k, name in enumerate(names)] if len(names) > 1 else []
    return pd.DataFrame([*rows, _total(place, limits, v)]).assign(interval=limits.name)


def _level(place: Place, limits: Limits, v: Floats, k: int, name: str) -> dict[str, object]:
    def share(v: Floats) -> float:
        return float(inconsistency(v[k], v.sum() - v[k] + place.typical)[0])

    lower, upper = limits.of(lambda v: float(v[k]))
    I2_lower, I2_upper = limits.of(share)
    return {
        **_row(name, float(v[k]), delta_se(place, lambda v: float(v[k])), lower, upper),
        **dict(zip(_ends("I2"), (share(v), I2_lower, I2_upper), strict=True)),
        **dict.fromkeys(_ends("H2"), np.nan),
    }


def _ends(name: str) -> tuple[str, str, str]:
    return name, f"{name}_lower", f"{name}_upper"


def _total(place: Place, limits: Limits, v: Floats) -> dict[str, object]:
    lower, upper = limits.of(lambda v: float(v.sum()))
    found = _row(TOTAL, float(v.sum()), delta_se(place, lambda v: float(v.sum())), lower, upper)
    I2, H2 = inconsistency(np.array([v.sum(), lower, upper]), place.typical)
    found |= dict(zip(_ends("I2"), I2.tolist(), strict=True))
    return found | dict(zip(_ends("H2"), H2.tolist(), strict=True))


def _row(level: str, tau2: float, se: float, lower: float, upper: float) -> dict[str, object]:
    roots = np.sqrt([tau2, lower, upper])
    return {
        "level": level,
        "tau2": tau2,
        "tau2_se": se,
        **dict(zip(_ends("tau"), roots.tolist(), strict=True)),
    }


def limits_of(place: Place, interval: Interval, prob: float) -> Limits:
    """How limits are found at a place; none of a heterogeneity that the model says is zero.

    Raises
    ------
    FitError
        An interval that is not available for the fit.
    """
    fit = place.fit
    if fit.draws is not None:
        return _of_draws(place.drawn(), place.estimate(), prob)
    if interval == "none" or fit.method not in ("ml", "reml") or not place.levels:
        return Limits("none", lambda _: (np.nan, np.nan))
    if interval == "q-profile" or (interval == "auto" and _single(fit)):
        found = _of_q(place, prob)
        if found is not None:
            return found
    return _of_profile(place, prob)


def _of_profile(place: Place, prob: float) -> Limits:
    """Profile-likelihood limits; where the likelihood agrees with variances down to zero, zero."""
    profile = profile_of(place.fit)

    def of(g: Function) -> tuple[float, float]:
        lower, upper = profile_limits(profile, lambda theta: g(place.at(theta)), prob)
        return 0.0 if lower < 0 else lower, upper

    return Limits("profile", of)


def _of_draws(drawn: Floats, estimate: Floats, prob: float) -> Limits:
    def of(g: Function) -> tuple[float, float]:
        lower, upper = credible(np.array([g(v) for v in drawn]), prob, g(estimate))
        return float(lower), float(upper)

    return Limits("posterior", of)


def _single(fit: Fit) -> bool:
    """Whether one variance is the only covariance parameter, of rows that count once."""
    if fit.theta is None or fit.problem.design.weights is not None:
        return False
    t = fit.theta
    sizes = (t.alpha.size, t.L.size, sum(d.size for d in t.delta), t.log_phi.size, t.zeta.size)
    return sum(sizes) == 1 and not fit.problem.design.outcomes


def _unit(theta: Theta) -> Theta:
    """The single variance at one."""
    return theta._replace(L=np.ones_like(theta.L), alpha=np.zeros_like(theta.alpha))


def _of_q(place: Place, prob: float) -> Limits | None:
    """Q-profile limits, None when no variance agrees with the data."""
    fit = place.fit
    if not _single(fit) or fit.theta is None:
        raise FitError(
            "Q-profile intervals are for models with one variance of the true effects, and no weights.",
            remedy='Use interval="profile".',
        )
    design, unit = fit.problem.design, _unit(fit.theta)
    own = row_covariance(design, row_layout(design), dispersion(fit.problem, unit))
    ends = q_profile(design.y, design.X, own.where, own.V, own.effects(), prob)
    if ends is None:
        return None
    at_unit, (lower, upper) = place.at(unit), ends
    return Limits("q-profile", lambda g: (g(lower * at_unit), g(upper * at_unit)))


def delta_se(place: Place, function: Function) -> float:
    """Standard error of a function of the variances by level; NaN at the boundary, and without variances.

    Of a single variance from its expected information, else by the delta method from the
    covariance of log sds.
    """
    fit = place.fit
    if fit.draws is not None:
        return float(np.std([function(v) for v in place.drawn()], ddof=1))
    if fit.theta is None or fit.method not in ("ml", "reml") or not place.levels:
        return float("nan")
    return _expected(place, function, fit.theta) if _single(fit) else _observed(place, function, fit.theta)


def _expected(place: Place, function: Function, theta: Theta) -> float:
    fit, design = place.fit, place.fit.problem.design
    where, at_unit = row_layout(design), _unit(theta)
    T = row_covariance(design, where, dispersion(fit.problem, at_unit)).effects()
    Sigma = row_covariance(design, where, dispersion(fit.problem, theta)).total()
    se = tau2_se(design.y, design.X, where, Sigma, T, restricted=fit.method == "reml")
    return function(place.at(at_unit)) * se


def _observed(place: Place, function: Function, theta: Theta) -> float:
    uncertainty = place.fit.uncertainty
    if uncertainty is None:
        return float("nan")
    data = place.fit.problem.data
    pairs = correlated_pairs(data.blocks)
    phi, free = log_scale(theta, pairs)
    gradient = np.zeros(len(phi))
    for k in np.flatnonzero(free):
        step = STEP * (np.arange(len(phi)) == k)
        ends = [function(place.at(of_log_scale(phi + sign * step, theta, pairs))) for sign in (1, -1)]
        gradient[k] = (ends[0] - ends[1]) / (2 * STEP)
    cov = uncertainty.cov[np.ix_(free, free)]
    return float(np.sqrt(gradient[free] @ cov @ gradient[free])) if free.all() else float("nan")
