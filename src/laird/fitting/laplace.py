"""Laplace approximation of the marginal posterior, weighted by importance, with its own diagnostic.

A multivariate t with five degrees of freedom around the mode of the unconstrained
density (Jacobian included) proposes; a second t, matched to the weighted moments of the
first draws, and a third, wider one, follow skewed posteriors.  All together are weighted against the exact
density by the balance heuristic (Veach & Guibas 1995), the weights are Pareto-smoothed,
and k̂ says whether they can be trusted (Vehtari et al. 2024).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import lgamma, log, pi
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from laird.fitting.newton import minimise
from laird.fitting.pareto import smoothed
from laird.posterior.compiled import density_function
from laird.posterior.density import Posterior

type Floats = NDArray[np.float64]
type Method = Literal["laplace", "quadrature", "mixture"]

DEGREES_OF_FREEDOM = 5
PROPOSALS_PER_DRAW = 3
WIDE = 2.5
KHAT_LIMIT = 0.7
LEAST_SHARE = 0.05
"""Proposals that are worth fewer independent draws than this share of them are not trusted."""


@dataclass(frozen=True, slots=True, eq=False)
class Approximation:
    """Draws of phi from a weighted approximation.

    Attributes
    ----------
    method
        ``"laplace"``, ``"quadrature"`` or ``"mixture"``.
    phi
        Equally weighted draws, shape (S, k).
    khat
        Pareto k̂ of the importance weights; above 0.7 they cannot be trusted.
    effective
        Effective number of proposals, 1 / Σ w².
    proposals
        Number of proposals.
    """

    method: Method
    phi: Floats
    khat: float
    effective: float
    proposals: int

    @property
    def usable(self) -> bool:
        """Whether the weights can be trusted."""
        return self.khat <= KHAT_LIMIT and self.effective >= LEAST_SHARE * self.proposals


class Axes(NamedTuple):
    """A point (k,), and directions and sds around it as columns of a matrix, (k, k)."""

    centre: Floats
    C: Floats

    def at(self, z: Floats) -> Floats:
        """Points of coordinates z (S, k)."""
        return np.asarray(self.centre + z @ self.C.T)

    @property
    def covariance(self) -> Floats:
        """CC', shape (k, k)."""
        return self.C @ self.C.T


class Proposals(NamedTuple):
    """Points from a mixture of multivariate t distributions.

    Attributes
    ----------
    phi, log_p
        Points and their log posterior densities, shapes (S, k), (S,).
    components, counts
        The distributions, and how many points are from each.
    """

    phi: Floats
    log_p: Floats
    components: tuple[Axes, ...]
    counts: tuple[int, ...]

    def log_ratios(self) -> Floats:
        """Log importance ratios by the balance heuristic."""
        shares = np.log(np.array(self.counts) / sum(self.counts))
        parts = [log_t(self.phi, *own) + share for own, share in zip(self.components, shares, strict=True)]
        return np.asarray(self.log_p - np.logaddexp.reduce(parts))

    def extended(self, target: Posterior, own: Axes, count: int, rng: np.random.Generator) -> Proposals:
        """The same with points of one component more."""
        new = student(*own, count, rng)
        phi, log_p = np.concatenate([self.phi, new]), np.append(self.log_p, target.densities(new))
        return Proposals(phi, log_p, (*self.components, own), (*self.counts, count))


def peak(target: Posterior, start: Floats) -> Axes | None:
    """The mode of the density of phi and the Cholesky factor of its inverse negative Hessian.

    None when it has no mode with a negative definite Hessian.

    Parameters
    ----------
    target
        Likelihood and priors.
    start
        phi near the mode, shape (k,).
    """
    density = density_function(target)

    def negative(phi: Floats) -> tuple[float, Floats]:
        value, gradient = density(phi)
        return -value, -gradient

    optimum = minimise(negative, start)
    try:
        C = np.linalg.cholesky(np.linalg.inv(optimum.hessian))
    except np.linalg.LinAlgError:
        return None
    return Axes(optimum.x, C) if optimum.converged and np.all(np.isfinite(C)) else None


def laplace(target: Posterior, axes: Axes, draws: int, rng: np.random.Generator) -> Approximation:
    """Approximate the posterior of phi around its mode.

    Parameters
    ----------
    target
        Likelihood and priors.
    axes
        Its mode and the root of its covariance there: `peak`.
    draws
        Number of draws to return.
    rng
        Source of randomness.
    """
    found = proposals(target, axes, PROPOSALS_PER_DRAW * draws, rng)
    return weighted("laplace", found.phi, found.log_ratios(), draws, rng)


def weighted(
    method: Method,
    phi: Floats,
    log_ratios: Floats,
    draws: int,
    rng: np.random.Generator,
) -> Approximation:
    """Resample proposals phi (S, k) by their Pareto-smoothed importance ratios."""
    log_weights, khat = smoothed(log_ratios)
    weights = normalised(log_weights)
    chosen = systematic(weights, draws, rng)
    return Approximation(method, phi[chosen], khat, float(1.0 / np.sum(weights**2)), len(phi))


def proposals(target: Posterior, axes: Axes, count: int, rng: np.random.Generator) -> Proposals:
    """Proposals around the mode, around their weighted mean, and widely."""
    none = Proposals(np.zeros((0, len(axes.centre))), np.zeros(0), (), ())
    found = none.extended(target, axes, count // 3, rng)
    mean, spread = weighted_moments(found.phi, normalised(found.log_ratios()))
    found = found.extended(target, Axes(mean, spread), count // 3, rng)
    return found.extended(target, Axes(mean, WIDE * spread), count - 2 * (count // 3), rng)


def student(centre: Floats, C: Floats, count: int, rng: np.random.Generator) -> Floats:
    """Multivariate t draws with scale matrix CC', shape (count, k)."""
    nu = DEGREES_OF_FREEDOM
    z = rng.standard_normal((count, len(centre))) * np.sqrt(nu / rng.chisquare(nu, (count, 1)))
    return np.asarray(centre + z @ C.T)


def log_t(phi: Floats, centre: Floats, C: Floats) -> Floats:
    """Log density of the multivariate t with scale matrix CC', C lower triangular; (S, k) -> (S,)."""
    nu, k = DEGREES_OF_FREEDOM, len(centre)
    z = np.linalg.solve(C, (phi - centre).T)
    kernel = -0.5 * (nu + k) * np.log1p(np.sum(z**2, axis=0) / nu)
    constant = lgamma((nu + k) / 2) - lgamma(nu / 2) - 0.5 * k * log(nu * pi)
    return np.asarray(constant + kernel - np.sum(np.log(np.diag(C))))


def weighted_moments(phi: Floats, weights: Floats, kernel: Floats | float = 0.0) -> tuple[Floats, Floats]:
    """Weighted mean, and the Cholesky factor of the weighted covariance, that of a kernel (k, k) added."""
    mean = weights @ phi
    cov = (weights[:, None] * (phi - mean)).T @ (phi - mean) + kernel
    return mean, np.linalg.cholesky(cov + 1e-10 * np.diag(np.diag(cov)))


def normalised(log_weights: Floats) -> Floats:
    """Weights that add up to one."""
    weights = np.exp(log_weights - log_weights.max())
    return np.asarray(weights / weights.sum())


def systematic(weights: Floats, draws: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Systematic resampling, in random order."""
    positions = (rng.random() + np.arange(draws)) / draws
    chosen = np.searchsorted(np.cumsum(weights), positions).clip(max=len(weights) - 1)
    return rng.permutation(chosen)
