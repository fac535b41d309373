"""Draws of a fit as ArviZ data, named by the data's own labels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from laird.design import Design
from laird.fitting.draws import Draws
from laird.fitting.problem import Problem, joined_columns
from laird.fitting.summaries import QUANTILES
from laird.fitting.tables import shape_name
from laird.gaussian.coordinates import correlated_pairs
from laird.posterior.codings import Coding
from laird.posterior.names import coords, group_names, identifier, outcome_name

if TYPE_CHECKING:
    import xarray as xr

type Floats = NDArray[np.float64]


def to_datatree(draws: Draws, problem: Problem, attributes: Mapping[str, object]) -> xr.DataTree:
    """The draws as ArviZ data with named dimensions and coordinates.

    Groups ``posterior`` (``beta``, ``sigma``, ``sd_<group>``, ``cor_<group>``,
    ``u_<group>``; of several outcomes ``sigma_<outcome>`` and ``rho_<outcome>_<outcome>``;
    coefficients of regressions as ``log_sigma``, ``log_sd_<group>``, ``atanh_rho_…``; of families
    that are not normal ``nu_<what>``, ``alpha_<what>`` and ``u_true_effects``),
    ``sample_stats``, ``observed_data`` and ``constant_data``; and ``effects`` with
    ``u_<group>_mean``, ``_sd`` and ``_quantile`` where the draws of the group effects were
    not kept.
    """
    import xarray as xr

    groups = {
        "posterior": _posterior(draws, problem),
        "sample_stats": xr.Dataset({k: (("chain", "draw"), v) for k, v in draws.stats.items()}),
        **_data(problem.design),
    }
    if len(draws.u) < len(draws.summaries):
        groups["effects"] = _effects(draws, problem.design)
    return _tree(groups, attributes)


def data_tree(problem: Problem, attributes: Mapping[str, object]) -> xr.DataTree:
    """The data alone, of a fit without draws: ``observed_data`` and ``constant_data``."""
    return _tree(_data(problem.design), attributes)


def _tree(groups: Mapping[str, xr.Dataset], attributes: Mapping[str, object]) -> xr.DataTree:
    import xarray as xr

    tree = xr.DataTree.from_dict({name: data.assign_attrs(attributes) for name, data in groups.items()})
    tree.attrs.update(attributes)
    return tree


def _posterior(draws: Draws, problem: Problem) -> xr.Dataset:
    import xarray as xr

    axes, design = ("chain", "draw"), problem.design
    variables: dict[str, object] = {"beta": ((*axes, "term"), draws.beta)}
    named = _coords(design, *draws.shape)
    for coding in problem.codings:
        name, values = _coefficients(coding, draws, len(design.outcomes))
        if values.ndim == 3:
            named[f"{name}_term"] = list(coding.names)
        variables[name] = ((*axes, f"{name}_term")[: values.ndim], values)
    for f, (random, place) in enumerate(zip(design.random, joined_columns(design.random), strict=True)):
        names, start = group_names(random), place.start
        variables[names.sd] = ((*axes, names.term), draws.sd[..., place])
        if len(draws.u) == len(draws.summaries):
            variables[names.u] = ((*axes, names.group, names.term), draws.u[f])
        if pairs := correlated_pairs(random.blocks):
            values = np.stack([draws.correlation[..., start + i, start + j] for i, j in pairs], axis=-1)
            variables[names.cor] = ((*axes, names.pair), values)
    for parameter, values in draws.shapes.items():
        variables[_shape_name(parameter)] = (axes, values)
    if draws.deviations.size:
        variables["u_true_effects"] = ((*axes, "obs"), draws.deviations)
        named["obs"] = design.rows
    return xr.Dataset(variables, named)


def _shape_name(parameter: str) -> str:
    """Name of ν or α of a family: that of a factor with one coefficient has no term."""
    return identifier("_".join(part for part in shape_name(parameter) if part))


def _coefficients(coding: Coding, draws: Draws, outcomes: int) -> tuple[str, Floats]:
    """Name and draws of a constant (C, S), or of the coefficients of a regression (C, S, k).

    Of more than two outcomes ζ are partial correlations.
    """
    values = coding.coefficients(draws.theta)
    parameter = "partial_rho" if coding.parameter == "rho" and outcomes > 2 else coding.parameter
    link = "atanh" if coding.parameter == "rho" else "log"
    whole = coding.constant and coding.parameter != "sd"
    name = "_".join([*([] if whole else [link]), parameter, *re.split(r", ", coding.group)])
    if whole:
        values = (np.tanh if coding.parameter == "rho" else np.exp)(values[..., 0])
    return identifier(name.rstrip("_")), np.asarray(values)


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


def _data(design: Design) -> dict[str, xr.Dataset]:
    import xarray as xr

    return {
        "observed_data": xr.Dataset({outcome_name(design): ("obs", design.y)}, _of_rows(design)),
        "constant_data": _constant_data(design),
    }


def _constant_data(design: Design) -> xr.Dataset:
    import xarray as xr

    variables: dict[str, object] = {"X": (("obs", "term"), design.X)}
    for random in design.random:
        names = group_names(random)
        variables[f"{names.group}_id"] = ("obs", np.asarray(random.levels)[random.ids])
        variables[f"Z_{names.group}"] = (("obs", names.term), random.Z)
    return xr.Dataset(variables, {**_of_rows(design), "term": list(design.names), **_group_terms(design)})


def _of_rows(design: Design) -> dict[str, object]:
    """Rows of the frame; of several outcomes, whose rows are stacked, also which one each is of."""
    named: dict[str, object] = {"obs": design.rows}
    if design.outcomes:
        name = identifier("outcome", {outcome_name(design)})
        named[name] = ("obs", np.asarray(design.outcomes)[design.which])
    return named


def _coords(design: Design, chains: int, draws: int) -> dict[str, object]:
    """Coordinates of the posterior: those of the graph without the rows."""
    named = {name: values for name, values in coords(design).items() if name != "obs"}
    return {"chain": np.arange(chains), "draw": np.arange(draws), **named}


def _group_terms(design: Design) -> dict[str, list[str]]:
    return {group_names(random).term: list(random.names) for random in design.random}
