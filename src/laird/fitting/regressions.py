"""Coefficients of log sds, log multipliers and atanh correlations, with their covariances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from laird.design import Design
from laird.fitting.frozen import freeze
from laird.fitting.problem import Problem
from laird.gaussian.coordinates import correlated_pairs, correlation_factor
from laird.gaussian.theta import Theta
from laird.posterior.codings import CONSTANT, Coding, Codings, outcome_rows, sigma_designs

if TYPE_CHECKING:
    import pandas as pd

type Floats = NDArray[np.float64]
type Ids = NDArray[np.intp]

ABSURD = 10.0
"""A log sd or atanh correlation with a larger standard error is not known at all (e^10 = 22,000)."""


@dataclass(frozen=True, slots=True, eq=False)
class Regression:
    """Coefficients of one log sd (or log φ, or atanh correlation), for its predictors as given.

    Attributes
    ----------
    parameter, group, names
        As in `laird.posterior.codings.Coding`.
    estimate, cov
        Shapes (k,), (k, k); a log sd of -inf is an sd of zero, whose covariance is NaN.
    reach
        Largest factor of a standardised coefficient in each, shape (k,): a constant far from the
        data has a large one, and a large standard error for that reason alone.
    """

    parameter: str
    group: str
    names: tuple[str, ...]
    estimate: Floats
    cov: Floats
    reach: Floats

    def __post_init__(self) -> None:
        freeze(self)

    @property
    def curvature_se(self) -> Floats:
        """Square roots of the diagonal of `cov`, shape (k,), however large."""
        with np.errstate(invalid="ignore"):
            return np.sqrt(np.diag(self.cov))

    @property
    def determined(self) -> NDArray[np.bool_]:
        """Whether the data say anything about each, shape (k,)."""
        return self.curvature_se < ABSURD * self.reach

    @property
    def se(self) -> Floats:
        """Standard errors, shape (k,); NaN where the curvature of a flat likelihood gives none."""
        return np.where(self.determined, self.curvature_se, np.nan)

    @property
    def constant(self) -> bool:
        """True when the parameter is one number."""
        return self.names == CONSTANT


def reported(found: Sequence[Regression], outcomes: Sequence[str]) -> tuple[Regression, ...]:
    """The regressions that tables list: a constant sigma of a single outcome is a plain number."""
    return tuple(r for r in found if not (r.parameter == "sigma" and r.constant and not outcomes))


def regressions(codings: Codings, theta: Theta, cov: Floats, pairs: int) -> tuple[Regression, ...]:
    """The coefficients at θ̂.

    Parameters
    ----------
    codings
        The regressions wanted.
    theta
        The estimate.
    cov
        Covariance of (log sds, atanh partial correlations, α, δ, log φ, ζ).
    pairs
        Number of partial correlations.
    """
    return tuple(_regression(coding, theta, cov, pairs) for coding in codings)


def _regression(coding: Coding, theta: Theta, cov: Floats, pairs: int) -> Regression:
    at = places(coding, theta, pairs)
    return _of(coding, coding.coefficients(theta), coding.A @ cov[np.ix_(at, at)] @ coding.A.T)


def _of(coding: Coding, values: Floats, cov: Floats) -> Regression:
    reach = np.abs(coding.A).max(axis=1, initial=0.0)
    return Regression(coding.parameter, coding.group, coding.names, values, cov, reach)


def estimates(codings: Codings, theta: Theta) -> tuple[Regression, ...]:
    """The coefficients at θ without covariances (NaN)."""
    unknown = (np.full((len(coding.names),) * 2, np.nan) for coding in codings)
    return tuple(_of(c, c.coefficients(theta), cov) for c, cov in zip(codings, unknown, strict=True))


def places(coding: Coding, theta: Theta, pairs: int) -> Ids:
    """Where a regression's standardised coefficients stand in (log sds, partials, α, δ, log φ, ζ)."""
    lengths = [len(theta.L) + pairs, len(theta.alpha), *(len(d) for d in theta.delta), len(theta.log_phi)]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    if coding.parameter == "sd":
        own = starts[2 + coding.factor] + np.arange(len(theta.delta[coding.factor]))
        return np.append(coding.column, own).astype(np.intp)
    part = {"sigma": 1, "phi": 2 + len(theta.delta), "rho": 3 + len(theta.delta)}[coding.parameter]
    return np.asarray(starts[part] + np.arange(coding.place.start, coding.place.stop), dtype=np.intp)


