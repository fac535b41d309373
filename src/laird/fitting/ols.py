"""Ordinary least squares: pooled over groups, and within every group."""

from __future__ import annotations

from time import perf_counter

import numpy as np

from laird.fitting.origin import origin
from laird.fitting.point import least_squares_point
from laird.fitting.problem import Problem
from laird.fitting.result import Fit
from laird.fitting.uncertainty import ScaleUncertainty
from laird.gaussian.grouped import LOG_2PI
from laird.gaussian.lines import absorbed_columns, level2_weights, own_lines


def fit(problem: Problem) -> Fit:
    """Fit the fixed part by least squares, ignoring the groups.

    ``fit.group_coef(group)`` are the least-squares lines of the groups themselves.
    """
    start = perf_counter()
    data, s, p = problem.data, problem.data.scaling, problem.data.p
    XX, Xy = data.WW[:p, :p], data.WW[:p, p]
    beta = np.linalg.solve(XX, Xy)
    rss = float(data.WW[p, p] - Xy @ beta)
    sigma = float(np.sqrt(rss / (data.n - p)))
    beta_cov = s.beta_cov(sigma**2 * np.linalg.inv(XX))
    beta = s.beta(beta)
    random = problem.random
    J, ids = data.J, random.ids if random else np.zeros(data.n, dtype=np.int64)
    Z = random.Z if random else np.zeros((data.n, 0))
    A = level2_weights(problem.design.X, Z, ids, J, absorbed_columns(data))
    ml_variance = rss / data.n * s.y_scale**2
    return Fit(
        method="ols",
        problem=problem,
        point=least_squares_point(beta, beta_cov, sigma * s.y_scale, own_lines(data), A),
        loglik=float(-0.5 * data.n * (LOG_2PI + np.log(ml_variance) + 1.0)),
        checks=(),
        origin=origin(problem.spec, problem.design, perf_counter() - start),
        uncertainty=ScaleUncertainty(np.zeros(0), np.zeros((0, 0)), float(1.0 / np.sqrt(2.0 * (data.n - p)))),
    )
