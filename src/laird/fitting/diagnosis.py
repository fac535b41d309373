"""What may be wrong with a fit beyond convergence: rows of `Fit.check`.

Heterogeneity at zero, absurd standard errors, correlations near one, too few studies for a
scale coefficient, rows and outcomes lost, known variances without the spread that a
proportional model needs.  Each row says what, how much, and what to do about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from laird.data.schema import ColumnInfo
from laird.design import Design, KnownDesign, ScaleDesign
from laird.fitting.checks import Check
from laird.fitting.problem import Problem
from laird.fitting.regressions import Regression, row_sigma
from laird.fitting.scaling import scaling_checks
from laird.fitting.strata import listed, strata
from laird.posterior.codings import outcome_rows, sigma_designs

type Floats = NDArray[np.float64]

NEGLIGIBLE = 1e-3
"""A heterogeneity sd below this share of the sampling sd is zero for every purpose."""

NEAR_ONE = 0.98
FEW_ROWS = 5
RECOMMENDED_ROWS = 10
LEAST_SPREAD = 0.25
"""Least sd of log v for which φ·v and σ² can be told apart in practice."""

VANISHED = 1e-5
"""A residual sd below this share of the largest is none."""

BAYES = 'Draws of "eb" and "nuts" have finite intervals: their priors keep it off the boundary.'


def diagnose(problem: Problem, found: Sequence[Regression], *, priors: bool = False) -> Iterator[Check]:
    """All rows for a fit by likelihood, or the modes and means of other methods.

    Parameters
    ----------
    problem
        The model and its data.
    found
        Regressions of sds and correlations, the constant sigma included.
    priors
        Whether sds and correlations have priors.
    """
    design = problem.design
    if design.known is not None:
        yield known_check(design.known)
        yield from exact_checks(design, design.known)
        yield from heterogeneity_checks(problem, design.known, found)
        if design.known.proportional and any(scale.names for scale in sigma_designs(design)):
            yield spread_check(design.known)
    else:
        yield from vanished_checks(design, found)
    yield from (standard_error_check(own) for own in found if not own.constant or own.parameter == "rho")
    yield from (correlation_check(own) for own in found if own.parameter == "rho")
    yield from few_rows_checks(problem)
    yield from scaling_checks(design, priors=priors)
    yield from lost_checks(problem)


def known_check(known: KnownDesign) -> Check:
    """What the known sampling covariance looks like."""
    v, sizes = known.variances, [len(block.rows) for block in known.blocks]
    shape = f"{len(sizes)} blocks of up to {max(sizes)} rows" if sizes else "diagonal"
    message = (
        f"Known sampling covariance `{known.name}`: {shape}, {len(v)} rows, variances {v.min():.4g} to "
        f"{v.max():.4g}."
    )
    worst = max((_condition(block.V) for block in known.blocks), default=1.0)
    if worst < 1e8:
        return Check("known_covariance", "ok", float(v.min()), message)
    message += f" A block is nearly singular (condition number {worst:.1e})."
    return Check(
        "known_covariance", "note", float(v.min()), message, "Check the correlations that went into it."
    )


def exact_checks(design: Design, known: KnownDesign) -> Iterator[Check]:
    """Rows that are said to have no sampling error."""
    exact = np.flatnonzero(known.variances == 0)
    if len(exact):
        message = (
            f"The sampling variance `{known.name}` is 0 in {listed(design, exact)}: these estimates count as "
            "the true effects themselves."
        )
        remedy = (
            "Check whether 0 stands for a missing variance; if so drop these rows or give the variance. A "
            "likelihood by `ml` grows without limit where the mean passes through them and sigma vanishes: "
            "`reml` and priors do not."
        )
        yield Check("exact_estimates", "warning", len(exact), message, remedy)


def _condition(V: Floats) -> float:
    w = np.linalg.eigvalsh(V)
    return float(w[-1] / max(w[0], np.finfo(float).tiny))


def heterogeneity_checks(
    problem: Problem, known: KnownDesign, found: Sequence[Regression]
) -> Iterator[Check]:
    """Whether the residual heterogeneity is zero, anywhere, next to the sampling variances."""
    design = problem.design
    sigma = row_sigma(design, found)
    for scale in sigma_designs(design):
        if not scale.names:
            continue
        rows = outcome_rows(design, scale.group)
        share = sigma[rows] / np.sqrt(np.maximum(known.variances[rows], np.finfo(float).tiny))
        yield _heterogeneity_check(
            scale.group, float(share.min()), int(np.sum(share < NEGLIGIBLE)), len(share)
        )


def _heterogeneity_check(outcome: str, least: float, zero: int, n: int) -> Check:
    of = f" of `{outcome}`" if outcome else ""
    name = f"heterogeneity({outcome})" if outcome else "heterogeneity"
    if not zero:
        message = f"The heterogeneity{of} is at least {least:.2g} of the sampling standard deviation."
        return Check(name, "ok", least, message)
    where = "" if zero == n else f" in {zero} of {n} rows"
    message = f"The heterogeneity{of} is estimated as zero{where}: the estimates differ no more than "
    message += "sampling error makes them, which does not show that the true effects are equal."
    remedy = f"Report the interval of the heterogeneity, not the estimate. {BAYES}"
    if zero < n:
        remedy += " Or leave the predictor out of `sigma`."
    return Check(name, "boundary", least, message, remedy)


def vanished_checks(design: Design, found: Sequence[Regression]) -> Iterator[Check]:
    """Rows that name the values of predictors where the residual sd is estimated as all but zero."""
    own = tuple(strata(design))
    sigma = row_sigma(design, found) if own else np.zeros(0)
    for stratum in own:
        share = float(sigma[stratum.rows[0]] / sigma.max())
        if share < VANISHED:
            message = (
                f"The residual standard deviation is estimated as all but zero {stratum.words} "
                f"({listed(design, stratum.rows)}): the model passes through these rows."
            )
            remedy = "Merge the level with another in `sigma ~ …`, or make the fixed or random part simpler."
            yield Check(f"residual_variation({stratum.words})", "warning", share, message, remedy)


def standard_error_check(own: Regression) -> Check:
    """Whether coefficients of a log sd or atanh correlation are known at all."""
    name = f"{own.parameter}({own.group})" if own.group else own.parameter
    se = own.curvature_se
    worst = int(np.argmax(np.where(np.isnan(se), np.inf, se / own.reach)))
    if own.determined.all():
        value = float(se.max())
        return Check(
            f"standard_errors({name})", "ok", value, f"Standard errors of `{name}` up to {value:.3g}."
        )
    value = float(se[worst])
    shown = "undefined" if np.isnan(value) else f"{value:.3g}"
    message = f"The coefficient `{own.names[worst]}` of `{name}` is not determined (standard error {shown})."
    remedy = BAYES if own.names[worst] == "Intercept" else f"Leave it out of the model. {BAYES}"
    return Check(f"standard_errors({name})", "warning", value, message, remedy)


def correlation_check(own: Regression) -> Check:
    """Whether a residual correlation is at ±1."""
    value = float(np.tanh(own.estimate[0]))
    name = f"correlation({own.group})"
    if abs(value) < NEAR_ONE:
        return Check(name, "ok", value, f"The correlation of `{own.group}` is {value:.3f}.")
    message = f"The correlation of `{own.group}` is estimated as {value:+.4f}, next to the boundary: its"
    message += " interval and the heterogeneities beside it are too narrow."
    return Check(name, "boundary", value, message, f"{BAYES} Or fix it: `rho(...) ~ 0`.")


def spread_check(known: KnownDesign) -> Check:
    """Whether the known variances differ enough for a multiplier to be told from an added variance."""
    spread = float(np.std(np.log(known.variances[known.variances > 0])))
    message = f"The known variances have a spread of {spread:.2f} (sd of log v)."
    if spread >= LEAST_SPREAD:
        return Check("spread_of_v", "ok", spread, message)
    message += f" Below {LEAST_SPREAD}, φ·v and σ² can hardly be told apart."
    return Check(
        "spread_of_v", "warning", spread, message, "Keep one of them: `sigma ~ 0`, or additive `meta_V`."
    )


def few_rows_checks(problem: Problem) -> Iterator[Check]:
    """Whether every level of a categorical predictor of a log sd has rows, or groups, enough."""
    design = problem.design
    for scale in design.scales:
        rows, unit = _units_of(design, scale)
        W, prefix = scale.W[rows], f"{scale.group}: "
        names = [name.removeprefix(prefix) for name in scale.names]
        counts = _level_counts(names, W, problem.schema.columns)
        if counts:
            yield _few_rows_check(scale.parameter, counts, unit)


def _units_of(design: Design, scale: ScaleDesign) -> tuple[NDArray[np.int64], str]:
    """One row for every sd that a regression is about, and what these are called."""
    if scale.parameter == "sd":
        ids = next(random.ids for random in design.random if random.group == scale.group)
        return np.unique(ids, return_index=True)[1], f"groups of `{scale.group}`"
    if design.outcomes and scale.parameter == "sigma":
        return np.flatnonzero(outcome_rows(design, scale.group)), "rows"
    return np.arange(len(scale.W)), "rows"


def _level_counts(names: Sequence[str], W: Floats, columns: Sequence[ColumnInfo]) -> dict[str, int]:
    """How many rows of W every level has; that of a reference is what the others leave."""
    found = {name: int(w.sum()) for name, w in zip(names, W.T, strict=True) if _is_indicator(w)}
    factors = [[f"{column.name}[{level}]" for level in column.levels] for column in columns]
    factors += [[name, f"{name} = 0"] for name in found if not set(name) & set("[:")]
    for levels in factors:
        coded = [name for name in levels if name in found]
        if coded and len(coded) == len(levels) - 1:
            (reference,) = set(levels).difference(coded)
            found[reference] = len(W) - sum(found[name] for name in coded)
    return found


def _is_indicator(w: Floats) -> bool:
    return bool(np.all((w == 0) | (w == 1)) and 0 < w.sum() < len(w))


def _few_rows_check(parameter: str, counts: dict[str, int], unit: str) -> Check:
    name, least = min(counts.items(), key=lambda item: item[1])
    check = f"rows_per_level({parameter})"
    message = f"The smallest level of `{parameter} ~ …`, `{name}`, has {least} {unit}."
    if least >= RECOMMENDED_ROWS:
        return Check(check, "ok", least, message)
    message += f" An sd from fewer than {RECOMMENDED_ROWS} is hardly known."
    remedy = "Merge levels, or use `nuts` with an informative prior of the scale coefficients."
    return Check(check, "warning" if least < FEW_ROWS else "note", least, message, remedy)


def lost_checks(problem: Problem) -> Iterator[Check]:
    """Rows dropped for missing values, and outcomes that some rows lack."""
    dropped = problem.schema.dropped
    lost = sum(count for _, count in dropped)
    if lost:
        names = ", ".join(f"{count} for `{name}`" for name, count in dropped)
        message = f"{lost} rows were dropped for missing values: {names}."
        yield Check(
            "dropped_rows", "note", lost, message, "See whether the dropped rows differ from the others."
        )
    design = problem.design
    if design.outcomes:
        units = len(np.unique(design.units))
        counts = np.bincount(design.which, minlength=len(design.outcomes))
        without = {name: units - int(count) for name, count in zip(design.outcomes, counts, strict=True)}
        message = f"{units} units: " + ", ".join(f"{n} without `{name}`" for name, n in without.items()) + "."
        yield Check("outcomes", "note" if any(without.values()) else "ok", sum(without.values()), message)
