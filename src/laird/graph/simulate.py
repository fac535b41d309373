"""Outcomes drawn from a model at given covariance parameters: another study like this one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from laird.design import Design
from laird.gaussian.coordinates import correlated_pairs, correlation_factor
from laird.gaussian.theta import Theta
from laird.posterior.codings import group_predictors, rho_predictors, sigma_predictors
from laird.posterior.coefficients import CoefficientPrior, centring
from laird.posterior.structure import joined_columns

type Floats = NDArray[np.float64]


def simulate(
    design: Design, prior: CoefficientPrior, theta: Theta, b: Floats, rng: np.random.Generator
) -> Floats:
    """Draw coefficients from their prior, group effects and residuals; return the outcomes (n,).

    Raises
    ------
    NotImplementedError
        A coefficient has a flat prior, from which nothing can be drawn.
    """
    gamma = _coefficients(prior, b, rng)
    mean = design.X @ centring(design.X, design.which) @ gamma
    stretches = zip(group_predictors(design), theta.delta, strict=True)
    places = joined_columns(design.random)
    for random, place, (s, delta) in zip(design.random, places, stretches, strict=True):
        u = rng.standard_normal((len(random.levels), len(random.names))) @ theta.L[place, place].T
        u *= np.exp(s @ delta)[:, None]
        mean = mean + np.sum(random.Z * u[random.ids], axis=1)
    return np.asarray(mean + _sampling_errors(design, theta, rng) + _residuals(design, theta, rng))


def _coefficients(prior: CoefficientPrior, b: Floats, rng: np.random.Generator) -> Floats:
    proper = prior.precision > 0
    proper[list(prior.sampled)] = True
    if not proper.all():
        raise NotImplementedError("A coefficient has a flat prior, from which nothing can be drawn.")
    sd = np.where(prior.precision > 0, 1.0, 0.0) / np.sqrt(np.maximum(prior.precision, 1e-300))
    gamma = prior.mean + np.where(prior.precision > 0, sd, 0.0) * rng.standard_normal(len(sd))
    gamma[list(prior.sampled)] = b
    return gamma


def _sampling_errors(design: Design, theta: Theta, rng: np.random.Generator) -> Floats:
    """A draw of N(0, φV)."""
    known, n = design.known, len(design.y)
    if known is None:
        return np.zeros(n)
    phi = np.exp(theta.log_phi[0]) if known.proportional else 1.0
    errors = np.sqrt(phi * known.variances) * rng.standard_normal(n)
    for block in known.blocks:
        w, Q = np.linalg.eigh(block.V)
        errors[block.rows] = Q @ (np.sqrt(phi * np.maximum(w, 0.0)) * rng.standard_normal(len(w)))
    return errors


def _residuals(design: Design, theta: Theta, rng: np.random.Generator) -> Floats:
    """A draw of N(0, DCD), C the correlations of the outcomes of a unit."""
    W, present = sigma_predictors(design)
    sigma = np.where(present, np.exp(W @ theta.alpha), 0.0)
    if not design.outcomes:
        return np.asarray(sigma * rng.standard_normal(len(sigma)))
    units, first, place = np.unique(design.units, return_index=True, return_inverse=True)
    m, start = len(design.outcomes), 0
    pairs = correlated_pairs((tuple(range(m)),))
    partial = np.zeros((len(units), len(pairs)))
    for (a, b), P in rho_predictors(design):
        stop = start + P.shape[1]
        partial[:, pairs.index((b, a))] = np.tanh(P[first] @ theta.zeta[start:stop])
        start = stop
    factor = correlation_factor(partial, m, pairs)
    z = np.einsum("uok,uk->uo", factor, rng.standard_normal((len(units), m)))
    return np.asarray(sigma * z[place.reshape(-1), design.which])
