"""Rows of the prior table as PyMC variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from laird.graph.names import identifier
from laird.posterior.table import PriorRow

type Tensor = Any

DISTRIBUTIONS: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        "normal": ("Normal", ("mu", "sigma")),
        "student_t": ("StudentT", ("nu", "mu", "sigma")),
        "cauchy": ("Cauchy", ("alpha", "beta")),
        "half_normal": ("HalfNormal", ("sigma",)),
        "half_student_t": ("HalfStudentT", ("nu", "sigma")),
        "half_cauchy": ("HalfCauchy", ("beta",)),
        "exponential": ("Exponential", ("lam",)),
        "gamma": ("Gamma", ("alpha", "beta")),
        "inverse_gamma": ("InverseGamma", ("alpha", "beta")),
        "lognormal": ("LogNormal", ("mu", "sigma")),
        "uniform": ("Uniform", ("lower", "upper")),
        "flat": ("Flat", ()),
    }
)


def scalar(name: str, row: PriorRow) -> Tensor:
    """Add one parameter to the model in context."""
    return _variable(name, row, row.values)


def vector(name: str, rows: Sequence[PriorRow], dim: str, terms: Sequence[str]) -> Tensor:
    """Add a vector of parameters: one variable when the rows share a family, else one for each row.

    In the second case they are called ``name_term`` and `name` is a `Deterministic`.
    """
    if len({row.family for row in rows}) == 1:
        values = [np.array(column) for column in zip(*(row.values for row in rows), strict=True)]
        return _variable(name, rows[0], values, dims=dim)
    taken: list[str] = []
    for term in terms:
        taken.append(identifier(f"{name}_{term}", taken))
    parts = [scalar(own, row) for own, row in zip(taken, rows, strict=True)]
    return pm.Deterministic(name, pt.stack(parts), dims=dim)


def _variable(name: str, row: PriorRow, values: Sequence[Any], **options: Any) -> Tensor:
    distribution, arguments = DISTRIBUTIONS[row.family]
    if row.family == "flat" and row.kind != "coefficient":
        distribution = "HalfFlat"
    return getattr(pm, distribution)(name, **dict(zip(arguments, values, strict=True)), **options)
