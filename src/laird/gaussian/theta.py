"""The covariance parameters of every structure, and what a likelihood of them offers."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from laird.gaussian.solution import Solution
from laird.gaussian.standardise import Standardisation

type Floats = NDArray[np.float64]


class Theta(NamedTuple):
    """Covariance parameters, user's units; also a gradient in them, or a stack of draws.

    Attributes
    ----------
    L
        Factor of the covariance of the group effects, G = LL', block-diagonal by grouping
        factor, shape (q, q).
    alpha
        Coefficients of log sigma, shape (k,); (log sigma,) when it is constant, -inf there
        for a sigma of zero; empty when the model has none (``sigma ~ 0``).
    delta
        Coefficients of the log group sds by grouping factor, without a constant, shapes (l,).
    log_phi
        Logarithm of the multiplier of a proportional V, shape (1,), else (0,).
    zeta
        Coefficients of the atanh (partial) correlations of outcomes, shape (r,).
    """

    L: Floats
    alpha: Floats
    delta: tuple[Floats, ...] = ()
    log_phi: Floats = np.zeros(0)
    zeta: Floats = np.zeros(0)

    def at(self, place: int | tuple[int, ...] | slice | NDArray[np.int64]) -> Theta:
        """Some parameters of a stack."""
        L, alpha, delta, *rest = self
        return Theta(
            L[place], alpha[place], tuple(own[place] for own in delta), *(own[place] for own in rest)
        )

    def repeated(self, count: int) -> Theta:
        """A stack of equal parameters."""

        def copies(own: Floats) -> Floats:
            return np.repeat(own[None], count, axis=0)

        L, alpha, delta, *rest = self
        return Theta(copies(L), copies(alpha), tuple(map(copies, delta)), *map(copies, rest))


class Likelihood(Protocol):
    """The log marginal density of the data with group effects and most coefficients integrated out.

    A coefficient with a Gaussian or flat prior is integrated out; the others, *sampled*,
    are arguments `b`.  Coefficients are the centred ones (`laird.gaussian.marginal`).
    """

    @property
    def blocks(self) -> tuple[tuple[int, ...], ...]:
        """Columns of the concatenated Z that share a correlation matrix."""

    @property
    def scaling(self) -> Standardisation:
        """Units of the columns."""

    @property
    def sampled(self) -> NDArray[np.int64]:
        """Positions of the coefficients that are arguments."""

    @property
    def unit(self) -> Floats:
        """Starred units of a sampled coefficient per user's unit."""

    def density(self, theta: Theta, b: Floats) -> tuple[float, Theta, Floats]:
        """Value, and its exact gradient in θ and b."""

    def densities(self, theta: Theta, b: Floats) -> Floats:
        """Values at a stack of S parameters: every array of θ and b has a leading axis S."""

    def solve(self, theta: Theta, b: Floats) -> Solution:
        """Conditional mean and covariance of the coefficients and group effects."""

    def draw(self, theta: Theta, b: Floats, rng: np.random.Generator) -> tuple[Floats, tuple[Floats, ...]]:
        """One draw of β (S, p) and of the group effects, by factor (S, J, q), per stacked θ."""
