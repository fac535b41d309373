"""What tables need of a fit, by any method."""

from __future__ import annotations

from typing import Protocol

from laird.fitting.draws import Draws
from laird.fitting.origin import Origin
from laird.fitting.point import Point
from laird.fitting.problem import Problem
from laird.gaussian.theta import Theta
from laird.posterior.table import PriorTable


class Fitted(Protocol):
    """See `laird.fitting.result.Fit`."""

    @property
    def method(self) -> str:
        """``"ols"``, ``"ml"``, ``"reml"``, ``"eb"`` or ``"nuts"``."""

    @property
    def problem(self) -> Problem:
        """The model and its data."""

    @property
    def point(self) -> Point:
        """Point estimates as arrays."""

    @property
    def theta(self) -> Theta | None:
        """Covariance parameters at the estimate."""

    @property
    def draws(self) -> Draws | None:
        """Draws of ``eb`` and ``nuts``."""

    @property
    def priors(self) -> PriorTable | None:
        """Prior table of ``eb`` and ``nuts``."""

    @property
    def origin(self) -> Origin:
        """Seed, versions, hashes."""
