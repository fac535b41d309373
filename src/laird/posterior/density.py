"""The log marginal posterior of the covariance parameters: likelihood plus priors, with gradients.

The density is that of the unconstrained phi (`laird.posterior.coordinates`), Jacobian
included, which Laplace approximations, importance weights and samplers need.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from laird.posterior.coordinates import Coordinates, coordinates
from laird.posterior.table import PriorTable

if TYPE_CHECKING:
    from laird.gaussian.theta import Likelihood

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """A marginal likelihood and the priors of its parameters.

    Attributes
    ----------
    likelihood
        β with Gaussian or flat priors and all group effects integrated out.
    coordinates
        What phi consists of, with priors.
    """

    likelihood: Likelihood
    coordinates: Coordinates

    @property
    def size(self) -> int:
        """Length of phi."""
        return self.coordinates.size

    def density(self, phi: Floats) -> tuple[float, Floats]:
        """Log density of phi and its gradient; shapes (k,) -> scalar, (k,)."""
        theta, b = self.coordinates.split(phi)
        value, d_theta, d_b = self.likelihood.density(theta, b)
        log_prior, gradient = self.coordinates.priors(phi)
        return value + log_prior, gradient + self.coordinates.gradient(phi, theta.L, d_theta, d_b)

    def densities(self, phi: Floats) -> Floats:
        """Log densities of a stack of points, shape (S, k) -> (S,); -inf where there is none."""
        with np.errstate(over="ignore", invalid="ignore"):
            value = self.likelihood.densities(*self.coordinates.split(phi))
        value = value + self.coordinates.priors.each(phi)
        return np.where(np.isfinite(value), value, -np.inf)

    def signed(self, elements: Sequence[int]) -> Posterior:
        """The same posterior with some sds signed, where their priors allow it."""
        return replace(self, coordinates=self.coordinates.signed(elements))


def posterior(likelihood: Likelihood, table: PriorTable) -> Posterior:
    """Join a likelihood and the prior table of its model."""
    return Posterior(likelihood, coordinates(table, likelihood.blocks))
