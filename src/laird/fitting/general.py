"""Maximum likelihood and REML for every structure with known variances or regressions of sds.

Coordinates of the search, all of order one: entries of the factors of G, and a constant
sigma that may vanish (next to known variances), over their units, in which the likelihood
is even (`laird.fitting.boundary`); coefficients of log sds and atanh correlations for
standardised predictors (`laird.posterior.codings`).  Slopes start at zero after the constants
have been fitted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting.boundary import minimise_even
from laird.fitting.likelihood import lower_root
from laird.fitting.newton import Optimum
from laird.gaussian.coordinates import factor_entries
from laird.gaussian.theta import Theta

type Floats = NDArray[np.float64]
type Ids = NDArray[np.intp]
type Density = Callable[[Theta], tuple[float, Theta]]


@dataclass(frozen=True, slots=True, eq=False)
class GeneralEstimate:
    """Maximum of the (restricted) likelihood, user's units.

    Attributes
    ----------
    theta
        Covariance parameters; exact zeros (and a log sigma of -inf) for what vanished.
    log_likelihood, optimum
        As in `laird.fitting.likelihood.Estimate`.
    """

    theta: Theta
    log_likelihood: float
    optimum: Optimum


@dataclass(frozen=True, slots=True, eq=False)
class Coordinates:
    """A vector of free coordinates and the parameters θ that it stands for.

    Attributes
    ----------
    blocks
        Columns that share a correlation matrix.
    M
        Factor of G from the matrix of order one whose entries are free, L = MΛ, shape (q, q).
    sigma_units
        Units of log sigma's coefficients that may vanish with sigma, else NaN, shape (k,).
    slopes
        Which coefficients of α are slopes, shape (k,).
    sizes
        Lengths of δ by factor, of log φ, of ζ.
    first_zeta
        Which of ζ are constants, shape (r,).
    """

    blocks: tuple[tuple[int, ...], ...]
    M: Floats
    sigma_units: Floats
    slopes: NDArray[np.bool_]
    sizes: tuple[int, ...]
    first_zeta: NDArray[np.bool_]

    @property
    def entries(self) -> tuple[Ids, Ids]:
        """Rows and columns of the free entries of the factor."""
        return factor_entries(self.blocks)

    @property
    def vanishing(self) -> NDArray[np.bool_]:
        """Which of α stand for an sd that may be zero, shape (k,)."""
        return np.isfinite(self.sigma_units)

    def theta(self, x: Floats) -> Theta:
        """θ at coordinates x."""
        rows, columns = self.entries
        Lam = np.zeros(self.M.shape)
        Lam[rows, columns] = x[: len(rows)]
        alpha, *delta, log_phi, zeta = np.split(
            x[len(rows) :], np.cumsum([len(self.slopes), *self.sizes])[:-1]
        )
        with np.errstate(divide="ignore"):
            logs = np.log(np.abs(alpha) * self.sigma_units)
        return Theta(self.M @ Lam, np.where(self.vanishing, logs, alpha), tuple(delta), log_phi, zeta)

    def x(self, theta: Theta) -> Floats:
        """Coordinates of θ, whose factor is MΛ with Λ lower triangular."""
        L = np.linalg.solve(self.M, theta.L)[self.entries]
        alpha = np.where(self.vanishing, np.exp(theta.alpha) / self.sigma_units, theta.alpha)
        return np.concatenate([L, alpha, *theta.delta, theta.log_phi, theta.zeta])

    def gradient(self, x: Floats, g: Theta) -> Floats:
        """Chain rule from the gradient in θ."""
        rows = self.entries[0]
        a = x[len(rows) : len(rows) + len(self.slopes)]
        with np.errstate(divide="ignore", invalid="ignore"):
            by_sd = np.where(a == 0.0, 0.0, g.alpha / a)
        alpha = np.where(self.vanishing, by_sd, g.alpha)
        by_entry = (self.M.T @ g.L)[self.entries]
        return np.concatenate([by_entry, alpha, *g.delta, g.log_phi, g.zeta])

    def evens(self) -> list[Ids]:
        """Groups of coordinates in which the likelihood is even."""
        columns = self.entries[1]
        of_L = [np.flatnonzero(columns == k) for k in range(len(self.M))]
        return [*of_L, *(np.array([len(columns) + k]) for k in np.flatnonzero(self.vanishing))]

    def constants(self) -> NDArray[np.bool_]:
        """Which coordinates a model without predictors of sds and correlations has."""
        *delta, log_phi, _ = self.sizes
        parts = [np.ones(len(self.entries[0]), bool), ~self.slopes, np.zeros(sum(delta), bool)]
        return np.concatenate([*parts, np.ones(log_phi, bool), self.first_zeta])


def maximise_general(density: Density, coordinates: Coordinates, start: Theta, *, n: int) -> GeneralEstimate:
    """Maximise a (restricted) likelihood of θ from a start, constants first.

    Parameters
    ----------
    density
        Log-likelihood and its gradient in θ.
    coordinates
        The free coordinates.
    start
        Finite log sds.
    n
        Number of rows.
    """

    def deviance(x: Floats) -> tuple[float, Floats]:
        value, g = density(coordinates.theta(x))
        return -2.0 * value, -2.0 * coordinates.gradient(x, g)

    x, evens, free = coordinates.x(start), coordinates.evens(), coordinates.constants()
    if not free.all():
        x = _of_constants(deviance, x, free, evens, n)
    optimum, x = minimise_even(deviance, x, evens, scale=n)
    value = deviance(x)[0]
    if not np.isfinite(value):
        raise FitError(
            "The likelihood is not finite at the estimate: some rows have no variance at all.",
            remedy="Look for sampling variances of zero, or leave `sigma ~ 0` out.",
        )
    theta = coordinates.theta(x)
    L = lower_root(theta.L, coordinates.blocks)
    return GeneralEstimate(theta._replace(L=L), -0.5 * value, optimum)


def _of_constants(
    deviance: Callable[[Floats], tuple[float, Floats]],
    x: Floats,
    free: NDArray[np.bool_],
    evens: Sequence[Ids],
    n: int,
) -> Floats:
    """Fit the model without predictors; what vanished there starts small again."""
    place = np.cumsum(free) - 1

    def restricted(part: Floats) -> tuple[float, Floats]:
        full = x.copy()
        full[free] = part
        value, gradient = deviance(full)
        return value, gradient[free]

    found = x.copy()
    found[free] = minimise_even(restricted, x[free], [place[g] for g in evens], scale=n)[1]
    for group in evens:
        if not found[group].any():
            found[group[0]] = 0.1
    return found