def of_draws(codings: Codings, theta: Theta) -> tuple[Regression, ...]:
    """Posterior means and covariances of the coefficients of stacked draws of θ."""
    found = []
    for coding in codings:
        values = coding.coefficients(theta).reshape(-1, len(coding.names))
        found.append(_of(coding, values.mean(axis=0), np.atleast_2d(np.cov(values.T))))
    return tuple(found)


def around(codings: Codings, theta: Theta, draws: Theta | None) -> tuple[Regression, ...]:
    """The coefficients at θ with their covariances over stacked draws, NaN without these."""
    at = estimates(codings, theta)
    if draws is None:
        return at
    drawn = of_draws(codings, draws)
    return tuple(replace(own, cov=other.cov) for own, other in zip(at, drawn, strict=True))


def typical_sigma(problem: Problem, theta: Theta) -> float:
    """The residual sd, or the root mean square of the rows' when there are several."""
    return float(np.sqrt(np.mean(row_sigma(problem.design, estimates(problem.codings, theta)) ** 2)))


def row_sigma(design: Design, found: Sequence[Regression]) -> Floats:
    """Fitted residual sd of the rows of a design, shape (n,); zero for an outcome without one."""
    sigma = np.zeros(len(design.X))
    by_outcome = {own.group: own for own in found if own.parameter == "sigma"}
    for scale in sigma_designs(design):
        if scale.group in by_outcome:
            rows = outcome_rows(design, scale.group)
            sigma[rows] = log_linear(scale.W[rows], by_outcome[scale.group].estimate)
    return sigma


def log_linear(W: Floats, coefficients: Floats) -> Floats:
    """exp(Wγ); a coefficient of -inf is a factor of zero in the rows where its column is not."""
    finite = np.isfinite(coefficients)
    vanished = np.any(W[:, ~finite] != 0, axis=1)
    return np.where(vanished, 0.0, np.exp(W[:, finite] @ coefficients[finite]))


def correlations(problem: Problem, found: Sequence[Regression]) -> float | pd.Series | pd.DataFrame:
    """Residual correlations of the outcomes; see `laird.fitting.result.Fit.rho`."""
    import pandas as pd

    design = problem.design
    m = len(design.outcomes)
    pairs = correlated_pairs((tuple(range(m)),))
    if not pairs:
        return pd.Series([], dtype=float, name="rho")
    first = np.unique(design.units, return_index=True)[1]
    names = {f"{design.outcomes[j]}, {design.outcomes[i]}": k for k, (i, j) in enumerate(pairs)}
    partial = np.zeros((len(first), len(pairs)))
    by_pair = {own.group: own for own in found if own.parameter == "rho"}
    for rho in design.rhos:
        group = ", ".join(design.outcomes[k] for k in rho.pair)
        partial[:, names[group]] = np.tanh(rho.W[first] @ by_pair[group].estimate)
    C = correlation_factor(partial, m, pairs)
    C = C @ C.transpose(0, 2, 1)
    values = pd.DataFrame({name: C[:, i, j] for name, (i, j) in zip(names, pairs, strict=True)})
    if all(own.constant for own in by_pair.values()):
        return float(C[0, 1, 0]) if len(pairs) == 1 else values.iloc[0].rename("rho")
    return values.iloc[:, 0].rename("rho") if len(pairs) == 1 else values


def log_sigma_series(found: Sequence[Regression], what: str, constant: Mapping[str, float]) -> pd.Series:
    """`estimate` or `se` of the coefficients of log sigma; their outcomes stand in front if several."""
    import pandas as pd

    values = dict(constant)
    for own in found:
        if own.parameter == "sigma":
            names = (f"{own.group}: {name}" if own.group else name for name in own.names)
            values |= dict(zip(names, getattr(own, what).tolist(), strict=True))
    return pd.Series(values, name=what, dtype=float)
