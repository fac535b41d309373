"""The reported covariance parameters of a fit by name, at any θ and of every draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from laird.fitting.display import row_name
from laird.fitting.regressions import Regression, estimates, reported
from laird.fitting.result import Fit
from laird.fitting.tables import Parameter, draw_values, estimate, parameters
from laird.gaussian.coordinates import sds_and_correlations
from laird.gaussian.theta import Theta

type Floats = NDArray[np.float64]


def variance_parameters(fit: Fit) -> tuple[Parameter, ...]:
    """Sds, correlations and coefficients of their regressions, in the order of the summary."""
    random = () if fit.method == "ols" else fit.problem.design.random
    residual = fit.method == "ols" or fit.problem.has_residual
    return parameters((), random, fit.regressions, residual=residual)


def variance_names(fit: Fit) -> tuple[str, ...]:
    """Their names.

    Examples
    --------
    >>> import laird as ld
    >>> variance_names(ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff")).fit())
    ('sd(Batch, Intercept)', 'sigma')
    """
    return tuple(row_name(q.component, q.group, q.term) for q in variance_parameters(fit))


def variance_values(fit: Fit) -> Floats:
    """Their estimates, shape (k,)."""
    return np.array([estimate(fit.point, q, fit.regressions) for q in variance_parameters(fit)])


def values_at(fit: Fit, theta: Theta) -> Floats:
    """Their values at another θ, shape (k,)."""
    sd, correlation = sds_and_correlations(theta.L @ theta.L.T)
    sigma = float(np.exp(theta.alpha[0])) if len(theta.alpha) else 0.0
    point = replace(fit.point, sd=sd, correlation=correlation, sigma=sigma)
    found: Sequence[Regression] = reported(estimates(fit.problem.codings, theta), fit.problem.design.outcomes)
    return np.array([estimate(point, q, found) for q in variance_parameters(fit)])


def drawn_values(fit: Fit) -> Floats:
    """Draws of them, shape (S, k)."""
    if fit.draws is None:
        raise ValueError("a fit without draws")
    of_fit = (fit.problem.codings, fit.regressions)
    values = [draw_values(fit.draws, q, *of_fit).ravel() for q in variance_parameters(fit)]
    return np.stack(values, axis=-1)
