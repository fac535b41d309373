"""Draws of a posterior as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from laird.errors import FitError
from laird.fitting.frozen import freeze
from laird.fitting.summaries import EffectSummary, Summariser
from laird.gaussian.coordinates import sds_and_correlations
from laird.gaussian.theta import Theta
from laird.posterior.density import Posterior

type Floats = NDArray[np.float64]
type Keep = Literal["auto", "draws", "summary"]

KEEP = ("auto", "draws", "summary")

KEPT = 20_000_000
"""Draws times group effects, above which only summaries of the effects are kept."""

AT_ONCE = 4_000_000
"""Draws times group effects that are drawn at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """Joint draws of all parameters, user's units; C chains of S draws.

    Attributes
    ----------
    beta
        Fixed effects, shape (C, S, p).
    L
        Factors of G, block-diagonal by grouping factor, shape (C, S, q, q).
    alpha
        Coefficients of log sigma for standardised predictors, shape (C, S, k).
    u
        Group effects by factor, shapes (C, S, J, q); empty when only summaries are kept.
    summaries
        Means, covariances and quantiles of the group effects, by factor.
    delta, log_phi, zeta
        As in `laird.gaussian.theta.Theta`, shapes (C, S, …).
    stats
        What the sampler says of each draw, arrays (C, S).
    warmup
        Tuning draws per chain that were thrown away (0 for independent draws).
    effective
        Upper bound of any effective sample size, from importance weights.
    shapes
        ν and α of families that are not normal by name (``nu(school)``), arrays (C, S).
    deviations
        How far the true effects of the rows are from Xβ + Zu where these are not normal, shape
        (C, S, n); else (0, 0, 0).
    """

    beta: Floats
    L: Floats
    alpha: Floats
    u: tuple[Floats, ...]
    summaries: tuple[EffectSummary, ...]
    delta: tuple[Floats, ...]
    log_phi: Floats
    zeta: Floats
    stats: Mapping[str, NDArray[np.generic]]
    warmup: int = 0
    effective: float = float("inf")
    shapes: Mapping[str, Floats] = field(default_factory=dict)
    deviations: Floats = field(default_factory=lambda: np.zeros((0, 0, 0)))

    def __post_init__(self) -> None:
        freeze(self)

    @property
    def shape(self) -> tuple[int, int]:
        """Chains and draws of each."""
        return self.beta.shape[0], self.beta.shape[1]

    @property
    def theta(self) -> Theta:
        """The covariance parameters, every array with leading axes (C, S)."""
        return Theta(self.L, self.alpha, self.delta, self.log_phi, self.zeta)

    @property
    def sigma(self) -> Floats:
        """Residual sd (of the first outcome), shape (C, S); with predictors, where these are average."""
        return np.exp(self.alpha[..., 0]) if self.alpha.shape[-1] else np.zeros(self.shape)

    @property
    def sd(self) -> Floats:
        """Group sds, shape (C, S, q)."""
        return sds_and_correlations(self.G)[0]

    @property
    def correlation(self) -> Floats:
        """Correlation matrices of the group effects, shape (C, S, q, q)."""
        return sds_and_correlations(self.G)[1]

    @property
    def G(self) -> Floats:
        """Covariances of the group effects, shape (C, S, q, q)."""
        return self.L @ np.swapaxes(self.L, -1, -2)

    def flat(self, name: str) -> Floats:
        """One of the arrays with chains and draws on one axis."""
        values = np.asarray(getattr(self, name))
        return values.reshape(values.shape[0] * values.shape[1], *values.shape[2:])

    def at(self, s: int) -> Theta:
        """The covariance parameters of one draw, counted over all chains."""
        return self.theta.at(divmod(s, self.shape[1]))

    def flat_effects(self) -> tuple[Floats, ...]:
        """The group effects by factor with chains and draws on one axis; FitError when not kept."""
        if len(self.u) < len(self.summaries):
            raise FitError(
                "The draws of the group effects were summarised, not kept.",
                remedy='Fit with `keep="draws"`, or ask of groups="population" or of new groups.',
            )
        return tuple(u.reshape(u.shape[0] * u.shape[1], *u.shape[2:]) for u in self.u)


def joint_draws(
    target: Posterior,
    phi: Floats,
    rng: np.random.Generator,
    *,
    keep: Keep = "auto",
    stats: Mapping[str, NDArray[np.generic]] | None = None,
    warmup: int = 0,
    effective: float = float("inf"),
) -> Draws:
    """Add coefficients and group effects, from their exact conditional, to draws of phi.

    Parameters
    ----------
    target
        The posterior that phi belongs to.
    phi
        Draws, shape (C, S, k).
    rng
        Source of randomness.
    keep
        ``"draws"`` of the group effects, a ``"summary"`` of them (means, covariances,
        quantiles), or ``"auto"``: draws unless they are more than twenty million numbers.
    stats, warmup, effective
        See `Draws`.
    """
    C, S = phi.shape[:2]
    theta, _ = target.coordinates.split(phi)
    rows = target.coordinates.split(phi.reshape(C * S, -1))
    beta, u, summaries = _drawn(target, *rows, keep, rng)
    return Draws(
        beta=beta.reshape(C, S, -1),
        L=theta.L,
        alpha=theta.alpha,
        u=tuple(own.reshape(C, S, *own.shape[1:]) for own in u),
        summaries=summaries,
        delta=theta.delta,
        log_phi=theta.log_phi,
        zeta=theta.zeta,
        stats=stats or {},
        warmup=warmup,
        effective=effective,
    )


def _drawn(
    target: Posterior, theta: Theta, b: Floats, keep: Keep, rng: np.random.Generator
) -> tuple[Floats, tuple[Floats, ...], tuple[EffectSummary, ...]]:
    """Fixed effects (S, p), group effects by factor (S, J, q) if kept, and their summaries."""
    size = sum(own.u.size for own in target.likelihood.solve(theta.at(0), b[0]).effects)
    kept = keep == "draws" or (keep == "auto" and size * len(b) <= KEPT)
    step = max(AT_ONCE // max(size, 1), 1)
    beta, chunks, summarisers = list[Floats](), list[tuple[Floats, ...]](), list[Summariser]()
    for start in range(0, len(b), step):
        part = slice(start, start + step)
        drawn, u = target.likelihood.draw(theta.at(part), b[part], rng)
        summarisers = summarisers or [Summariser(quantiles=not kept) for _ in u]
        for summariser, own in zip(summarisers, u, strict=True):
            summariser.add(own, drawn)
        beta.append(drawn)
        if kept:
            chunks.append(u)
    effects = tuple(np.concatenate(own) for own in zip(*chunks, strict=True))
    return np.concatenate(beta), effects, tuple(own.finish() for own in summarisers)
