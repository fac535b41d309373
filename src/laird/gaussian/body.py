"""What a structure of `laird.gaussian.hierarchy` offers, whatever its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from laird.gaussian.noise import Covariance, Layout

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]
type Stretch = Sequence[Floats | None]


class Eliminated(Protocol):
    """What is left when the effects are integrated out."""

    @property
    def S(self) -> Floats:
        """W'Σ⁻¹W, shape (m, m); NaN where Σ is not positive definite."""

    @property
    def logdet(self) -> float:
        """log|Σ|."""

    @property
    def covariance(self) -> Covariance:
        """R."""

    @property
    def factors(self) -> Sequence[Floats]:
        """Λ_f, absolute, in the model's order."""

    @property
    def stretch(self) -> Stretch:
        """How many times larger the effects of every group are than those of Λ_f."""


class Derivatives(NamedTuple):
    """Derivatives of tr(DS) + log|Σ|, factors in the model's order.

    Attributes
    ----------
    G
        In the covariance of every factor, (q, q).
    log_sd
        In the log sd of every group, halved, (J,); None where all groups have the same.
    R
        In the blocks of R, packed.
    """

    G: list[Floats]
    log_sd: list[Floats | None]
    R: Floats


class Body(Protocol):
    """Rows in an order of their own, and how effects are eliminated from them."""

    @property
    def layout(self) -> Layout:
        """The noise of the rows."""

    def eliminate(
        self, covariance: Covariance, factors: Sequence[Floats], stretch: Stretch
    ) -> Eliminated | None:
        """Integrate the effects out; None where R is not positive definite."""

    def derivatives(self, state: Any, D: Floats) -> Derivatives:
        """Derivatives of tr(DS) + log|Σ|."""

    def effects(self, state: Any, beta: Floats, cov: Floats) -> list[tuple[Floats, Floats, Floats]]:
        """Conditional means (J, q), covariances (J, q, q) and covariances with β (J, q, p), by factor."""

    def draw(self, state: Any, beta: Floats, rng: np.random.Generator) -> list[Floats]:
        """Draw the effects given β, (J, q) by factor."""

    def variance(self, state: Any, cov: Floats, x: Floats, z: Sequence[Floats], ids: Sequence[Ids]) -> Floats:
        """Variance of x'β + Σ z_f'u_f, shape (T,); -1 is a new group."""
