"""Draws of a posterior as arrays, and as ArviZ data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from laird.design import Design
from laird.gaussian.coordinates import correlated_pairs, sds_and_correlations

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
        return values.reshape(-1, *values.shape[2:])


def identifier(group: str) -> str:
    """A grouping factor's name as part of a variable name: ``batch:cask`` -> ``batch_cask``."""
    return "".join(c if c.isalnum() or c == "_" else "_" for c in group)


def to_datatree(draws: Draws, design: Design, attributes: Mapping[str, object]) -> xr.DataTree:
    """The draws as ArviZ data with named dimensions and coordinates.

    Groups ``posterior`` (``beta``, ``sigma``, ``sd_<group>``, ``cor_<group>``,
    ``u_<group>``), ``sample_stats``, ``observed_data`` and ``constant_data``.
    """
    import xarray as xr

    groups = {
        "posterior": _posterior(draws, design),
        "sample_stats": xr.Dataset({k: (("chain", "draw"), v) for k, v in draws.stats.items()}),
        "observed_data": xr.Dataset({design.outcome: ("obs", design.y)}, {"obs": design.rows}),
        "constant_data": _constant_data(design),
    }
    tree = xr.DataTree.from_dict({name: data.assign_attrs(attributes) for name, data in groups.items()})
    tree.attrs.update(attributes)
    return tree


def _posterior(draws: Draws, design: Design) -> xr.Dataset:
    import xarray as xr

    C, S = draws.sigma.shape
    axes = ("chain", "draw")
    variables: dict[str, object] = {
        "beta": ((*axes, "term"), draws.beta),
        "sigma": (axes, draws.sigma),
    }
    coords: dict[str, object] = {
        "chain": np.arange(C),
        "draw": np.arange(S),
        "term": list(design.names),
    }
    for random in design.random:
        g = identifier(random.group)
        pairs = correlated_pairs(random.blocks)
        coords |= {g: list(random.levels), f"{g}_term": list(random.names)}
        variables[f"sd_{g}"] = ((*axes, f"{g}_term"), draws.sd)
        variables[f"u_{g}"] = ((*axes, g, f"{g}_term"), draws.u)
        if pairs:
            coords[f"{g}_pair"] = [f"{random.names[j]}, {random.names[i]}" for i, j in pairs]
            values = np.stack([draws.correlation[..., i, j] for i, j in pairs], axis=-1)
            variables[f"cor_{g}"] = ((*axes, f"{g}_pair"), values)
    return xr.Dataset(variables, coords)


def _constant_data(design: Design) -> xr.Dataset:
    import xarray as xr

    variables: dict[str, object] = {"X": (("obs", "term"), design.X)}
    coords: dict[str, object] = {"obs": design.rows, "term": list(design.names)}
    for random in design.random:
        g = identifier(random.group)
        variables[f"{g}_id"] = ("obs", np.asarray(random.levels)[random.ids])
        variables[f"Z_{g}"] = (("obs", f"{g}_term"), random.Z)
        coords[f"{g}_term"] = list(random.names)
    return xr.Dataset(variables, coords)
