"""Draws of a posterior as arrays, and as ArviZ data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from laird.design import Design
from laird.fitting.frozen import freeze
from laird.gaussian.coordinates import correlated_pairs, sds_and_correlations
from laird.posterior.names import coords, group_names, outcome_name

if TYPE_CHECKING:
    import xarray as xr

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """Joint draws of all parameters, user's units; C chains of S draws.

    Attributes
    ----------
    beta, sigma, u
        Shapes (C, S, p), (C, S), (C, S, J, q).
    L
        Factors of G, shape (C, S, q, q).
    stats
        What the sampler says of each draw, arrays (C, S).
    warmup
        Tuning draws per chain that were thrown away (0 for independent draws).
    effective
        Upper bound of any effective sample size, from importance weights.
    """

    beta: Floats
    sigma: Floats
    u: Floats
    L: Floats
    stats: Mapping[str, NDArray[np.generic]]
    warmup: int = 0
    effective: float = float("inf")

    def __post_init__(self) -> None:
        freeze(self)

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
        return values.reshape(self.sigma.size, *values.shape[2:])


def to_datatree(draws: Draws, design: Design, attributes: Mapping[str, object]) -> xr.DataTree:
    """The draws as ArviZ data with named dimensions and coordinates.

    Groups ``posterior`` (``beta``, ``sigma``, ``sd_<group>``, ``cor_<group>``,
    ``u_<group>``), ``sample_stats``, ``observed_data`` and ``constant_data``.
    """
    import xarray as xr

    groups = {
        "posterior": _posterior(draws, design),
        "sample_stats": xr.Dataset({k: (("chain", "draw"), v) for k, v in draws.stats.items()}),
        "observed_data": xr.Dataset({outcome_name(design): ("obs", design.y)}, {"obs": design.rows}),
        "constant_data": _constant_data(design),
    }
    tree = xr.DataTree.from_dict({name: data.assign_attrs(attributes) for name, data in groups.items()})
    tree.attrs.update(attributes)
    return tree


def _posterior(draws: Draws, design: Design) -> xr.Dataset:
    import xarray as xr

    axes = ("chain", "draw")
    variables: dict[str, object] = {"beta": ((*axes, "term"), draws.beta), "sigma": (axes, draws.sigma)}
    for random in design.random:
        names = group_names(random)
        variables[names.sd] = ((*axes, names.term), draws.sd)
        variables[names.u] = ((*axes, names.group, names.term), draws.u)
        if pairs := correlated_pairs(random.blocks):
            values = np.stack([draws.correlation[..., i, j] for i, j in pairs], axis=-1)
            variables[names.cor] = ((*axes, names.pair), values)
    return xr.Dataset(variables, _coords(design, *draws.sigma.shape))


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
