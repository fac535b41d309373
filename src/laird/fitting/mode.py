"""The mode of the marginal posterior of the covariance parameters: the empirical Bayes estimate.

The density is that of the sds, the correlation matrices, the multiplier φ and the slopes
themselves, so flat priors give REML.  Coordinates in which its maximum is an ordinary
point, even where a variance vanishes:

* flat priors of correlations: the entries of a lower triangular factor of G, where sd = 0
  and correlation = ±1 are interior points (as in `laird.fitting.likelihood`);
* LKJ priors with eta > 1, which exclude ±1: signed sds, of which the density is an even
  function, and atanh partial correlations;
* a residual sd that may vanish, because sampling variances are known: signed as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from laird.fitting.newton import Optimum, minimise
from laird.fitting.refusals import refuse_start
from laird.gaussian.coordinates import (
    correlation_factor,
    factor_entries,
    log_scale_gradient,
    partial_correlations,
)
from laird.gaussian.theta import Theta
from laird.posterior.coordinates import Coordinates, Priors
from laird.posterior.density import Posterior
from laird.posterior.links import SIGNED

type Floats = NDArray[np.float64]

SMALL = 0.05
"""Sds below this share of their unit are compared with zero."""


@dataclass(frozen=True, slots=True, eq=False)
class Mode:
    """Covariance parameters and sampled coefficients at the mode, user's units."""

    theta: Theta
    b: Floats
    optimum: Optimum


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """The negative log density in coordinates of order one: covariance, then phi from α on.

    Attributes
    ----------
    target
        Likelihood and priors.
    priors
        Densities of the parameters themselves.
    units
        Units of the group sds, (q,).
    signed
        Positions in α of sds that may be zero, which are signed.
    factors
        Whether the covariance is given by factors, or by signed sds and correlations.
    """

    target: Posterior
    priors: Priors
    units: Floats
    signed: NDArray[np.intp]
    factors: bool

    @property
    def own(self) -> Coordinates:
        return self.target.coordinates

    @property
    def first(self) -> int:
        """Length of the covariance in phi."""
        return self.own.places.sds + self.own.places.correlations

    def split(self, x: Floats) -> tuple[Floats, Floats]:
        """Covariance coordinates, and phi from α on."""
        count = self.own.size - self.first
        covariance, rest = x[: len(x) - count], x[len(x) - count :] * self._rest_units()
        with np.errstate(divide="ignore"):
            rest[self.signed] = np.log(np.abs(rest[self.signed]))
        return covariance, rest

    def _rest_units(self) -> Floats:
        units = np.ones(self.own.size - self.first)
        units[self.signed] = self.target.likelihood.scaling.y_scale
        units[len(units) - self.own.places.b :] = 1.0 / self.target.likelihood.unit
        return units

    def theta(self, x: Floats) -> tuple[Theta, Floats]:
        covariance, rest = self.split(x)
        theta, b = self.own.split(np.concatenate([np.zeros(self.first), rest]))
        return theta._replace(L=self.factor(covariance)), b

    def factor(self, x: Floats) -> Floats:
        q = self.own.places.sds
        if self.factors:
            L = np.zeros((q, q))
            L[factor_entries(self.own.blocks)] = x
        else:
            L = x[:q, None] * correlation_factor(np.tanh(x[q:]), q, self.own.pairs)
        return L * self.units[:, None]

    def start(self, theta: Theta, b: Floats) -> Floats:
        """Coordinates of a start; sds near zero are raised, for priors that are zero there."""
        L = theta.L / self.units[:, None]
        L = np.where(np.linalg.norm(L, axis=1, keepdims=True) < SMALL, SMALL * np.eye(len(L)), L)
        if self.factors:
            covariance = L[factor_entries(self.own.blocks)]
        else:
            z = np.clip(partial_correlations(L, self.own.pairs), -0.9, 0.9)
            covariance = np.concatenate([np.linalg.norm(L, axis=1), np.arctanh(z)])
        rest = np.concatenate([theta.alpha, *theta.delta, theta.log_phi, theta.zeta, b])
        rest[self.signed] = np.exp(rest[self.signed])
        rest = rest / self._rest_units()
        rest[self.signed] = np.maximum(rest[self.signed], SMALL)
        return np.concatenate([covariance, rest])

    def __call__(self, x: Floats) -> tuple[float, Floats]:
        covariance, rest = self.split(x)
        theta, b = self.theta(x)
        value, d_theta, d_b = self.target.likelihood.density(theta, b)
        log_sd, d_L = self._sd_priors(theta.L)
        log_cor, d_covariance = self._chain(covariance, d_theta.L + d_L)
        log_rest, d_rest = self.priors.part(slice(self.first, None))(rest, jacobian=False)
        d_rest += np.concatenate([d_theta.alpha, *d_theta.delta, d_theta.log_phi, d_theta.zeta, d_b])
        signed, chain = x[len(covariance) + self.signed], self._rest_units()
        chain[self.signed] = np.divide(1.0, signed, out=np.zeros_like(signed), where=signed != 0)
        gradient = np.concatenate([d_covariance, d_rest * chain])
        return -(value + log_sd + log_rest + log_cor), -gradient

    def _sd_priors(self, L: Floats) -> tuple[float, Floats]:
        """Log density of the group sds, and its derivative in L."""
        sds, priors = np.linalg.norm(L, axis=1), self.priors.part(slice(len(L)))
        as_given = priors._replace(links=np.full(len(L), SIGNED), scales=np.ones(len(L)))
        value, slopes = as_given(sds, jacobian=False)
        return value, np.divide(slopes, sds, out=np.zeros_like(sds), where=sds > 0)[:, None] * L

    def _chain(self, x: Floats, d_L: Floats) -> tuple[float, Floats]:
        """Log density of the correlations, and the gradient in the covariance coordinates."""
        q, pairs = self.own.places.sds, self.own.pairs
        scaled = d_L * self.units[:, None]
        if self.factors:
            return 0.0, scaled[factor_entries(self.own.blocks)]
        R = correlation_factor(np.tanh(x[q:]), q, pairs)
        phi = np.concatenate([np.zeros(q), x[q:]])
        by_row = log_scale_gradient(R, scaled * x[:q, None], phi, q, pairs)
        log_cor, d_cor = self.priors.part(slice(q, self.first))(x[q:], jacobian=False)
        return log_cor, np.concatenate([np.sum(R * scaled, axis=1), by_row[q:] + d_cor])


