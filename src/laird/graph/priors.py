"""Rows of the prior table as PyMC variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pymc.distributions.transforms import log
from pytensor.compile.sharedvalue import shared

from laird.posterior.names import identifier
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
        "log_student_t": ("LogStudentT", ("nu", "mu", "sigma")),
        "uniform": ("Uniform", ("lower", "upper")),
        "flat": ("Flat", ()),
    }
)


def scalar(name: str, row: PriorRow) -> Tensor:
    """Add one parameter to the model in context."""
    return _variable(name, [row])


def vector(name: str, rows: Sequence[PriorRow], dim: str, terms: Sequence[str]) -> Tensor:
    """Add a vector of parameters: one variable when the rows share a family, else one for each row.

    In the second case they are called ``name_term`` and `name` is a `Deterministic`.
    """
    if len({row.family for row in rows}) == 1:
        return _variable(name, rows, dims=dim)
    taken: list[str] = []
    for term in terms:
        taken.append(identifier(f"{name}_{term}", taken))
    parts = [scalar(own, row) for own, row in zip(taken, rows, strict=True)]
    return pm.Deterministic(name, pt.stack(parts), dims=dim)


def _variable(name: str, rows: Sequence[PriorRow], dims: str | None = None) -> Tensor:
    """Add rows of one family; their values are data."""
    distribution, arguments = DISTRIBUTIONS[rows[0].family]
    if rows[0].family == "flat" and rows[0].kind != "coefficient":
        distribution = "HalfFlat"
    columns = zip(*(row.values for row in rows), strict=True)
    values = {
        key: exchangeable(f"{name}_{key}", column if dims else column[0])
        for key, column in zip(arguments, columns, strict=True)
    }
    build = _log_student_t if distribution == "LogStudentT" else getattr(pm, distribution)
    return build(name, **values, dims=dims)


def exchangeable(name: str, value: Any) -> Tensor:
    """Numbers that compiled functions take as an input: others of the same shape compile nothing."""
    number = np.asarray(value)
    return shared(number, name=name, shape=number.shape)  # type: ignore[no-untyped-call]


def _log_student_t(name: str, nu: Tensor, mu: Tensor, sigma: Tensor, dims: str | None) -> Tensor:
    """Add exp(t) with t from a Student t, which PyMC does not have."""

    def draw(nu: Tensor, mu: Tensor, sigma: Tensor, size: Tensor) -> Tensor:
        return pt.exp(pm.StudentT.dist(nu, mu=mu, sigma=sigma, size=size))

    return pm.CustomDist(name, nu, mu, sigma, dist=draw, default_transform=log, dims=dims)
