"""Tables of a fit: estimates with intervals, one tidy frame for every method."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from laird.design import RandomDesign
from laird.fitting.convergence import convergence
from laird.fitting.degrees import inner_outer
from laird.fitting.intervals import credible
from laird.gaussian.coordinates import correlated_pairs

if TYPE_CHECKING:
    from laird.fitting.draws import Draws
    from laird.fitting.point import Point
    from laird.fitting.problem import Problem
    from laird.fitting.regressions import Regression
    from laird.fitting.uncertainty import ScaleUncertainty
    from laird.posterior.codings import Codings

type Floats = NDArray[np.float64]

COLUMNS = ["component", "group", "term", "estimate", "se", "lower", "upper"]
DIAGNOSTICS = ["ess_bulk", "ess_tail", "rhat"]

BOUNDED = ("sd", "cor", "sigma", "rho", "phi")
"""Components whose mode may be at the boundary."""


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


LINKS: Mapping[str, str] = MappingProxyType({"sigma": "log", "sd": "log", "phi": "log", "rho": "atanh"})


def parameters(
    names: Sequence[str],
    random: Sequence[RandomDesign],
    regressions: Sequence[Regression] = (),
    *,
    residual: bool = True,
) -> tuple[Parameter, ...]:
    """Fixed effects, group sds and correlations, residual sd: the order of every table.

    Coefficients of log sds with predictors take the place of these sds; an sd that only
    scales the others of its group stands for its first coefficient.  `residual` says
    whether the model has one residual sd.
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
    for f, own in enumerate(regressions):
        rows += _regression_parameters(f, own)
    return (*rows, Parameter("sigma", "", "residual", "", ())) if residual else tuple(rows)


def _regression_parameters(f: int, own: Regression) -> list[Parameter]:
    """A constant sigma, φ or correlation is a parameter itself, else its coefficients are."""
    if own.constant and own.parameter != "sd":
        if own.parameter == "rho":
            return [Parameter("rho", "", own.group, "", (f, 0))]
        term = "residual" if own.parameter == "sigma" else own.parameter
        return [Parameter(own.parameter, own.group, term, "", (f, 0))]
    component = f"{LINKS[own.parameter]}_{own.parameter}"
    return [Parameter(component, own.group, name, "", (f, k)) for k, name in enumerate(own.names)]


def estimate(point: Point, parameter: Parameter, regressions: Sequence[Regression] = ()) -> float:
    """The point estimate of a parameter."""
    if _is_coefficient(parameter):
        own, k = regressions[parameter.place[0]], parameter.place[1]
        return float(natural(parameter, own.estimate[k]))
    array = {
        "fixed": point.beta,
        "sd": point.sd,
        "cor": point.correlation,
        "sigma": np.asarray(point.sigma),
    }[parameter.component]
    return float(array[parameter.place])


def _is_coefficient(parameter: Parameter) -> bool:
    """Whether the place of a parameter is among the coefficients of regressions."""
    return parameter.component not in ("fixed", "sd", "cor") and bool(parameter.place)


def natural(parameter: Parameter, value: Floats | float) -> Floats:
    """A constant sd, φ or correlation from its log or atanh; a coefficient as it is."""
    link = {"sigma": np.exp, "phi": np.exp, "rho": np.tanh}.get(parameter.component, np.asarray)
    return np.asarray(link(value))


def varcorr(
    point: Point,
    random: Sequence[RandomDesign],
    regressions: Sequence[Regression] = (),
    *,
    residual: bool = True,
) -> pd.DataFrame:
    """The table ``group, term1, term2, sdcor, vcov``, residual last if it is one number.

    Of a group sd with predictors, the value where these are at their average.  Several
    outcomes have a residual sd and correlation each, where these have no predictors.
    """
    rows: list[tuple[str, str, str, float, float]] = []
    for q in parameters((), random, residual=False):
        vcov = point.G[q.place if q.term2 else q.place * 2]
        rows.append((q.group, q.term1, q.term2, estimate(point, q), float(vcov)))
    rows += _residual_rows(regressions)
    if residual:
        rows.append(("residual", "", "", point.sigma, point.sigma**2))
    table = pd.DataFrame(rows, columns=["group", "term1", "term2", "sdcor", "vcov"])
    return table.astype({"sdcor": float, "vcov": float})


SMALL_SAMPLES = (
    "t: nlme's inner-outer degrees of freedom, standard errors at the estimated heterogeneity; for few "
    "studies see `ld.coef_tests` (Knapp and Hartung, Satterthwaite)."
)


def notes(
    problem: Problem, random: Sequence[RandomDesign], regressions: Sequence[Regression], *, drawn: bool
) -> tuple[str, ...]:
    """What rows and intervals of the summary mean where that is not obvious."""
    found = average_notes(random, regressions)
    return found if drawn or problem.design.known is None else (*found, SMALL_SAMPLES)


def average_notes(random: Sequence[RandomDesign], regressions: Sequence[Regression]) -> tuple[str, ...]:
    """Where sds hold that `varcorr` and the summary list, for factors whose sds have predictors.

    Examples
    --------
    >>> import laird as ld
    >>> parts = "mathach ~ ses + (ses | school)", "sd(school) ~ Sector"
    >>> fit = ld.model(*parts, data=ld.load_data("hs")).fit("ml")
    >>> average_notes(fit.problem.design.random, fit.regressions)
    ('sd(school, ses) is that at average predictors of `sd(school)`, over its groups.',)
    """
    predicted = {r.group for r in regressions if r.parameter == "sd" and not r.constant}
    return tuple(
        f"{', '.join(f'sd({r.group}, {name})' for name in r.names[1:])} "
        f"{'is that' if len(r.names) == 2 else 'are those'} at average predictors of `sd({r.group})`, "
        "over its groups."
        for r in random
        if r.group in predicted and len(r.names) > 1
    )


