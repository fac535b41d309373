"""Draws of a posterior as arrays, and as ArviZ data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from laird.design import Design
from laird.errors import FitError
from laird.fitting.frozen import freeze
from laird.fitting.summaries import QUANTILES, EffectSummary, Summariser
from laird.gaussian.coordinates import correlated_pairs, sds_and_correlations
from laird.gaussian.theta import Theta
from laird.posterior.density import Posterior
from laird.posterior.names import coords, group_names, outcome_name

if TYPE_CHECKING:
    import xarray as xr

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

    def flat_effects(self) -> tuple[Floats, ...]:
        """The group effects by factor with chains and draws on one axis; FitError when not kept."""
        if len(self.u) < len(self.summaries):
            raise FitError(
                "The draws of the group effects were summarised, not kept: there are too many.",
                remedy='Fit with `keep="draws"`, or predict with groups="population".',
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
    size = sum(own.u.size for own in target.likelihood.solve(_rows(theta, 0), b[0]).effects)
    kept = keep == "draws" or (keep == "auto" and size * len(b) <= KEPT)
    step = max(AT_ONCE // max(size, 1), 1)
    beta, chunks, summarisers = list[Floats](), list[tuple[Floats, ...]](), list[Summariser]()
    for start in range(0, len(b), step):
        part = slice(start, start + step)
        drawn, u = target.likelihood.draw(_rows(theta, part), b[part], rng)
        summarisers = summarisers or [Summariser(quantiles=not kept) for _ in u]
        for summariser, own in zip(summarisers, u, strict=True):
            summariser.add(own, drawn)
        beta.append(drawn)
        if kept:
            chunks.append(u)
    effects = tuple(np.concatenate(own) for own in zip(*chunks, strict=True))
    return np.concatenate(beta), effects, tuple(own.finish() for own in summarisers)


def _rows(theta: Theta, at: int | slice) -> Theta:
    """Some parameters of a stack."""
    delta = tuple(own[at] for own in theta.delta)
    return Theta(theta.L[at], theta.alpha[at], delta, theta.log_phi[at], theta.zeta[at])


def to_datatree(draws: Draws, design: Design, attributes: Mapping[str, object]) -> xr.DataTree:
    """The draws as ArviZ data with named dimensions and coordinates.

    Groups ``posterior`` (``beta``, ``sigma``, ``sd_<group>``, ``cor_<group>``,
    ``u_<group>``), ``sample_stats``, ``observed_data`` and ``constant_data``; and
    ``effects`` with ``u_<group>_mean``, ``_sd`` and ``_quantile`` where the draws of the
    group effects were not kept.
    """
    import xarray as xr

    groups = {
        "posterior": _posterior(draws, design),
        "sample_stats": xr.Dataset({k: (("chain", "draw"), v) for k, v in draws.stats.items()}),
        "observed_data": xr.Dataset({outcome_name(design): ("obs", design.y)}, {"obs": design.rows}),
        "constant_data": _constant_data(design),
    }
    if len(draws.u) < len(draws.summaries):
        groups["effects"] = _effects(draws, design)
    tree = xr.DataTree.from_dict({name: data.assign_attrs(attributes) for name, data in groups.items()})
    tree.attrs.update(attributes)
    return tree


def _posterior(draws: Draws, design: Design) -> xr.Dataset:
    import xarray as xr

    axes = ("chain", "draw")
    variables: dict[str, object] = {"beta": ((*axes, "term"), draws.beta), "sigma": (axes, draws.sigma)}
    start = 0
    for f, random in enumerate(design.random):
        names, place = group_names(random), slice(start, start + len(random.names))
        variables[names.sd] = ((*axes, names.term), draws.sd[..., place])
        if len(draws.u) == len(draws.summaries):
            variables[names.u] = ((*axes, names.group, names.term), draws.u[f])
        if pairs := correlated_pairs(random.blocks):
            values = np.stack([draws.correlation[..., start + i, start + j] for i, j in pairs], axis=-1)
            variables[names.cor] = ((*axes, names.pair), values)
        start = place.stop
    return xr.Dataset(variables, _coords(design, *draws.shape))


def _effects(draws: Draws, design: Design) -> xr.Dataset:
    import xarray as xr

    variables: dict[str, object] = {}
    named: dict[str, object] = {"quantile": list(QUANTILES)}
    for random, own in zip(design.random, draws.summaries, strict=True):
        names = group_names(random)
        dims = (names.group, names.term)
        variables[f"{names.u}_mean"] = (dims, own.mean)
        variables[f"{names.u}_sd"] = (dims, np.sqrt(np.diagonal(own.cov, axis1=1, axis2=2)))
        variables[f"{names.u}_quantile"] = (("quantile", *dims), own.quantiles)
        named |= {names.group: list(random.levels), names.term: list(random.names)}
    return xr.Dataset(variables, named)


def _constant_data(design: Design) -> xr.Dataset:
    import xarray as xr

    variables: dict[str, object] = {"X": (("obs", "term"), design.X)}
    for random in design.random:
        names = group_names(random)
        variables[f"{names.group}_id"] = ("obs", np.asarray(random.levels)[random.ids])
        variables[f"Z_{names.group}"] = (("obs", names.term), random.Z)
    return xr.Dataset(variables, {"obs": design.rows, "term": list(design.names), **_group_terms(design)})


def _coords(design: Design, chains: int, draws: int) -> dict[str, object]:
    """Coordinates of the posterior: those of the graph without the rows."""
    named = {name: values for name, values in coords(design).items() if name != "obs"}
    return {"chain": np.arange(chains), "draw": np.arange(draws), **named}


def _group_terms(design: Design) -> dict[str, list[str]]:
    return {group_names(random).term: list(random.names) for random in design.random}
