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


class Targets(NamedTuple):
    """Linear predictors x'β + Σ_f z_f'u_f, starred units.

    Attributes
    ----------
    x
        Coefficients of β, shape (T, p).
    z, ids
        By factor, coefficients of the effects (T, q) and groups (T,); -1 is a new group.
    """

    x: Floats
    z: Sequence[Floats]
    ids: Sequence[Ids]

    @property
    def is_new(self) -> list[NDArray[np.bool_]]:
        """Which groups are new, by factor."""
        return [own < 0 for own in self.ids]

    @property
    def places(self) -> list[Ids]:
        """Groups by factor, with 0 for new ones, whose coefficients are zero in `known`."""
        return [np.maximum(own, 0) for own in self.ids]

    @property
    def known(self) -> list[Floats]:
        """Coefficients of the effects of groups that are not new."""
        return [np.where(new[:, None], 0.0, z) for new, z in zip(self.is_new, self.z, strict=True)]

    def new_variance(self, factors: Sequence[Floats]) -> Floats:
        """Variance of the effects of new groups, G_f = Λ_fΛ_f', shape (T,)."""
        found = np.zeros(len(self.x))
        for new, z, Lam in zip(self.is_new, self.z, factors, strict=True):
            found += np.where(new, np.sum((z @ Lam) ** 2, axis=1), 0.0)
        return found


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

    def variance(self, state: Any, cov: Floats, at: Targets) -> Floats:
        """Variance of linear predictors, given the covariance of β, shape (T,)."""
