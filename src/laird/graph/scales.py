"""Covariance parameters of any model as PyMC variables, and θ from them.

Regressions are of standardised predictors inside (`laird.posterior.codings`): a slope per
unit of its predictor times the predictor's sd.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray

from laird.design import Design
from laird.gaussian.coordinates import correlated_pairs
from laird.graph.covariance import Row, covariance, factor_entries, partial_correlations
from laird.graph.priors import exchangeable, scalar, vector
from laird.posterior.coordinates import Coordinates
from laird.posterior.names import group_names, identifier
from laird.posterior.structure import joined_columns
from laird.posterior.table import SLOPES, PriorRow, PriorTable

type Floats = NDArray[np.float64]
type Tensor = Any


class Parameters(NamedTuple):
    """θ as symbols; coefficients are those of standardised predictors.

    Attributes
    ----------
    groups
        By factor: sds, and rows of the factor of the correlation matrix.
    alpha, delta, log_phi, zeta
        As in `laird.gaussian.theta.Theta`.
    """

    groups: tuple[tuple[Tensor, tuple[Row, ...]], ...]
    alpha: list[Tensor]
    delta: list[list[Tensor]]
    log_phi: list[Tensor]
    zeta: list[Tensor]

    def entries(self, design: Design) -> list[Tensor]:
        """The factor L of all groups by rows, block-diagonal, q² symbols."""
        places = joined_columns(design.random)
        q = places[-1].stop if places else 0
        found: list[Tensor] = [0.0] * (q * q)
        for place, (sd, rows) in zip(places, self.groups, strict=True):
            width = len(rows)
            for k, entry in enumerate(factor_entries(sd, rows)):
                i, j = divmod(k, width)
                found[(place.start + i) * q + place.start + j] = entry
        return found

    def vector(self, design: Design, sampled: Sequence[Tensor]) -> Tensor:
        """All of θ and the sampled coefficients as one vector, L by rows first."""
        parts = [*self.alpha, *(d for own in self.delta for d in own), *self.log_phi, *self.zeta, *sampled]
        return pt.stack([*self.entries(design), *parts])


def parameters(model: pm.Model, design: Design, table: PriorTable, *, signed: bool = False) -> Parameters:
    """Add the covariance parameters to the model in context."""
    rows = table.of("sigma", "log_sigma")
    alpha = [e for _, own in groupby(rows, lambda row: row.group) for e in _sigma(model, list(own))]
    log_phi = [pt.log(scalar("phi", row)) for row in table.of("phi")]
    pairs = groupby(table.of("rho", "atanh_rho"), lambda row: row.group)
    zeta = [e for _, own in pairs for e in _rho(model, list(own))]
    groups, delta = [], []
    for random in design.random:
        groups.append(covariance(random, table, signed=signed))
        slopes = table.of("log_sd", group=random.group)
        delta.append(_slopes(model, f"log_{group_names(random).sd}", slopes))
    return Parameters(tuple(groups), alpha, delta, log_phi, zeta)


def _sigma(model: pm.Model, rows: Sequence[PriorRow]) -> list[Tensor]:
    """Coefficients of log sigma of one outcome."""
    suffix = f"_{rows[0].group}" if rows[0].group else ""
    constants = [row for row in rows if row.kind == "sigma"]
    found = [pt.log(scalar(identifier(f"sigma{suffix}"), row)) for row in constants]
    return [*found, *_slopes(model, f"log_sigma{suffix}", rows[len(constants) :])]


def _rho(model: pm.Model, rows: Sequence[PriorRow]) -> list[Tensor]:
    """Coefficients of the atanh (partial) correlation of two outcomes."""
    suffix = "_".join(rows[0].group.split(", "))
    constants = [row for row in rows if row.kind == "rho"]
    found = []
    for row in constants:
        shape = np.array(row.eta + (row.size - 2 - row.index) / 2)
        found.append(pt.arctanh(partial_correlations(identifier(f"rho_{suffix}"), shape)))
    return [*found, *_slopes(model, f"atanh_rho_{suffix}", rows[len(constants) :])]


def _slopes(model: pm.Model, name: str, rows: Sequence[PriorRow]) -> list[Tensor]:
    """Slopes per unit of their predictors as one variable; coefficients of standardised predictors."""
    if not rows:
        return []
    name = identifier(name)
    terms = [row.parameter.partition("(")[2].removesuffix(")").removeprefix(f"{row.group}, ") for row in rows]
    model.add_coord(f"{name}_slope", terms)
    slopes = vector(name, rows, f"{name}_slope", terms)
    units = exchangeable(f"{name}_units", [row.unit for row in rows])
    return [slopes[k] * units[k] for k in range(len(rows))]


def phi_of_trace(design: Design, own: Coordinates, data: Mapping[str, Any]) -> Floats:
    """Return phi (C, S, k) of draws of the variables of a marginal graph, without signed sds.

    Parameters
    ----------
    design, own
        The model, and what its phi consists of.
    data
        Draws by name, (C, S) or (C, S, elements).
    """
    parts: list[Floats] = []
    for name, group in groupby(own.rows, lambda row: _variable_of(design, row)):
        rows = [row for row in group if row is not None]
        if name is None:
            found = [group_names(r) for r in design.random if correlated_pairs(r.blocks)]
            parts += [np.arctanh(np.asarray(data[names.partial])) for names in found]
            continue
        values = np.asarray(data[name])
        values = values if values.ndim == 3 else values[..., None]
        if rows[0].kind in ("sd", "sigma", "phi"):
            parts.append(np.log(values))
        elif rows[0].kind == "rho":
            parts.append(np.arctanh(values))
        else:
            units = [row.unit if row.kind in SLOPES else 1.0 for row in rows]
            parts.append(values * units)
    return np.concatenate(parts, axis=-1)


def _variable_of(design: Design, row: PriorRow | None) -> str | None:
    """The variable that holds a parameter; None for correlations of random coefficients."""
    if row is None:
        return None
    if row.kind == "coefficient":
        return "beta_sampled"
    if row.kind in ("sd", "log_sd"):
        names = group_names(next(r for r in design.random if r.group == row.group))
        return names.sd if row.kind == "sd" else identifier(f"log_{names.sd}")
    return identifier("_".join([row.kind, *filter(None, row.group.split(", "))]))
