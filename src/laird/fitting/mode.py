"""The mode of the marginal posterior of the covariance parameters: the empirical Bayes estimate.

The density is that of the sds, the correlation matrix and sigma themselves, so flat
priors give REML.  Two sets of coordinates in which its maximum is an ordinary point:

* flat priors of correlations: the entries of a lower triangular factor of G, where sd = 0
  and correlation = ±1 are interior points (as in `laird.fitting.likelihood`);
* LKJ priors with eta > 1, which exclude ±1: signed sds, of which the density is an even
  function, and atanh partial correlations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting.newton import Optimum, minimise
from laird.gaussian.coordinates import (
    correlation_factor,
    factor_entries,
    log_scale_gradient,
    partial_correlations,
)
from laird.gaussian.marginal import log_density
from laird.posterior.density import Posterior, scalar_priors

type Floats = NDArray[np.float64]

SMALL = 0.05
"""Sds below this share of their unit are compared with zero."""


@dataclass(frozen=True, slots=True, eq=False)
class Mode:
    """Factor of G (q, q), residual sd and sampled coefficients at the mode, user's units."""

    L: Floats
    sigma: float
    b: Floats
    optimum: Optimum


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """The negative log density in the coordinates x = (covariance, log sigma, b), all of order one."""

    target: Posterior
    units: Floats
    factors: bool

    def split(self, x: Floats) -> tuple[Floats, Floats, float, Floats]:
        """Covariance coordinates, factor of G, sigma, b."""
        k = len(self.target.sampled)
        covariance, rest = x[: len(x) - 1 - k], x[len(x) - 1 - k :]
        return covariance, self.factor(covariance), float(np.exp(rest[0])), rest[1:] * self._b_units()

    def factor(self, x: Floats) -> Floats:
        q, target = self.target.q, self.target
        if self.factors:
            L = np.zeros((q, q))
            L[factor_entries(target.blocks)] = x
        else:
            L = x[:q, None] * correlation_factor(np.tanh(x[q:]), q, target.pairs)
        return L * self.units[:, None]

    def start(self, L: Floats, sigma: float, b: Floats) -> Floats:
        L = L / self.units[:, None]
        if self.factors:
            covariance = L[factor_entries(self.target.blocks)]
        else:
            L = np.where(np.linalg.norm(L, axis=1, keepdims=True) < SMALL, SMALL * np.eye(len(L)), L)
            z = np.clip(partial_correlations(L, self.target.pairs), -0.9, 0.9)
            covariance = np.concatenate([np.linalg.norm(L, axis=1), np.arctanh(z)])
        return np.concatenate([covariance, [np.log(sigma)], b / self._b_units()])

    def __call__(self, x: Floats) -> tuple[float, Floats]:
        covariance, L, sigma, b = self.split(x)
        value, d_L, d_sigma, d_b = log_density(self.target.likelihood, L, sigma, b)
        sds = np.linalg.norm(L, axis=1)
        log_sd, d_sd = scalar_priors(self.target.sds, sds)
        log_sigma, d_prior_sigma = scalar_priors((self.target.sigma,), np.array([sigma]))
        log_b, d_prior_b = scalar_priors(self.target.sampled, b)
        with np.errstate(divide="ignore", invalid="ignore"):
            d_L = d_L + np.where(sds > 0, d_sd / sds, 0.0)[:, None] * L
        log_cor, d_covariance = self._chain(covariance, d_L)
        gradient = np.concatenate(
            [
                d_covariance,
                [(d_sigma + d_prior_sigma[0]) * sigma],
                (d_b + d_prior_b) * self._b_units(),
            ]
        )
        return -(value + log_sd + log_sigma + log_b + log_cor), -gradient

    def _chain(self, x: Floats, d_L: Floats) -> tuple[float, Floats]:
        """Log LKJ density |C|^(η-1) and the gradient in the covariance coordinates."""
        q, pairs = self.target.q, self.target.pairs
        scaled = d_L * self.units[:, None]
        if self.factors:
            return 0.0, scaled[factor_entries(self.target.blocks)]
        R = correlation_factor(np.tanh(x[q:]), q, pairs)
        phi = np.concatenate([np.zeros(q), x[q:]])
        by_row = log_scale_gradient(R, scaled * x[:q, None], phi, q, pairs)
        excess = self._excess()
        log_cor = float(np.sum(excess * np.log1p(-(np.tanh(x[q:]) ** 2))))
        d_sd = np.sum(R * scaled, axis=1)
        return log_cor, np.concatenate([d_sd, by_row[q:] - 2.0 * excess * np.tanh(x[q:])])

    def _excess(self) -> Floats:
        """η - 1 for every correlation."""
        blocks = zip(self.target.blocks, self.target.etas, strict=True)
        return np.array(
            [eta - 1.0 for block, eta in blocks for _ in range(len(block) * (len(block) - 1) // 2)]
        )

    def _b_units(self) -> Floats:
        return 1.0 / self.target.likelihood.unit


def find_mode(target: Posterior, L: Floats, sigma: float, b: Floats) -> Mode:
    """Maximise the marginal posterior from a start (the REML estimate), user's units.

    Parameters
    ----------
    target
        Likelihood and priors.
    L, sigma, b
        Start: factor of G (q, q), residual sd, sampled coefficients.

    Raises
    ------
    FitError
        The density is zero or not a number at the start.
    """
    scaling = target.likelihood.data.scaling
    units = scaling.y_scale / scaling.z_scale
    search = _Search(target, units, all(eta == 1.0 for eta in target.etas))
    optimum = minimise(search, search.start(L, sigma, b))
    if not np.isfinite(optimum.value):
        raise FitError(
            "The posterior has no finite density where its search begins.",
            remedy="Centre the predictors with random slopes: far from zero, slopes and intercepts coincide.",
        )
    x = _with_zeros(search, optimum.x)
    if not np.array_equal(x, optimum.x):
        optimum = _refine(search, x)
    _, factor, residual, coefficients = search.split(optimum.x)
    return Mode(factor * _column_signs(factor), residual, coefficients, optimum)


def _column_signs(L: Floats) -> Floats:
    return np.where(np.diag(L) < 0, -1.0, 1.0)[None, :]


def _with_zeros(search: _Search, x: Floats) -> Floats:
    """Set sds and diagonals near zero to zero where the density is no lower there."""
    value = search(x)[0]
    for group in _candidates(search, x):
        trial = x.copy()
        trial[group] = 0.0
        if search(trial)[0] <= value + 1e-10 * max(abs(value), 1.0):
            x, value = trial, search(trial)[0]
    return x


def _candidates(search: _Search, x: Floats) -> list[NDArray[np.intp]]:
    """Groups of coordinates that vanish together: an sd, or a column of a factor."""
    if not search.factors:
        return [np.array([k]) for k in range(search.target.q) if abs(x[k]) < SMALL]
    rows, columns = factor_entries(search.target.blocks)
    small = (rows == columns) & (np.abs(x[: len(rows)]) < SMALL)
    return [np.flatnonzero(columns == columns[k]) for k in np.flatnonzero(small)]


def _refine(search: _Search, x: Floats) -> Optimum:
    """Maximise over the coordinates that are not zero."""
    free = x != 0.0

    def restricted(part: Floats) -> tuple[float, Floats]:
        full = x.copy()
        full[free] = part
        value, gradient = search(full)
        return value, gradient[free]

    optimum = minimise(restricted, x[free])
    full = x.copy()
    full[free] = optimum.x
    return Optimum(
        full,
        optimum.value,
        optimum.gradient,
        optimum.hessian,
        optimum.iterations,
        optimum.decrement,
        optimum.curvature,
        optimum.converged,
    )
