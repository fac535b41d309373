"""Targets of likelihood fits: best linear unbiased predictions, their standard errors, and t intervals.

Given the covariance parameters θ a target t = x'β + Σ_f z_f'u_f + e is predicted by t̂(θ); its error
is the sum of three:

    of β and the fitted groups, jointly (Henderson 1975), plus J A J' with J = dt̂/dθ and A the
    covariance of θ̂, since θ is estimated (Kass & Steffey 1989, J. Am. Stat. Assoc. 84, eq. 3.2),
    of new groups, z'Gz, whose G was estimated from J groups,
    of residuals, σ² + φv, whose σ² was estimated from n rows.

Degrees of freedom of the sum are those of Welch (1947) and Satterthwaite (1946),
(Σ v_k)² / Σ v_k²/df_k: of β as in `laird.coef_tests`, none counted of fitted groups, J less the
coefficients that are constant in groups, n - p.  Least squares has but one variance, with n - p.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.data.transforms import is_constant
from laird.design import Design, RandomDesign
from laird.fitting.problem import Problem
from laird.fitting.result import Fit
from laird.fitting.target import flat_likelihood
from laird.fitting.uncertainty import log_scale, of_log_scale
from laird.gaussian.coordinates import correlated_pairs
from laird.gaussian.solution import Effects, Solution
from laird.gaussian.theta import Theta
from laird.inference.dispersion import dispersion_at
from laird.inference.predictions_joint import joint_variance
from laird.inference.predictions_noise import residual_variance, sampling_variance
from laird.inference.predictions_rows import Shares, Targets
from laird.inference.reference import Reference, checked_name, reference
from laird.inference.rowcovariance import Dispersion

type Floats = NDArray[np.float64]

STEP = float(np.cbrt(np.finfo(float).eps))
"""Of central differences in log sds and atanh correlations."""


class Predicted(NamedTuple):
    """Predictions of targets, their standard errors and degrees of freedom, shapes (r,)."""

    estimate: Floats
    se: Floats
    df: Floats


class _Part(NamedTuple):
    """A part of the variance, and its degrees of freedom, shapes (r,)."""

    variance: Floats
    df: Floats


def predicted(fit: Fit, targets: Targets, df: str | Reference | None) -> Predicted:
    """Predict targets from a likelihood fit.

    Parameters
    ----------
    fit
        By ``"ols"``, ``"ml"`` or ``"reml"``.
    targets
        What to predict.
    df
        As in `laird.coef_tests`, for the part of the coefficients; ``"normal"`` for all parts.

    Raises
    ------
    FitError
        A `df` that is not available.
    """
    if not hasattr(df, "rows"):
        checked_name(fit, df)
    estimate = point_estimates(targets, fit.point.beta, fit.point.effects)
    parts = list(_parts(fit, targets, df))
    total = np.sum([part.variance for part in parts], axis=0)
    if df == "normal":
        degrees = np.full(len(total), np.inf)
    else:
        degrees = parts[0].df if fit.theta is None else _joined(parts, total)
    return Predicted(estimate, np.sqrt(total), degrees)


def _parts(fit: Fit, targets: Targets, df: str | Reference | None) -> Iterator[_Part]:
    own, design = dispersion_at(fit, targets.design), fit.problem.design
    yield _of_coefficients(fit, targets, df)
    yield from _of_new_groups(fit, targets, own)
    if targets.noise:
        n, p = design.X.shape
        yield _Part(residual_variance(targets, own), np.full(len(targets.X), float(n - p)))
        yield _Part(sampling_variance(fit.problem, targets, own), np.full(len(targets.X), np.inf))


def _joined(parts: Sequence[_Part], total: Floats) -> Floats:
    """Degrees of freedom of a sum of independent variances."""
    spread = np.sum([part.variance**2 / part.df for part in parts], axis=0)
    found: Floats = np.divide(total**2, spread, out=np.full(len(total), np.inf), where=spread > 0)
    return found


def point_estimates(targets: Targets, beta: Floats, effects: tuple[Effects, ...]) -> Floats:
    """Targets at estimates of β and u, new groups at zero, shape (r,)."""
    estimate = targets.X @ beta
    for share, found in zip(targets.shares, effects, strict=False):
        own = share.known()
        np.add.at(estimate, own.cell, np.einsum("kq,kq->k", own.Z, found.u[own.group]))
    return np.asarray(estimate)


def _of_coefficients(fit: Fit, targets: Targets, df: str | Reference | None) -> _Part:
    """Of targets with fitted groups the joint error of these and of β, else that of β."""
    known = tuple(own.known() for own in targets.shares)
    with_groups = np.zeros(len(targets.X), dtype=bool)
    for own in known:
        with_groups[own.cell] = True
    variance, degrees = np.zeros(len(targets.X)), np.full(len(targets.X), np.inf)
    if not with_groups.all():
        at, X = reference(fit, df), targets.X[~with_groups]
        variance[~with_groups] = np.einsum("rp,ps,rs->r", X, at.cov, X)
        degrees[~with_groups] = at.rows(X)
    if fit.theta is not None and with_groups.any():
        found = _solved(fit.problem, fit.theta)
        joint = joint_variance(fit.problem, fit.theta, found, targets.X, known)
        variance[with_groups] = (joint + _estimated(fit, fit.theta, targets))[with_groups]
    return _Part(variance, degrees)


def _estimated(fit: Fit, theta: Theta, targets: Targets) -> Floats:
    """J A J' by target, over the covariance parameters that are not on the boundary, shape (r,)."""
    phi, _ = log_scale(theta, _pairs(fit.problem))
    cov = fit.uncertainty.cov if fit.uncertainty else np.full((len(phi), len(phi)), np.nan)
    free = np.flatnonzero(np.isfinite(np.diag(cov)))
    slopes = [_slope(fit.problem, targets, theta, phi, int(k)) for k in free]
    J = np.array(slopes).reshape(len(free), len(targets.X))
    return np.asarray(np.einsum("kr,kl,lr->r", J, cov[np.ix_(free, free)], J))


