"""How far the covariance parameters of another fit are from those of a fit, in its own precision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laird.fitting.freecoordinates import FreeCoordinates, free_coordinates
from laird.fitting.frozen import freeze
from laird.fitting.result import Fit
from laird.inference.covariation import satterthwaite
from laird.inference.varianceparameters import drawn_values, variance_values

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class VarianceDistance:
    """Where the covariance parameters of a fit are, and with what precision.

    Attributes
    ----------
    centre, cov
        Their estimates (k,) and covariance (k, k).
    at
        Coordinates in which they are estimated, None for the parameters of the summary.
    """

    centre: Floats
    cov: Floats
    at: FreeCoordinates | None = None

    def __post_init__(self) -> None:
        freeze(self)

    def to(self, other: Fit) -> float:
        """d'Cov⁻¹d for the difference d to another fit of the model; NaN where it cannot be compared."""
        if self.at is None:
            values = variance_values(other)
        elif other.theta is None:
            return np.nan
        else:
            values = self.at.free_of(other.theta)
        d = values - self.centre
        return float(d @ np.linalg.pinv(self.cov, hermitian=True) @ d)


def variance_distance(fit: Fit) -> VarianceDistance:
    """The covariance parameters of a fit with their precision.

    In coordinates in which a likelihood is close to quadratic; those of draws by their own moments.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff")).fit()
    >>> variance_distance(fit).to(fit)
    0.0
    """
    if fit.method == "ols":
        n, p = fit.problem.design.X.shape
        sigma = fit.point.sigma
        return VarianceDistance(np.array([sigma]), np.array([[sigma**2 / (2.0 * (n - p))]]))
    if fit.draws is not None:
        values = drawn_values(fit)
        return VarianceDistance(values.mean(axis=0), np.atleast_2d(np.cov(values.T)))
    if fit.method not in ("ml", "reml") or fit.theta is None:
        values = variance_values(fit)
        return VarianceDistance(values, np.full((len(values),) * 2, np.nan))
    at = free_coordinates(fit.problem, fit.theta)
    return VarianceDistance(at.start, satterthwaite(fit).parameter_cov, at)
