"""Posterior moments by summing over a grid: the truth for models with two covariance parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from laird.posterior.density import Posterior


@dataclass(frozen=True)
class Moments:
    """Posterior means and sds of sd, sigma, intercept and the first group's effect."""

    mean: np.ndarray
    sd: np.ndarray


def grid_moments(target: Posterior, *, size=90, width=8.0) -> Moments:
    """Moments of a random-intercept model: trapezoids over (log sd, log sigma), β and u exactly."""
    centre, spread = _moments(target, *_grid(np.array([0.0, 0.0]), np.array([width, width]), size))
    centre, spread = _moments(target, *_grid(centre, 7 * spread, size))
    phi, weights = _weighted(target, *_grid(centre, 7 * spread, size))
    kept = weights > 1e-12
    phi, weights = phi[kept], weights[kept]
    split = target.coordinates.split
    solutions = [target.likelihood.solve(*split(point)) for point in phi]
    mean = np.array([[s.beta[0], s.effects[0].u[0, 0]] for s in solutions])
    variance = np.array([[s.beta_cov[0, 0], s.effects[0].cov[0, 0, 0]] for s in solutions])
    means = np.column_stack([np.exp(phi), mean])
    first = weights @ means
    second = weights @ (means**2 + np.column_stack([np.zeros_like(phi), variance]))
    return Moments(first, np.sqrt(second - first**2))


def _grid(centre, width, size):
    axes = [np.linspace(c - w, c + w, size) for c, w in zip(centre, width, strict=True)]
    return (np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2),)


def _weighted(target, phi):
    log_weights = target.densities(phi)
    weights = np.exp(log_weights - log_weights.max())
    return phi, weights / weights.sum()


def _moments(target, phi):
    phi, weights = _weighted(target, phi)
    mean = weights @ phi
    return mean, np.sqrt(np.maximum(weights @ (phi - mean) ** 2, 1e-6))