def _slope(problem: Problem, targets: Targets, theta: Theta, phi: Floats, k: int) -> Floats:
    """Derivative of t̂ in one parameter, shape (r,)."""
    ends = []
    for sign in (1.0, -1.0):
        moved = phi.copy()
        moved[k] += sign * STEP
        found = _solved(problem, of_log_scale(moved, theta, _pairs(problem)))
        ends.append(point_estimates(targets, found.beta, found.effects))
    return (ends[0] - ends[1]) / (2 * STEP)


def _solved(problem: Problem, theta: Theta) -> Solution:
    return flat_likelihood(problem).solve(theta, np.zeros(0))


def _pairs(problem: Problem) -> tuple[tuple[int, int], ...]:
    return correlated_pairs(problem.data.blocks)


def _of_new_groups(fit: Fit, targets: Targets, at: Dispersion) -> list[_Part]:
    """Variance of the effects of new groups, factor by factor."""
    design, r = fit.problem.design, len(targets.X)
    factors = zip(targets.shares, design.random, at.G, at.scale, strict=False)
    return [
        _Part(_group_variance(share.new(), G, scale, r), np.full(r, _group_degrees(design, random)))
        for share, random, G, scale in factors
    ]


def _group_variance(own: Shares, G: Floats, scale: Floats, count: int) -> Floats:
    variance, Z = np.zeros(count), own.Z * scale[own.row, None]
    np.add.at(variance, own.cell, np.einsum("kq,qr,kr->k", Z, G, Z))
    return variance


def _group_degrees(design: Design, random: RandomDesign) -> float:
    """Groups less the coefficients that only they inform, at least one."""
    outer = sum(is_constant(column, random.ids) for column in design.X.T)
    return float(max(len(random.levels) - outer, 1))
