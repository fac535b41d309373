"""The log marginal posterior of the covariance parameters: likelihood plus priors, with gradients.

Two densities of the same posterior: of (sds, correlation matrix, sigma, b) themselves,
whose mode is the empirical Bayes estimate (flat priors: REML), and of the unconstrained
phi = (log sds, atanh partial correlations, log sigma, b), Jacobian included, which the
Laplace approximation and importance weights need.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laird.gaussian.coordinates import (
    correlated_pairs,
    factor_of_log_scale,
    log_scale_gradient,
)
from laird.gaussian.crossproducts import Grouped
from laird.gaussian.marginal import Marginal, log_densities, log_density, marginal
from laird.posterior import lkj
from laird.posterior.coefficients import coefficient_prior
from laird.posterior.families import derivative, logpdf
from laird.posterior.table import PriorRow, PriorTable

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """A marginal likelihood and the priors of its parameters.

    Attributes
    ----------
    likelihood
        β with Gaussian or flat priors and all group effects integrated out.
    sds, sigma, sampled
        Prior rows of the group sds, of the residual sd, and of the coefficients that
        are not integrated out.
    etas
        Shape of the LKJ prior of each block of correlated coefficients.
    """

    likelihood: Marginal
    sds: tuple[PriorRow, ...]
    sigma: PriorRow
    sampled: tuple[PriorRow, ...]
    etas: tuple[float, ...]

    @property
    def q(self) -> int:
        """Number of random coefficients."""
        return self.likelihood.data.q

    @property
    def blocks(self) -> tuple[tuple[int, ...], ...]:
        """Coefficients that share a correlation matrix."""
        return self.likelihood.data.blocks

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Places of the correlations."""
        return correlated_pairs(self.blocks)

    @property
    def size(self) -> int:
        """Length of phi."""
        return self.q + len(self.pairs) + 1 + len(self.sampled)


def posterior(data: Grouped, table: PriorTable, group: str | None) -> Posterior:
    """Bind the prior table of a model to its cross-products."""
    prior = coefficient_prior(table)
    rows = table.coefficients
    cor = table.cor(group) if group else None
    return Posterior(
        likelihood=marginal(data, prior.mean, prior.precision, prior.sampled),
        sds=table.sds(group) if group else (),
        sigma=table.sigma,
        sampled=tuple(rows[k] for k in prior.sampled),
        etas=tuple(cor.eta if cor else 1.0 for _ in data.blocks),
    )


def scalar_priors(rows: Sequence[PriorRow], values: Floats) -> tuple[float, Floats]:
    """Sum of log prior densities of scalar parameters, and the derivative in each."""
    log_prior = sum(
        float(logpdf(row.family, value, *row.values)) for row, value in zip(rows, values, strict=True)
    )
    slopes = [
        float(derivative(row.family, value, *row.values)) for row, value in zip(rows, values, strict=True)
    ]
    return float(log_prior), np.array(slopes, dtype=float)


def log_scale_density(target: Posterior, phi: Floats) -> tuple[float, Floats]:
    """Log density of phi, Jacobian included, and its gradient; shapes (k,) -> scalar, (k,)."""
    q, pairs = target.q, target.pairs
    k = q + len(pairs)
    L, sigma = factor_of_log_scale(phi, q, pairs)
    value, d_L, d_sigma, d_b = log_density(target.likelihood, L, float(sigma), phi[k + 1 :])
    gradient = np.concatenate([log_scale_gradient(L, d_L, phi, q, pairs), [d_sigma * float(sigma)], d_b])
    positive = np.append(np.exp(phi[:q]), sigma)
    log_prior, slopes = scalar_priors((*target.sds, target.sigma), positive)
    at = np.append(np.arange(q), k)
    gradient[at] += slopes * positive + 1.0
    log_cor, d_cor = _correlation_prior(target, phi[q:k])
    gradient[q:k] += d_cor
    log_b, d_prior_b = scalar_priors(target.sampled, phi[k + 1 :])
    gradient[k + 1 :] += d_prior_b
    return value + log_prior + float(phi[at].sum()) + log_cor + log_b, gradient


def _correlation_prior(target: Posterior, a: Floats) -> tuple[float, Floats]:
    """LKJ density of atanh partial correlations, Jacobian included, and its gradient."""
    z, total, gradient, start = np.tanh(a), 0.0, np.zeros(len(a)), 0
    for block, eta in zip(target.blocks, target.etas, strict=True):
        part = slice(start, start + len(block) * (len(block) - 1) // 2)
        start = part.stop
        if part.stop > part.start:
            total += float(lkj.logpdf(z[part], eta)) + float(np.sum(np.log1p(-(z[part] ** 2))))
            gradient[part] = lkj.derivative(z[part], eta) * (1 - z[part] ** 2) - 2 * z[part]
    return total, gradient


def log_scale_densities(target: Posterior, phi: Floats) -> Floats:
    """Values of `log_scale_density` for a stack of points, shape (S, k) -> (S,)."""
    q, pairs = target.q, target.pairs
    k = q + len(pairs)
    L, sigma = factor_of_log_scale(phi, q, pairs)
    value = log_densities(target.likelihood, L, sigma, phi[:, k + 1 :])
    for column, row in enumerate(target.sds):
        value = value + logpdf(row.family, np.exp(phi[:, column]), *row.values) + phi[:, column]
    value = value + logpdf(target.sigma.family, sigma, *target.sigma.values) + phi[:, k]
    for column, row in enumerate(target.sampled):
        value = value + logpdf(row.family, phi[:, k + 1 + column], *row.values)
    start = q
    for block, eta in zip(target.blocks, target.etas, strict=True):
        stop = start + len(block) * (len(block) - 1) // 2
        if stop > start:
            z = np.tanh(phi[:, start:stop])
            with np.errstate(divide="ignore"):
                value = value + lkj.logpdf(z, eta) + np.sum(np.log1p(-(z**2)), axis=1)
        start = stop
    return np.where(np.isfinite(value), value, -np.inf)
