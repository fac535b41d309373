"""Tables of a fit: estimates with intervals, one tidy frame for every method."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.design import RandomDesign
from laird.fitting.degrees import inner_outer
from laird.gaussian.coordinates import correlated_pairs

if TYPE_CHECKING:
    from laird.fitting.draws import Draws
    from laird.fitting.point import Point
    from laird.fitting.problem import Problem
    from laird.fitting.scales import Regression
    from laird.fitting.uncertainty import ScaleUncertainty

type Floats = NDArray[np.float64]

COLUMNS = ["component", "group", "term", "estimate", "se", "lower", "upper"]
DIAGNOSTICS = ["ess_bulk", "ess_tail", "rhat"]


class Parameter(NamedTuple):
    """Name and place of one reported parameter; `place` in the arrays of a `Point` or `Draws`."""

    component: str
    group: str
    term1: str
    term2: str
    place: tuple[int, ...]

    @property
    def term(self) -> str:
        """The term, or both terms of a correlation."""
        return f"{self.term1}, {self.term2}" if self.term2 else self.term1


def parameters(
    names: Sequence[str], random: Sequence[RandomDesign], regressions: Sequence[Regression] = ()
) -> tuple[Parameter, ...]:
    """Fixed effects, group sds and correlations, residual sd: the order of every table.

    The coefficients of log sds with predictors take the place of these sds; an sd that
    only scales the others of its group stands for its first coefficient.
    """
    replaced = {r.group for r in regressions if r.parameter == "sd"}
    rows = [Parameter("fixed", "", name, "", (k,)) for k, name in enumerate(names)]
    start = 0
    for r in random:
        skipped = 1 if r.group in replaced else 0
        sds = list(enumerate(r.names))[skipped:]
        rows += [Parameter("sd", r.group, name, "", (start + k,)) for k, name in sds]
        rows += [
            Parameter("cor", r.group, r.names[j], r.names[i], (start + i, start + j))
            for i, j in correlated_pairs(r.blocks)
        ]
        start += len(r.names)
    rows += [
        Parameter(f"log_{own.parameter}", own.group, name, "", (f, k))
        for f, own in enumerate(regressions)
        for k, name in enumerate(own.names)
    ]
    constant = all(own.parameter != "sigma" for own in regressions)
    return (*rows, Parameter("sigma", "", "residual", "", ())) if constant else tuple(rows)


def estimate(point: Point, parameter: Parameter) -> float:
    """The point estimate of a parameter."""
    array = {
        "fixed": point.beta,
        "sd": point.sd,
        "cor": point.correlation,
        "sigma": np.asarray(point.sigma),
    }[parameter.component]
    return float(array[parameter.place])


def varcorr(
    point: Point, random: Sequence[RandomDesign], regressions: Sequence[Regression] = ()
) -> pd.DataFrame:
    """The table ``group, term1, term2, sdcor, vcov``, residual last if it is one number.

    Of a group sd with predictors, the value where these are at their average.
    """
    rows: list[tuple[str, str, str, float, float]] = []
    for q in parameters((), random)[:-1]:
        vcov = point.G[q.place if q.term2 else q.place * 2]
        rows.append((q.group, q.term1, q.term2, estimate(point, q), float(vcov)))
    if all(own.parameter != "sigma" for own in regressions):
        rows.append(("residual", "", "", point.sigma, point.sigma**2))
    table = pd.DataFrame(rows, columns=["group", "term1", "term2", "sdcor", "vcov"])
    return table.astype({"sdcor": float, "vcov": float})


def likelihood_summary(
    problem: Problem,
    random: Sequence[RandomDesign],
    point: Point,
    uncertainty: ScaleUncertainty | None,
    regressions: Sequence[Regression],
    prob: float,
) -> pd.DataFrame:
    """Estimates with t intervals (inner-outer degrees of freedom) and log- or atanh-scale intervals."""
    from scipy.special import ndtri, stdtrit

    tail = 0.5 + prob / 2
    t = stdtrit(inner_outer(problem.design, random), tail)
    fixed_se = np.sqrt(np.diag(point.beta_cov))
    rows = []
    for q in parameters(problem.design.names, random, regressions):
        if q.component.startswith("log_"):
            rows.append(_regression_row(q, regressions, float(ndtri(tail))))
            continue
        value = estimate(point, q)
        if q.component == "fixed":
            se = float(fixed_se[q.place])
            interval = (value - t[q.place] * se, value + t[q.place] * se)
        else:
            se, interval = _scale_interval(q, value, uncertainty, float(ndtri(tail)))
        rows.append((q.component, q.group, q.term, value, se, *interval))
    return pd.DataFrame(rows, columns=COLUMNS)


def _regression_row(q: Parameter, regressions: Sequence[Regression], z: float) -> tuple[str | float, ...]:
    own, k = regressions[q.place[0]], q.place[1]
    value, se = float(own.estimate[k]), float(own.se[k])
    return (q.component, q.group, q.term, value, se, value - z * se, value + z * se)


def _scale_interval(
    q: Parameter, value: float, uncertainty: ScaleUncertainty | None, z: float
) -> tuple[float, tuple[float, float]]:
    """Standard error by the delta method, and the interval of log sd or atanh correlation."""
    if uncertainty is None:
        return np.nan, (np.nan, np.nan)
    if q.component == "cor":
        se = float(uncertainty.atanh_correlation[q.place])
        with np.errstate(divide="ignore"):
            centre = np.arctanh(value)
        return se * (1 - value**2), (float(np.tanh(centre - z * se)), float(np.tanh(centre + z * se)))
    se = float(uncertainty.log_sigma if q.component == "sigma" else uncertainty.log_sd[q.place])
    return se * value, (value * float(np.exp(-z * se)), value * float(np.exp(z * se)))


def draw_values(draws: Draws, q: Parameter) -> Floats:
    """Draws of one parameter, shape (C, S)."""
    name = {"fixed": "beta", "sd": "sd", "cor": "correlation", "sigma": "sigma"}[q.component]
    values = np.moveaxis(getattr(draws, name), (0, 1), (-2, -1))
    return np.asarray(values[q.place])


def draws_summary(problem: Problem, point: Point, draws: Draws, prob: float) -> pd.DataFrame:
    """Estimates with equal-tailed intervals of the draws, and their diagnostics."""
    return pd.DataFrame(list(_draw_rows(problem, point, draws, prob)), columns=COLUMNS + DIAGNOSTICS)


def _draw_rows(
    problem: Problem, point: Point, draws: Draws, prob: float
) -> Iterator[tuple[str | float, ...]]:
    tails = [(1 - prob) / 2, (1 + prob) / 2]
    fixed_se = np.sqrt(np.diag(point.beta_cov))
    for q in parameters(problem.design.names, problem.design.random):
        values = draw_values(draws, q)
        se = float(fixed_se[q.place]) if q.component == "fixed" else float(values.std(ddof=1))
        lower, upper = (float(v) for v in np.quantile(values, tails))
        yield (
            *(q.component, q.group, q.term, estimate(point, q), se, lower, upper),
            *_bounded(convergence(values), draws.effective),
        )


def _bounded(found: tuple[float, float, float], effective: float) -> tuple[float, float, float]:
    bulk, tail, rhat = found
    return min(bulk, effective), min(tail, effective), rhat


def convergence(values: Floats) -> tuple[float, float, float]:
    """Bulk and tail effective sample size and rank-normalised split R-hat (Vehtari et al. 2021)."""
    from arviz_stats.base import array_stats

    if values.std() == 0.0:
        return np.nan, np.nan, np.nan
    return (
        float(array_stats.ess(values, chain_axis=0, draw_axis=1, method="bulk")),
        float(array_stats.ess(values, chain_axis=0, draw_axis=1, method="tail", prob=0.1)),
        float(array_stats.rhat(values, chain_axis=0, draw_axis=1, method="rank")),
    )


def effects_frame(values: Floats, levels: Sequence[str], terms: Sequence[str], group: str) -> pd.DataFrame:
    """One row per group, one column per term."""
    return pd.DataFrame(
        np.array(values), index=pd.Index(list(levels), name=group, dtype=object), columns=list(terms)
    )
