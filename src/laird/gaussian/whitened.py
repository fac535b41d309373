"""Rows divided by the root of R: what is left is homoscedastic with σ = 1.

With R = KK' by blocks, Σ = K(Z̃GZ̃' + I)K', Z̃ = K⁻¹Z, as long as the rows of a block share
their groups of every factor.  The effects of group j are sd_j/sd times those of Λ, so that
its columns are multiplied by it.  The nested or crossed scheme then does the rest, and its
adjoint at the rows' cross-products, F, gives every derivative: R_b⁻¹ - R_b⁻¹C_bFC_b'R_b⁻¹ in
the covariance of block b, c_a(Fc)_a in the log of a factor of column a.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from laird.gaussian.body import Derivatives, Stretch, Targets
from laird.gaussian.frozen import freeze
from laird.gaussian.noise import Covariance, Layout, forms, whiten

type Floats = NDArray[np.float64]
type Ids = NDArray[np.int64]


class Scheme(Protocol):
    """How the effects of rows are eliminated; factors stand in `order`."""

    @property
    def ids(self) -> tuple[Ids, ...]:
        """Group of each row, by factor."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """Columns by factor."""

    @property
    def order(self) -> tuple[int, ...]:
        """Position of each factor among the model's factors."""

    @property
    def cell(self) -> Ids:
        """Cell of each row: rows of a cell share their groups."""

    def reduce(self, rows: Floats) -> Any:
        """Cross-products of rows [Z_0 … Z_F X y]."""

    def eliminate(self, body: Any, factors: Sequence[Floats]) -> Any:
        """S and logdet."""

    def sensitivities(
        self, body: Any, factors: Sequence[Floats], done: Any, D: Floats
    ) -> tuple[list[Floats], Floats]:
        """Derivatives of tr(DS) + logdet in every G, and in the rows' cross-products by cell."""

    def effects(
        self, body: Any, factors: Sequence[Floats], done: Any, beta: Floats, cov: Floats
    ) -> list[tuple[Floats, Floats, Floats]]:
        """Conditional means and covariances."""

    def draw(
        self, body: Any, factors: Sequence[Floats], done: Any, beta: Floats, rng: np.random.Generator
    ) -> list[Floats]:
        """Effects given β."""

    def variance(self, body: Any, factors: Sequence[Floats], done: Any, cov: Floats, at: Targets) -> Floats:
        """Variance of linear predictors."""


class State(NamedTuple):
    """An elimination.

    Attributes
    ----------
    S, logdet
        W'Σ⁻¹W (m, m) and log|Σ|; NaN where Σ is not positive definite.
    covariance, factors, stretch
        R, and what every factor's effects were scaled by, in the model's order.
    rows, body, done
        Whitened rows, their cross-products and what the scheme left.
    """

    S: Floats
    logdet: float
    covariance: Covariance
    factors: Sequence[Floats]
    stretch: Stretch
    rows: Floats
    body: Any
    done: Any


@dataclass(frozen=True, slots=True, eq=False)
class Whitened:
    """Rows whose R is by blocks within cells.

    Attributes
    ----------
    scheme
        Nested or crossed factors.
    rows
        [Z_0 … Z_F X y] in starred units, factors in the scheme's order, shape (r, k).
    place
        Stratum of each row where R is diagonal.
    layout
        The noise of the rows.
    """

    scheme: Scheme
    rows: Floats
    place: Ids
    layout: Layout

    def __post_init__(self) -> None:
        freeze(self)

    def eliminate(self, covariance: Covariance, factors: Sequence[Floats], stretch: Stretch) -> State | None:
        """Integrate the effects out for absolute factors Λ_f; None where R is not positive definite."""
        if np.isnan(covariance.logdet):
            return None
        rows = whiten(self.layout, covariance, self.rows, self.place)
        self._stretch(rows, stretch)
        body = self.scheme.reduce(rows)
        done = self.scheme.eliminate(body, self._ordered(factors))
        return State(done.S, done.logdet + covariance.logdet, covariance, factors, stretch, rows, body, done)

    def derivatives(self, state: State, D: Floats) -> Derivatives:
        """Derivatives of tr(DS) + log|Σ|."""
        scheme = self.scheme
        H, F = scheme.sensitivities(state.body, self._ordered(state.factors), state.done, D)
        width = sum(scheme.sizes) if any(e is not None for e in state.stretch) else 0
        B, products = forms(
            self.layout, state.covariance, state.rows, np.ascontiguousarray(F), scheme.cell, self.place, width
        )
        log_sd: list[Floats | None] = [None] * len(scheme.order)
        for f, own, ids in zip(scheme.order, self._spans(), scheme.ids, strict=True):
            e = state.stretch[f]
            log_sd[f] = None if e is None else np.bincount(ids, products[:, own].sum(axis=1), len(e))
        return Derivatives(self._in_model_order(H), log_sd, B)

    def effects(self, state: State, beta: Floats, cov: Floats) -> list[tuple[Floats, Floats, Floats]]:
        """Conditional means (J, q), covariances (J, q, q) and covariances with β (J, q, p), by factor."""
        factors = self._ordered(state.factors)
        return self._in_model_order(self.scheme.effects(state.body, factors, state.done, beta, cov))

    def draw(self, state: State, beta: Floats, rng: np.random.Generator) -> list[Floats]:
        """Draw the effects given β, (J, q) by factor."""
        factors = self._ordered(state.factors)
        return self._in_model_order(self.scheme.draw(state.body, factors, state.done, beta, rng))

    def variance(self, state: State, cov: Floats, at: Targets) -> Floats:
        """Variance of linear predictors, given the covariance of β, shape (T,)."""
        ordered = Targets(at.x, self._ordered(at.z), self._ordered(at.ids))
        return self.scheme.variance(state.body, self._ordered(state.factors), state.done, cov, ordered)

    def _stretch(self, rows: Floats, stretch: Stretch) -> None:
        for f, own, ids in zip(self.scheme.order, self._spans(), self.scheme.ids, strict=True):
            e = stretch[f]
            if e is not None:
                rows[:, own] *= e[ids][:, None]

    def _spans(self) -> list[slice]:
        stops = np.cumsum(self.scheme.sizes, dtype=int).tolist()
        return [slice(stop - size, stop) for stop, size in zip(stops, self.scheme.sizes, strict=True)]

    def _ordered[T](self, own: Sequence[T]) -> list[T]:
        return [own[f] for f in self.scheme.order]

    def _in_model_order[T](self, own: Sequence[T]) -> list[T]:
        return [own[self.scheme.order.index(f)] for f in range(len(own))]