def _residual_rows(regressions: Sequence[Regression]) -> Iterator[tuple[str, str, str, float, float]]:
    """Residual sds by outcome, and the correlations of outcomes, where they are constant."""
    sds = {
        r.group: float(np.exp(r.estimate[0])) for r in regressions if r.parameter == "sigma" and r.constant
    }
    for outcome, sd in sds.items():
        yield ("residual", outcome, "", sd, sd**2)
    for own in regressions:
        if own.parameter == "rho" and own.constant:
            a, b = own.group.split(", ")
            rho = float(np.tanh(own.estimate[0]))
            yield ("residual", a, b, rho, rho * sds.get(a, np.nan) * sds.get(b, np.nan))


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
    z, t = float(ndtri(tail)), stdtrit(inner_outer(problem.design, random), tail)
    fixed_se = np.sqrt(np.diag(point.beta_cov))
    rows = []
    for q in parameters(problem.design.names, random, regressions, residual=problem.has_residual):
        value = estimate(point, q, regressions)
        if q.component == "fixed":
            se = float(fixed_se[q.place])
            interval = (value - t[q.place] * se, value + t[q.place] * se)
        elif _is_coefficient(q):
            se, interval = _coefficient_interval(q, regressions[q.place[0]], z)
        else:
            se, interval = _scale_interval(q, value, uncertainty, z)
        rows.append((q.component, q.group, q.term, value, se, *interval))
    return pd.DataFrame(rows, columns=COLUMNS)


def _coefficient_interval(q: Parameter, own: Regression, z: float) -> tuple[float, tuple[float, float]]:
    """Standard error and interval of a coefficient; of a constant by the delta method and transformed."""
    value, se = float(own.estimate[q.place[1]]), float(own.se[q.place[1]])
    lower, upper = (float(natural(q, value + sign * z * se)) for sign in (-1, 1))
    return se * _slope(q, value), (lower, upper)


def _slope(q: Parameter, value: float) -> float:
    """Derivative of `natural`."""
    if q.component in ("sigma", "phi"):
        return float(np.exp(value))
    return 1 - float(np.tanh(value)) ** 2 if q.component == "rho" else 1.0


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


def draw_values(draws: Draws, q: Parameter, codings: Codings, regressions: Sequence[Regression]) -> Floats:
    """Draws of one parameter, shape (C, S)."""
    if _is_coefficient(q):
        own = regressions[q.place[0]]
        coding = next(c for c in codings if (c.parameter, c.group) == (own.parameter, own.group))
        return natural(q, coding.coefficients(draws.theta)[..., q.place[1]])
    name = {"fixed": "beta", "sd": "sd", "cor": "correlation", "sigma": "sigma"}[q.component]
    values = np.moveaxis(getattr(draws, name), (0, 1), (-2, -1))
    return np.asarray(values[q.place])


def draws_summary(
    problem: Problem, point: Point, draws: Draws, regressions: Sequence[Regression], prob: float
) -> pd.DataFrame:
    """Estimates with intervals of the draws, which hold modes at the boundary, and their diagnostics."""
    rows = list(_draw_rows(problem, point, draws, regressions, prob))
    return pd.DataFrame(rows, columns=COLUMNS + DIAGNOSTICS)


def _draw_rows(
    problem: Problem, point: Point, draws: Draws, regressions: Sequence[Regression], prob: float
) -> Iterator[tuple[str | float, ...]]:
    fixed_se = np.sqrt(np.diag(point.beta_cov))
    design = problem.design
    for q in parameters(design.names, design.random, regressions, residual=problem.has_residual):
        values = draw_values(draws, q, problem.codings, regressions)
        se = float(fixed_se[q.place]) if q.component == "fixed" else float(values.std(ddof=1))
        value = estimate(point, q, regressions)
        held = value if q.component in BOUNDED else np.nan
        lower, upper = (float(end) for end in credible(values.ravel(), prob, held))
        yield (
            *(q.component, q.group, q.term, value, se, lower, upper),
            *_bounded(convergence(values), draws.effective),
        )
    for name, values in draws.shapes.items():
        lower, upper = (float(end) for end in credible(values.ravel(), prob))
        moments = float(values.mean()), float(values.std(ddof=1))
        yield (*shape_name(name), *moments, lower, upper, *convergence(values))


def shape_name(parameter: str) -> tuple[str, str, str]:
    """Component, group and term of a parameter such as ``alpha(school, ses)``.

    Examples
    --------
    >>> shape_name("nu(errors)"), shape_name("alpha(school, ses)")
    (('nu', 'errors', ''), ('alpha', 'school', 'ses'))
    """
    component, _, inside = parameter.removesuffix(")").partition("(")
    group, _, term = inside.partition(", ")
    return component, group, term


def _bounded(found: tuple[float, float, float], effective: float) -> tuple[float, float, float]:
    bulk, tail, rhat = found
    return min(bulk, effective), min(tail, effective), rhat


def effects_frame(values: Floats, levels: Sequence[str], terms: Sequence[str], group: str) -> pd.DataFrame:
    """One row per group, one column per term."""
    return pd.DataFrame(
        np.array(values), index=pd.Index(list(levels), name=group, dtype=object), columns=list(terms)
    )