def find_mode(target: Posterior, theta: Theta, b: Floats, vanishing: Sequence[int] = ()) -> Mode:
    """Maximise the marginal posterior from a start such as the REML estimate, user's units.

    Parameters
    ----------
    target
        Likelihood and priors.
    theta, b
        Start: covariance parameters, sampled coefficients.
    vanishing
        Positions in α of constant log sds that may be -∞, because sampling variances are known.

    Raises
    ------
    FitError
        The density is zero or not a number at the start.
    """
    own, scaling = target.coordinates, target.likelihood.scaling
    q, first = own.places.sds, own.places.sds + own.places.correlations
    search = _Search(
        target,
        own.matrix_priors,
        scaling.y_scale / scaling.z_scale,
        np.array(vanishing, dtype=np.intp),
        bool(np.all(own.etas[q:first] == 1.0)),
    )
    optimum = minimise(search, search.start(theta, b))
    if not np.isfinite(optimum.value):
        refuse_start()
    x = _with_zeros(search, optimum.x)
    if not np.array_equal(x, optimum.x):
        optimum = _refine(search, x)
    found, coefficients = search.theta(optimum.x)
    signs = np.where(np.diag(found.L) < 0, -1.0, 1.0)[None, :]
    return Mode(found._replace(L=found.L * signs), coefficients, optimum)


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
    residual = len(x) - (search.own.size - search.first) + search.signed
    singles = [np.array([k]) for k in residual if abs(x[k]) < SMALL]
    if not search.factors:
        return [*singles, *(np.array([k]) for k in range(search.own.places.sds) if abs(x[k]) < SMALL)]
    rows, columns = factor_entries(search.own.blocks)
    small = (rows == columns) & (np.abs(x[: len(rows)]) < SMALL)
    return [*singles, *(np.flatnonzero(columns == columns[k]) for k in np.flatnonzero(small))]


def _refine(search: _Search, x: Floats) -> Optimum:
    """Maximise over the coordinates that are not zero."""
    fixed = np.zeros(len(x), dtype=bool)
    fixed[: len(x) - (search.own.size - search.first)] = True
    fixed[len(x) - (search.own.size - search.first) + search.signed] = True
    free = ~(fixed & (x == 0.0))

    def restricted(part: Floats) -> tuple[float, Floats]:
        full = x.copy()
        full[free] = part
        value, gradient = search(full)
        return value, gradient[free]

    optimum = minimise(restricted, x[free])
    full = x.copy()
    full[free] = optimum.x
    return replace(optimum, x=full)
