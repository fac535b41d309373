"""The covariance parameters of a fit as a vector of those that are not on the boundary."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from laird.fitting.frozen import freeze
from laird.fitting.general import Coordinates
from laird.fitting.likelihood import lower_root
from laird.fitting.problem import Problem
from laird.fitting.starts import coordinates_of
from laird.gaussian.theta import Theta

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class FreeCoordinates:
    """Coordinates around an estimate θ̂, each of order one.

    Attributes
    ----------
    coordinates
        What a vector of all coordinates stands for.
    x
        All of them at θ̂.
    free
        Which may move: not those of a variance, or a direction of G, that is zero.
    """

    coordinates: Coordinates
    x: Floats
    free: NDArray[np.bool_]

    def __post_init__(self) -> None:
        freeze(self)

    @property
    def start(self) -> Floats:
        """The free coordinates at θ̂."""
        return self.x[self.free]

    def full(self, part: Floats) -> Floats:
        """All coordinates, of which `part` are the free ones."""
        full = self.x.copy()
        full[self.free] = part
        return full

    def theta(self, part: Floats) -> Theta:
        """θ at free coordinates `part`."""
        return self.coordinates.theta(self.full(part))

    def free_of(self, theta: Theta) -> Floats:
        """The free coordinates of another θ."""
        return self.coordinates.x(_triangular(theta, self.coordinates))[self.free]

    def gradient(self, part: Floats, by_theta: Theta) -> Floats:
        """Gradient in the free coordinates from that in θ."""
        return self.coordinates.gradient(self.full(part), by_theta)[self.free]

    def grown(self, size: float) -> tuple[Theta, ...]:
        """θ̂ with one of the coordinates that are held at zero moved to `size`, each in turn."""
        steps = size * np.eye(len(self.x))[~self.free]
        return tuple(self.coordinates.theta(self.x + step) for step in steps)


def free_coordinates(problem: Problem, theta: Theta) -> FreeCoordinates:
    """The coordinates of θ̂ that are not on the boundary.

    Examples
    --------
    >>> import laird as ld
    >>> fit = ld.model("Yield ~ 1 + (1 | Batch)", data=ld.load_data("dyestuff2")).fit()
    >>> free_coordinates(fit.problem, fit.theta).free
    array([False,  True])
    """
    coordinates = coordinates_of(problem, problem.data.blocks, problem.data.scaling)
    x = coordinates.x(_triangular(theta, coordinates))
    free = np.ones(len(x), dtype=bool)
    for group in coordinates.evens():
        free[group] = bool(np.any(x[group] != 0.0))
    return FreeCoordinates(coordinates, x, free)


def _triangular(theta: Theta, coordinates: Coordinates) -> Theta:
    """The same θ with a factor that is M times a lower triangular one."""
    M = coordinates.M
    return theta._replace(L=M @ lower_root(np.linalg.solve(M, theta.L), coordinates.blocks))
