"""Ordinary least squares: pooled over groups, and within every group."""

from __future__ import annotations

from time import perf_counter

import numpy as np

from laird.design import Design
from laird.errors import FitError
from laird.fitting.checks import Check
from laird.fitting.origin import origin
from laird.fitting.point import least_squares_point
from laird.fitting.problem import Problem, grouped, level2_weights_of
from laird.fitting.result import Fit
from laird.fitting.uncertainty import ScaleUncertainty
from laird.gaussian.grouped import LOG_2PI
from laird.gaussian.lines import own_lines


def fit(problem: Problem, unit_rows: Design | None = None) -> Fit:
    """Fit the fixed part by least squares, ignoring the groups.

    ``fit.group_coef(group)`` are the least-squares lines of the groups themselves.

    Parameters
    ----------
    problem
        Model and data.
    unit_rows
        The rows of the design divided by the root of their residual covariance, where that
        is known: the groups' lines are then generalised least squares (BLUE).
    """
    start = perf_counter()
    if unit_rows is None:
        _refuse_unequal(problem.design)
    data = grouped(problem.design, problem.random)
    s, p = data.scaling, data.p
    XX, Xy = data.WW[:p, :p], data.WW[:p, p]
    beta = np.linalg.solve(XX, Xy)
    rss = float(data.WW[p, p] - Xy @ beta)
    sigma = float(np.sqrt(rss / (data.n - p)))
    beta_cov = s.beta_cov(sigma**2 * np.linalg.inv(XX))
    beta = s.beta(beta)
    single = [(random, grouped(problem.design, random)) for random in problem.design.random]
    A = [level2_weights_of(problem.design, random, own) for random, own in single]
    if unit_rows is None:
        lines = [own_lines(own) for _, own in single]
    else:
        lines = [own_lines(grouped(unit_rows, random), 1.0) for random in unit_rows.random]
    se = float(1.0 / np.sqrt(2.0 * (data.n - p)))
    ml_variance = rss / data.n * s.y_scale**2
    return Fit(
        method="ols",
        problem=problem,
        point=least_squares_point(beta, beta_cov, sigma * s.y_scale, lines, A),
        loglik=float(-0.5 * data.n * (LOG_2PI + np.log(ml_variance) + 1.0)),
        checks=_ignored(problem.design),
        origin=origin(problem.spec, problem.design, perf_counter() - start),
        uncertainty=ScaleUncertainty(np.zeros(0), np.zeros((0, 0)), se, np.array([[se**2]])),
    )


def _refuse_unequal(design: Design) -> None:
    """Least squares has one residual variance."""
    several = len(design.outcomes) > 1
    if several or design.weights is not None:
        what = "several outcomes" if several else "weighted rows"
        raise FitError(
            f"Ordinary least squares has one residual variance for all rows; this model has {what}.",
            remedy="Fit each outcome by itself." if several else 'Use "ml" or "reml", which weight the rows.',
        )


def _ignored(design: Design) -> tuple[Check, ...]:
    """What the model says and pooled least squares does not hear."""
    parts = [
        ("the known sampling variances", design.known is not None),
        ("the regressions of standard deviations", bool(design.scales)),
        ("the group effects", bool(design.random)),
    ]
    ignored = [name for name, present in parts if present]
    if not ignored:
        return ()
    message = f"Pooled least squares ignores {', '.join(ignored)}; its errors hold without them."
    return (Check("ignored", "note", float(len(ignored)), message, 'Use "reml".'),)
