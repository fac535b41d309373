"""Curvature of the likelihood in log sds, atanh correlations and log sigma, from the profiled deviance's.

With σ profiled out, D(θ) = A(θ) + df log rss(θ) + const; with it, -2ℓ = A(θ) + 2 df log σ + rss(θ)/σ².
At the maximum σ² = rss/df, and with g = ∂rss/∂θ / σ² the negative Hessian of ℓ in (θ, log σ) is

    [ ½(D'' + gg'/df)   -g  ]
    [      -g'         2 df ].

So the Hessian with which the search ended serves for standard errors too; g takes one more gradient.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from laird.fitting.likelihood import Estimate, lower_root
from laird.gaussian.coordinates import (
    correlated_pairs,
    correlation_factor,
    factor_entries,
    log_scale_of_factor,
)
from laird.gaussian.reduced import Reduced, density, is_costly

type Floats = NDArray[np.float64]

STEP = 1e-6
"""Of the coordinates; the error of a central difference is about 1e-10."""


def curvature(data: Reduced, estimate: Estimate, *, restricted: bool) -> Floats | None:
    """Negative Hessian of the log-likelihood in (log sds, atanh partial correlations, log σ).

    None where differences of the gradient are cheap, and a little more exact, and where it cannot
    be had this way: no convergence, or a correlated block on the boundary.  Rows and columns of
    an sd of zero are NaN.
    """
    if not (is_costly(data) and estimate.optimum.converged) or _has_singular_block(data, estimate.L):
        return None
    J = _jacobian(data, estimate)
    return np.asarray(J.T @ _in_factor_entries(data, estimate, restricted=restricted) @ J)


def _has_singular_block(data: Reduced, L: Floats) -> bool:
    return any(len(block) > 1 and not np.diag(L)[list(block)].all() for block in data.blocks)


def _in_factor_entries(data: Reduced, estimate: Estimate, *, restricted: bool) -> Floats:
    """The negative Hessian in (θ, log σ)."""
    optimum = estimate.optimum
    df = data.n - data.p if restricted else data.n
    g = _residual_slope(data, estimate, restricted=restricted)
    top = 0.5 * (optimum.hessian + np.outer(g, g) / df)
    return np.block([[top, -g[:, None]], [-g[None, :], np.full((1, 1), 2.0 * df)]])


def _residual_slope(data: Reduced, estimate: Estimate, *, restricted: bool) -> Floats:
    """∂rss/∂θ / σ²: twice the change of the gradient's share of rss when σ² is halved."""
    rows, columns = factor_entries(data.blocks)
    sigma, T = estimate.sigma / np.sqrt(2.0), data.scaling.T
    Lam = np.zeros((data.q, data.q))
    Lam[rows, columns] = estimate.optimum.x
    _, d_L, _ = density(data, sigma * T @ Lam, sigma, restricted=restricted)
    slope = (sigma * T.T @ d_L)[rows, columns]
    return np.asarray(-2.0 * slope - estimate.optimum.gradient)


def _jacobian(data: Reduced, estimate: Estimate) -> Floats:
    """Derivatives of (θ, log σ), in the signs of the search, in (log sds, atanh partials, log σ)."""
    rows, columns = factor_entries(data.blocks)
    pairs = correlated_pairs(data.blocks)
    inverse = np.linalg.inv(data.scaling.T)
    diagonal = estimate.optimum.x[rows == columns]
    signs = np.where(diagonal < 0, -1.0, 1.0)[columns]

    def entries(phi: Floats) -> Floats:
        z, sigma = np.tanh(phi[data.q : -1]), np.exp(phi[-1])
        L = correlation_factor(z, data.q, pairs) * np.exp(phi[: data.q, None])
        return np.append(signs * lower_root(inverse @ L / sigma, data.blocks)[rows, columns], phi[-1])

    with np.errstate(divide="ignore", invalid="ignore"):
        phi = log_scale_of_factor(estimate.L, estimate.sigma, pairs)
        steps = STEP * np.eye(len(phi))
        return np.array([(entries(phi + h) - entries(phi - h)) / (2 * STEP) for h in steps]).T
